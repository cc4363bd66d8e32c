# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What `cmake --install` puts where. Package.cmake makes a Debian package of the same, with what is Debian's alone.
include(GNUInstallDirs)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME weft)

configure_file(${CMAKE_SOURCE_DIR}/cmake/InstallPaths.cmake.in ${CMAKE_BINARY_DIR}/installed/InstallPaths.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/installed/InstallPaths.cmake ALL_COMPONENTS)

install(TARGETS weftd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS weft RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS ${CMAKE_BINARY_DIR}/installed/weft-keepalived DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS dist/weft-notify DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/weft)
install(FILES dist/weft.sysusers DESTINATION lib/sysusers.d RENAME weft.conf)
install(FILES dist/weft.tmpfiles DESTINATION lib/tmpfiles.d RENAME weft.conf)
install(FILES dist/weft.sysctl DESTINATION lib/sysctl.d RENAME 60-weft.conf)
install(FILES dist/weft.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/weft)
install(DIRECTORY dist/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
# Debian's systemd looks in both, its packages use /lib.
install(FILES ${CMAKE_BINARY_DIR}/installed/weftd.service DESTINATION lib/systemd/system COMPONENT unit)

# Completion of the command line, from the table that makes its help.
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/installed/weft.bash
  COMMAND weft completion bash > ${CMAKE_BINARY_DIR}/installed/weft.bash
  DEPENDS weft
  VERBATIM)
add_custom_target(completion ALL DEPENDS ${CMAKE_BINARY_DIR}/installed/weft.bash)
set(completions ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${CMAKE_BINARY_DIR}/installed/weft.bash DESTINATION ${completions} RENAME weft)
install(FILES dist/weftd.bash DESTINATION ${completions} RENAME weftd)

# weft_manual(PAGE.SECTION SOURCE "NAME - what it is"): a manual from a page of docs, compressed as Debian wants it.
find_program(PANDOC pandoc)
if(NOT PANDOC)
  message(STATUS "no pandoc: no manuals are made, and no package")
endif()
function(weft_manual NAME SOURCE SUMMARY)
  if(NOT PANDOC)
    return()
  endif()
  get_filename_component(section ${NAME} LAST_EXT)
  string(SUBSTRING ${section} 1 -1 section)
  set(page ${CMAKE_BINARY_DIR}/man/${NAME})
  set(filter ${CMAKE_SOURCE_DIR}/dist/man.lua)
  add_custom_command(
    OUTPUT ${page} ${page}.gz
    COMMAND ${PANDOC} --standalone --from gfm --to man --lua-filter ${filter} -M page=${NAME} -M "summary=${SUMMARY}"
            -M version=${PROJECT_VERSION} ${SOURCE} --output ${page}
    COMMAND gzip -9nkf ${page}
    DEPENDS ${SOURCE} ${filter}
    VERBATIM)
  set_property(GLOBAL APPEND PROPERTY WEFT_MANUALS ${page}.gz)
  install(FILES ${page}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endfunction()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
weft_manual(weft.8 ${CMAKE_SOURCE_DIR}/docs/cli.md "weft - manages the tables of weftd")
weft_manual(weft.json.5 ${CMAKE_SOURCE_DIR}/docs/config.md "weft.json - configuration of weftd")
weft_manual(weftd.8 ${CMAKE_SOURCE_DIR}/docs/weftd.md "weftd, weft-keepalived - daemon of an eBPF overlay")
if(PANDOC)
  file(CREATE_LINK weftd.8.gz ${CMAKE_BINARY_DIR}/man/weft-keepalived.8.gz SYMBOLIC)
  install(FILES ${CMAKE_BINARY_DIR}/man/weft-keepalived.8.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
endif()
get_property(manuals GLOBAL PROPERTY WEFT_MANUALS)
add_custom_target(manuals ALL DEPENDS ${manuals})
