/* Native objects: an address that C gave, what frees it, and how many bytes it is. What is owned so is freed once its
 * object did not survive a flip, or when the VM goes. */
#include "vm/src/heap.h"

enum { TAG = 0, ADDRESS = 1, RELEASE = 2, SIZE = 3, FIRST_CAPACITY = 16 };

static bool make_room(vm_t *vm) {
    struct vm__owned *owned = &vm->owned;
    if (owned->count < owned->capacity) {
        return true;
    }
    uint32_t capacity = owned->capacity == 0 ? FIRST_CAPACITY : owned->capacity * 2;
    tagged_value_t *slots = cupel_realloc(vm->allocator, owned->slots, owned->capacity * sizeof *slots,
                                          _Alignof(tagged_value_t), capacity * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    owned->slots = slots;
    owned->capacity = capacity;
    return true;
}

tagged_value_t vm_mk_nobj(vm_t *vm, tagged_value_t tag, void *address, size_t size_bytes, void (*release)(void *)) {
    if (release != NULL && !make_room(vm)) {
        return VM_OOM_VALUE;
    }
    struct vm__object *object = vm__allocate(vm, VM_TYPE_NOBJ, 4);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    object->slots[TAG] = tag;
    vm__set_raw(object, ADDRESS, (uint64_t)(uintptr_t)address);
    vm__set_raw(object, RELEASE, (uint64_t)(uintptr_t)release);
    vm__set_raw(object, SIZE, size_bytes);
    if (release != NULL) {
        vm->owned.slots[vm->owned.count++] = vm__reference(object);
    }
    return vm__reference(object);
}

void *vm_nobj_address(tagged_value_t object) {
    assert(vm_is(object, VM_TYPE_NOBJ));
    return (void *)(uintptr_t)vm__raw(vm__object(object), ADDRESS);
}

size_t vm_nobj_size(tagged_value_t object) {
    assert(vm_is(object, VM_TYPE_NOBJ));
    return (size_t)vm__raw(vm__object(object), SIZE);
}

tagged_value_t vm_nobj_tag(tagged_value_t object) {
    assert(vm_is(object, VM_TYPE_NOBJ));
    return vm__object(object)->slots[TAG];
}

void vm_nobj_release(tagged_value_t object) {
    assert(vm_is(object, VM_TYPE_NOBJ));
    struct vm__object *native = vm__object(object);
    void (*release)(void *) = (void (*)(void *))(uintptr_t)vm__raw(native, RELEASE);
    void *address = vm_nobj_address(object);
    vm__set_raw(native, ADDRESS, 0);
    vm__set_raw(native, RELEASE, 0);
    vm__set_raw(native, SIZE, 0);
    if (release != NULL) {
        release(address);
    }
}

/* The order of those that stay does not change, so that the order of what is freed is always the same. */
void vm__owned_sweep(vm_t *vm) {
    struct vm__owned *owned = &vm->owned;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < owned->count; i++) {
        tagged_value_t object = owned->slots[i];
        if (vm__survived(&object, vm->statistics.flips)) {
            owned->slots[kept++] = object;
        } else {
            vm_nobj_release(object);
        }
    }
    owned->count = kept;
}

void vm__owned_free(vm_t *vm) {
    for (uint32_t i = 0; i < vm->owned.count; i++) {
        vm_nobj_release(vm->owned.slots[i]);
    }
    CUPEL_FREE_ARRAY(vm->allocator, tagged_value_t, vm->owned.slots, vm->owned.capacity);
    vm->owned = (struct vm__owned){0};
}
