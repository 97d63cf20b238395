/* Life of a VM, its handles and its safepoints. */
#include "vm/vm.h"

#include "vm/src/object.h"

#include <assert.h>

enum { FREE_TAG = 7, FIRST_CAPACITY = 16 };
static const size_t default_flip_after_bytes = (size_t)1 << 20;

vm_t *vm_create(struct cupel_allocator *allocator, const struct vm_options *options) {
    vm_t *vm = CUPEL_NEW(allocator, vm_t);
    if (vm == NULL) {
        return NULL;
    }
    vm->allocator = allocator;
    if (options != NULL) {
        vm->options = *options;
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)cupel_arena_init(&vm->pools[i], allocator, NULL);
    }
    return vm;
}

void vm_destroy(vm_t *vm) {
    if (vm == NULL) {
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        cupel_arena_deinit(&vm->pools[i]);
    }
    CUPEL_FREE_ARRAY(vm->allocator, tagged_value_t, vm->handles.slots, vm->handles.capacity);
    CUPEL_FREE(vm->allocator, vm_t, vm);
}

void vm_statistics(const vm_t *vm, struct vm_statistics *statistics) {
    *statistics = vm->statistics;
    statistics->bytes_in_pool = vm->pool_bytes;
    statistics->handles = vm->handles.held;
}

static bool grow_handles(vm_t *vm) {
    struct vm__handles *handles = &vm->handles;
    uint32_t capacity = handles->capacity == 0 ? FIRST_CAPACITY : handles->capacity * 2;
    tagged_value_t *slots = cupel_realloc(vm->allocator, handles->slots, handles->capacity * sizeof *slots,
                                          _Alignof(tagged_value_t), capacity * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = handles->capacity; i < capacity; i++) {
        slots[i].bits = (uint64_t)(i + 1) << 3 | FREE_TAG;
    }
    handles->slots = slots;
    handles->first_free = handles->capacity;
    handles->capacity = capacity;
    return true;
}

vm_handle vm_hold(vm_t *vm, tagged_value_t value) {
    struct vm__handles *handles = &vm->handles;
    if (handles->first_free == handles->capacity && !grow_handles(vm)) {
        return 0;
    }
    uint32_t index = handles->first_free;
    handles->first_free = (uint32_t)(handles->slots[index].bits >> 3);
    handles->slots[index] = value;
    handles->held++;
    return index + 1;
}

static tagged_value_t *slot(const vm_t *vm, vm_handle handle) {
    assert(handle != 0 && handle <= vm->handles.capacity);
    tagged_value_t *value = &vm->handles.slots[handle - 1];
    assert((value->bits & 7) != FREE_TAG);
    return value;
}

tagged_value_t vm_held(const vm_t *vm, vm_handle handle) {
    return *slot(vm, handle);
}

void vm_replace(vm_t *vm, vm_handle handle, tagged_value_t value) {
    *slot(vm, handle) = value;
}

void vm_drop(vm_t *vm, vm_handle handle) {
    if (handle == 0) {
        return;
    }
    slot(vm, handle)->bits = (uint64_t)vm->handles.first_free << 3 | FREE_TAG;
    vm->handles.first_free = handle - 1;
    vm->handles.held--;
}

static bool is_flip_due(const vm_t *vm) {
    if ((vm->options.stress & VM_STRESS_FLIP) != 0) {
        return true;
    }
    size_t limit = vm->options.flip_after_bytes;
    if (limit == 0) {
        size_t live = (size_t)vm->statistics.bytes_after_flip;
        limit = live > default_flip_after_bytes ? live : default_flip_after_bytes;
    }
    size_t cap = vm->options.memory_cap_bytes;
    return vm->allocated_since_flip >= limit || (cap != 0 && vm->pool_bytes >= cap - cap / 8);
}

vm_status vm_safepoint(vm_t *vm) {
    if (!is_flip_due(vm)) {
        return VM_OK;
    }
    if (vm->native_depth > 0) {
        return VM_ERROR_DEFERRED;
    }
    return vm__gc_flip(vm) ? VM_OK : VM_ERROR_OOM;
}

void vm_native_begin(vm_t *vm) {
    vm->native_depth++;
}

void vm_native_end(vm_t *vm) {
    assert(vm->native_depth > 0);
    vm->native_depth--;
}
