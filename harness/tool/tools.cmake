# The dispatcher, and the doctor, which knows the packages from the one table.
cupel_add_tool(cupel SOURCES tool/cupel.c LINK cupel::alloc)
file(STRINGS ${PROJECT_SOURCE_DIR}/ci/packages.txt CUPEL_PACKAGE_ROWS REGEX "^[a-z]")
list(TRANSFORM CUPEL_PACKAGE_ROWS REPLACE "^[^ ]+ +([^ ]+) +([^ ]+) +([^ ]+) +([^ ]+).*$"
  "    {{\"\\1\", \"\\2\", \"\\3\", \"\\4\"}},")
list(JOIN CUPEL_PACKAGE_ROWS "\n" CUPEL_PACKAGE_ROWS)
configure_file(tool/doctor_packages.c.in ${CMAKE_CURRENT_BINARY_DIR}/doctor_packages.c @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/ci/packages.txt)
cupel_add_tool(doctor LINK cupel::alloc
  SOURCES tool/doctor.c tool/doctor_kernel.c tool/doctor_look.c tool/doctor_system.c tool/doctor_table.c
    ${CMAKE_CURRENT_BINARY_DIR}/doctor_packages.c)
cupel_add_tool(init SOURCES tool/init.c tool/init_cmake.c tool/init_files.c tool/init_name.c tool/init_prefix.c src/quote.c LINK cupel::alloc)
if(CUPEL_TESTS)
  cupel_add_tests(tools SOURCES tests/test_tool_cupel.c tests/test_tool_doctor.c tests/test_tool_init.c LINK cupel::alloc)
  if(TARGET test_tools)
    add_dependencies(test_tools cupel cupel-doctor cupel-init)
    cupel_add_script_test(harness.init_names LABELS script VARIANTS dev
      COMMAND ${PROJECT_SOURCE_DIR}/harness/tests/init_names.sh)
  endif()
endif()
