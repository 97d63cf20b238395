# The debug allocator: spans of slots, what is known of their blocks, and what is told of them.
target_sources(cupel_alloc PRIVATE src/debug.c src/debug_addresses.c src/debug_block.c src/debug_canary.c src/debug_explain.c
  src/debug_fault.c src/debug_find.c src/debug_large.c src/debug_leaks.c src/debug_map.c src/debug_meta.c src/debug_options.c
  src/debug_reach.c src/debug_retire.c src/debug_span.c src/debug_statistics.c src/debug_sweep.c src/debug_system.c
  src/debug_tell.c src/debug_thread.c src/maps.c src/report.c src/text.c)
