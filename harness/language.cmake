# The languages of others: GoogleTest's words and files, JUnit, TAP; programs of other frameworks. Included by CMakeLists.txt.
target_sources(cupel_harness PRIVATE src/settings_gtest.c src/suites.c src/filter.c src/xml.c
  src/report_groups.c src/report_junit.c src/report_gtest.c src/report_gtest_files.c)

if(CUPEL_TESTS AND NOT CUPEL_FUZZ_TARGETS)
  cupel_add_tests(harness_language SOURCES tests/test_language.c tests/test_filter.c LINK cupel::alloc)
  add_dependencies(test_harness_language fixture_outcomes cupel-test)
endif()
cupel_add_script_test(harness.discover COMMAND ${PROJECT_SOURCE_DIR}/harness/tests/discover.sh LABELS script VARIANTS dev)

# Selection and lists of a program of 8000 tests. It goes with what the benchmark of the runner starts.
cupel_add_bench(list SOURCES bench/bench_list.c LINK cupel::alloc)
if(TARGET bench_list)
  set(rivals ${PROJECT_BINARY_DIR}/bin/rivals)
  target_compile_definitions(bench_list PRIVATE BENCH_RIVALS="${rivals}" BENCH_BIN="${PROJECT_BINARY_DIR}/bin")
  add_executable(bench_many bench/many.c)
  set_target_properties(bench_many PROPERTIES OUTPUT_NAME many RUNTIME_OUTPUT_DIRECTORY ${rivals})
  cupel_flags(bench_many)
  target_link_libraries(bench_many PRIVATE cupel::harness cupel::harness_main)
  add_dependencies(bench_list bench_many cupel-test cupel)
endif()
