# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# `cmake --build build/release --target package` makes weft_VERSION_ARCHITECTURE.deb of what Install.cmake installs.
# dist/debian has the maintainer scripts; tests/package installs, upgrades and removes it.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weft)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_FILE_NAME weft)
set(CPACK_PACKAGE_VENDOR "the weft authors")
set(CPACK_STRIP_FILES ON)
# The prefix of the package is /usr, and absolute paths are under the staging folder too.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};weft;weft;/;${CMAKE_BINARY_DIR};weft;debian;/")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The weft authors <weft@weft.example>")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "python3, systemd")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS iproute2)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "keepalived, bash-completion")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "VXLAN and NVGRE overlay and virtual switch in eBPF
weft turns a host into a VXLAN and NVGRE tunnel end point, an L2 bridge to
physical VLANs, a virtual switch for guests and a distributed gateway between
their segments. XDP and TC programs forward, a daemon fills their tables, and
a command line manages them. The programs go on forwarding while the daemon
is stopped or upgraded.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(script postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/dist/debian/${script})
endforeach()

# Debian's own, of no use to an installation by hand.
configure_file(dist/debian/changelog.in ${CMAKE_BINARY_DIR}/debian/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9nkf ${CMAKE_BINARY_DIR}/debian/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
function(install_debian)
  install(${ARGN} COMPONENT debian EXCLUDE_FROM_ALL)
endfunction()
install_debian(FILES ${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/weft)
install_debian(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/weft RENAME copyright)
install_debian(FILES dist/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME weft)
install_debian(FILES ${CMAKE_BINARY_DIR}/installed/weftd.service DESTINATION /lib/systemd/system)
install_debian(DIRECTORY DESTINATION /etc/weft)

# What a package must have and this machine cannot make is said, not left out.
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
foreach(tool PANDOC DPKG_SHLIBDEPS)
  if(NOT ${tool})
    string(TOLOWER ${tool} missing)
    string(REPLACE _ - missing ${missing})
    list(APPEND package_lacks ${missing})
  endif()
endforeach()
if(package_lacks)
  list(JOIN package_lacks ", " package_lacks)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/debian/lacks.cmake @ONLY
       CONTENT "message(FATAL_ERROR \"a package cannot be made without @package_lacks@: install it and configure again\")\n")
  set(CPACK_INSTALL_SCRIPTS ${CMAKE_BINARY_DIR}/debian/lacks.cmake)
endif()
include(CPack)
