/* Goal: what fails for want of memory changes nothing that a caller can see (the strong guarantee). Method: tests
 * declared .strong with a hash of the VM's statistics and of what its handles hold; a sweep fails each request in turn,
 * and the hash is compared across the call that failed. */
#include "harness/harness.h"
#include "harness/sweep.h"
#include "vm/tests/starve.h"
#include "vm/vm.h"

#include <string.h>

enum { HELD = 40 };

/* What the hash looks at: the VM of the running test. NULL: none. */
static vm_t *watched;
static vm_handle held[HELD];
static unsigned held_count;

static uint64_t mix(uint64_t hash, uint64_t value) {
    return (hash ^ value) * 0x9e3779b97f4a7c15U;
}

static uint64_t hash_of_vm(void) {
    uint64_t hash = 1;
    if (watched == NULL) {
        return hash;
    }
    struct vm_statistics statistics;
    vm_statistics(watched, &statistics);
    hash = mix(hash, statistics.bytes_allocated);
    hash = mix(hash, statistics.bytes_in_pool);
    hash = mix(hash, statistics.flips);
    hash = mix(hash, statistics.handles);
    for (unsigned i = 0; i < held_count; i++) {
        hash = mix(hash, vm_held(watched, held[i]).bits);
    }
    return hash;
}

static vm_t *watch(const struct vm_options *options) {
    watched = NULL;
    held_count = 0;
    vm_t *vm = create(options);
    watched = vm;
    return vm;
}

/* The teardown: the VM stays whole until its state was compared. */
static void destroy_watched(void) {
    vm_destroy(watched);
    watched = NULL;
    held_count = 0;
}

TEST(vm_strong, constructors_change_nothing_where_they_fail, .strong = hash_of_vm, .teardown = destroy_watched,
     .tags = "slow") {
    vm_t *vm = watch(NULL);
    for (size_t i = 0; i < 12; i++) {
        cupel_strong_begin();
        tagged_value_t value = i % 2 == 0 ? vm_mk_array(vm, i << 12) : vm_mk_pair(vm, VM_NIL, VM_NIL);
        STARVED(vm_is_oom(value));
        CHECK(vm_is(value, i % 2 == 0 ? VM_TYPE_ARRAY : VM_TYPE_PAIR));
    }
}

static const char *const makers[] = {"array", "bytes", "string", "symbol", "table", "shape", "native", "error"};
enum { MAKERS = sizeof makers / sizeof makers[0] };

static vm_status nothing(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result) {
    (void)vm;
    (void)arguments;
    (void)count;
    *result = VM_NIL;
    return VM_OK;
}

/* `size` is small, or makes the object large. */
static tagged_value_t make(vm_t *vm, unsigned what, unsigned size, tagged_value_t name) {
    static char text[50000];
    text[0] = (char)('a' + size % 7);
    memset(text + 1, 'x', sizeof text - 1);
    static tagged_value_t fields[5000];
    for (unsigned i = 0; i < 5000; i++) {
        fields[i] = name;
    }
    switch (what) {
    case 0:
        return vm_mk_array(vm, size);
    case 1:
        return vm_mk_bytes(vm, text, size * 10);
    case 2:
        return vm_mk_string(vm, text, size * 10);
    case 3:
        return vm_mk_symbol(vm, text, size * 10);
    case 4:
        return vm_mk_table(vm, size);
    case 5:
        return vm_mk_shape(vm, name, fields, size);
    case 6:
        return vm_mk_native(vm, &(struct vm_native){.name = "unheard of", .function = nothing});
    default:
        return vm_mk_error(vm, name, VM_NIL, VM_NIL);
    }
}

/* One object more or less in the pool would be seen in its bytes. */
TEST(vm_strong, objects_of_parts_are_made_whole_or_not, .strong = hash_of_vm, .teardown = destroy_watched,
     .faults = "vm", .tags = "slow") {
    vm_t *vm = watch(&(struct vm_options){HEAP_STARVES});
    cupel_strong_begin();
    tagged_value_t name = vm_mk_symbol(vm, "name", 4);
    STARVED(vm_is_oom(name));
    static const unsigned sizes[] = {4, 30, 5000};
    for (unsigned size = 0; size < 3; size++) {
        for (unsigned what = 0; what < MAKERS; what++) {
            cupel_note("%s of %u", makers[what], sizes[size]);
            cupel_strong_begin();
            STARVED(vm_is_oom(make(vm, what, sizes[size], name)));
        }
    }
}

TEST(vm_strong, a_handle_that_is_refused_changes_no_other, .strong = hash_of_vm, .teardown = destroy_watched) {
    vm_t *vm = watch(NULL);
    while (held_count < HELD) {
        cupel_strong_begin();
        vm_handle handle = vm_hold(vm, vm_mk_integer((int)held_count));
        STARVED(handle == 0);
        held[held_count++] = handle;
    }
    for (unsigned i = 0; i < HELD; i++) {
        CHECK_INT_EQ(vm_integer(vm_held(vm, held[i])), (int)i);
    }
}

TEST(vm_strong, a_flip_that_fails_changes_nothing, .strong = hash_of_vm, .teardown = destroy_watched) {
    vm_t *vm = watch(&(struct vm_options){.stress = VM_STRESS_FLIP});
    for (unsigned i = 0; i < 6; i++) {
        cupel_strong_begin();
        tagged_value_t array = vm_mk_array(vm, 3000);
        STARVED(vm_is_oom(array));
        cupel_strong_begin();
        vm_handle handle = vm_hold(vm, array);
        STARVED(handle == 0);
        held[held_count++] = handle;
    }
    cupel_strong_begin();
    vm_status status = vm_safepoint(vm);
    STARVED(status == VM_ERROR_OOM);
    REQUIRE_INT_EQ(status, VM_OK);
}
