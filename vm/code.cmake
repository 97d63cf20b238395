# Code of the virtual machine: instructions, images, the verifier.
target_sources(cupel_vm PRIVATE src/opcodes.c src/program.c src/image.c src/image_write.c src/verify.c)
target_sources(cupel_vm PUBLIC FILE_SET HEADERS FILES opcodes.def image.h)
if(CUPEL_TESTS)
  cupel_add_tests(vm_code SOURCES tests/test_verify.c tests/test_image.c LINK cupel::vm m)
endif()
