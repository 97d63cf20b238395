# The runner's tests: fixture programs whose tests fail on purpose, which no ctest entry runs, and what runs them.
cupel_add_tool(test SOURCES tool/test.c tool/test_find.c tool/test_run.c LINK cupel::harness)
if(CUPEL_TESTS AND NOT CUPEL_FUZZ_TARGETS)
  foreach(fixture outcomes)
    add_executable(fixture_${fixture} tests/fixtures/${fixture}.c)
    set_target_properties(fixture_${fixture} PROPERTIES OUTPUT_NAME ${fixture}
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/fixtures)
    cupel_flags(fixture_${fixture})
    target_link_libraries(fixture_${fixture} PRIVATE cupel::harness cupel::harness_main Threads::Threads)
  endforeach()
  cupel_add_tests(runner LINK cupel::alloc
    SOURCES tests/test_runner.c tests/test_runner_flags.c tests/test_runner_reports.c)
  add_dependencies(test_runner fixture_outcomes cupel-test)
endif()
