# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# embed_text(TARGET FILE SYMBOL): FILE as `extern const std::string_view SYMBOL` of namespace weft, compiled into TARGET.
# A raw string per 8 KiB, since compilers need not take longer literals.
function(embed_text TARGET FILE SYMBOL)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${SYMBOL}.cpp)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FILE})
  file(READ ${FILE} text)
  string(LENGTH "${text}" length)
  set(literals "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8192 chunk)
    string(APPEND literals "R\"__weft__(${chunk})__weft__\"\n")
    math(EXPR at "${at} + 8192")
  endwhile()
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
       "// Made from ${FILE}.\n#include <string_view>\nnamespace weft {\nextern const std::string_view ${SYMBOL};\nconst std::string_view ${SYMBOL} =\n@literals@;\n}  // namespace weft\n")
  target_sources(${TARGET} PRIVATE ${out})
endfunction()
