# Traces: the walk over stacks, the store, and what prints them.
target_sources(cupel_alloc PRIVATE src/stack.c src/trace.c src/trace_print.c src/trace_store.c src/trace_frames.c src/trace_hash.c
  src/trace_lock.c src/trace_modules.c src/trace_rules.c src/trace_walk.c src/trace_memo.c src/trace_thread.c
  src/cfi_record.c src/cfi_program.c src/cfi_expression.c src/cfi_step.c)
# Unwinding tables are found without the loader's lock through _dl_find_object (glibc 2.35).
include(CheckSymbolExists)
set(CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
check_symbol_exists(_dl_find_object dlfcn.h CUPEL_HAS_DL_FIND_OBJECT)
unset(CMAKE_REQUIRED_DEFINITIONS)
if(CUPEL_HAS_DL_FIND_OBJECT)
  target_compile_definitions(cupel_alloc PRIVATE CUPEL_HAS_DL_FIND_OBJECT)
endif()

cupel_add_bench(alloc_trace SOURCES bench/bench_trace.c bench/bench_trace_calls.c bench/bench_trace_chained.c bench/measure.c LINK cupel::alloc)
set_source_files_properties(bench/bench_trace_calls.c PROPERTIES COMPILE_OPTIONS -fomit-frame-pointer)
set_source_files_properties(bench/bench_trace_chained.c PROPERTIES COMPILE_OPTIONS -fno-omit-frame-pointer)
