# What users of the harness say in CMake: cupel_add_tests and cupel_add_fuzzers. Used by our own rooms, by projects that
# take this one in with add_subdirectory, and, installed, by those that say find_package(cupel COMPONENTS harness).
#
# Outside, CUPEL_VARIANT with cupel_enable_variants (Project.cmake) chooses what is built and how. Where the flags come from
# elsewhere, CUPEL_ENGINE alone does: empty (the default) makes test programs; a flag or an archive, such as
# -fsanitize=fuzzer or $LIB_FUZZING_ENGINE, makes one executable a PROPERTY, linked with that engine. The code under test
# then wants its instrumentation in CFLAGS, as OSS-Fuzz hands it over.
set(CUPEL_ENGINE "" CACHE STRING "What links a fuzzing engine in: a flag or an archive; empty builds test programs")
set(cupel_fuzz_targets OFF)
if(CUPEL_ENGINE)
  set(cupel_fuzz_targets ON)
endif()
set(CUPEL_FUZZ_TARGETS ${cupel_fuzz_targets} CACHE INTERNAL "one executable a PROPERTY instead of test programs")

# The names of the PROPERTYs in a list of sources, as SUITE_NAME. One registration: the source itself.
function(cupel__properties result)
  cupel__titles(titles ${ARGN})
  string(REPLACE "." "_" names "${titles}")
  string(REPLACE ":" ";" names "${names}")
  set(${result} ${names} PARENT_SCOPE)
endfunction()

# The same as titles, SUITE.NAME, joined by colons.
function(cupel__titles result)
  set(names "")
  foreach(source ${ARGN})
    get_filename_component(path ${source} ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(STRINGS ${path} lines REGEX "^(CUPEL_)?PROPERTY\\([A-Za-z_0-9]+, *[A-Za-z_0-9]+")
    foreach(line ${lines})
      string(REGEX REPLACE "^(CUPEL_)?PROPERTY\\(([A-Za-z_0-9]+), *([A-Za-z_0-9]+).*" "\\2.\\3" title "${line}")
      list(APPEND names ${title})
    endforeach()
  endforeach()
  list(JOIN names ":" names)
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

# Warnings and the variant's flags for our own targets; a stranger's targets have flags of their own.
function(cupel__own_flags target)
  if(COMMAND cupel_flags AND PROJECT_NAME STREQUAL "cupel")
    cupel_flags(${target} ${ARGN})
  endif()
endfunction()

# cupel_engine_driver(RESULT): what links the engine's driver into a program that has a main of its own; empty where that
# cannot be had: an engine in an archive of somebody else's, or no runtime without a main.
function(cupel_engine_driver result)
  set(${result} "" PARENT_SCOPE)
  set(engine "${CUPEL_ENGINE}")
  if(engine STREQUAL "") # a variant without engines that asks all the same
    set(engine -fsanitize=fuzzer)
  endif()
  if(NOT engine MATCHES "^-fsanitize=fuzzer(,|$)" OR NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    return()
  endif()
  if(CMAKE_C_COMPILER MATCHES "afl-") # its driver's main is weak
    set(${result} ${engine} -Wl,-u,LLVMFuzzerRunDriver stdc++ m PARENT_SCOPE)
    return()
  endif()
  foreach(name libclang_rt.fuzzer_no_main-${CMAKE_SYSTEM_PROCESSOR}.a libclang_rt.fuzzer_no_main.a)
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=${name} OUTPUT_VARIABLE archive ERROR_QUIET
      OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(EXISTS "${archive}")
      string(REGEX REPLACE "^-fsanitize=fuzzer,?" "" others "${engine}")
      if(others)
        set(others -fsanitize=${others})
      endif()
      set(${result} ${others} -Wl,-u,LLVMFuzzerRunDriver ${archive} stdc++ m PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# Programs of objects alone have no language of their own: C++ where a source is.
function(cupel__linker_language target)
  set(language C)
  if(ARGN MATCHES "\\.(cc|cpp|cxx|c\\+\\+|C)(;|$)")
    set(language CXX)
  endif()
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE ${language})
endfunction()

# cupel_add_tests(NAME SOURCES ... LINK ... [FUZZ_ROOT DIR] [SWEEP] [LABELS ...] [TIMEOUT SECONDS] [DISCOVER])
# The test program bin/tests/NAME and its ctest entry. Where engines are built: one executable bin/fuzz/SUITE_NAME for
# each PROPERTY instead, and, with an engine that can be linked without its main, bin/tests/NAME --fuzz=SUITE.NAME.
# FUZZ_ROOT is where corpora/, regressions/ and dictionaries/ are (default: fuzz/ of the project).
# LABELS stand in ctest beside "program"; TIMEOUT is the entry's, 600 by default; status 77 is a skip. DISCOVER: an entry a
# test, NAME.SUITE.TEST, in place of one for the program.
# SWEEP: a second entry, NAME.sweep, fails every allocation of each test in turn. In projects of others, NAME.regressions
# replays what is stored of each PROPERTY and nothing else.
function(cupel_add_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SWEEP;DISCOVER" "FUZZ_ROOT;TIMEOUT" "SOURCES;LINK;LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "cupel_add_tests(${name}): needs SOURCES; does not know '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_FUZZ_ROOT)
    set(arg_FUZZ_ROOT ${PROJECT_SOURCE_DIR}/fuzz)
  endif()
  set(objects cupel_tests_${name})
  add_library(${objects} OBJECT ${arg_SOURCES})
  target_compile_definitions(${objects} PRIVATE CUPEL_FUZZ_ROOT="${arg_FUZZ_ROOT}" CUPEL_TEST_BINARY_DIR="${PROJECT_BINARY_DIR}"
    CUPEL_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${objects} PUBLIC cupel::harness ${arg_LINK})
  cupel__own_flags(${objects})
  if(CUPEL_FUZZ_TARGETS)
    cupel__properties(targets ${arg_SOURCES})
    foreach(target ${targets})
      cupel__add_fuzz_executable(${target} ${objects} ${arg_SOURCES})
      cupel__add_fuzz_furniture(${target} ${arg_FUZZ_ROOT} "${arg_SOURCES}")
    endforeach()
    cupel_engine_driver(driver)
    if(NOT targets OR NOT driver)
      return()
    endif()
  endif()
  add_executable(test_${name})
  set_target_properties(test_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests)
  cupel__linker_language(test_${name} ${arg_SOURCES})
  cupel__own_flags(test_${name})
  target_link_libraries(test_${name} PRIVATE ${objects} cupel::harness_main)
  if(CUPEL_FUZZ_TARGETS) # runs, sweeps, replays, and fuzzes with --fuzz; but the tests' own tools are not built here
    target_link_libraries(test_${name} PRIVATE ${driver})
    return()
  endif()
  if(arg_DISCOVER)
    include(GoogleTest)
    gtest_discover_tests(test_${name} TEST_PREFIX ${name}. WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} DISCOVERY_TIMEOUT 60)
    # Its own PROPERTIES take no list, such as labels are: they are set when ctest has read the entries.
    set(properties ${CMAKE_CURRENT_BINARY_DIR}/${name}_properties.cmake)
    file(CONFIGURE OUTPUT ${properties} @ONLY
      CONTENT "set_tests_properties(\${test_@name@_TESTS} PROPERTIES LABELS \"program;@arg_LABELS@\" TIMEOUT @arg_TIMEOUT@)\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${properties})
  else()
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS "program;${arg_LABELS}" SKIP_RETURN_CODE 77 TIMEOUT ${arg_TIMEOUT})
  endif()
  cupel__add_further_tests(${name} "${arg_SWEEP}" ${arg_SOURCES})
endfunction()

# What only projects of others want: their programs' own flags for linking, and entries of ctest beside the program's.
function(cupel__add_further_tests name has_sweep)
  if(has_sweep)
    add_test(NAME ${name}.sweep COMMAND test_${name} --sweep WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name}.sweep PROPERTIES LABELS sweep SKIP_RETURN_CODE 77 TIMEOUT 600)
  endif()
  if(PROJECT_NAME STREQUAL "cupel")
    return()
  endif()
  target_link_options(test_${name} PRIVATE ${CUPEL_PROGRAM_LINK_FLAGS})
  if(TARGET cupel_report_coverage)
    add_dependencies(cupel_report_coverage test_${name})
  endif()
  cupel__titles(titles ${ARGN})
  if(titles)
    add_test(NAME ${name}.regressions COMMAND test_${name} --cases=1 --filter=${titles} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name}.regressions PROPERTIES LABELS regression SKIP_RETURN_CODE 77 TIMEOUT 600)
  endif()
endfunction()

# cupel_add_fuzzers(SOURCES old.c ... [LINK ...] [FUZZ_ROOT DIR])
# Each source holds an LLVMFuzzerTestOneInput that exists already. It becomes the property fuzzer.STEM: a test over its
# corpus, and the target fuzzer_STEM of every engine. The source stays as it is; its two entry points are renamed by
# definitions, so that several may stand in one project.
function(cupel_add_fuzzers)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "FUZZ_ROOT" "SOURCES;LINK")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "cupel_add_fuzzers: needs SOURCES; does not know '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  foreach(source ${arg_SOURCES})
    get_filename_component(stem ${source} NAME_WE)
    string(MAKE_C_IDENTIFIER ${stem} stem)
    set(old cupel_fuzzer_${stem})
    add_library(${old} OBJECT ${source})
    target_compile_definitions(${old} PRIVATE LLVMFuzzerTestOneInput=cupel_fuzzer_one_${stem}
      LLVMFuzzerInitialize=cupel_fuzzer_initialize_${stem})
    target_link_libraries(${old} PUBLIC ${arg_LINK})
    set(CUPEL_STEM ${stem})
    set(property ${CMAKE_CURRENT_BINARY_DIR}/fuzzer_${stem}.c)
    configure_file(${CUPEL_HARNESS_MODULE_DIR}/fuzzer.c.in ${property} @ONLY)
    cupel_add_tests(fuzzer_${stem} SOURCES ${property} LINK ${old} FUZZ_ROOT ${arg_FUZZ_ROOT})
    # Objects travel only to those that link them directly.
    foreach(target test_fuzzer_${stem} fuzz_fuzzer_${stem})
      if(TARGET ${target})
        target_link_libraries(${target} PRIVATE ${old})
      endif()
    endforeach()
  endforeach()
endfunction()
set(CUPEL_HARNESS_MODULE_DIR ${CMAKE_CURRENT_LIST_DIR} CACHE INTERNAL "where Harness.cmake and its templates are")

# One engine executable for one property of some test objects, made of the sources named after it. The generated line names
# the property's descriptor: a wrong name is a link error.
function(cupel__add_fuzz_executable target objects)
  set(line ${CMAKE_CURRENT_BINARY_DIR}/fuzz_${target}.c)
  file(CONFIGURE OUTPUT ${line} CONTENT "#define CUPEL_TARGET ${target}\n#include \"harness/src/fuzz_target.inc\"\n" @ONLY)
  add_executable(fuzz_${target} ${line})
  set_target_properties(fuzz_${target} PROPERTIES OUTPUT_NAME ${target} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/fuzz)
  cupel__linker_language(fuzz_${target} ${ARGN})
  cupel__own_flags(fuzz_${target} UNINSTRUMENTED)
  target_link_libraries(fuzz_${target} PRIVATE ${objects} ${CUPEL_ENGINE} stdc++ m pthread)
endfunction()
