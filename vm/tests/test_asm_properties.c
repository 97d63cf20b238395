/* Goal: any text is an image or an error inside of the text; sound programs of any shape come back from their texts
 * byte for byte; the assembler keeps nothing that a flip would move. Method: drawn texts, drawn programs, with a flip
 * at every safepoint or without, to the same image. */
#include "vm/tests/draw_program.h"
#include "vm/tests/text.h"

static const struct vm_options flipping = {.stress = VM_STRESS_FLIP | VM_STRESS_MOVE | VM_STRESS_PROTECT};

/* Line and column of an error are of a character of the text, or just behind its end. */
static void check_place(const char *text, size_t length, const struct cupel_error *error) {
    unsigned line = 1, column = 1;
    size_t i = 0;
    for (; i < length && (line < error->line || column < error->column); i++) {
        column = text[i] == '\n' ? 1 : column + (i + 1 == length || ((unsigned char)text[i + 1] & 0xc0) != 0x80);
        line += text[i] == '\n';
    }
    CHECK_UINT_EQ(line, error->line);
    CHECK_UINT_EQ(column, error->column);
    CHECK(error->text[0] != '\0');
    char excerpt[512];
    vm_excerpt(text, length, error, excerpt, sizeof excerpt);
    CHECK_STR_CONTAINS(excerpt, "^\n");
}

PROPERTY(asm, any_text_is_an_image_or_an_error_in_it, .longest = 2048, .teardown = text_end) {
    struct cupel_view text = cupel_draw_rest(bytes, "text");
    vm_t *vm = create(&flipping);
    text_begin();
    struct vm__buffer image;
    struct cupel_error error;
    vm_status status = text_assemble(vm, (const char *)text.data, text.length, "text.vma", &image, &error);
    if (status == VM_OK) {
        (void)text_go_round(vm, &image);
    } else {
        CHECK_INT_EQ(status, VM_ERROR_IMAGE);
        check_place((const char *)text.data, text.length, &error);
    }
    vm_destroy(vm);
    text_end();
}

PROPERTY(asm, programs_come_back_byte_for_byte, .longest = 1024, .teardown = text_end) {
    vm_t *vm = create(NULL);
    text_begin();
    struct vm__buffer text = {.allocator = build_allocator()}, image, moved;
    struct cupel_error error;
    draw_function(&text, bytes, NULL);
    text_end_where(vm, text.is_starved);
    vm_status status = text_assemble(vm, (const char *)text.data, text.length, NULL, &image, &error);
    if (status != VM_OK) {
        cupel_note("%.*s", (int)text.length, (const char *)text.data);
    }
    CHECK_STR_EQ(error.text, "");
    REQUIRE_INT_EQ(status, VM_OK);
    (void)text_go_round(vm, &image);
    struct vm_statistics statistics;
    vm_statistics(vm, &statistics);
    CHECK_UINT_EQ(statistics.handles, 0);
    vm_destroy(vm);
    vm = vm_create(test_allocator(), &flipping);
    text_end_where(NULL, vm == NULL);
    REQUIRE_INT_EQ(text_assemble(vm, (const char *)text.data, text.length, NULL, &moved, &error), VM_OK);
    text_end_where(vm, !vm_check_heap(vm));
    vm_destroy(vm);
    REQUIRE_UINT_EQ(moved.length, image.length);
    CHECK_MEM_EQ(moved.data, image.data, image.length);
    text_end();
}
