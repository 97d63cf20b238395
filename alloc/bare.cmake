# The debug allocator for machines without an operating system and without a C library: these sources, built with -ffreestanding, stand on
# nothing but memcpy, memmove, memset and memcmp, which compilers ask every environment for. Blocks and records come from any allocator, say
# cupel_fixed over a static buffer; findings go to a function (options.sink.put, or .call). Compile-time sizes: CUPEL_DEBUG_UNITS_MAX.
set(CUPEL_BARE_SOURCES
  src/alloc.c src/fixed.c src/debug.c src/debug_addresses.c src/debug_backing.c src/debug_bare.c src/debug_block.c src/debug_canary.c
  src/debug_defaults.c src/debug_explain.c src/debug_find.c src/debug_forget.c src/debug_large.c src/debug_leaks.c src/debug_meta.c
  src/debug_reopen.c src/debug_retire.c src/debug_seal.c src/debug_span.c src/debug_statistics.c src/debug_sweep.c src/debug_tell.c src/debug_thread.c
  src/debug_trim.c src/debug_walk.c src/report.c src/report_output.c src/text.c)
cupel_add_script_test(alloc_debug_bare COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/debug_bare.sh LABELS script VARIANTS dev)
