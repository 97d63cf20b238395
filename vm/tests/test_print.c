/* Goal: values are printed so that they can be read back, cycles and depth end the text, and no mark is left behind.
 * Method: one row a value and its text; a sink that refuses at every piece; drawn values, printed twice. */
#include "harness/harness.h"
#include "vm/src/heap.h"
#include "vm/tests/starve.h"
#include "vm/tests/values.h"

#include <math.h>

struct text {
    char bytes[4096];
    size_t length;
    unsigned pieces_left; /* 0: all are taken */
};

static bool take(void *context, const char *piece, size_t length) {
    struct text *text = context;
    size_t room = sizeof text->bytes - 1 - text->length;
    length = length < room ? length : room;
    memcpy(text->bytes + text->length, piece, length);
    text->length += length;
    text->bytes[text->length] = '\0';
    return text->pieces_left == 0 || --text->pieces_left > 0;
}

static void check_print(vm_t *vm, tagged_value_t value, const char *expected) {
    struct text text = {.length = 0};
    vm_status status = vm_print(vm, value, take, &text);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_OK);
    CHECK_STR_EQ(text.bytes, expected);
    check_heap(vm); /* which no mark survives */
}

static const struct number {
    double number;
    const char *text;
} numbers[] = {
    {0, "0.0"},
    {-0.0, "-0.0"},
    {1, "1.0"},
    {0.1, "0.1"},
    {1e300, "1e+300"},
    {-2.5, "-2.5"},
    {NAN, "nan"},
    {HUGE_VAL, "inf"},
    {-HUGE_VAL, "-inf"},
    {1e15, "1e+15"},
    {123456, "123456.0"},
    {1.0 / 3, "0.3333333333333333"},
    {0.1 + 0.2, "0.30000000000000004"},
    {5e-324, "4.94065645841247e-324"},
};

TEST(print, doubles_read_back, TABLE(numbers)) {
    const struct number *row = test_row();
    vm_t *vm = create(NULL);
    check_print(vm, made(vm, vm_mk_double(vm, row->number)), row->text);
    vm_destroy(vm);
}

TEST(print, each_kind_has_its_form) {
    vm_t *vm = create(NULL);
    tagged_value_t string = made(vm, vm_mk_string(vm, "a\"\\\n\t\x01\x7f\xc3\xa4z", 10)), slice, table, bytes;
    check_print(vm, string, "\"a\\\"\\\\\\n\\t\\x01;\\x7f;\xc3\xa4z\"");
    end_where(vm, vm_slice(vm, string, 0, 1, &slice) != VM_OK);
    check_print(vm, slice, "\"a\"");
    check_print(vm, VM_NIL, "nil");
    check_print(vm, VM_UNDEFINED, "undefined");
    check_print(vm, VM__HOLE, "#<reserved>");
    check_print(vm, made(vm, vm_mk_int64(vm, INT64_MIN)), "-9223372036854775808");
    check_print(vm, vm_mk_integer(-5), "-5");
    bytes = made(vm, vm_mk_bytes(vm, "\x00\xff\x10", 3));
    check_print(vm, bytes, "#x\"00ff10\"");
    end_where(vm, vm_slice(vm, bytes, 1, 2, &slice) != VM_OK);
    check_print(vm, slice, "#x\"ff\"");
    tagged_value_t array = made(vm, vm_mk_array(vm, 2));
    check_print(vm, array, "[nil nil]");
    vm_set(array, 1, array);
    check_print(vm, array, "[nil #<cycle>]");
    check_print(vm, made(vm, vm_mk_array(vm, 0)), "[]");
    table = made(vm, vm_mk_table(vm, 0));
    check_print(vm, table, "{}");
    end_where(vm, vm_table_set(vm, table, vm_mk_integer(1), VM_TRUE) != VM_OK);
    end_where(vm, vm_table_set(vm, table, vm_mk_integer(2), table) != VM_OK);
    check_print(vm, table, "{1 true 2 #<cycle>}");
    check_print(vm, made(vm, vm_mk_box(vm, VM_TRUE)), "#<box true>");
    check_print(vm, made(vm, vm_mk_error(vm, VM_TRUE, string, array)),
                "#<error true \"a\\\"\\\\\\n\\t\\x01;\\x7f;\xc3\xa4z\" [nil #<cycle>]>");
    vm_destroy(vm);
}

TEST(print, lists_are_one_level) {
    vm_t *vm = create(&(struct vm_options){.nesting_max = 2});
    tagged_value_t list = VM_NIL;
    for (int i = 3; i > 0; i--) {
        list = made(vm, vm_mk_pair(vm, vm_mk_integer(i), list));
    }
    check_print(vm, list, "(1 2 3)");
    vm_set(vm_get(vm_get(list, 1), 1), 1, vm_mk_integer(4));
    check_print(vm, list, "(1 2 3 . 4)");
    vm_set(vm_get(vm_get(list, 1), 1), 1, list);
    check_print(vm, list, "(1 2 3 . #<cycle>)");
    /* A list inside of itself: the inner one ends where the outer one is. */
    tagged_value_t outer = made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL));
    vm_set(outer, 0, made(vm, vm_mk_pair(vm, VM_TRUE, outer)));
    check_print(vm, outer, "((true . #<cycle>))");
    vm_destroy(vm);
}

TEST(print, names_that_would_not_read_as_names_are_quoted) {
    static const char *const names[][2] = {
        {"a", "a"},       {"a-b!", "a-b!"},   {"", "||"},   {"nil", "|nil|"}, {"12", "|12|"},
        {"a b", "|a b|"}, {"a|b", "|a\\|b|"}, {"-", "|-|"}, {"(", "|(|"},     {"\xc3\xa4", "\xc3\xa4"}};
    vm_t *vm = create(NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check_print(vm, made(vm, vm_mk_symbol(vm, names[i][0], strlen(names[i][0]))), names[i][1]);
    }
    vm_destroy(vm);
}

static vm_status nothing(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)vm;
    (void)arguments;
    (void)count;
    *result = VM_NIL;
    return VM_OK;
}

TEST(print, what_has_no_form_shows_its_number) {
    vm_t *vm = create(NULL);
    tagged_value_t field = made(vm, vm_mk_symbol(vm, "x", 1));
    tagged_value_t shape = made(vm, vm_mk_shape(vm, made(vm, vm_mk_symbol(vm, "point", 5)), &field, 1));
    check_print(vm, made(vm, vm_mk_record(vm, shape)), "#<record point nil>");
    check_print(vm, shape, "#<shape point 1>");
    check_print(vm, shape, "#<shape point 1>");
    check_print(vm, made(vm, vm_mk_native(vm, &(struct vm_native){.name = "f", .function = nothing})), "#<native f 2>");
    check_print(vm, made(vm, vm_mk_cell(vm, VM_NIL, VM_TRUE)), "#<cell 3>");
    check_print(vm, made(vm, vm_mk_nobj(vm, VM_NIL, vm, 0, NULL)), "#<native-object 4>");
    vm_destroy(vm);
}

TEST(print, nesting_has_a_limit) {
    vm_t *vm = create(NULL);
    tagged_value_t nest = VM_TRUE;
    for (int i = 0; i < 40; i++) {
        tagged_value_t outer = made(vm, vm_mk_array(vm, 1));
        vm_set(outer, 0, nest);
        nest = outer;
    }
    struct text text = {.length = 0};
    vm_status status = vm_print(vm, nest, take, &text);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_OK);
    CHECK_UINT_EQ(text.length, 84);
    vm_destroy(vm);
    vm = create(&(struct vm_options){.nesting_max = 2});
    nest = made(vm, vm_mk_array(vm, 2));
    tagged_value_t middle = made(vm, vm_mk_pair(vm, nest, VM_NIL)), outer = made(vm, vm_mk_pair(vm, middle, VM_NIL));
    text.length = 0;
    CHECK_INT_EQ(vm_print(vm, outer, take, &text), VM_ERROR_DEPTH);
    CHECK_STR_EQ(text.bytes, "((...))");
    check_heap(vm);
    vm_destroy(vm);
}

/* Refused at every piece in turn, the printer stops there and leaves no mark behind. */
TEST(print, a_sink_that_refuses_ends_it) {
    vm_t *vm = create(NULL);
    tagged_value_t array = made(vm, vm_mk_array(vm, 2)), table = made(vm, vm_mk_table(vm, 0));
    end_where(vm, vm_table_set(vm, table, vm_mk_integer(1), made(vm, vm_mk_string(vm, "a\nb", 3))) != VM_OK);
    vm_set(array, 0, made(vm, vm_mk_pair(vm, vm_mk_integer(2), made(vm, vm_mk_pair(vm, table, VM_TRUE)))));
    vm_set(array, 1, made(vm, vm_mk_bytes(vm, "ab", 2)));
    tagged_value_t name = made(vm, vm_mk_symbol(vm, "a b", 3));
    tagged_value_t rest[] = {vm_mk_integer(-7),
                             made(vm, vm_mk_double(vm, 2)),
                             name,
                             made(vm, vm_mk_double(vm, HUGE_VAL)),
                             made(vm, vm_mk_box(vm, name)),
                             made(vm, vm_mk_shape(vm, name, &name, 1)),
                             made(vm, vm_mk_cell(vm, name, VM_NIL)),
                             array};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        end_where(vm, vm_array_push(vm, array, rest[i]) != VM_OK);
    }
    unsigned pieces = 1;
    for (;; pieces++) {
        struct text text = {.pieces_left = pieces};
        vm_status status = vm_print(vm, array, take, &text);
        check_heap(vm);
        if (status == VM_OK) {
            CHECK_STR_EQ(text.bytes, "[(2 {1 \"a\\nb\"} . true) #x\"6162\" -7 2.0 |a b| inf #<box |a b|> "
                                     "#<shape |a b| 1> #<cell |a b| 2> #<cycle>]");
            break;
        }
        REQUIRE_INT_EQ(status, VM_ERROR_SINK);
    }
    CHECK(pieces > 20);
    vm_destroy(vm);
}

PROPERTY(print, leaves_values_as_they_were, .longest = 512, .faults = "vm") {
    vm_t *vm = vm_create(a, &(struct vm_options){HEAP_STARVES});
    STARVED(vm == NULL);
    tagged_value_t value = draw_value(vm, bytes, 0);
    struct text first = {.length = 0}, second = {.length = 0};
    vm_handle handle = vm_is_oom(value) ? 0 : vm_hold(vm, value);
    vm_status status = handle == 0 ? VM_ERROR_OOM : vm_print(vm, value, take, &first);
    status = status == VM_OK ? vm_print(vm, vm_held(vm, handle), take, &second) : status;
    bool holds = status == VM_OK && vm_check_heap(vm);
    vm_destroy(vm);
    STARVED(!holds);
    CHECK_STR_EQ(first.bytes, second.bytes);
}
