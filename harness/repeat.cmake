# Repeats: what they vary, what they come to, and what they cost. Included by CMakeLists.txt.
target_sources(cupel_harness PRIVATE src/perturb.c src/perturb_apply.c src/perturb_process.c src/growth.c src/growth_again.c
  src/flakes.c src/bisect.c src/follows.c src/retries.c)
cupel_add_bench(repeat SOURCES bench/bench_repeat.c LINK cupel::alloc)
if(TARGET bench_repeat)
  target_compile_definitions(bench_repeat PRIVATE BENCH_RIVALS="${PROJECT_BINARY_DIR}/bin/rivals")
  add_dependencies(bench_repeat bench_trivial)
endif()
