# What `make install` adds to libraries, headers and tools: the CMake package, the pkg-config file, the modules.
if(NOT CUPEL_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cupel)
install(EXPORT cupel NAMESPACE cupel:: DESTINATION ${package_dir} FILE cupelTargets.cmake)
configure_package_config_file(ci/cmake/cupelConfig.cmake.in ${PROJECT_BINARY_DIR}/cupelConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change an interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cupelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cupelConfig.cmake ${PROJECT_BINARY_DIR}/cupelConfigVersion.cmake ci/cmake/Harness.cmake
  ci/cmake/fuzzer.c.in DESTINATION ${package_dir})
# Engine executables are made in the user's build from these two.
install(FILES harness/src/fuzz_target.h harness/src/fuzz_target.inc DESTINATION include/cupel/harness/src)

# Archives find what they need in those that stand after them: the ladder from its top to its bottom.
get_property(rooms GLOBAL PROPERTY CUPEL_ROOMS)
set(CUPEL_PC_LIBS "")
foreach(room fuzz coverage harness vm alloc)
  if(room IN_LIST rooms)
    string(APPEND CUPEL_PC_LIBS " -lcupel_${room}")
  endif()
endforeach()
configure_file(ci/cmake/cupel.pc.in ${PROJECT_BINARY_DIR}/cupel.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cupel.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
