# What a room's CMakeLists says: a library, a tool, tests. All in a few words a room.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# The variant's flags, for code under test and for code that stays uninstrumented where the variant says so.
add_library(cupel_instrumented INTERFACE)
target_compile_options(cupel_instrumented INTERFACE ${CUPEL_FLAGS} ${CUPEL_SANITIZER_FLAGS})
target_link_options(cupel_instrumented INTERFACE ${CUPEL_LINK_FLAGS})
add_library(cupel_uninstrumented INTERFACE)
if(CUPEL_HARNESS_SAME)
  target_link_libraries(cupel_uninstrumented INTERFACE cupel_instrumented)
else()
  target_compile_options(cupel_uninstrumented INTERFACE ${CUPEL_FLAGS})
  target_link_options(cupel_uninstrumented INTERFACE ${CUPEL_LINK_FLAGS})
endif()

# Include lines read "room/x.h" in the tree. A project that takes this one in with add_subdirectory may also write
# <cupel/room/x.h>, as it would against an installed cupel: a link in the build tree makes that true.
set(CUPEL_INCLUDE_DIRS ${cupel_SOURCE_DIR})
if(NOT PROJECT_IS_TOP_LEVEL)
  file(MAKE_DIRECTORY ${cupel_BINARY_DIR}/include)
  file(CREATE_LINK ${cupel_SOURCE_DIR} ${cupel_BINARY_DIR}/include/cupel SYMBOLIC)
  list(APPEND CUPEL_INCLUDE_DIRS ${cupel_BINARY_DIR}/include)
endif()

# cupel_add_room(NAME SOURCES ... HEADERS ... LINK ... [UNINSTRUMENTED])
# The library cupel_NAME (cupel::NAME); HEADERS are the doorway, installed under include/cupel/. Manual pages in the
# room's doc/ are installed too. Installed, both include/ and include/cupel/ are on the path of whoever links it.
function(cupel_add_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "UNINSTRUMENTED" "" "SOURCES;HEADERS;LINK")
  add_library(cupel_${name} STATIC ${arg_SOURCES})
  add_library(cupel::${name} ALIAS cupel_${name})
  set_target_properties(cupel_${name} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  target_sources(cupel_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${cupel_SOURCE_DIR} FILES ${arg_HEADERS})
  target_include_directories(cupel_${name} PUBLIC "$<BUILD_INTERFACE:${CUPEL_INCLUDE_DIRS}>")
  cupel_flags(cupel_${name} ${arg_UNINSTRUMENTED})
  target_link_libraries(cupel_${name} PUBLIC ${arg_LINK})
  set_property(GLOBAL APPEND PROPERTY CUPEL_ROOMS ${name})
  if(CUPEL_INSTALL)
    install(TARGETS cupel_${name} EXPORT cupel ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION include include/cupel
      FILE_SET HEADERS DESTINATION include/cupel)
    file(GLOB pages CONFIGURE_DEPENDS doc/*.[1-8])
    foreach(page ${pages})
      string(REGEX MATCH "[1-8]$" section ${page})
      install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endforeach()
  endif()
endfunction()

# cupel_add_objects(NAME SOURCES ... [UNINSTRUMENTED]): an object library cupel_NAME (cupel::NAME), for what must be linked
# whole and never from an archive. Installed with the rooms.
function(cupel_add_objects name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "UNINSTRUMENTED" "" "SOURCES")
  add_library(cupel_${name} OBJECT ${arg_SOURCES})
  add_library(cupel::${name} ALIAS cupel_${name})
  set_target_properties(cupel_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(cupel_${name} PRIVATE ${cupel_SOURCE_DIR})
  cupel_flags(cupel_${name} ${arg_UNINSTRUMENTED})
  if(CUPEL_INSTALL)
    install(TARGETS cupel_${name} EXPORT cupel OBJECTS DESTINATION ${CMAKE_INSTALL_LIBDIR}/cupel)
  endif()
endfunction()

# cupel_flags(TARGET [UNINSTRUMENTED]): warnings, language and the variant's flags for one target of ours.
function(cupel_flags target)
  set(flags cupel_instrumented)
  if("${ARGV1}" STREQUAL "UNINSTRUMENTED" OR "${ARGV1}" STREQUAL "TRUE")
    set(flags cupel_uninstrumented)
    if(CUPEL_VARIANT STREQUAL "afl")
      set_target_properties(${target} PROPERTIES C_COMPILER_LAUNCHER "env;AFL_NOOPT=1")
    endif()
  elseif(CUPEL_VARIANT STREQUAL "afl")
    # The constants that the code compares with, for AFL++'s dictionary: what its compiler pass sees, engines need not guess.
    set_target_properties(${target} PROPERTIES
      C_COMPILER_LAUNCHER "env;AFL_LLVM_DICT2FILE=${PROJECT_BINARY_DIR}/auto.dict")
  endif()
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE CUPEL_VARIANT_NAME="${CUPEL_VARIANT}")
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:cupel_warnings> $<BUILD_INTERFACE:${flags}>)
endfunction()

# cupel_add_tool(VERB SOURCES ... LINK ...): the program bin/cupel-VERB ("cupel" itself where VERB is cupel).
function(cupel_add_tool verb)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  if(CUPEL_FUZZ_TARGETS)
    return()
  endif()
  set(name cupel-${verb})
  if(verb STREQUAL "cupel")
    set(name cupel)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${cupel_SOURCE_DIR})
  cupel_flags(${name})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  if(CUPEL_INSTALL)
    install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# cupel_add_example(NAME SOURCES ... LINK ...): the program bin/examples/NAME and a ctest entry that runs it: an example
# ends with 0 where it showed what it promises.
function(cupel_add_example name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  if(CUPEL_FUZZ_TARGETS OR NOT CUPEL_TESTS)
    return()
  endif()
  add_executable(example_${name} ${arg_SOURCES})
  set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${cupel_BINARY_DIR}/bin/examples)
  target_include_directories(example_${name} PRIVATE ${cupel_SOURCE_DIR})
  cupel_flags(example_${name})
  target_link_libraries(example_${name} PRIVATE ${arg_LINK})
  add_test(NAME example.${name} COMMAND example_${name} WORKING_DIRECTORY ${cupel_SOURCE_DIR})
  set_tests_properties(example.${name} PROPERTIES LABELS example SKIP_RETURN_CODE 77 TIMEOUT 60)
endfunction()

# cupel_add_bench(NAME SOURCES ... LINK ...): the program bin/bench/NAME, built in the release variant only. It prints rows
# of a Markdown table, `| what | ours | rival | ratio | budget |`, and nothing else on stdout; ci/bench gathers them.
function(cupel_add_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  if(NOT CUPEL_VARIANT STREQUAL "release" OR NOT CUPEL_TESTS)
    return()
  endif()
  add_executable(bench_${name} ${arg_SOURCES})
  set_target_properties(bench_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${cupel_BINARY_DIR}/bin/bench)
  target_include_directories(bench_${name} PRIVATE ${cupel_SOURCE_DIR})
  cupel_flags(bench_${name})
  target_link_libraries(bench_${name} PRIVATE ${arg_LINK})
endfunction()

# cupel_add_script_test(NAME COMMAND ... [LABELS ...] [VARIANTS ...] [SLOW]): a ctest entry that is no test program
# (labels: lint, script). VARIANTS: those in which it makes sense (default: dev, release and gcov for scripts, dev for
# lints). SLOW: left to `ci/check full` and `.ci/run` (ctest runs it with -C full only).
function(cupel_add_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SLOW" "" "COMMAND;LABELS;VARIANTS")
  if(NOT arg_VARIANTS)
    set(arg_VARIANTS dev release gcov)
    if("lint" IN_LIST arg_LABELS)
      set(arg_VARIANTS dev)
    endif()
  endif()
  if(NOT CUPEL_VARIANT IN_LIST arg_VARIANTS OR NOT CUPEL_TESTS)
    return()
  endif()
  set(configurations "")
  if(arg_SLOW)
    set(configurations CONFIGURATIONS full)
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND} ${configurations} WORKING_DIRECTORY ${cupel_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77 TIMEOUT 1500
    ENVIRONMENT "CUPEL_BIN_DIR=${cupel_BINARY_DIR}/bin;CUPEL_BINARY_DIR=${cupel_BINARY_DIR}")
endfunction()
