/* Assembling and disassembling in tests: what was made lies in an arena (build.h), so that a test may end anywhere. */
#ifndef VM_TESTS_TEXT_H
#define VM_TESTS_TEXT_H

#include "vm/image.h"
#include "vm/tests/build.h"
#include "vm/tests/starve.h"
#include "vm/text.h"

/* The same arena for properties: a case has its own, for its allocator is another than that of the setup. */
static bool text_is_open;
static inline void text_end(void) {
    if (text_is_open) {
        build_end();
    }
    text_is_open = false;
}
static inline void text_begin(void) {
    text_end();
    build_begin();
    text_is_open = true;
}

/* As end_where, and the case's arena ends too. */
static inline void text_end_where(vm_t *vm, bool is_starved) {
    if (is_starved) {
        text_end();
    }
    end_where(vm, is_starved);
}

/* Into the arena, from where the VM put it. */
static inline struct vm__buffer text_keep(vm_t *vm, unsigned char *bytes, size_t length, size_t more) {
    struct vm__buffer buffer = {.allocator = build_allocator()};
    vm__buffer_add(&buffer, bytes, length);
    vm_bytes_free(vm, bytes, length + more);
    text_end_where(vm, buffer.is_starved);
    return buffer;
}

/* Assembles; VM_OK or VM_ERROR_IMAGE, any other end of it is one of the test. */
static inline vm_status text_assemble(vm_t *vm, const char *text, size_t length, const char *file,
                                      struct vm__buffer *image, struct cupel_error *error) {
    unsigned char *bytes = NULL;
    size_t image_length = 0;
    *error = (struct cupel_error){""};
    vm_status status = vm_assemble(vm, text, length, file, &bytes, &image_length, error);
    text_end_where(vm, status == VM_ERROR_OOM);
    *image = text_keep(vm, bytes, image_length, 0);
    return status;
}

/* The text of an image that is sound. */
static inline struct vm__buffer text_disassemble(vm_t *vm, const struct vm__buffer *image) {
    unsigned char *text = NULL;
    size_t length = 0;
    struct cupel_error error = {""};
    vm_status status = vm_disassemble(vm, image->data, image->length, &text, &length, &error);
    text_end_where(vm, status == VM_ERROR_OOM);
    CHECK_STR_EQ(error.text, "");
    REQUIRE_INT_EQ(status, VM_OK);
    CHECK_INT_EQ(text[length], 0);
    return text_keep(vm, text, length, 1);
}

/* Disassembles an image, assembles that, and disassembles again: nothing has changed. The text that was between. */
static inline struct vm__buffer text_go_round(vm_t *vm, const struct vm__buffer *image) {
    struct vm__buffer again, text = text_disassemble(vm, image);
    struct cupel_error error;
    vm_status status = text_assemble(vm, (const char *)text.data, text.length, NULL, &again, &error);
    CHECK_STR_EQ(error.text, "");
    REQUIRE_INT_EQ(status, VM_OK);
    REQUIRE_UINT_EQ(again.length, image->length);
    CHECK_MEM_EQ(again.data, image->data, image->length);
    struct vm__buffer same = text_disassemble(vm, &again);
    REQUIRE_UINT_EQ(same.length, text.length);
    CHECK_MEM_EQ(same.data, text.data, text.length);
    return text;
}

#endif
