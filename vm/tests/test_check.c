/* Goal: the heap checker sees each kind of damage, and every way of running out of memory leaves a VM that works.
 * Method: one object is damaged by hand at a time and mended again; allocators that refuse, and a memory cap. */
#include "alloc/failing.h"
#include "harness/harness.h"
#include "vm/src/object.h"
#include "vm/tests/starve.h"
#include "vm/vm.h"

#include <math.h>
#include <stdio.h>

struct damage {
    const char *what;
    enum vm_type type;
    uint64_t header_xor;
    uint64_t second;
};

/* Units stand in the upper half of a header, the type in its second byte. */
static const struct damage damages[] = {
    {"an array longer than its object", VM_TYPE_ARRAY, 0, 1000},
    {"an unknown type", VM_TYPE_ARRAY, 0x7000, 2},
    {"a forwarding address that was left behind", VM_TYPE_ARRAY, VM__FLAG_LIVE, 2},
    {"a pair of the wrong size", VM_TYPE_PAIR, UINT64_C(1) << 32, 0},
    {"a string longer than its object", VM_TYPE_STRING, 0, 1000},
    {"a string without its last zero", VM_TYPE_STRING, 0, 2},
    {"a double with a payload", VM_TYPE_DOUBLE, UINT64_C(3) << 32, 0},
    {"bytes longer than their object", VM_TYPE_BYTES, 0, 1000},
};

static tagged_value_t make(vm_t *vm, enum vm_type type) {
    const struct vm__object *bytes;
    switch (type) {
    case VM_TYPE_ARRAY:
        return vm_mk_array(vm, 2);
    case VM_TYPE_PAIR:
        return vm_mk_pair(vm, VM_NIL, VM_NIL);
    case VM_TYPE_STRING:
        return vm_mk_string(vm, "text", 4);
    case VM_TYPE_DOUBLE:
        return vm_mk_double(vm, 1e300);
    default:
        bytes = vm__object_new(vm, VM_TYPE_BYTES, 16);
        return bytes == NULL ? VM_OOM_VALUE : vm__reference(bytes);
    }
}

TEST(vm_check, sees_damage, TABLE(damages)) {
    const struct damage *damage = test_row();
    cupel_note("%s", damage->what);
    vm_t *vm = create(NULL);
    vm_handle handle = hold(vm, make(vm, damage->type));
    check_heap(vm);
    struct vm__object *object = vm__object(vm_held(vm, handle));
    struct vm__object whole = *object;
    object->header ^= damage->header_xor;
    object->second = damage->second;
    check_damage_is_seen(vm);
    object->header = whole.header;
    object->second = whole.second;
    check_heap(vm);
    vm_destroy(vm);
}

TEST(vm_check, sees_references_to_elsewhere) {
    vm_t *vm = create(NULL);
    tagged_value_t array = made(vm, vm_mk_array(vm, 3));
    vm_handle handle = hold(vm, array);
    static _Alignas(16) struct vm__object outside;
    struct vm__object *object = vm__object(array);
    object->elements[1] = vm__reference(&outside);
    check_damage_is_seen(vm);
    object->header &= ~(uint64_t)VM__FLAG_MARKED;
    object->elements[1] = (tagged_value_t){array.bits + 8};
    check_damage_is_seen(vm);
    object->header &= ~(uint64_t)VM__FLAG_MARKED;
    object->elements[1] = VM_OOM_VALUE;
    check_damage_is_seen(vm);
    object->header &= ~(uint64_t)VM__FLAG_MARKED;
    object->elements[1] = array;
    check_heap(vm);
    vm_drop(vm, handle);
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
    pair->header ^= 0x7000;
    check_damage_is_seen(vm);
    pair->header ^= 0x7000;
    vm_destroy(vm);
}

TEST(vm_check, says_no_where_it_has_no_memory) {
    struct cupel_failing failing;
    vm_t *vm = create_in(cupel_failing_init(&failing, test_allocator(), "", NULL), NULL);
    (void)hold(vm, vm_mk_array(vm, 2));
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:1", NULL));
    cupel_failing_set(&failing, &plan);
    CHECK(!vm_check_heap(vm));
    CHECK_UINT_EQ(failing.injected, 1);
    check_heap(vm);
    vm_destroy(vm);
}

TEST(vm, constructors_say_that_memory_is_out) {
    vm_t *vm = create(&(struct vm_options){.memory_cap_bytes = 15});
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
    CHECK(vm_is_oom(vm_mk_array(vm, 1)));
    CHECK_UINT_EQ(vm_hold(vm, VM_TRUE), 0);
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
