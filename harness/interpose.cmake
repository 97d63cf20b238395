# Plain malloc on its way into the layers, and its tests. Included by CMakeLists.txt.
target_sources(cupel_harness PRIVATE src/route.c src/route_blocks.c src/route_left.c src/route_callers.c src/leak.c src/io.c)
# main and the malloc family of a test program: objects, for from an archive the linker would not take them. Of the
# family nothing is instrumented in any variant (but for counters: --coverage wins over the flags below), its frames can be walked, and where it only passes a request on it
# jumps: a sanitizer then sees the caller as if nobody stood between.
# (AFL++'s compiler instruments by the target, not by flags; to its engine these would look like the code under test.)
set(plain_objects "")
if(CUPEL_VARIANT STREQUAL "afl")
  set(plain_objects UNINSTRUMENTED)
endif()
set(interpose_sources src/interpose.c src/interpose_new.c src/interpose_io.c src/interpose_stdio.c src/interpose_signal.c
  src/thread_delay.c)
cupel_add_objects(harness_main SOURCES src/main.c ${interpose_sources} ${plain_objects})
# The family alone, for programs with a main of their own that call cupel_sweep.
cupel_add_objects(interpose SOURCES ${interpose_sources} ${plain_objects})
cupel_add_example(starved_malloc SOURCES examples/starved_malloc.c LINK cupel::harness cupel::interpose)
set_source_files_properties(${interpose_sources} PROPERTIES COMPILE_OPTIONS
  "-O2;-fexceptions;-fno-sanitize=all;-fno-profile-arcs;-fno-test-coverage;-fno-builtin;-fno-omit-frame-pointer;-foptimize-sibling-calls")
# The C library's headers have bodies for some of these functions.
set_source_files_properties(src/interpose_io.c src/interpose_stdio.c PROPERTIES COMPILE_DEFINITIONS __NO_INLINE__=1)

if(CUPEL_TESTS AND NOT CUPEL_FUZZ_TARGETS)
  # A stranger's library, with no flag of ours but what a sanitizer must have everywhere. Its C++ is compiled by a rule of
  # its own: the project's language is C, and where there is no C++ compiler it is left out.
  set(stranger ${CMAKE_CURRENT_SOURCE_DIR}/tests/fixtures/stranger)
  get_filename_component(compiler ${CMAKE_C_COMPILER} NAME)
  string(REGEX REPLACE "^clang" "clang++" compiler ${compiler})
  string(REGEX REPLACE "^gcc" "g++" compiler ${compiler})
  string(REGEX REPLACE "^cc$" "c++" compiler ${compiler})
  find_program(CUPEL_CXX ${compiler})
  mark_as_advanced(CUPEL_CXX)
  set(stranger_objects "")
  if(CUPEL_CXX AND NOT CUPEL_VARIANT STREQUAL "msan") # the C++ library would have to be instrumented too
    set(stranger_objects ${CMAKE_CURRENT_BINARY_DIR}/stranger_cc.o)
    add_custom_command(OUTPUT ${stranger_objects} DEPENDS ${stranger}/stranger.cc ${stranger}/stranger.h VERBATIM
      COMMAND ${CUPEL_CXX} -std=c++17 -O1 -g -fPIC -Wall -Wextra -I${PROJECT_SOURCE_DIR} -c ${stranger}/stranger.cc -o ${stranger_objects})
  endif()
  foreach(kind STATIC SHARED)
    string(TOLOWER ${kind} word)
    add_library(stranger_${word} ${kind} ${stranger}/stranger.c)
    target_compile_definitions(stranger_${word} PRIVATE _GNU_SOURCE)
    target_include_directories(stranger_${word} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_options(stranger_${word} PRIVATE -O1 -g -fno-omit-frame-pointer)
    if(CUPEL_VARIANT MATCHES "^.san$|^asan$")
      target_compile_options(stranger_${word} PRIVATE ${CUPEL_SANITIZER_FLAGS})
      target_link_options(stranger_${word} PRIVATE ${CUPEL_SANITIZER_FLAGS})
    endif()
    add_executable(fixture_interposed_${word} tests/fixtures/interposed.c ${stranger_objects})
    set_target_properties(fixture_interposed_${word} PROPERTIES OUTPUT_NAME interposed_${word}
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests/fixtures)
    cupel_flags(fixture_interposed_${word})
    target_compile_options(fixture_interposed_${word} PRIVATE -fno-inline -fno-optimize-sibling-calls -fno-omit-frame-pointer
      -fno-builtin)
    target_link_libraries(fixture_interposed_${word} PRIVATE stranger_${word} cupel::harness cupel::harness_main Threads::Threads)
    if(stranger_objects)
      target_compile_definitions(fixture_interposed_${word} PRIVATE HAS_CPLUSPLUS=1)
      target_link_libraries(fixture_interposed_${word} PRIVATE stdc++)
    endif()
  endforeach()
endif()
if(CUPEL_TESTS AND NOT CUPEL_FUZZ_TARGETS)
  # A test program that lacks the objects: it must not run.
  add_executable(fixture_unseen tests/fixtures/unseen.c)
  set_target_properties(fixture_unseen PROPERTIES OUTPUT_NAME unseen
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests/fixtures)
  cupel_flags(fixture_unseen)
  target_link_libraries(fixture_unseen PRIVATE cupel::harness)
  cupel_add_tests(interpose SOURCES tests/test_interpose.c LINK cupel::alloc stranger_static)
  target_compile_options(cupel_tests_interpose PRIVATE -fno-builtin) # clang leaves out requests whose blocks nobody uses
  add_dependencies(test_interpose fixture_interposed_static fixture_interposed_shared fixture_unseen)
endif()
cupel_add_bench(interpose SOURCES bench/bench_interpose.c LINK cupel::harness cupel::interpose)
