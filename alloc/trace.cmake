# Traces: the walk over stacks, the store, and what prints them.
target_sources(cupel_alloc PRIVATE src/stack.c src/trace.c src/trace_print.c src/symboliser.c src/trace_store.c src/trace_frames.c src/trace_hash.c
  src/trace_lock.c src/trace_modules.c src/trace_rules.c src/trace_walk.c src/trace_memo.c src/trace_thread.c
  src/cfi_record.c src/cfi_program.c src/cfi_expression.c src/cfi_step.c)
# What reads debug info is a program of its own: libdw allocates. Without libdw it says so, and addr2line is asked.
cupel_add_tool(symbolise SOURCES tool/symbolise.c tool/debug_info.c tool/variable.c LINK cupel::alloc)
option(CUPEL_WITH_LIBDW "Read debug info with libdw, where it is there" ON)
find_package(PkgConfig QUIET)
if(CUPEL_WITH_LIBDW AND PkgConfig_FOUND AND NOT CUPEL_VARIANT STREQUAL "msan")
  pkg_check_modules(LIBDW QUIET libdw)
endif()
if(CUPEL_WITH_LIBDW AND LIBDW_FOUND AND TARGET cupel-symbolise)
  target_compile_definitions(cupel-symbolise PRIVATE CUPEL_HAVE_LIBDW)
  target_include_directories(cupel-symbolise PRIVATE ${LIBDW_INCLUDE_DIRS})
  target_link_libraries(cupel-symbolise PRIVATE ${LIBDW_LINK_LIBRARIES})
endif()

cupel_add_bench(alloc_trace SOURCES bench/bench_trace.c bench/bench_trace_calls.c bench/bench_trace_chained.c bench/measure.c LINK cupel::alloc)
set_source_files_properties(bench/bench_trace_calls.c PROPERTIES COMPILE_OPTIONS -fomit-frame-pointer)
set_source_files_properties(bench/bench_trace_chained.c PROPERTIES COMPILE_OPTIONS -fno-omit-frame-pointer)

if(CUPEL_TESTS)
  cupel_add_tests(alloc_unwind LINK cupel::alloc Threads::Threads ${CMAKE_DL_LIBS}
    SOURCES tests/test_unwind.c tests/test_unwind_tables.c tests/test_unwind_made.c tests/test_trace.c tests/test_trace_store.c tests/unwind_reference.c
      tests/unwind_chained.c tests/unwind_inline.c tests/test_trace_print.c tests/test_symboliser.c tests/test_symbolise.c tests/test_symbols.c tests/refusing.c
      tests/unwind_odd_find.c tests/test_unwind_odd.c tests/test_stacks.c tests/test_trace_corners.c)
  set_source_files_properties(tests/unwind_inline.c PROPERTIES COMPILE_OPTIONS "-g;-O2")
  if(TARGET cupel-symbolise AND TARGET test_alloc_unwind)
    add_dependencies(test_alloc_unwind cupel-symbolise)
  endif()
  if(LIBDW_FOUND AND TARGET cupel_tests_alloc_unwind)
    target_compile_definitions(cupel_tests_alloc_unwind PRIVATE CUPEL_HAVE_LIBDW)
  endif()
  set_source_files_properties(tests/unwind_chained.c PROPERTIES COMPILE_OPTIONS "-fno-omit-frame-pointer;-O1")
  # Calls to unwind through, by each compiler that is there, at each level, not instrumented. Without debug info: valgrind reads not all that
  # clang writes, and gives up on a program with it.
  foreach(compiler gcc clang)
    find_program(CUPEL_UNWIND_${compiler} ${compiler})
    if(CUPEL_UNWIND_${compiler} AND TARGET cupel_tests_alloc_unwind)
      foreach(level 0 1 2 3)
        set(object ${CMAKE_CURRENT_BINARY_DIR}/unwind_${compiler}_o${level}.o)
        add_custom_command(OUTPUT ${object} DEPENDS tests/unwind_calls.c tests/unwind_calls.h
          COMMAND ${CUPEL_UNWIND_${compiler}} -std=gnu17 -O${level} -g0 -fPIC -fomit-frame-pointer -I${cupel_SOURCE_DIR}
            -DUNWIND_KINDS=unwind_kinds_${compiler}_o${level} -c ${CMAKE_CURRENT_SOURCE_DIR}/tests/unwind_calls.c -o ${object})
        list(APPEND objects ${object})
      endforeach()
    endif()
    # Modules with lines to be found, in each form of debug info, under a name that is relative as many builds have it.
    if(CUPEL_UNWIND_${compiler} AND TARGET cupel-symbolise AND LIBDW_FOUND)
      foreach(version 4 5)
        set(module ${PROJECT_BINARY_DIR}/bin/tests/fixtures/libsymbolised_${compiler}_${version}.so)
        add_custom_command(OUTPUT ${module} DEPENDS tests/symbolised.c WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
          COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/bin/tests/fixtures
          COMMAND ${CUPEL_UNWIND_${compiler}} -std=gnu17 -O1 -g -gdwarf-${version} -fPIC -shared tests/symbolised.c -o ${module})
        list(APPEND modules ${module})
      endforeach()
    endif()
  endforeach()
  if(modules AND TARGET test_alloc_unwind)
    add_custom_target(alloc_symbolised DEPENDS ${modules})
    add_dependencies(test_alloc_unwind alloc_symbolised)
  endif()
  if(objects)
    add_custom_target(alloc_unwind_calls DEPENDS ${objects})
    add_dependencies(cupel_tests_alloc_unwind alloc_unwind_calls)
    target_link_libraries(cupel_tests_alloc_unwind PUBLIC ${objects})
  endif()
  # Modules that take each other's place.
  foreach(module one two bare odd)
    set(source tests/unwind_module.c)
    if(module STREQUAL "odd")
      set(source tests/unwind_odd.c)
    endif()
    add_library(alloc_unwind_${module} MODULE ${source})
    target_include_directories(alloc_unwind_${module} PRIVATE ${cupel_SOURCE_DIR})
    set_target_properties(alloc_unwind_${module} PROPERTIES OUTPUT_NAME unwind_${module}
      LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests/fixtures)
    target_compile_options(alloc_unwind_${module} PRIVATE -O1 -fomit-frame-pointer)
    if(TARGET test_alloc_unwind)
      add_dependencies(test_alloc_unwind alloc_unwind_${module})
    endif()
  endforeach()
  target_compile_definitions(alloc_unwind_one PRIVATE FRAME_SIZE=1000)
  target_compile_definitions(alloc_unwind_bare PRIVATE FRAME_SIZE=1000)
  target_compile_options(alloc_unwind_bare PRIVATE -fno-asynchronous-unwind-tables)
  target_link_options(alloc_unwind_bare PRIVATE -nostdlib -Wl,--no-eh-frame-hdr)
  target_compile_definitions(alloc_unwind_two PRIVATE FRAME_SIZE=2000)
endif()

# ci/tools/stacks: stacks of other people's programs, held against libgcc's unwinder.
if(CUPEL_VARIANT STREQUAL "release" AND CUPEL_TESTS AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
  add_library(cupel_stacks MODULE bench/stacks_preload.c)
  set_target_properties(cupel_stacks PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/bench)
  target_include_directories(cupel_stacks PRIVATE ${cupel_SOURCE_DIR})
  cupel_flags(cupel_stacks)
  target_link_libraries(cupel_stacks PRIVATE cupel::alloc -static-libgcc -Wl,--exclude-libs,ALL)
  add_executable(cupel_stacks_modules bench/stacks_modules.c)
  set_target_properties(cupel_stacks_modules PROPERTIES OUTPUT_NAME stacks_modules RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests/fixtures)
  cupel_flags(cupel_stacks_modules)
  target_link_libraries(cupel_stacks_modules PRIVATE ${CMAKE_DL_LIBS})
  add_dependencies(cupel_stacks_modules alloc_unwind_one alloc_unwind_two)
  # Modules that come and go are noticed by the loader's own calls of free; one program of other people's beside it.
  cupel_add_script_test(alloc.stacks LABELS script VARIANTS release
    COMMAND ${PROJECT_SOURCE_DIR}/ci/tools/stacks --every=1 --least=10000 modules perl)
endif()
