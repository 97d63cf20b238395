# Code of the virtual machine: instructions, images, the verifier, the assembler, the evaluators.
target_sources(cupel_vm PRIVATE src/opcodes.c src/program.c src/image.c src/image_write.c src/verify.c
  src/manual.c
  src/operations.c src/trap.c src/call.c src/load.c src/run.c src/eval_goto.c src/eval_switch.c src/eval_reference.c)
target_sources(cupel_vm PUBLIC FILE_SET HEADERS FILES opcodes.def image.h run.h)
cupel_add_tool(vm SOURCES tool/main.c tool/library.c LINK cupel::vm)
if(CUPEL_TESTS)
  file(GLOB programs RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/tests/programs CONFIGURE_DEPENDS tests/programs/*.vma)
  list(JOIN programs "\", \"" program_rows)
  set(program_rows "\"${program_rows}\"")
  configure_file(tests/programs.h.in ${CMAKE_CURRENT_BINARY_DIR}/programs.h @ONLY)
  cupel_add_tests(vm_code LINK cupel::vm m
    SOURCES tests/test_opcodes.c tests/test_verify.c tests/test_image.c tests/test_run.c tests/test_programs.c tests/test_code_fuzz.c tests/host.c)
  if(TARGET cupel_tests_vm_code)
    target_compile_definitions(cupel_tests_vm_code PRIVATE CUPEL_VM_PROGRAMS="${CMAKE_CURRENT_SOURCE_DIR}/tests/programs"
      CUPEL_VM_ROOT="${cupel_SOURCE_DIR}" CUPEL_VM_PROGRAM_LIST="${CMAKE_CURRENT_BINARY_DIR}/programs.h")
  endif()
endif()
cupel_add_bench(vm_lua SOURCES bench/bench_lua.c ${cupel_SOURCE_DIR}/alloc/bench/measure.c LINK cupel::vm m ${CMAKE_DL_LIBS})
