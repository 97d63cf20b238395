# Inputs: bytes, generation, shrinking; properties, sweeps and engine targets over them. Included by CMakeLists.txt.
target_sources(cupel_harness PRIVATE src/generate.c src/shrink.c src/files.c
  src/case.c src/child.c src/decode.c src/inputs.c src/keep.c src/seed.c src/property.c src/property_report.c src/replay.c src/strong.c
  src/meter.c src/steady.c)
target_sources(cupel_harness PUBLIC FILE_SET HEADERS FILES property.h)
include(sweep.cmake)
# gcc turns fork into a call that writes and clears the coverage counters; ours are shared with the child instead.
set_source_files_properties(src/decode.c src/property.c src/replay.c
  PROPERTIES COMPILE_OPTIONS -fno-builtin-fork)
# A program that fails on purpose, for the tests of the harness: bin/tests/fixtures/NAME, unknown to ctest.
function(cupel__add_fixture name)
  add_executable(fixture_${name} tests/fixtures/${name}.c)
  set_target_properties(fixture_${name} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests/fixtures)
  target_compile_definitions(fixture_${name} PRIVATE CUPEL_FUZZ_ROOT="fuzzroot")
  # Tests expect each function of a fixture on its stacks, in optimised builds too.
  cupel_flags(fixture_${name})
  target_compile_options(fixture_${name} PRIVATE -fno-inline -fno-optimize-sibling-calls -fno-omit-frame-pointer)
  target_link_libraries(fixture_${name} PRIVATE cupel::harness ${ARGN})
endfunction()
if(CUPEL_TESTS)
  cupel_add_example(property_reverse SOURCES examples/property_reverse.c LINK cupel::harness cupel::harness_main)
  cupel_add_example(starved_parser SOURCES examples/starved_parser.c LINK cupel::harness)
  cupel_add_tests(harness_inputs LINK cupel::harness
    SOURCES tests/test_bytes.c tests/test_check.c tests/test_shrink.c tests/test_sweep_function.c tests/test_sweep_modes.c tests/test_steady.c
      tests/test_meter.c tests/test_difference.c tests/test_files.c tests/test_follows.c
      tests/test_parts.c)
  if(NOT CUPEL_FUZZ_TARGETS)
    cupel__add_fixture(starved cupel::harness_main)
    cupel__add_fixture(untidy cupel::harness_main)
    cupel__add_fixture(faulty_io cupel::harness_main)
    cupel__add_fixture(inputs cupel::harness_main)
    # The variant in which one program does everything: with libFuzzer's driver in it, and its code under test marked.
    cupel_engine_driver(driver)
    if(CUPEL_VARIANT STREQUAL "asan" AND driver)
      target_compile_options(fixture_inputs PRIVATE -fsanitize=fuzzer-no-link)
      target_link_libraries(fixture_inputs PRIVATE ${driver})
      set(has_engine 1)
    endif()
    cupel__add_fixture(engine)
    cupel__add_fixture(driven cupel::harness_main)
    cupel__add_fixture(sweep_parser)
    target_sources(fixture_engine PRIVATE tests/fixtures/inputs.c)
    target_sources(fixture_driven PRIVATE tests/fixtures/inputs.c)
    cupel_add_tests(harness_properties LINK cupel::harness
      SOURCES tests/test_property.c tests/test_sweep.c tests/test_sweep_rude.c tests/test_findings.c tests/test_suppress.c tests/test_fuzz_target.c tests/test_drivers.c
        tests/test_keep.c tests/test_io_faults.c)
    target_compile_definitions(cupel_tests_harness_properties PRIVATE HAS_ENGINE=0${has_engine})
    add_dependencies(test_harness_properties cupel-test fixture_sweep_parser fixture_starved fixture_untidy fixture_faulty_io fixture_inputs fixture_engine fixture_driven)
    cupel_add_script_test(harness.drivers LABELS script VARIANTS dev
      COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/drivers.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  endif()
endif()
