# Warnings for our own code; errors only where CMAKE_COMPILE_WARNING_AS_ERROR says so (presets do).
add_library(cupel_warnings INTERFACE)
target_compile_options(cupel_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
  -Wwrite-strings -Wcast-align -Wpointer-arith -Wno-missing-field-initializers)
