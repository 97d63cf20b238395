/* See unwind_odd.h. */
#include "alloc/tests/unwind_odd.h"

#include "harness/harness.h"

#include <dlfcn.h>
#include <stdio.h>

const char *unwind_odd(const char *name) {
    static void *module;
    char symbol[64];
    if (module == NULL) {
        module = dlopen(CUPEL_TEST_BINARY_DIR "/bin/tests/fixtures/libunwind_odd.so", RTLD_NOW | RTLD_LOCAL);
    }
    REQUIRE(module != NULL);
    (void)snprintf(symbol, sizeof symbol, "unwind_odd_%s", name);
    const char *function = dlsym(module, symbol);
    REQUIRE(function != NULL);
    return function;
}
