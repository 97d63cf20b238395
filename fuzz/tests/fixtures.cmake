# Planted bugs and those who look for them. Fixtures go to bin/fixtures, where no list of tests or targets sees them.
set(fixtures ${cupel_BINARY_DIR}/bin/fixtures)
if(CUPEL_FUZZ_TARGETS)
  cupel_add_tests(fuzz_fixtures SOURCES tests/fixtures/canary.c)
  foreach(target fuzz_canary_magic fuzz_canary_crossing test_fuzz_fixtures)
    if(NOT TARGET ${target})
      continue()
    endif()
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${fixtures})
  endforeach()
  return()
endif()

add_executable(fuzz_canary tests/fixtures/canary.c)
set_target_properties(fuzz_canary PROPERTIES OUTPUT_NAME canary RUNTIME_OUTPUT_DIRECTORY ${fixtures})
cupel_flags(fuzz_canary)
target_link_libraries(fuzz_canary PRIVATE cupel::harness cupel::harness_main)

# Never with a sanitizer: it is loaded into programs of all kinds.
add_library(fuzz_bad_malloc MODULE tests/fixtures/bad_malloc.c)
set_target_properties(fuzz_bad_malloc PROPERTIES OUTPUT_NAME bad_malloc PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${fixtures})
target_compile_definitions(fuzz_bad_malloc PRIVATE _GNU_SOURCE)
target_compile_options(fuzz_bad_malloc PRIVATE -fno-builtin)
target_link_options(fuzz_bad_malloc PRIVATE -Wl,-Bsymbolic) # its realloc calls its own free
target_link_libraries(fuzz_bad_malloc PRIVATE $<BUILD_INTERFACE:cupel_warnings>)
add_dependencies(test_fuzz cupel-alloc fuzz_bad_malloc)

cupel_add_script_test(fuzz.campaign LABELS script VARIANTS dev
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/campaign.sh ${cupel_SOURCE_DIR} ${cupel_BINARY_DIR})
