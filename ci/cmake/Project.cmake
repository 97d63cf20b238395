# What a stranger's project says beside cupel_add_tests: cupel_enable_variants, and what belongs to an engine executable.
#
# A build tree is of one variant: CUPEL_VARIANT is dev (the default: the project's own flags and nothing else), release,
# asan, tsan, msan, gcov, fuzz or afl, and CMAKE_C_COMPILER one that knows it; `cupel init` writes presets that say both.

# Not every compiler knows every variant.
function(cupel__check_compiler)
  set(needs "")
  if(CUPEL_VARIANT MATCHES "^(msan|fuzz)$" AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    set(needs clang)
  elseif(CUPEL_VARIANT STREQUAL "gcov" AND NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(needs gcc)
  elseif(CUPEL_VARIANT STREQUAL "afl" AND NOT CMAKE_C_COMPILER MATCHES "afl-")
    set(needs afl-clang-fast)
  endif()
  if(needs)
    message(FATAL_ERROR "CUPEL_VARIANT=${CUPEL_VARIANT} needs ${needs}, and this build tree has ${CMAKE_C_COMPILER}. "
      "In a new build tree: cmake -DCUPEL_VARIANT=${CUPEL_VARIANT} -DCMAKE_C_COMPILER=${needs} ...")
  endif()
endfunction()
cupel__check_compiler()

# What Variant.cmake found out is wanted in the directories of the other project too. (Where cupel is installed and the
# variant has flags, cupelConfig.cmake builds cupel's own sources with them; this file is read there, once.)
if(DEFINED CUPEL_SANITIZER_FLAGS)
  set(flags "")
  if(NOT CUPEL_VARIANT MATCHES "^(dev|release)$")
    set(flags ${CUPEL_FLAGS} ${CUPEL_SANITIZER_FLAGS} -UNDEBUG)
    list(REMOVE_ITEM flags -DCUPEL_WITH_COUNTERS)
  endif()
  set(CUPEL_PROJECT_FLAGS "${flags}" CACHE INTERNAL "of the variant, for code under test")
  # Scripts of the linker and names to keep are for programs with the harness in them; the rest is for all.
  set(flags ${CUPEL_LINK_FLAGS})
  list(FILTER flags INCLUDE REGEX "^-Wl,")
  set(CUPEL_PROGRAM_LINK_FLAGS "${flags}" CACHE INTERNAL "of the variant, for test programs")
  set(flags ${CUPEL_LINK_FLAGS})
  list(FILTER flags EXCLUDE REGEX "^-Wl,")
  set(CUPEL_PROJECT_LINK_FLAGS "${flags}" CACHE INTERNAL "of the variant, for all programs")
else()
  foreach(name PROJECT_FLAGS PROGRAM_LINK_FLAGS PROJECT_LINK_FLAGS)
    set(CUPEL_${name} "" CACHE INTERNAL "none: the project's own")
  endforeach()
endif()

# cupel_enable_variants(): the flags of the variant for every target that is declared after it, in this directory and
# below. In the gcov variant there is also the target cupel_report_coverage: runs the tests and writes coverage/lcov.info, beside
# the build tree.
function(cupel_enable_variants)
  set_property(DIRECTORY APPEND PROPERTY COMPILE_OPTIONS ${CUPEL_PROJECT_FLAGS})
  set_property(DIRECTORY APPEND PROPERTY LINK_OPTIONS ${CUPEL_PROJECT_LINK_FLAGS})
  if(CUPEL_VARIANT STREQUAL "gcov" AND NOT TARGET cupel_report_coverage)
    cupel__find_tool(cover cover)
    if(cover)
      set(data ${CMAKE_BINARY_DIR}/../coverage)
      file(RELATIVE_PATH build ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
      # A tool of this build has counters of its own, which must not fall among those that it reads.
      set(cover ${CMAKE_COMMAND} -E env GCOV_PREFIX=${CMAKE_BINARY_DIR}/../evidence/tool ${cover})
      add_custom_target(cupel_report_coverage
        COMMAND ${CMAKE_COMMAND} -E rm -rf ${CMAKE_BINARY_DIR}/../evidence/gcov
        COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${CMAKE_BINARY_DIR} --output-on-failure
        COMMAND ${cover} capture --build ${CMAKE_BINARY_DIR} --evidence ${CMAKE_BINARY_DIR}/../evidence/gcov
          --root ${CMAKE_SOURCE_DIR} --exclude ${build}/* -o ${data}/cupel.json
        COMMAND ${cover} report --no-html -o ${data} ${data}/cupel.json
        VERBATIM USES_TERMINAL)
    endif()
  endif()
endfunction()

# The tool cupel-VERB: one that is installed, or one of this build; empty where there is none.
function(cupel__find_tool verb result)
  set(${result} "" PARENT_SCOPE)
  find_program(CUPEL_TOOL_${verb} cupel-${verb} HINTS ${CUPEL_TOOL_DIR})
  mark_as_advanced(CUPEL_TOOL_${verb})
  if(CUPEL_TOOL_${verb})
    set(${result} ${CUPEL_TOOL_${verb}} PARENT_SCOPE)
  elseif(TARGET cupel-${verb})
    set(${result} $<TARGET_FILE:cupel-${verb}> PARENT_SCOPE)
  endif()
endfunction()

# The property's dictionary as its declaration names it, else TARGET.dict.
function(cupel__dictionary_of target sources result)
  set(${result} ${target}.dict PARENT_SCOPE)
  foreach(source ${sources})
    file(READ ${source} text)
    if(NOT text MATCHES "\\.dictionary")
      continue()
    endif()
    string(REGEX MATCHALL "PROPERTY\\([^{]*" heads "${text}")
    foreach(head ${heads})
      if(head MATCHES "^PROPERTY\\(([A-Za-z_0-9]+), *([A-Za-z_0-9]+).*\\.dictionary = \"([^\"]+)\""
          AND "${CMAKE_MATCH_1}_${CMAKE_MATCH_2}" STREQUAL target)
        set(${result} ${CMAKE_MATCH_3} PARENT_SCOPE)
      endif()
    endforeach()
  endforeach()
endfunction()

# What stands beside an engine executable, in the form that OSS-Fuzz takes: TARGET_seed_corpus.zip from its stored corpus,
# and TARGET.dict. `cmake --install TREE --component fuzzers --prefix $OUT` lays all of it out. Where the engine is
# libFuzzer, ctest replays regressions and corpus through it.
function(cupel__add_fuzz_furniture target fuzz_root sources)
  set(place ${PROJECT_BINARY_DIR}/bin/fuzz)
  install(TARGETS fuzz_${target} RUNTIME DESTINATION . COMPONENT fuzzers EXCLUDE_FROM_ALL)
  file(GLOB seeds CONFIGURE_DEPENDS ${fuzz_root}/corpora/${target}/*)
  if(seeds)
    set(list ${CMAKE_CURRENT_BINARY_DIR}/${target}_seeds.txt)
    list(TRANSFORM seeds REPLACE ".*/" "" OUTPUT_VARIABLE names)
    list(JOIN names "\n" text)
    file(CONFIGURE OUTPUT ${list} CONTENT "${text}\n" @ONLY)
    add_custom_command(OUTPUT ${place}/${target}_seed_corpus.zip
      COMMAND ${CMAKE_COMMAND} -E make_directory ${place}
      COMMAND ${CMAKE_COMMAND} -E tar cf ${place}/${target}_seed_corpus.zip --format=zip --files-from=${list}
      WORKING_DIRECTORY ${fuzz_root}/corpora/${target} DEPENDS ${list} VERBATIM)
    add_custom_target(${target}_seed_corpus ALL DEPENDS ${place}/${target}_seed_corpus.zip)
    install(FILES ${place}/${target}_seed_corpus.zip DESTINATION . COMPONENT fuzzers EXCLUDE_FROM_ALL)
  endif()
  cupel__dictionary_of(${target} "${sources}" dictionary)
  if(EXISTS ${fuzz_root}/dictionaries/${dictionary})
    install(FILES ${fuzz_root}/dictionaries/${dictionary} DESTINATION . RENAME ${target}.dict COMPONENT fuzzers EXCLUDE_FROM_ALL)
  endif()
  if(CUPEL_ENGINE MATCHES "^-fsanitize=fuzzer" AND NOT CMAKE_C_COMPILER MATCHES "afl-")
    set(folders "")
    foreach(kind regressions corpora)
      if(IS_DIRECTORY ${fuzz_root}/${kind}/${target})
        list(APPEND folders ${fuzz_root}/${kind}/${target})
      endif()
    endforeach()
    add_test(NAME replay.${target} COMMAND fuzz_${target} -runs=0 ${folders})
    set_tests_properties(replay.${target} PROPERTIES LABELS regression TIMEOUT 600)
  endif()
endfunction()
