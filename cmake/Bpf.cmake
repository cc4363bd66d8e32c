# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# add_bpf_skeleton(NAME SOURCES a.bpf.c … [INCLUDES folder …]): each source to a BPF object, linked to NAME.bpf.o by
# `bpftool gen object`, and NAME.skel.h from it; the INTERFACE target bpf_NAME puts the header on the include path. Header
# edits rebuild.
find_program(BPF_CLANG clang REQUIRED)
find_program(BPFTOOL bpftool REQUIRED PATHS /usr/sbin /sbin)

execute_process(COMMAND ${CMAKE_C_COMPILER} -print-multiarch OUTPUT_VARIABLE BPF_MULTIARCH OUTPUT_STRIP_TRAILING_WHITESPACE)

function(add_bpf_skeleton NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;INCLUDES" ${ARGN})
  list(TRANSFORM ARG_INCLUDES PREPEND -I)
  set(out ${CMAKE_CURRENT_BINARY_DIR})
  set(objects)
  foreach(source ${ARG_SOURCES})
    get_filename_component(stem ${source} NAME_WLE)
    set(object ${out}/${stem}.part.o)
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-missing-field-initializers
              -fno-stack-protector -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
              -isystem /usr/include/${BPF_MULTIARCH} -I${CMAKE_SOURCE_DIR}/maps -I${CMAKE_CURRENT_SOURCE_DIR} ${ARG_INCLUDES}
              -MD -MT ${object} -MF ${object}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      DEPFILE ${object}.d
      COMMENT "BPF ${source}"
      VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  add_custom_command(
    OUTPUT ${out}/${NAME}.bpf.o ${out}/${NAME}.skel.h
    COMMAND ${BPFTOOL} gen object ${out}/${NAME}.bpf.o ${objects}
    COMMAND ${BPFTOOL} gen skeleton ${out}/${NAME}.bpf.o name ${NAME}_bpf > ${out}/${NAME}.skel.h
    DEPENDS ${objects}
    COMMENT "BPF skeleton ${NAME}"
    VERBATIM)
  add_custom_target(bpf_${NAME}_skeleton DEPENDS ${out}/${NAME}.skel.h)
  add_library(bpf_${NAME} INTERFACE)
  add_dependencies(bpf_${NAME} bpf_${NAME}_skeleton)
  target_include_directories(bpf_${NAME} SYSTEM INTERFACE ${out})
  target_link_libraries(bpf_${NAME} INTERFACE PkgConfig::BPF)
endfunction()
