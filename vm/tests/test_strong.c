/* Goal: what fails for want of memory changes nothing that a caller can see (the strong guarantee). Method: tests
 * declared .strong with a hash of the VM's statistics and of what its handles hold; a sweep fails each request in turn,
 * and the hash is compared across the call that failed. */
#include "harness/harness.h"
#include "harness/sweep.h"
#include "vm/tests/starve.h"
#include "vm/vm.h"

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
