/* Steps of a test that may run out of memory under a sweep: each takes its VM down and ends the test there, which is
 * right where a fault was injected and a failure where none was. */
#ifndef VM_TESTS_STARVE_H
#define VM_TESTS_STARVE_H

#include "harness/harness.h"
#include "vm/vm.h"

/* Among a VM's options: each allocation in its heap is one that a fault plan sees (`vm:N`). */
#define HEAP_STARVES .may_allocate = cupel_vm_is_granted

static inline void end_where(vm_t *vm, bool is_starved) {
    if (is_starved) {
        vm_destroy(vm);
    }
    STARVED(is_starved);
}

static inline vm_t *create_in(struct cupel_allocator *allocator, const struct vm_options *options) {
    vm_t *vm = vm_create(allocator, options);
    STARVED(vm == NULL);
    return vm;
}

static inline vm_t *create(const struct vm_options *options) {
    return create_in(test_allocator(), options);
}

/* A value that a constructor returned. */
static inline tagged_value_t made(vm_t *vm, tagged_value_t value) {
    end_where(vm, vm_is_oom(value));
    return value;
}

static inline vm_handle hold(vm_t *vm, tagged_value_t value) {
    vm_handle handle = vm_hold(vm, made(vm, value));
    end_where(vm, handle == 0);
    return handle;
}

static inline void flip(vm_t *vm) {
    vm_status status = vm_safepoint(vm);
    end_where(vm, status == VM_ERROR_OOM);
    REQUIRE_INT_EQ(status, VM_OK);
}

static inline void check_heap(vm_t *vm) {
    end_where(vm, !vm_check_heap(vm));
}

/* The checker says no for want of memory too: a fault there is no news. */
static inline void check_damage_is_seen(vm_t *vm) {
    cupel_benign_begin();
    CHECK(!vm_check_heap(vm));
    cupel_benign_end();
}

#endif
