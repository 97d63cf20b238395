# The runner's tests: fixture programs whose tests fail on purpose, which no ctest entry runs, and what runs them.
cupel_add_tool(test SOURCES tool/test.c tool/test_find.c tool/test_run.c tool/test_sites.c tool/test_variants.c
  tool/test_wrap.c LINK cupel::harness)
if(CUPEL_TESTS AND NOT CUPEL_FUZZ_TARGETS)
  foreach(fixture outcomes rude flaky)
    add_executable(fixture_${fixture} tests/fixtures/${fixture}.c)
    set_target_properties(fixture_${fixture} PROPERTIES OUTPUT_NAME ${fixture}
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/fixtures)
    cupel_flags(fixture_${fixture})
    target_compile_options(fixture_${fixture} PRIVATE -fno-inline -fno-optimize-sibling-calls -fno-omit-frame-pointer)
    target_link_libraries(fixture_${fixture} PRIVATE cupel::harness cupel::harness_main Threads::Threads)
  endforeach()
  target_sources(fixture_rude PRIVATE tests/fixtures/meddling.c)
  cupel_add_tests(runner LINK cupel::alloc
    SOURCES tests/test_runner.c tests/test_runner_flags.c tests/test_runner_reports.c tests/test_left_behind.c
      tests/test_perturb.c tests/test_flakes.c tests/test_rude.c tests/test_debugger.c tests/test_variants.c
      tests/test_wrap.c tests/test_words.c)
  add_dependencies(test_runner fixture_outcomes fixture_rude fixture_flaky fixture_starved fixture_inputs cupel-test)
endif()

# The runner beside exec, cmocka and Criterion. What it starts is kept apart from the benchmarks themselves.
cupel_add_bench(runner SOURCES bench/bench_runner.c LINK cupel::alloc)
if(TARGET bench_runner)
  set(rivals ${PROJECT_BINARY_DIR}/bin/rivals)
  target_compile_definitions(bench_runner PRIVATE BENCH_RIVALS="${rivals}"
    BENCH_TESTS="${PROJECT_BINARY_DIR}/bin/tests")
  add_executable(bench_trivial bench/trivial.c)
  set_target_properties(bench_trivial PROPERTIES OUTPUT_NAME trivial RUNTIME_OUTPUT_DIRECTORY ${rivals})
  cupel_flags(bench_trivial)
  target_link_libraries(bench_trivial PRIVATE cupel::harness cupel::harness_main)
  add_dependencies(bench_runner bench_trivial)
  foreach(rival cmocka criterion)
    find_library(CUPEL_${rival}_LIBRARY ${rival})
    find_path(CUPEL_${rival}_INCLUDE NAMES ${rival}.h ${rival}/${rival}.h)
    mark_as_advanced(CUPEL_${rival}_LIBRARY CUPEL_${rival}_INCLUDE)
    if(CUPEL_${rival}_LIBRARY AND CUPEL_${rival}_INCLUDE)
      add_executable(rival_${rival} bench/rival_${rival}.c)
      set_target_properties(rival_${rival} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${rivals} C_EXTENSIONS ON)
      target_compile_options(rival_${rival} PRIVATE -O2)
      target_include_directories(rival_${rival} PRIVATE ${CUPEL_${rival}_INCLUDE})
      target_link_libraries(rival_${rival} PRIVATE ${CUPEL_${rival}_LIBRARY})
      add_dependencies(bench_runner rival_${rival})
    endif()
  endforeach()
endif()
cupel_add_example(first_test SOURCES examples/first_test.c LINK cupel::harness cupel::harness_main)
