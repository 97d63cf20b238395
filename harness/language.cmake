# The languages of others: GoogleTest's words and files, JUnit, TAP; programs of other frameworks. Included by CMakeLists.txt.
target_sources(cupel_harness PRIVATE src/settings_gtest.c src/suites.c src/xml.c
  src/report_groups.c src/report_junit.c src/report_gtest.c src/report_gtest_files.c)

if(CUPEL_TESTS AND NOT CUPEL_FUZZ_TARGETS)
  cupel_add_tests(harness_language SOURCES tests/test_language.c LINK cupel::alloc)
  add_dependencies(test_harness_language fixture_outcomes cupel-test)
endif()
