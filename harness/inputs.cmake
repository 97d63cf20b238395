# Inputs: bytes, generation, shrinking; properties and sweeps over them. Included by CMakeLists.txt.
target_sources(cupel_harness PRIVATE src/generate.c src/shrink.c src/files.c)
if(CUPEL_TESTS)
  cupel_add_tests(harness_inputs SOURCES tests/test_bytes.c tests/test_shrink.c LINK cupel::harness)
endif()
