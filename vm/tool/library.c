/* The natives of `cupel vm run`. */
#include "vm/tool/library.h"

#include <stdio.h>
#include <time.h>

static bool put(void *context, const char *text, size_t length) {
    return fwrite(text, 1, length, context) == length;
}

static vm_status print(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    vm_status status = VM_OK;
    for (size_t i = 0; i < count && status == VM_OK; i++) {
        size_t length;
        if (i > 0) {
            (void)putchar(' ');
        }
        if (vm_is_text(arguments[i])) {
            const char *bytes = vm_text_bytes(arguments[i], &length);
            status = put(stdout, bytes, length) ? VM_OK : VM_ERROR_SINK;
        } else {
            status = vm_print(vm, arguments[i], put, stdout);
        }
    }
    (void)putchar('\n');
    *result = VM_NIL;
    return status == VM_ERROR_SINK ? vm_fail(vm, "output", "print: standard output cannot be written") : status;
}

static vm_status seconds(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)arguments;
    (void)count;
    *result = vm_mk_double(vm, (double)clock() / CLOCKS_PER_SEC);
    return VM_OK;
}

bool library_define(vm_t *vm) {
    const struct vm_native natives[] = {{"print", print, 0, UINT16_MAX, 0, NULL}, {"clock", seconds, 0, 0, 0, NULL}};
    return vm_define_natives(vm, natives, sizeof natives / sizeof natives[0]) == VM_OK;
}
