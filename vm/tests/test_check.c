/* Goal: the heap checker sees each kind of damage, and every way of running out of memory leaves a VM that works.
 * Method: one object is damaged by hand at a time and mended again; allocators that refuse, and a memory cap. */
#include "alloc/failing.h"
#include "harness/harness.h"
#include "vm/src/heap.h"
#include "vm/tests/starve.h"
#include "vm/vm.h"

#include <math.h>
#include <stdio.h>

struct damage {
    const char *what;
    tagged_value_t (*make)(vm_t *vm);
    uint64_t header_xor;
    int slot; /* -1: none */
    uint64_t slot_xor;
};

static tagged_value_t make_array(vm_t *vm) {
    return vm_mk_array(vm, 2);
}

static tagged_value_t make_bytes(vm_t *vm) {
    return vm_mk_bytes(vm, "0123456", 7);
}

static tagged_value_t make_pair(vm_t *vm) {
    return vm_mk_pair(vm, VM_NIL, VM_NIL);
}

static tagged_value_t make_string(vm_t *vm) {
    return vm_mk_string(vm, "text", 4);
}

static tagged_value_t make_double(vm_t *vm) {
    return vm_mk_double(vm, 1e300);
}

static tagged_value_t make_int64(vm_t *vm) {
    return vm_mk_int64(vm, INT64_MAX);
}

static tagged_value_t make_symbol(vm_t *vm) {
    return vm_mk_symbol(vm, "name", 4);
}

/* Made of a base; VM_OOM_VALUE where that is. */
static tagged_value_t slice_of(vm_t *vm, tagged_value_t whole) {
    tagged_value_t slice = VM_OOM_VALUE;
    return !vm_is_oom(whole) && vm_slice(vm, whole, 1, 2, &slice) == VM_OK ? slice : VM_OOM_VALUE;
}

static tagged_value_t make_text_slice(vm_t *vm) {
    return slice_of(vm, vm_mk_string(vm, "a\xc3\xa4", 3));
}

static tagged_value_t make_array_slice(vm_t *vm) {
    return slice_of(vm, vm_mk_array(vm, 2));
}

static tagged_value_t make_bytes_slice(vm_t *vm) {
    return slice_of(vm, vm_mk_bytes(vm, "ab", 2));
}

static tagged_value_t make_proto(vm_t *vm) {
    const struct vm__object *proto = vm__proto_new(vm, 5);
    return proto == NULL ? VM_OOM_VALUE : vm__reference(proto);
}

static tagged_value_t make_closure(vm_t *vm) {
    tagged_value_t proto = make_proto(vm);
    return vm_is_oom(proto) ? proto : vm_mk_closure(vm, proto, (tagged_value_t[]){VM_TRUE}, 1);
}

static tagged_value_t make_native(vm_t *vm) {
    return vm_mk_native(vm, &(struct vm_native){.name = "no", .function = (vm_native_function *)(uintptr_t)1});
}

/* Twelve keys, the fourth of which is gone. */
static tagged_value_t make_table(vm_t *vm) {
    tagged_value_t table = vm_mk_table(vm, 0);
    for (int i = 0; !vm_is_oom(table) && i < 12; i++) {
        table = vm_table_set(vm, table, vm_mk_integer(i), VM_TRUE) == VM_OK ? table : VM_OOM_VALUE;
    }
    if (!vm_is_oom(table)) {
        REQUIRE_INT_EQ(vm_table_delete(vm, table, vm_mk_integer(3)), VM_OK);
    }
    return table;
}

static tagged_value_t make_shape(vm_t *vm) {
    tagged_value_t name = vm_mk_symbol(vm, "point", 5);
    return vm_is_oom(name) ? name : vm_mk_shape(vm, name, &name, 1);
}

static tagged_value_t make_record(vm_t *vm) {
    tagged_value_t shape = make_shape(vm);
    return vm_is_oom(shape) ? shape : vm_mk_record(vm, shape);
}

#define WORDS(n) ((uint64_t)(n) << VM__WORDS_SHIFT)
#define TYPE(n)  ((uint64_t)(n) << VM__TYPE_SHIFT)

static const struct damage damages[] = {
    {"an array longer than its storage", make_array, 0, VM__ARRAY_LENGTH, 1},
    {"an unknown type", make_array, TYPE(0x70), -1, 0},
    {"no type", make_array, TYPE(VM_TYPE_ARRAY), -1, 0},
    {"a forwarding address that was left behind", make_array, VM__FLAG_LIVE, -1, 0},
    {"a mark that was left behind", make_array, VM__FLAG_MARKED, -1, 0},
    {"a small object that says it is large", make_array, VM__FLAG_LARGE, -1, 0},
    {"an object smaller than its type needs", make_array, WORDS(1), -1, 0},
    {"an object that reaches past its page", make_array, WORDS(0x4000), -1, 0},
    {"bytes longer than their blob", make_bytes, 0, VM__ARRAY_LENGTH, 8},
    {"a pair of the wrong size", make_pair, WORDS(4), -1, 0},
    {"a string longer than its object", make_string, 0, VM__TEXT_LENGTH, 64},
    {"a string without its last zero", make_string, 0, VM__TEXT_LENGTH, 2},
    {"a string with another number of characters", make_string, 0, VM__TEXT_LENGTH, UINT64_C(1) << 32},
    {"a string that is no UTF-8", make_string, 0, VM__TEXT_BYTES, 0x80},
    {"a string of ASCII that does not know it", make_string, VM__FLAG_ASCII, -1, 0},
    {"a double of the wrong size", make_double, WORDS(3), -1, 0},
    {"a boxed integer that needs no box", make_int64, 0, 0, INT64_MAX},
    {"a symbol with another hash", make_symbol, UINT64_C(1) << VM__AUX_SHIFT, -1, 0},
    {"a slice that begins inside of a character", make_text_slice, 0, VM__SLICE_RANGE, 3},
    {"a slice longer than its base", make_text_slice, 0, VM__SLICE_RANGE, UINT64_C(1) << 32},
    {"a slice that is not ASCII and says so", make_text_slice, VM__FLAG_ASCII, -1, 0},
    {"a proto with more code than room", make_proto, 0, VM__PROTO_COUNT, 2},
    {"a table with one key more than it has", make_table, 0, VM__TABLE_COUNTS, 1},
    {"a table with more entries than room", make_table, 0, VM__TABLE_COUNTS, UINT64_C(64) << 32},
    {"a native without a function", make_native, 0, VM__NATIVE_FUNCTION, 1},
};

TEST(vm_check, sees_damage, TABLE(damages)) {
    const struct damage *damage = test_row();
    cupel_note("%s", damage->what);
    vm_t *vm = create(NULL);
    vm_handle handle = hold(vm, damage->make(vm));
    check_heap(vm);
    struct vm__object *object = vm__object(vm_held(vm, handle));
    object->header ^= damage->header_xor;
    if (damage->slot >= 0) {
        object->slots[damage->slot].bits ^= damage->slot_xor;
    }
    check_damage_is_seen(vm);
    object->header ^= damage->header_xor;
    if (damage->slot >= 0) {
        object->slots[damage->slot].bits ^= damage->slot_xor;
    }
    check_heap(vm);
    vm_destroy(vm);
}

struct stranger {
    const char *what;
    tagged_value_t (*make)(vm_t *vm);
    unsigned slot;
};

/* Each of these must refer to an object of one type; a pair is none of them. */
static const struct stranger strangers[] = {
    {"an array's storage", make_array, VM__ARRAY_STORAGE},
    {"the blob of bytes", make_bytes, VM__ARRAY_STORAGE},
    {"a symbol's name", make_symbol, 0},
    {"a table's index", make_table, VM__TABLE_INDEX},
    {"a table's entries", make_table, VM__TABLE_ENTRIES},
    {"a shape's name", make_shape, VM__SHAPE_NAME},
    {"a shape's fields", make_shape, VM__SHAPE_FIELDS},
    {"a record's shape", make_record, VM__RECORD_SHAPE},
    {"a text slice's base", make_text_slice, VM__SLICE_BASE},
    {"an array slice's base", make_array_slice, VM__SLICE_BASE},
    {"a bytes slice's base", make_bytes_slice, VM__SLICE_BASE},
    {"a closure's proto", make_closure, VM__CLOSURE_PROTO},
};

TEST(vm_check, sees_references_to_the_wrong_type, TABLE(strangers)) {
    const struct stranger *stranger = test_row();
    cupel_note("%s", stranger->what);
    vm_t *vm = create(NULL);
    vm_handle handle = hold(vm, stranger->make(vm));
    struct vm__object *object = vm__object(vm_held(vm, handle));
    tagged_value_t whole = object->slots[stranger->slot];
    object->slots[stranger->slot] = made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL));
    check_damage_is_seen(vm);
    object->slots[stranger->slot] = whole;
    check_heap(vm);
    vm_destroy(vm);
}

TEST(vm_check, sees_references_to_elsewhere) {
    vm_t *vm = create(NULL);
    tagged_value_t pair = made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL));
    (void)hold(vm, pair);
    static _Alignas(16) struct vm__object outside;
    vm_set(pair, 1, vm__reference(&outside));
    check_damage_is_seen(vm);
    vm_set(pair, 1, (tagged_value_t){pair.bits + 8});
    check_damage_is_seen(vm);
    vm_set(pair, 1, (tagged_value_t){pair.bits + 4});
    check_damage_is_seen(vm);
    vm__object(pair)->slots[1] = VM_OOM_VALUE;
    check_damage_is_seen(vm);
    vm_set(pair, 1, pair);
    check_heap(vm);
    vm_destroy(vm);
}

TEST(vm_check, sees_roots_that_refer_to_elsewhere) {
    vm_t *vm = create(NULL);
    static _Alignas(16) struct vm__object outside;
    vm_handle handle = hold(vm, vm__reference(&outside));
    check_damage_is_seen(vm);
    vm_replace(vm, handle, VM_NIL);
    vm->symbols.slots[0] = vm__reference(&outside);
    check_damage_is_seen(vm);
    vm_destroy(vm);
}

TEST(vm_check, sees_damage_inside_of_tables) {
    vm_t *vm = create(NULL);
    tagged_value_t value = made(vm, make_table(vm));
    struct vm__object *table = vm__object(value);
    tagged_value_t *entries = vm__object(table->slots[VM__TABLE_ENTRIES])->slots, whole = entries[VM__ENTRY_HASH];
    uint32_t *index = (uint32_t *)(void *)vm__object(table->slots[VM__TABLE_INDEX])->slots;
    entries[VM__ENTRY_HASH] = VM_NIL; /* no hash */
    check_damage_is_seen(vm);
    entries[VM__ENTRY_HASH] = vm_mk_integer(vm_integer(whole) + 1); /* one from where no way leads to it */
    uint32_t places = (uint32_t)vm__slot_count(vm__object(table->slots[VM__TABLE_INDEX])) * 2;
    uint32_t place = (uint32_t)vm_integer(whole) & (places - 1);
    uint32_t kept = index[place];
    entries[VM__ENTRY_HASH] = whole;
    index[place] = 0;
    check_damage_is_seen(vm);
    for (uint32_t i = 0; i < places; i++) { /* and a full one, where the search has to end */
        index[i] = index[i] == 0 ? 99 : index[i];
    }
    index[place] = kept == 1 ? 98 : kept;
    check_damage_is_seen(vm);
    table->slots[VM__TABLE_INDEX] = VM_NIL;
    check_heap(vm);
    table->slots[VM__TABLE_ENTRIES] = VM_NIL;
    check_damage_is_seen(vm);
    vm__set_raw(table, VM__TABLE_COUNTS, 0);
    check_heap(vm);
    const struct vm__object *blob = vm__object_new(vm, VM_TYPE_BLOB, 3);
    end_where(vm, blob == NULL);
    table->slots[VM__TABLE_INDEX] = vm__reference(blob); /* not a power of two */
    check_damage_is_seen(vm);
    vm_destroy(vm);
}

TEST(vm_check, sees_damage_to_large_objects) {
    vm_t *vm = create(NULL);
    tagged_value_t string = made(vm, vm_mk_string(vm, "", 0));
    struct vm__object *blob = vm__object_new(vm, VM_TYPE_BLOB, 10000);
    end_where(vm, blob == NULL);
    check_heap(vm);
    blob->header ^= VM__FLAG_LARGE;
    check_damage_is_seen(vm);
    blob->header ^= VM__FLAG_LARGE | WORDS(4);
    check_damage_is_seen(vm);
    blob->header ^= WORDS(4);
    vm__page_of_large(blob)->object_bytes -= 50000; /* too small to be large */
    vm->pool.bytes -= 50000;
    check_damage_is_seen(vm);
    vm__page_of_large(blob)->object_bytes += 50000;
    vm->pool.bytes += 50000;
    check_heap(vm);
    vm->owned.slots = &string;
    vm->owned.count = 1;
    string.bits += 8;
    check_damage_is_seen(vm);
    vm->owned.slots = NULL;
    vm->owned.count = 0;
    vm_destroy(vm);
}

TEST(vm_check, sees_an_object_that_ends_in_a_redzone, .no_sweep = "it looks at one header only") {
    vm_t *vm = create(NULL);
    if (vm->redzone_bytes == 0) {
        vm_destroy(vm);
        cupel_test_skip("neither built with AddressSanitizer nor run under valgrind");
    }
    struct vm__object *pair = vm__object(made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL)));
    pair->header ^= TYPE(VM_TYPE_PAIR) ^ TYPE(VM_TYPE_BLOB) ^ WORDS(3) ^ WORDS(5);
    check_damage_is_seen(vm);
    vm_destroy(vm);
}

TEST(vm_check, sees_storage_with_two_heads) {
    vm_t *vm = create(NULL);
    struct vm__object *one = vm__object(made(vm, vm_mk_array(vm, 1)));
    struct vm__object *other = vm__object(made(vm, vm_mk_array(vm, 1)));
    check_heap(vm);
    other->slots[VM__ARRAY_STORAGE] = one->slots[VM__ARRAY_STORAGE];
    check_damage_is_seen(vm);
    vm_destroy(vm);
}

/* What was marked before memory ran out would be passed over by the next check, so nothing may be. */
TEST(vm_check, sees_damage_after_a_check_without_memory) {
    struct cupel_failing failing;
    vm_t *vm = create_in(cupel_failing_init(&failing, test_allocator(), "", NULL), NULL);
    vm_handle handle = hold(vm, vm_mk_array(vm, 200));
    for (size_t i = 0; i < 200; i++) {
        vm_set(vm_held(vm, handle), i, made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL)));
    }
    struct cupel_fault_plan plan;
    for (unsigned n = 1; n <= 3; n++) {
        char text[16];
        (void)snprintf(text, sizeof text, "alloc:%u", n);
        REQUIRE(cupel_fault_plan_parse(&plan, text, NULL));
        cupel_failing_set(&failing, &plan);
        cupel_benign_begin(); /* one more fault here is only what is asked for */
        (void)vm_check_heap(vm);
        cupel_benign_end();
    }
    cupel_failing_set(&failing, NULL);
    struct vm__object *pair = vm__object(vm_get(vm_held(vm, handle), 0));
    pair->header ^= TYPE(0x70);
    check_damage_is_seen(vm);
    pair->header ^= TYPE(0x70);
    vm_destroy(vm);
}

TEST(vm_check, says_no_where_it_has_no_memory) {
    struct cupel_failing failing;
    vm_t *vm = create_in(cupel_failing_init(&failing, test_allocator(), "", NULL), NULL);
    (void)hold(vm, vm_mk_array(vm, 2));
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:1", NULL));
    cupel_failing_set(&failing, &plan);
    check_damage_is_seen(vm);
    CHECK_UINT_EQ(failing.injected, 1);
    check_heap(vm);
    vm_destroy(vm);
}

TEST(vm, constructors_say_that_memory_is_out) {
    vm_t *vm = create(&(struct vm_options){.memory_cap_bytes = 7});
    CHECK(vm_is_oom(vm_mk_array(vm, 1)));
    CHECK(vm_is_oom(vm_mk_pair(vm, VM_NIL, VM_NIL)));
    CHECK(vm_is_oom(vm_mk_string(vm, "a", 1)));
    CHECK(vm_is_oom(vm_mk_double(vm, 1e300)));
    CHECK(vm_alloc(vm, 1) == NULL);
    CHECK(!vm_is_oom(vm_mk_double(vm, 1.5)));
    vm_destroy(vm);
    vm = create(NULL);
    CHECK(vm_is_oom(vm_mk_string(vm, "", VM_LENGTH_MAX + 1)));
    CHECK(vm_alloc(vm, PTRDIFF_MAX) == NULL);
    vm_destroy(vm);
    vm_destroy(NULL);
}

TEST(vm, an_allocator_that_refuses_is_told_at_each_step) {
    struct cupel_failing failing;
    struct cupel_allocator *a = cupel_failing_init(&failing, test_allocator(), "alloc:1", NULL);
    CHECK(vm_create(a, NULL) == NULL);
    cupel_failing_set(&failing, NULL);
    vm_t *vm = create_in(a, NULL);
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:1+", NULL));
    cupel_failing_set(&failing, &plan);
    CHECK(vm_is_oom(vm_mk_array(vm, 10000)));
    CHECK_UINT_EQ(vm_hold(vm, VM_TRUE), 0);
    CHECK_UINT_EQ(vm_local(vm, VM_TRUE), 0);
    cupel_failing_set(&failing, NULL);
    (void)hold(vm, vm_mk_array(vm, 1));
    check_heap(vm);
    vm_destroy(vm);
}

TEST(vm, empty_strings_and_every_nan_are_values) {
    vm_t *vm = create(NULL);
    tagged_value_t empty = made(vm, vm_mk_string(vm, NULL, 0));
    CHECK_STR_EQ(vm_string_text(empty), "");
    CHECK_UINT_EQ(vm_length(empty), 0);
    tagged_value_t number = made(vm, vm_mk_double(vm, -(double)NAN));
    CHECK(vm_is_double(number));
    CHECK(isnan(vm_double(number)));
    CHECK(!vm_is_double(empty));
    vm_destroy(vm);
}
