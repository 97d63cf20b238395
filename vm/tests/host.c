/* The host of test programs; see host.h. */
#include "vm/tests/host.h"

#include <stdio.h>
#include <string.h>

void transcript_add(struct transcript *transcript, const char *line) {
    size_t length = strlen(line);
    if (transcript->length + length + 2 <= sizeof transcript->text) {
        memcpy(transcript->text + transcript->length, line, length);
        transcript->length += length;
        transcript->text[transcript->length++] = '\n';
        transcript->text[transcript->length] = '\0';
    }
}

struct line {
    char text[512];
    size_t length;
};

static bool add_text(void *context, const char *text, size_t length) {
    struct line *line = context;
    for (size_t i = 0; i < length && line->length + 1 < sizeof line->text; i++) {
        line->text[line->length++] = text[i];
    }
    line->text[line->length] = '\0';
    return true;
}

static struct transcript *transcript_of(vm_t *vm) {
    return vm_native_data(vm);
}

static vm_status print(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    struct line line = {.length = 0};
    for (size_t i = 0; i < count; i++) {
        size_t length;
        (void)add_text(&line, " ", i > 0);
        if (vm_is_text(arguments[i])) {
            const char *bytes = vm_text_bytes(arguments[i], &length);
            (void)add_text(&line, bytes, length);
        } else if (vm_print(vm, arguments[i], add_text, &line) == VM_ERROR_OOM) {
            return VM_ERROR_OOM;
        }
    }
    transcript_add(transcript_of(vm), line.text);
    *result = VM_NIL;
    return VM_OK;
}

/* (try function): what it returns; or the text of its error, and the error is gone. */
static vm_status try_call(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)count;
    vm_status status = vm_call(vm, arguments[0], NULL, 0, result);
    if (status != VM_ERROR) {
        return status;
    }
    char text[300];
    (void)vm_error_text(vm, text, sizeof text);
    *strchrnul(text, '\n') = '\0';
    vm_error_clear(vm);
    *result = vm_mk_string(vm, text, strlen(text));
    return VM_OK;
}

/* (map function array): calls back for each element, and holds everything in handles. */
static vm_status map(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)count;
    if (!vm_is(arguments[1], VM_TYPE_ARRAY)) {
        return vm_fail(vm, "type", "map: not an array");
    }
    size_t length = vm_length(arguments[1]);
    vm_scope scope = vm_scope_open(vm);
    vm_handle mapped = vm_local(vm, vm_mk_array(vm, length));
    vm_status status = mapped == 0 || vm_is_oom(vm_held(vm, mapped)) ? VM_ERROR_OOM : VM_OK;
    for (size_t i = 0; status == VM_OK && i < length && i < vm_length(arguments[1]); i++) {
        tagged_value_t element = vm_get(arguments[1], i);
        tagged_value_t value;
        status = vm_call(vm, arguments[0], &element, 1, &value);
        if (status == VM_OK) {
            vm_set(vm_held(vm, mapped), i, value);
        }
    }
    *result = status == VM_OK ? vm_held(vm, mapped) : VM_NIL;
    vm_scope_close(vm, scope);
    return status;
}

static vm_status fail(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)arguments;
    (void)count;
    (void)result;
    return vm_fail(vm, "host", "it fails as it was asked to");
}

/* (nest function depth): calls the function with depth - 1, from C. */
static vm_status nest(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)count;
    if (!vm_is_integer(arguments[1]) || vm_integer(arguments[1]) < 1) {
        return vm_fail(vm, "type", "nest: not a depth");
    }
    tagged_value_t less = vm_mk_integer(vm_integer(arguments[1]) - 1);
    return vm_call(vm, arguments[0], &less, 1, result);
}

static vm_status identity(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)vm;
    (void)count;
    *result = arguments[0];
    return VM_OK;
}

/* Somebody asks for the run to stop. */
static vm_status stop(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)arguments;
    (void)count;
    vm_interrupt(vm);
    *result = VM_NIL;
    return VM_OK;
}

/* Makes garbage, so that the next points have something to collect. */
static vm_status litter(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)arguments;
    (void)count;
    for (int i = 0; i < 100; i++) {
        if (vm_is_oom(vm_mk_array(vm, 10))) {
            return VM_ERROR_OOM;
        }
    }
    *result = VM_NIL;
    return VM_OK;
}

bool host_define(vm_t *vm, struct transcript *transcript) {
    const struct vm_native natives[] = {
        {"print", print, 0, UINT16_MAX, 0, transcript},
        {"try", try_call, 1, 1, VM_NATIVE_SAFE, NULL},
        {"map", map, 2, 2, VM_NATIVE_SAFE, NULL},
        {"fail", fail, 0, 0, 0, NULL},
        {"nest", nest, 2, 2, VM_NATIVE_SAFE, NULL},
        {"nest-unsafe", nest, 2, 2, 0, NULL},
        {"identity", identity, 1, 1, 0, NULL},
        {"litter", litter, 0, 0, 0, NULL},
        {"stop", stop, 0, 0, 0, NULL},
    };
    return vm_define_natives(vm, natives, sizeof natives / sizeof natives[0]) == VM_OK;
}

void transcript_end(struct transcript *transcript, vm_t *vm, vm_status status, tagged_value_t result) {
    char text[4096];
    struct line line = {.length = 0};
    if (status == VM_OK) {
        (void)add_text(&line, "result ", 7);
        (void)vm_print(vm, result, add_text, &line);
        transcript_add(transcript, line.text);
    } else if (status == VM_INTERRUPTED) {
        transcript_add(transcript, "interrupted");
    } else {
        (void)snprintf(text, sizeof text, "error ");
        (void)vm_error_text(vm, text + 6, sizeof text - 6);
        transcript_add(transcript, text);
    }
}
