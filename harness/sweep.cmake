# The sweep: every request failing in turn, for tests and for a function of any program. Included by inputs.cmake.
set(CUPEL_SWEEP_ENGINE src/sweep_all.c src/sweep_calls.c src/sweep_findings.c src/sweep_order.c src/sweep_points.c src/sweep_public.c
  src/sweep_record.c src/sweep_report.c src/sweep_watch.c src/sites.c src/crash_note.c
  src/meddler.c)
target_sources(cupel_harness PRIVATE ${CUPEL_SWEEP_ENGINE} src/sweep.c src/suppress.c src/callers.c src/settings_sweep.c src/quote.c)
target_sources(cupel_harness PUBLIC FILE_SET HEADERS FILES sweep.h)
# gcc turns fork into a call that writes and clears the coverage counters; ours are shared with the child instead.
set_source_files_properties(src/sweep_watch.c PROPERTIES COMPILE_OPTIONS -fno-builtin-fork)

# The sweep's budgets are for AddressSanitizer: this benchmark is built with it, and what it stands on beside it.
if(CUPEL_VARIANT STREQUAL "release" AND CUPEL_TESTS)
  get_target_property(alloc_sources cupel_alloc SOURCES)
  list(TRANSFORM alloc_sources PREPEND ${PROJECT_SOURCE_DIR}/alloc/)
  cupel_add_bench(sweep LINK Threads::Threads ${CMAKE_DL_LIBS}
    SOURCES bench/bench_sweep.c ${alloc_sources} src/child.c src/result.c src/title.c
      src/fault_note.c src/last_words.c src/symbolise.c src/quote.c src/route.c src/route_blocks.c src/route_left.c src/route_callers.c
      ${CUPEL_SWEEP_ENGINE})
  # gcc's optimizer sees uninitialised values in the sanitizer's own code.
  target_compile_options(bench_sweep PRIVATE -fsanitize=address -fno-omit-frame-pointer
    $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(bench_sweep PRIVATE -fsanitize=address)
endif()
