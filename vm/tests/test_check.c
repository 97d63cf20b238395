/* Goal: the heap checker sees each kind of damage, and every way of running out of memory leaves a VM that works.
 * Method: one object is damaged by hand at a time and mended again; allocators that refuse, and a memory cap. */
#include "alloc/failing.h"
#include "harness/harness.h"
#include "vm/src/object.h"
#include "vm/vm.h"

#include <math.h>

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
        return vm__reference(vm__object_new(vm, VM_TYPE_BYTES, 16));
    }
}

TEST(vm_check, sees_damage, TABLE(damages), .no_sweep = true) {
    const struct damage *damage = test_row();
    cupel_note("%s", damage->what);
    vm_t *vm = vm_create(test_allocator(), NULL);
    vm_handle handle = vm_hold(vm, make(vm, damage->type));
    REQUIRE(vm_check_heap(vm));
    struct vm__object *object = vm__object(vm_held(vm, handle));
    struct vm__object whole = *object;
    object->header ^= damage->header_xor;
    object->second = damage->second;
    CHECK(!vm_check_heap(vm));
    object->header = whole.header;
    object->second = whole.second;
    CHECK(vm_check_heap(vm));
    vm_destroy(vm);
}

TEST(vm_check, sees_references_to_elsewhere, .no_sweep = true) {
    vm_t *vm = vm_create(test_allocator(), NULL);
    tagged_value_t array = vm_mk_array(vm, 3);
    vm_handle handle = vm_hold(vm, array);
    static _Alignas(16) struct vm__object outside;
    struct vm__object *object = vm__object(array);
    object->elements[1] = vm__reference(&outside);
    CHECK(!vm_check_heap(vm));
    object->header &= ~(uint64_t)VM__FLAG_MARKED;
    object->elements[1] = (tagged_value_t){array.bits + 8};
    CHECK(!vm_check_heap(vm));
    object->header &= ~(uint64_t)VM__FLAG_MARKED;
    object->elements[1] = VM_OOM_VALUE;
    CHECK(!vm_check_heap(vm));
    object->header &= ~(uint64_t)VM__FLAG_MARKED;
    object->elements[1] = array;
    CHECK(vm_check_heap(vm));
    vm_drop(vm, handle);
    vm_destroy(vm);
}

/* A wide array of pairs fills the checker's stack; where that cannot grow, the answer is no and nothing is lost. */
TEST(vm_check, says_no_where_its_stack_cannot_grow, .no_sweep = true) {
    struct cupel_failing failing;
    vm_t *vm = vm_create(cupel_failing_init(&failing, test_allocator(), "", NULL), NULL);
    tagged_value_t array = vm_mk_array(vm, 200);
    vm_handle handle = vm_hold(vm, array);
    for (size_t i = 0; i < 200; i++) {
        vm_set(array, i, vm_mk_pair(vm, VM_NIL, VM_NIL));
    }
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:2", NULL));
    cupel_failing_set(&failing, &plan);
    CHECK(!vm_check_heap(vm));
    CHECK_UINT_EQ(failing.injected, 1);
    vm_drop(vm, handle);
    vm_destroy(vm);
}

TEST(vm, constructors_say_that_memory_is_out, .no_sweep = true) {
    vm_t *vm = vm_create(test_allocator(), &(struct vm_options){.memory_cap_bytes = 15});
    CHECK(vm_is_oom(vm_mk_array(vm, 1)));
    CHECK(vm_is_oom(vm_mk_pair(vm, VM_NIL, VM_NIL)));
    CHECK(vm_is_oom(vm_mk_string(vm, "a", 1)));
    CHECK(vm_is_oom(vm_mk_double(vm, 1e300)));
    CHECK(vm_alloc(vm, 1) == NULL);
    CHECK(!vm_is_oom(vm_mk_double(vm, 1.5)));
    vm_destroy(vm);
    vm = vm_create(test_allocator(), NULL);
    CHECK(vm_is_oom(vm_mk_string(vm, "", VM_LENGTH_MAX + 1)));
    CHECK(vm_alloc(vm, PTRDIFF_MAX) == NULL);
    vm_destroy(vm);
    vm_destroy(NULL);
}

TEST(vm, an_allocator_that_refuses_is_told_at_each_step, .no_sweep = true) {
    struct cupel_failing failing;
    struct cupel_allocator *a = cupel_failing_init(&failing, test_allocator(), "alloc:1", NULL);
    CHECK(vm_create(a, NULL) == NULL);
    cupel_failing_set(&failing, NULL);
    vm_t *vm = vm_create(a, NULL);
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:1+", NULL));
    cupel_failing_set(&failing, &plan);
    CHECK(vm_is_oom(vm_mk_array(vm, 1)));
    CHECK_UINT_EQ(vm_hold(vm, VM_TRUE), 0);
    cupel_failing_set(&failing, NULL);
    vm_handle handle = vm_hold(vm, vm_mk_array(vm, 1));
    CHECK(handle != 0);
    CHECK(vm_check_heap(vm));
    vm_destroy(vm);
}

TEST(vm, empty_strings_and_every_nan_are_values, .no_sweep = true) {
    vm_t *vm = vm_create(test_allocator(), NULL);
    tagged_value_t empty = vm_mk_string(vm, NULL, 0);
    CHECK_STR_EQ(vm_string_text(empty), "");
    CHECK_UINT_EQ(vm_length(empty), 0);
    tagged_value_t number = vm_mk_double(vm, -(double)NAN);
    CHECK(vm_is_double(number));
    CHECK(isnan(vm_double(number)));
    CHECK(!vm_is_double(empty));
    vm_destroy(vm);
}
