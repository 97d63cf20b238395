# The debug allocator: spans of slots, what is known of their blocks, and what is told of them.
target_sources(cupel_alloc PRIVATE src/debug.c src/debug_addresses.c src/debug_altstack.c src/debug_backing.c src/debug_block.c src/debug_canary.c src/debug_defaults.c src/debug_explain.c
  src/debug_fault.c src/debug_find.c src/debug_forget.c src/debug_host.c src/debug_large.c src/debug_leaks.c src/debug_map.c src/debug_meta.c src/debug_options.c src/debug_place.c
  src/debug_reach.c src/debug_reopen.c src/debug_retire.c src/debug_seal.c src/debug_signal.c src/debug_span.c src/debug_statistics.c src/debug_suppress.c src/debug_sweep.c src/debug_system.c
  src/debug_tell.c src/debug_thread.c src/debug_trim.c src/debug_walk.c src/glob.c src/maps.c src/report.c src/report_output.c src/suppressions.c src/suppressions_read.c src/text.c src/wrappers.c)

# One program a misuse: alloc/tests/test_misuse.c runs them all.
if(CUPEL_TESTS AND NOT CUPEL_FUZZ_TARGETS)
  file(GLOB programs CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} tests/misuse/*.c)
  add_custom_target(misuse_programs)
  foreach(program ${programs})
    get_filename_component(name ${program} NAME_WE)
    add_executable(misuse_${name} ${program})
    set_target_properties(misuse_${name} PROPERTIES OUTPUT_NAME ${name}
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/misuse)
    cupel_flags(misuse_${name})
    target_compile_options(misuse_${name} PRIVATE -fno-omit-frame-pointer -fno-optimize-sibling-calls)
    target_link_libraries(misuse_${name} PRIVATE cupel::alloc)
    add_dependencies(misuse_programs misuse_${name})
  endforeach()
  cupel_add_tests(alloc_misuse LINK cupel::alloc SOURCES tests/test_misuse.c)
  add_dependencies(test_alloc_misuse misuse_programs)
endif()
# Programs of the distribution under the debug allocator, for the benchmarks.
cupel_add_bench(alloc_debug_programs SOURCES bench/bench_debug_programs.c bench/measure.c LINK cupel::alloc)
if(TARGET bench_alloc_debug_programs)
  add_library(cupel_debug_preload MODULE bench/debug_preload.c)
  set_target_properties(cupel_debug_preload PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/fixtures)
  target_include_directories(cupel_debug_preload PRIVATE ${cupel_SOURCE_DIR})
  cupel_flags(cupel_debug_preload)
  target_compile_options(cupel_debug_preload PRIVATE -fno-builtin -fvisibility=hidden)
  target_link_libraries(cupel_debug_preload PRIVATE cupel::alloc -static-libgcc -Wl,--exclude-libs,ALL)
  add_dependencies(bench_alloc_debug_programs cupel_debug_preload)
endif()
cupel_add_script_test(alloc_debug_32 COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/debug_32.sh ${cupel_SOURCE_DIR} LABELS script VARIANTS dev SLOW)
cupel_add_script_test(alloc_debug_builds COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/debug_builds.sh LABELS script VARIANTS dev SLOW)
cupel_add_script_test(alloc_debug_promises COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/promises.py LABELS script VARIANTS dev)
