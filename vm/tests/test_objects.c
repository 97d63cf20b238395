/* Goal: each kind of object holds what it was given, grows as it is told, and survives flips, with small and large
 * sizes. Method: one test a kind, under flips at every safepoint that move large objects too; texts by a table of
 * UTF-8. */
#include "harness/harness.h"
#include "vm/src/heap.h"
#include "vm/tests/starve.h"
#include "vm/vm.h"

#include <string.h>

static vm_t *create_moving(void) {
    return create(&(struct vm_options){HEAP_STARVES, .stress = VM_STRESS_FLIP | VM_STRESS_MOVE});
}

static void must(vm_t *vm, vm_status status) {
    end_where(vm, status == VM_ERROR_OOM);
    REQUIRE_INT_EQ(status, VM_OK);
}

struct utf8 {
    const char *text;
    size_t characters; /* SIZE_MAX: not well-formed */
};

static const struct utf8 utf8s[] = {
    {"", 0},
    {"a", 1},
    {"abcdefghijklmnop", 16},
    {"abcdefgh\xc3\xa4", 9},
    {"\xc2\x80", 1},
    {"\xdf\xbf", 1},
    {"\xe0\xa0\x80", 1},
    {"\xed\x9f\xbf", 1},
    {"\xee\x80\x80", 1},
    {"\xf0\x90\x80\x80", 1},
    {"\xf4\x8f\xbf\xbf", 1},
    {"\x80", SIZE_MAX},             /* begins in the middle */
    {"\xc1\xbf", SIZE_MAX},         /* too long for what it says */
    {"\xe0\x9f\xbf", SIZE_MAX},     /* the same of three */
    {"\xf0\x8f\xbf\xbf", SIZE_MAX}, /* and of four */
    {"\xed\xa0\x80", SIZE_MAX},     /* a surrogate */
    {"\xf4\x90\x80\x80", SIZE_MAX}, /* past the last one */
    {"\xf5\x80\x80\x80", SIZE_MAX},
    {"a\xc3", SIZE_MAX}, /* ends too early */
    {"\xe2\x82", SIZE_MAX},
    {"\xc3(", SIZE_MAX},
};

TEST(vm_text, utf8_is_checked_where_it_enters, TABLE(utf8s)) {
    const struct utf8 *row = test_row();
    size_t characters = 77, length = strlen(row->text);
    CHECK_INT_EQ(vm_utf8_check(row->text, length, &characters), row->characters != SIZE_MAX);
    vm_t *vm = create(NULL);
    tagged_value_t string = made(vm, vm_mk_string(vm, row->text, length));
    tagged_value_t symbol = made(vm, vm_mk_symbol(vm, row->text, length));
    if (row->characters == SIZE_MAX) {
        CHECK(vm_is_same(string, VM_UNDEFINED));
        CHECK(vm_is_same(symbol, VM_UNDEFINED));
    } else {
        CHECK_UINT_EQ(characters, row->characters);
        CHECK_UINT_EQ(vm_length(string), row->characters);
        CHECK_STR_EQ(vm_string_text(vm_symbol_name(symbol)), row->text);
    }
    vm_destroy(vm);
}

static const uint32_t characters[] = {0, 'a', 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};

TEST(vm_text, characters_come_back_from_utf8, TABLE(characters)) {
    uint32_t character = *(const uint32_t *)test_row();
    char text[8] = "x";
    unsigned length = vm_utf8_write(character, text + 1);
    vm_t *vm = create(NULL);
    tagged_value_t string = made(vm, vm_mk_string(vm, text, length + 1));
    REQUIRE(vm_is(string, VM_TYPE_STRING));
    CHECK_UINT_EQ(vm_length(string), 2);
    CHECK_UINT_EQ(vm_text_character(string, 1), character);
    vm_destroy(vm);
}

TEST(vm_objects, symbols_are_one_for_each_name, .faults = "vm") {
    vm_t *vm = create_moving();
    tagged_value_t symbol = made(vm, vm_mk_symbol(vm, "name", 4));
    CHECK(vm_is_same(made(vm, vm_mk_symbol(vm, "name", 4)), symbol));
    CHECK(!vm_is_same(made(vm, vm_mk_symbol(vm, "names", 5)), symbol));
    vm_handle handle = hold(vm, symbol);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 200; i++) {
            char name[3] = {(char)('a' + i / 26), (char)('a' + i % 26), (char)('0' + round)};
            tagged_value_t one = made(vm, vm_mk_symbol(vm, name, 3));
            CHECK(vm_is_same(made(vm, vm_mk_symbol(vm, name, 3)), one));
        }
        check_heap(vm);
        flip(vm);
        check_heap(vm);
        CHECK(vm_is_same(made(vm, vm_mk_symbol(vm, "name", 4)), vm_held(vm, handle)));
    }
    vm_handle kept[70] = {0};
    for (unsigned i = 0; i < 200; i++) {
        char name[3] = {(char)('a' + i / 26), (char)('a' + i % 26), '9'};
        tagged_value_t one = made(vm, vm_mk_symbol(vm, name, 3));
        kept[i / 3] = i % 3 == 0 ? hold(vm, one) : kept[i / 3];
    }
    flip(vm);
    for (unsigned i = 0; i < 200; i += 3) {
        char name[3] = {(char)('a' + i / 26), (char)('a' + i % 26), '9'};
        CHECK(vm_is_same(made(vm, vm_mk_symbol(vm, name, 3)), vm_held(vm, kept[i / 3])));
        vm_drop(vm, kept[i / 3]);
    }
    vm_drop(vm, handle);
    flip(vm);
    CHECK_UINT_EQ(vm->symbols.count, 1); /* that of the error for want of memory */
    vm_destroy(vm);
}

TEST(vm_objects, arrays_grow_and_stay_the_same, .tags = "slow", .faults = "vm") {
    vm_t *vm = create_moving();
    vm_handle handle = hold(vm, vm_mk_array(vm, 0)), other = hold(vm, vm_held(vm, handle));
    for (int i = 0; i < 6000; i++) {
        must(vm, vm_array_push(vm, vm_held(vm, handle), vm_mk_integer(i)));
        if (i % 1000 == 0) {
            flip(vm);
            check_heap(vm);
        }
    }
    CHECK(vm_is_same(vm_held(vm, handle), vm_held(vm, other)));
    REQUIRE_UINT_EQ(vm_length(vm_held(vm, other)), 6000);
    tagged_value_t element = VM_NIL;
    for (int i = 5999; i >= 0; i--) {
        CHECK_INT_EQ(vm_integer(vm_get(vm_held(vm, other), (size_t)i)), i);
        must(vm, vm_array_pop(vm_held(vm, handle), &element));
        CHECK_INT_EQ(vm_integer(element), i);
    }
    CHECK_INT_EQ(vm_array_pop(vm_held(vm, handle), &element), VM_ERROR_RANGE);
    vm_destroy(vm);
}

TEST(vm_objects, bytes_grow_and_take_only_bytes, .faults = "vm") {
    vm_t *vm = create_moving();
    vm_handle handle = hold(vm, vm_mk_bytes(vm, "\xff", 1));
    for (unsigned i = 0; i < 100; i++) {
        must(vm, vm_bytes_push(vm, vm_held(vm, handle), (uint8_t)i));
    }
    flip(vm);
    tagged_value_t bytes = vm_held(vm, handle);
    CHECK_UINT_EQ(vm_length(bytes), 101);
    CHECK_INT_EQ(vm_integer(vm_get(bytes, 0)), 255);
    CHECK_INT_EQ(vm_integer(vm_get(bytes, 100)), 99);
    CHECK_INT_EQ(vm_put(bytes, 1, vm_mk_integer(256)), VM_ERROR_RANGE);
    CHECK_INT_EQ(vm_put(bytes, 1, vm_mk_integer(-1)), VM_ERROR_RANGE);
    CHECK_INT_EQ(vm_put(bytes, 1, VM_TRUE), VM_ERROR_TYPE);
    CHECK_INT_EQ(vm_put(bytes, 101, vm_mk_integer(1)), VM_ERROR_RANGE);
    vm_set(bytes, 1, vm_mk_integer(7));
    CHECK_INT_EQ(vm_integer(vm_get(bytes, 1)), 7);
    check_heap(vm);
    vm_destroy(vm);
}

TEST(vm_objects, integers_of_64_bits_are_boxed_only_where_they_must) {
    vm_t *vm = create(NULL);
    static const int64_t numbers[] = {0, VM_INTEGER_MAX, VM_INTEGER_MIN, VM_INTEGER_MAX + 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        tagged_value_t value = made(vm, vm_mk_int64(vm, numbers[i]));
        CHECK(vm_is_int64(value));
        CHECK_INT_EQ(vm_int64(value), numbers[i]);
        CHECK_INT_EQ(vm_is_integer(value), vm_integer_fits(numbers[i]));
    }
    CHECK(!vm_is_int64(VM_TRUE));
    vm_destroy(vm);
}

static vm_status do_nothing(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)vm;
    (void)arguments;
    *result = vm_mk_integer((int64_t)count);
    return VM_OK;
}

TEST(vm_objects, what_can_be_called_keeps_its_parts, .faults = "vm") {
    vm_t *vm = create_moving();
    struct vm__object *proto = vm__proto_new(vm, 3);
    end_where(vm, proto == NULL);
    memcpy(vm__proto_code(proto), (uint32_t[]){1, 2, 3}, 12);
    proto->slots[7] = made(vm, vm_mk_string(vm, "constant", 8));
    tagged_value_t captures[2] = {made(vm, vm_mk_box(vm, VM_TRUE)), vm_mk_integer(5)};
    vm_handle closure = hold(vm, vm_mk_closure(vm, vm__reference(proto), captures, 2));
    vm_handle native = hold(vm, vm_mk_native(vm, &(struct vm_native){.name = "nothing",
                                                                     .function = do_nothing,
                                                                     .arity_min = 1,
                                                                     .arity_max = UINT16_MAX,
                                                                     .flags = VM_NATIVE_SAFE,
                                                                     .data = &proto}));
    vm_handle cell = hold(vm, vm_mk_cell(vm, VM_NIL, VM_FALSE));
    vm_handle error = hold(vm, vm_mk_error(vm, VM_NIL, VM_TRUE, VM_FALSE));
    flip(vm);
    check_heap(vm);
    const struct vm__object *moved = vm__object(vm_held(vm, closure));
    struct vm__object *moved_proto = vm__object(moved->slots[VM__CLOSURE_PROTO]);
    CHECK_UINT_EQ(vm__proto_code(moved_proto)[2], 3);
    CHECK_STR_EQ(vm_string_text(moved_proto->slots[7]), "constant");
    CHECK(vm_is(moved->slots[VM__CLOSURE_CAPTURES], VM_TYPE_BOX));
    CHECK_INT_EQ(vm_integer(moved->slots[VM__CLOSURE_CAPTURES + 1]), 5);
    const struct vm__object *function = vm__object(vm_held(vm, native));
    CHECK(vm__raw(function, VM__NATIVE_FUNCTION) == (uintptr_t)do_nothing);
    CHECK(vm__raw(function, VM__NATIVE_DATA) == (uintptr_t)&proto);
    CHECK_UINT_EQ(vm__raw(function, VM__NATIVE_ARITY), 0x1ffff0001U);
    CHECK(vm_is_same(vm__object(vm_held(vm, cell))->slots[0], VM_FALSE));
    CHECK(vm_is_same(vm__object(vm_held(vm, error))->slots[VM__ERROR_MESSAGE], VM_TRUE));
    tagged_value_t plain = made(vm, vm_mk_closure(vm, vm__reference(moved_proto), NULL, 0));
    CHECK_UINT_EQ(vm__slot_count(vm__object(plain)), 1);
    CHECK(vm__proto_new(vm, (size_t)INT32_MAX + 1) == NULL);
    CHECK(vm_is_same(made(vm, vm_mk_native(vm, &(struct vm_native){.name = "\xff", .function = do_nothing})),
                     VM_UNDEFINED));
    vm_destroy(vm);
}

static unsigned released;

static void release(void *address) {
    released += *(const unsigned *)address;
}

TEST(vm_objects, native_objects_are_freed_once_they_are_unreachable, .faults = "vm") {
    static unsigned one = 1, ten = 10, hundred = 100;
    released = 0;
    vm_t *vm = create_moving();
    vm_handle kept = hold(vm, vm_mk_nobj(vm, VM_TRUE, &one, sizeof one, release));
    (void)made(vm, vm_mk_nobj(vm, VM_NIL, &ten, 0, release));
    vm_handle early = hold(vm, vm_mk_nobj(vm, VM_NIL, &hundred, 0, release));
    (void)made(vm, vm_mk_nobj(vm, VM_NIL, &hundred, 0, NULL));
    flip(vm);
    CHECK_UINT_EQ(released, 10);
    CHECK(vm_nobj_address(vm_held(vm, kept)) == &one);
    CHECK_UINT_EQ(vm_nobj_size(vm_held(vm, kept)), sizeof one);
    CHECK(vm_is_same(vm_nobj_tag(vm_held(vm, kept)), VM_TRUE));
    vm_nobj_release(vm_held(vm, early));
    vm_nobj_release(vm_held(vm, early));
    CHECK_UINT_EQ(released, 110);
    CHECK(vm_nobj_address(vm_held(vm, early)) == NULL);
    check_heap(vm);
    vm_destroy(vm);
    CHECK_UINT_EQ(released, 111);
}

TEST(vm_objects, native_objects_can_be_many) {
    static unsigned one = 1;
    released = 0;
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    for (int i = 0; i < 100; i++) {
        tagged_value_t object = vm_mk_nobj(vm, VM_NIL, &one, 0, release);
        end_where(vm, vm_is_oom(object));
    }
    flip(vm);
    CHECK_UINT_EQ(released, 100);
    vm_destroy(vm);
    CHECK_UINT_EQ(released, 100);
}

TEST(vm_objects, scopes_drop_their_handles, .faults = "vm") {
    vm_t *vm = create_moving();
    vm_scope outer = vm_scope_open(vm);
    vm_handle first = vm_local(vm, made(vm, vm_mk_string(vm, "first", 5)));
    end_where(vm, first == 0);
    vm_scope inner = vm_scope_open(vm);
    for (int i = 0; i < 50; i++) {
        end_where(vm, vm_local(vm, vm_mk_integer(i)) == 0);
    }
    flip(vm);
    check_heap(vm);
    vm_scope_close(vm, inner);
    vm_handle second = vm_local(vm, VM_TRUE);
    end_where(vm, second == 0);
    vm_replace(vm, second, VM_FALSE);
    CHECK(vm_is_same(vm_held(vm, second), VM_FALSE));
    CHECK_STR_EQ(vm_string_text(vm_held(vm, first)), "first");
    vm_scope_close(vm, outer);
    flip(vm);
    struct vm_statistics statistics;
    vm_statistics(vm, &statistics);
    CHECK_UINT_EQ(statistics.bytes_in_pool, statistics.bytes_at_start);
    vm_destroy(vm);
}

TEST(vm_objects, slices_keep_their_base_and_stay_views_of_it, .faults = "vm") {
    vm_t *vm = create_moving();
    tagged_value_t array = made(vm, vm_mk_array(vm, 10)), slice, inner, text, bytes;
    for (int i = 0; i < 10; i++) {
        vm_set(array, (size_t)i, vm_mk_integer(i));
    }
    must(vm, vm_slice(vm, array, 2, 8, &slice));
    must(vm, vm_slice(vm, slice, 1, 3, &inner));
    CHECK(vm_is_same(vm__object(inner)->slots[VM__SLICE_BASE], array));
    vm_set(inner, 0, VM_TRUE);
    CHECK(vm_is_same(vm_get(array, 3), VM_TRUE));
    must(vm, vm_slice(vm, made(vm, vm_mk_string(vm, "a\xc3\xa4o\xe2\x82\xac", 7)), 1, 4, &text));
    must(vm, vm_slice(vm, text, 1, 3, &text));
    must(vm, vm_slice(vm, made(vm, vm_mk_bytes(vm, "0123", 4)), 1, 4, &bytes));
    vm_handle handles[] = {hold(vm, slice), hold(vm, text), hold(vm, bytes)};
    flip(vm);
    check_heap(vm);
    slice = vm_held(vm, handles[0]);
    CHECK_UINT_EQ(vm_length(slice), 6);
    CHECK(vm_is_same(vm_get(slice, 1), VM_TRUE));
    CHECK_INT_EQ(vm_integer(vm_get(slice, 5)), 7);
    CHECK_UINT_EQ(vm_length(vm_held(vm, handles[1])), 2);
    CHECK_UINT_EQ(vm_text_character(vm_held(vm, handles[1]), 1), 0x20ac);
    CHECK_INT_EQ(vm_integer(vm_get(vm_held(vm, handles[2]), 2)), '3');
    vm_set(vm_held(vm, handles[2]), 2, vm_mk_integer('x'));
    CHECK_INT_EQ(vm_integer(vm_get(vm_held(vm, handles[2]), 2)), 'x');
    tagged_value_t base = vm__object(slice)->slots[VM__SLICE_BASE];
    for (int i = 0; i < 7; i++) {
        must(vm, vm_array_pop(base, &inner));
    }
    CHECK_UINT_EQ(vm_length(slice), 1);
    CHECK_INT_EQ(vm_at(slice, 1, &inner), VM_ERROR_RANGE);
    for (int i = 0; i < 3; i++) {
        must(vm, vm_array_pop(base, &inner));
    }
    CHECK_UINT_EQ(vm_length(slice), 0);
    check_heap(vm);
    vm_destroy(vm);
}

TEST(vm_objects, what_has_no_elements_says_so) {
    vm_t *vm = create(NULL);
    tagged_value_t box = made(vm, vm_mk_box(vm, VM_NIL)), string = made(vm, vm_mk_string(vm, "abc", 3)), value;
    tagged_value_t pair = made(vm, vm_mk_pair(vm, VM_NIL, VM_TRUE));
    CHECK_INT_EQ(vm_at(box, 0, &value), VM_ERROR_TYPE);
    CHECK_INT_EQ(vm_at(VM_NIL, 0, &value), VM_ERROR_TYPE);
    CHECK_INT_EQ(vm_put(box, 0, VM_NIL), VM_ERROR_TYPE);
    CHECK_INT_EQ(vm_put(string, 0, vm_mk_integer('x')), VM_ERROR_FROZEN);
    CHECK_INT_EQ(vm_slice(vm, pair, 0, 1, &value), VM_ERROR_TYPE);
    CHECK_INT_EQ(vm_slice(vm, VM_TRUE, 0, 1, &value), VM_ERROR_TYPE);
    CHECK_INT_EQ(vm_slice(vm, string, 2, 1, &value), VM_ERROR_RANGE);
    CHECK_INT_EQ(vm_slice(vm, string, 2, 4, &value), VM_ERROR_RANGE);
    CHECK_INT_EQ(vm_at(string, 2, &value), VM_OK);
    CHECK_INT_EQ(vm_integer(value), 'c');
    CHECK_STR_EQ(vm_type_word(VM_TYPE_ARRAY_SLICE), "array-slice");
    vm_destroy(vm);
}

TEST(vm_objects, texts_are_joined) {
    vm_t *vm = create(NULL);
    tagged_value_t texts[3] = {made(vm, vm_mk_string(vm, "a\xc3\xa4", 3)), made(vm, vm_mk_string(vm, "", 0)), VM_NIL};
    must(vm, vm_slice(vm, made(vm, vm_mk_string(vm, "xyz", 3)), 1, 3, &texts[2]));
    tagged_value_t joined = made(vm, vm_concat(vm, texts, 3));
    CHECK_STR_EQ(vm_string_text(joined), "a\xc3\xa4yz");
    CHECK_UINT_EQ(vm_length(joined), 4);
    CHECK_UINT_EQ(vm_length(made(vm, vm_concat(vm, NULL, 0))), 0);
    size_t length = 0;
    const char *bytes = vm_text_bytes(texts[2], &length);
    CHECK_MEM_EQ(bytes, "yz", 2);
    CHECK_UINT_EQ(length, 2);
    check_heap(vm);
    vm_destroy(vm);
}

/* A megabyte two thousand times over is more than a string may have. */
TEST(vm_objects, texts_that_would_be_too_long_are_refused) {
    enum { MEGABYTE = 1 << 20, TIMES = 2048 };
    static char text[MEGABYTE];
    static tagged_value_t texts[TIMES];
    memset(text, 'x', sizeof text);
    vm_t *vm = create(NULL);
    tagged_value_t string = made(vm, vm_mk_string(vm, text, sizeof text));
    for (int i = 0; i < TIMES; i++) {
        texts[i] = string;
    }
    CHECK(vm_is_oom(vm_concat(vm, texts, TIMES)));
    check_heap(vm);
    vm_destroy(vm);
}
