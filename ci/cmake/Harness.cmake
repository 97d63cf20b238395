# What users of the harness say in CMake: cupel_add_tests and cupel_add_fuzzers. Installed with the package.

# The names of the PROPERTYs in a list of sources, as SUITE_NAME. One registration: the source itself.
function(cupel__properties result)
  set(names "")
  foreach(source ${ARGN})
    get_filename_component(path ${source} ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(STRINGS ${path} lines REGEX "^PROPERTY\\([A-Za-z_0-9]+, *[A-Za-z_0-9]+")
    foreach(line ${lines})
      string(REGEX REPLACE "^PROPERTY\\(([A-Za-z_0-9]+), *([A-Za-z_0-9]+).*" "\\1_\\2" target "${line}")
      list(APPEND names ${target})
    endforeach()
  endforeach()
  set(${result} ${names} PARENT_SCOPE)
endfunction()

# cupel_add_tests(NAME SOURCES ... LINK ... [FUZZ_ROOT DIR])
# The test program bin/tests/NAME and its ctest entry. In the fuzz and afl variants: one executable bin/fuzz/SUITE_NAME
# for each PROPERTY instead. FUZZ_ROOT is where corpora/, regressions/ and dictionaries/ are (default: fuzz/ of the project).
function(cupel_add_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FUZZ_ROOT" "SOURCES;LINK")
  if(NOT arg_FUZZ_ROOT)
    set(arg_FUZZ_ROOT ${PROJECT_SOURCE_DIR}/fuzz)
  endif()
  set(objects cupel_tests_${name})
  add_library(${objects} OBJECT ${arg_SOURCES})
  target_compile_definitions(${objects} PRIVATE CUPEL_FUZZ_ROOT="${arg_FUZZ_ROOT}" CUPEL_TEST_BINARY_DIR="${PROJECT_BINARY_DIR}"
    CUPEL_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${objects} PUBLIC cupel::harness ${arg_LINK})
  cupel_flags(${objects})
  if(CUPEL_FUZZ_TARGETS)
    cupel__properties(targets ${arg_SOURCES})
    foreach(target ${targets})
      cupel__add_fuzz_executable(${target} ${objects})
    endforeach()
    return()
  endif()
  add_executable(test_${name})
  set_target_properties(test_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests)
  cupel_flags(test_${name})
  target_link_libraries(test_${name} PRIVATE ${objects} cupel_harness_main)
  add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS program SKIP_RETURN_CODE 77 TIMEOUT 600)
endfunction()

# One engine executable for one property of some test objects. The generated line names the property's descriptor:
# a wrong name is a link error.
function(cupel__add_fuzz_executable target objects)
  set(line ${CMAKE_CURRENT_BINARY_DIR}/fuzz_${target}.c)
  file(CONFIGURE OUTPUT ${line} CONTENT "#define CUPEL_TARGET ${target}\n#include \"harness/src/fuzz_target.inc\"\n" @ONLY)
  add_executable(fuzz_${target} ${line})
  set_target_properties(fuzz_${target} PROPERTIES OUTPUT_NAME ${target} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/fuzz
    LINKER_LANGUAGE C)
  target_include_directories(fuzz_${target} PRIVATE ${PROJECT_SOURCE_DIR})
  cupel_flags(fuzz_${target} UNINSTRUMENTED)
  target_link_libraries(fuzz_${target} PRIVATE ${objects} ${CUPEL_ENGINE} stdc++ m pthread)
endfunction()
