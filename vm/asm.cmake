# Text: the reader, the assembler, the disassembler, the tool.
target_sources(cupel_vm PRIVATE src/reader.c src/asm.c src/asm_form.c src/asm_code.c src/asm_pool.c src/disasm.c)
target_sources(cupel_vm PUBLIC FILE_SET HEADERS FILES text.h)
if(CUPEL_TESTS)
  cupel_add_tests(vm_asm SOURCES tests/test_asm.c tests/test_asm_properties.c tests/test_reader.c LINK cupel::vm m)
endif()
