# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# What `cmake --install` puts where.
include(GNUInstallDirs)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME weft)

configure_file(${CMAKE_SOURCE_DIR}/cmake/InstallPaths.cmake.in ${CMAKE_BINARY_DIR}/installed/InstallPaths.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/installed/InstallPaths.cmake ALL_COMPONENTS)

install(TARGETS weftd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS weft RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS ${CMAKE_BINARY_DIR}/installed/weft-keepalived DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS dist/weft-notify DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/weft)
install(FILES dist/weft.sysusers DESTINATION lib/sysusers.d RENAME weft.conf)
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
