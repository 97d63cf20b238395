/* Freezing: all that a value refers to, or nothing. What was met stands in a list, each marked in its header, until it
 * is known that all of it can be frozen; then marks become frozen flags, or go. */
#include "vm/src/heap.h"

struct list {
    vm_t *vm;
    struct vm__object **met;
    size_t count, capacity;
};

bool vm_is_frozen(tagged_value_t value) {
    if (!vm_is_reference(value)) {
        return true;
    }
    const struct vm__object *object = vm__object(value);
    return vm__layouts[vm__type(object)].freeze == VM__FREEZE_LEAF || vm__has(object, VM__FLAG_FROZEN);
}

static bool grow(struct list *list) {
    size_t capacity = list->capacity == 0 ? 32 : list->capacity * 2;
    struct vm__object **met = cupel_realloc(list->vm->allocator, list->met, list->capacity * sizeof(void *),
                                            _Alignof(void *), capacity * sizeof(void *));
    if (met == NULL) {
        return false;
    }
    list->met = met;
    list->capacity = capacity;
    return true;
}

static vm_status meet(struct list *list, tagged_value_t value) {
    if (vm_is_frozen(value) || vm__has(vm__object(value), VM__FLAG_MARKED)) {
        return VM_OK;
    }
    struct vm__object *object = vm__object(value);
    if (vm__layouts[vm__type(object)].freeze == VM__FREEZE_REFUSE) {
        return VM_ERROR_TYPE;
    }
    if (list->count == list->capacity && !grow(list)) {
        return VM_ERROR_OOM;
    }
    object->header |= VM__FLAG_MARKED;
    list->met[list->count++] = object;
    return VM_OK;
}

static vm_status meet_all(struct list *list) {
    for (size_t i = 0; i < list->count; i++) {
        size_t count;
        const tagged_value_t *slots = vm__tagged(list->met[i], &count);
        for (size_t j = 0; j < count; j++) {
            vm_status status = meet(list, slots[j]);
            if (status != VM_OK) {
                return status;
            }
        }
    }
    return VM_OK;
}

vm_status vm_freeze(vm_t *vm, tagged_value_t value) {
    struct list list = {.vm = vm};
    vm_status status = meet(&list, value);
    status = status == VM_OK ? meet_all(&list) : status;
    for (size_t i = 0; i < list.count; i++) {
        list.met[i]->header ^= VM__FLAG_MARKED | (status == VM_OK ? VM__FLAG_FROZEN : 0);
    }
    cupel_free(vm->allocator, list.met, list.capacity * sizeof(void *), _Alignof(void *));
    return status;
}
