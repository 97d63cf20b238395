/* Goal: the reader makes of a text what the printer makes a text of, tells mistakes by their place, and needs no C
 * stack however deep data nests. Method: one row a text and what is printed of it, one row a mistake, drawn values that
 * are printed and read, and a tower of brackets. */
#include "vm/tests/text.h"
#include "vm/tests/values.h"

static const struct reading {
    const char *text, *printed; /* printed NULL: an error */
    const char *why;
    unsigned line, column;
} readings[] = {
    {"()", "nil", NULL, 0, 0},
    {"(a . b)", "(a . b)", NULL, 0, 0},
    {"(a b . (c))", "(a b c)", NULL, 0, 0},
    {" ; a comment\n\t[1 -2 +3 0x1F -0x10]\r", "[1 -2 3 31 -16]", NULL, 0, 0},
    {"9223372036854775807", "9223372036854775807", NULL, 0, 0},
    {"-9223372036854775808", "-9223372036854775808", NULL, 0, 0},
    {"[1.5 .5 -1e3 1E-2 inf -inf nan -0.0]", "[1.5 0.5 -1000.0 0.01 inf -inf nan -0.0]", NULL, 0, 0},
    {"'a", "(quote a)", NULL, 0, 0},
    {"'('a)", "(quote ((quote a)))", NULL, 0, 0},
    {"\"a\\n\\t\\\\\\\"\\x41;\\xe9;\"", "\"a\\n\\t\\\\\\\"A\xc3\xa9\"", NULL, 0, 0},
    {"|a b|", "|a b|", NULL, 0, 0},
    {"|a\\|\\x20;b|", "|a\\| b|", NULL, 0, 0},
    {"||", "||", NULL, 0, 0},
    {"(nil false true undefined - + -a)", "(nil false true undefined |-| |+| |-a|)", NULL, 0, 0},
    {"(#\\a #\\\xc3\xa9 #\\( #\\ )", "(97 233 40 32)", NULL, 0, 0},
    {"\xc3\xa9", "\xc3\xa9", NULL, 0, 0},
    {"a(b)", "a", NULL, 0, 0},
    {"(a", NULL, "this does not end", 1, 1},
    {"\n (a\n [b", NULL, "this does not end", 3, 2},
    {"'", NULL, "this does not end", 1, 1},
    {")", NULL, "nothing is open", 1, 1},
    {"(a]", NULL, "another kind of bracket", 1, 3},
    {"[a)", NULL, "another kind of bracket", 1, 3},
    {"(')", NULL, "a datum must come before", 1, 3},
    {"(a . )", NULL, "a datum must come before", 1, 6},
    {"(a . b c)", NULL, "more than one datum behind", 1, 1},
    {"(. b)", NULL, "a dot stands only behind", 1, 2},
    {"[a . b]", NULL, "a dot stands only behind", 1, 4},
    {".", NULL, "a dot stands only behind", 1, 1},
    {"{1 2}", NULL, "this cannot stand here", 1, 1},
    {"\x01", NULL, "this cannot stand here", 1, 1},
    {"(a \"b\nc", NULL, "this string does not end", 1, 4},
    {"|a", NULL, "this name does not end", 1, 1},
    {"\"\\q\"", NULL, "there is no such escape: \\q", 1, 2},
    {"\"\\x;\"", NULL, "there is no such escape", 1, 2},
    {"\"\\x110000;\"", NULL, "there is no such escape", 1, 2},
    {"\"\\xd800;\"", NULL, "there is no such escape", 1, 2},
    {"\"\\x41\"", NULL, "there is no such escape", 1, 2},
    {"\"\\", NULL, "there is no such escape", 1, 2},
    {"\"\\x4", NULL, "there is no such escape", 1, 2},
    {"\"\xff\"", NULL, "this text is not UTF-8", 1, 1},
    {"|\xff|", NULL, "this text is not UTF-8", 1, 1},
    {"(\xc3\xa9 \xff", NULL, "this word is not UTF-8", 1, 4},
    {"9223372036854775808", NULL, "at most 64 bits: 9223372036854775808", 1, 1},
    {"-9223372036854775809", NULL, "at most 64 bits", 1, 1},
    {"0x10000000000000000", NULL, "at most 64 bits", 1, 1},
    {"1.2.3", NULL, "this is no number: 1.2.3", 1, 1},
    {"12a", NULL, "this is no number", 1, 1},
    {"0x", NULL, "this is no number", 1, 1},
    {"0x1x", NULL, "this is no number", 1, 1},
    {"-.", NULL, "this is no number", 1, 1},
    {"1e", NULL, "this is no number", 1, 1},
    {"#a", NULL, "there is no such character", 1, 1},
    {"#\\", NULL, "there is no such character", 1, 1},
    {"#\\ab", NULL, "there is no such character", 1, 1},
    {"#\\\xff", NULL, "there is no such character", 1, 1},
    {"1111111111222222222233333333334444444444555555555566666666667777777777888888888899999999990000000000.5", NULL,
     "this number is too long", 1, 1},
};

static vm_status read_text(vm_t *vm, const char *text, size_t length, tagged_value_t *value,
                           struct cupel_error *error) {
    size_t at = 0;
    *error = (struct cupel_error){""};
    vm_status status = vm_read(vm, text, length, &at, value, error);
    text_end_where(vm, status == VM_ERROR_OOM);
    CHECK_UINT_LE(at, length);
    return status;
}

static bool take(void *context, const char *piece, size_t length) {
    vm__buffer_add(context, piece, length);
    return true;
}

/* What is printed of a value, in the arena of the test. */
static struct vm__buffer print(vm_t *vm, tagged_value_t value) {
    struct vm__buffer text = {.allocator = build_allocator()};
    vm_status status = vm_print(vm, value, take, &text);
    text_end_where(vm, status == VM_ERROR_OOM || text.is_starved);
    CHECK_INT_EQ(status, VM_OK);
    return text;
}

TEST(reader, makes_data_of_text, BUILDS, TABLE(readings)) {
    const struct reading *row = test_row();
    vm_t *vm = create(NULL);
    tagged_value_t value = VM_NIL;
    struct cupel_error error;
    vm_status status = read_text(vm, row->text, strlen(row->text), &value, &error);
    if (row->printed == NULL) {
        CHECK_INT_EQ(status, VM_ERROR_IMAGE);
        CHECK_STR_CONTAINS(error.text, row->why);
        CHECK_UINT_EQ(error.line, row->line);
        CHECK_UINT_EQ(error.column, row->column);
    } else {
        CHECK_STR_EQ(error.text, "");
        REQUIRE_INT_EQ(status, VM_OK);
        struct vm__buffer text = print(vm, value);
        vm__buffer_add(&text, "", 1);
        text_end_where(vm, text.is_starved);
        CHECK_STR_EQ((const char *)text.data, row->printed);
    }
    vm_destroy(vm);
}

TEST(reader, goes_on_behind_each_datum) {
    static const char text[] = "a (b) ; c\n 2 ; end";
    vm_t *vm = create(NULL);
    size_t at = 0;
    tagged_value_t value;
    for (size_t i = 0; i < 3; i++) {
        vm_status status = vm_read(vm, text, sizeof text - 1, &at, &value, NULL);
        text_end_where(vm, status == VM_ERROR_OOM);
        CHECK_INT_EQ(status, VM_OK);
    }
    CHECK_INT_EQ(vm_integer(value), 2);
    CHECK_INT_EQ(vm_read(vm, text, sizeof text - 1, &at, &value, NULL), VM_ERROR_MISSING);
    CHECK_UINT_EQ(at, sizeof text - 1);
    CHECK_INT_EQ(vm_read(vm, ")", 1, &(size_t){0}, &value, NULL), VM_ERROR_IMAGE);
    vm_destroy(vm);
}

TEST(reader, nests_as_deep_as_the_options_say, .tags = "slow", .no_sweep = "the same steps over and over") {
    enum { DEPTH = 200000 };
    static char text[2 * DEPTH + 2];
    struct cupel_error error;
    tagged_value_t value;
    for (unsigned i = 0; i < 3; i++) {
        const struct vm_options options = {.nesting_max = DEPTH};
        vm_t *vm = create(i == 0 ? NULL : &options);
        size_t depth = i == 0 ? 10000 : DEPTH;
        memset(text, '(', depth + (i != 2));
        memset(text + depth + (i != 2), ')', depth);
        vm_status status = read_text(vm, text, 2 * depth + (i != 2), &value, &error);
        CHECK_INT_EQ(status, i == 2 ? VM_OK : VM_ERROR_IMAGE);
        CHECK_STR_EQ(error.text, i == 2 ? "" : "this nests too deep");
        CHECK_UINT_EQ(error.column, i == 2 ? 0 : depth + 1);
        vm_destroy(vm);
    }
}

TEST(reader, stops_at_the_memory_cap, .no_sweep = "it runs out of memory by itself") {
    static const char text[] = "(\"some text that takes memory\" [1 2 3] (a b c) name another-name)";
    bool is_read = false;
    for (size_t cap = 16; !is_read; cap += 16) {
        const struct vm_options options = {.memory_cap_bytes = cap};
        vm_t *vm = create(&options);
        tagged_value_t value;
        size_t at = 0;
        struct cupel_error error = {""};
        vm_status status = vm_read(vm, text, sizeof text - 1, &at, &value, &error);
        is_read = status == VM_OK;
        if (!is_read) {
            CHECK_INT_EQ(status, VM_ERROR_OOM);
            CHECK_STR_EQ(error.text, "out of memory");
            CHECK_UINT_LT(cap, (size_t)4096);
        }
        check_heap(vm);
        vm_destroy(vm);
    }
}

/* Opaque things, tables and bytes have no text that is read. */
static bool is_readable(const struct vm__buffer *text) {
    return memchr(text->data, '{', text->length) == NULL && memmem(text->data, text->length, "#<", 2) == NULL &&
           memmem(text->data, text->length, "#x\"", 3) == NULL;
}

PROPERTY(reader, reads_what_is_printed, .longest = 512, .teardown = text_end) {
    vm_t *vm = create(NULL);
    tagged_value_t value = made(vm, draw_value(vm, bytes, 0)), read;
    text_begin();
    struct vm__buffer text = print(vm, value);
    struct cupel_error error;
    if (is_readable(&text)) {
        vm_status status = read_text(vm, (const char *)text.data, text.length, &read, &error);
        CHECK_STR_EQ(error.text, "");
        REQUIRE_INT_EQ(status, VM_OK);
        struct vm__buffer again = print(vm, read);
        REQUIRE_UINT_EQ(again.length, text.length);
        CHECK_MEM_EQ(again.data, text.data, text.length);
    }
    vm_destroy(vm);
    text_end();
}
