# Inputs: bytes, generation, shrinking; properties, sweeps and engine targets over them. Included by CMakeLists.txt.
target_sources(cupel_harness PRIVATE src/generate.c src/shrink.c src/files.c
  src/case.c src/child.c src/decode.c src/inputs.c src/property.c src/property_report.c src/replay.c src/strong.c
  src/sweep.c src/sweep_findings.c src/sweep_points.c src/sweep_public.c src/sweep_watch.c src/meter.c)
target_sources(cupel_harness PUBLIC FILE_SET HEADERS FILES property.h sweep.h)
# gcc turns fork into a call that writes and clears the coverage counters; ours are shared with the child instead.
set_source_files_properties(src/decode.c src/property.c src/replay.c src/sweep_watch.c
  PROPERTIES COMPILE_OPTIONS -fno-builtin-fork)
if(CUPEL_TESTS)
  cupel_add_tests(harness_inputs SOURCES tests/test_bytes.c tests/test_shrink.c LINK cupel::harness)
endif()
