# What `make install` adds to libraries, headers and tools: the CMake package, the pkg-config files, the modules, and the
# sources, from which users of the package build the variants.
if(NOT CUPEL_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cupel)
install(EXPORT cupel NAMESPACE cupel:: DESTINATION ${package_dir} FILE cupelTargets.cmake)
configure_package_config_file(ci/cmake/cupelConfig.cmake.in ${PROJECT_BINARY_DIR}/cupelConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_DATADIR)
# Before 1.0 a minor version may change an interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cupelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cupelConfig.cmake ${PROJECT_BINARY_DIR}/cupelConfigVersion.cmake ci/cmake/Harness.cmake
  ci/cmake/Project.cmake ci/cmake/fuzzer.c.in DESTINATION ${package_dir})
install(FILES CMakeLists.txt LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/cupel/src)
install(DIRECTORY alloc vm harness coverage fuzz ci DESTINATION ${CMAKE_INSTALL_DATADIR}/cupel/src
  FILES_MATCHING PATTERN "*.[ch]" PATTERN "*.inc" PATTERN "*.def" PATTERN "*.in" PATTERN "*.ld" PATTERN "*.cmake"
  PATTERN CMakeLists.txt PATTERN packages.txt PATTERN valgrind.supp
  PATTERN tests EXCLUDE PATTERN bench EXCLUDE PATTERN examples EXCLUDE PATTERN editors EXCLUDE PATTERN lint EXCLUDE
  PATTERN corpora EXCLUDE PATTERN regressions EXCLUDE PATTERN dictionaries EXCLUDE PATTERN bodies EXCLUDE)
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
# From the package files to the prefix, so that an installed tree may be moved.
file(RELATIVE_PATH CUPEL_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" CUPEL_PC_UP "${CUPEL_PC_UP}")
configure_file(ci/cmake/cupel.pc.in ${PROJECT_BINARY_DIR}/cupel.pc @ONLY)
# cupel-test is what a test program links: the libraries, and main, which is an object.
set(CUPEL_PC_OBJECTS "")
get_target_property(sources cupel_harness_main SOURCES)
foreach(source ${sources})
  get_filename_component(source ${source} NAME)
  string(APPEND CUPEL_PC_OBJECTS " \${libdir}/cupel/main/${source}.o")
endforeach()
install(FILES $<TARGET_OBJECTS:cupel_harness_main> DESTINATION ${CMAKE_INSTALL_LIBDIR}/cupel/main)
configure_file(ci/cmake/cupel-test.pc.in ${PROJECT_BINARY_DIR}/cupel-test.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cupel.pc ${PROJECT_BINARY_DIR}/cupel-test.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
