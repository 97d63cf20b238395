/* Arrays and bytes: a head that stays what it is, and storage behind it that is replaced where it grows. Pairs. */
#include "vm/src/heap.h"

enum { FIRST_CAPACITY = 4 };

static struct vm__object *storage_new(vm_t *vm, size_t capacity) {
    struct vm__object *storage = vm__object_new(vm, VM_TYPE_STORAGE, capacity);
    for (size_t i = 0; storage != NULL && i < capacity; i++) {
        storage->slots[i] = VM_NIL;
    }
    return storage;
}

/* Makes a head, then its storage; without that the head goes too. */
static tagged_value_t head_new(vm_t *vm, enum vm_type type, size_t length) {
    struct vm__object *head = length > VM_LENGTH_MAX ? NULL : vm__allocate(vm, type, 2);
    if (head == NULL) {
        return VM_OOM_VALUE;
    }
    const struct vm__object *storage =
        type == VM_TYPE_ARRAY ? storage_new(vm, length)
                              : vm__object_new(vm, VM_TYPE_BLOB, (length + VM__WORD_BYTES - 1) / VM__WORD_BYTES);
    if (storage == NULL) {
        vm__object_unmake(vm, head);
        return VM_OOM_VALUE;
    }
    vm__set_raw(head, VM__ARRAY_LENGTH, length);
    head->slots[VM__ARRAY_STORAGE] = vm__reference(storage);
    return vm__reference(head);
}

tagged_value_t vm_mk_array(vm_t *vm, size_t length) {
    return head_new(vm, VM_TYPE_ARRAY, length);
}

tagged_value_t vm_mk_bytes(vm_t *vm, const void *contents, size_t length_bytes) {
    tagged_value_t bytes = head_new(vm, VM_TYPE_BYTES, length_bytes);
    if (!vm_is_oom(bytes) && contents != NULL && length_bytes > 0) {
        memcpy(vm__contents(vm__object(bytes)), contents, length_bytes);
    }
    return bytes;
}

tagged_value_t vm_mk_pair(vm_t *vm, tagged_value_t first, tagged_value_t second) {
    struct vm__object *object = vm__allocate(vm, VM_TYPE_PAIR, 2);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    object->slots[0] = first;
    object->slots[1] = second;
    return vm__reference(object);
}

/* Storage with room for at least one element more than `length`, holding what the old one did. */
static struct vm__object *grown(vm_t *vm, enum vm_type type, const struct vm__object *old, size_t used_words) {
    size_t capacity = vm__slot_count(old);
    capacity = capacity < FIRST_CAPACITY ? FIRST_CAPACITY : capacity + capacity / 2;
    struct vm__object *storage = vm__object_new(vm, type, capacity);
    if (storage == NULL) {
        return NULL;
    }
    memcpy(storage->slots, old->slots, used_words * VM__WORD_BYTES);
    for (size_t i = used_words; type == VM_TYPE_STORAGE && i < capacity; i++) {
        storage->slots[i] = VM_NIL;
    }
    return storage;
}

vm_status vm_array_push(vm_t *vm, tagged_value_t array, tagged_value_t element) {
    assert(vm_is(array, VM_TYPE_ARRAY) && !vm_is_oom(element));
    struct vm__object *head = vm__object(array);
    size_t length = (size_t)vm__raw(head, VM__ARRAY_LENGTH);
    const struct vm__object *storage = vm__object(head->slots[VM__ARRAY_STORAGE]);
    if (vm__has(head, VM__FLAG_FROZEN)) {
        return VM_ERROR_FROZEN;
    }
    if (length == vm__slot_count(storage)) {
        storage = length >= VM_LENGTH_MAX ? NULL : grown(vm, VM_TYPE_STORAGE, storage, length);
        if (storage == NULL) {
            return VM_ERROR_OOM;
        }
        head->slots[VM__ARRAY_STORAGE] = vm__reference(storage);
    }
    vm__elements(head)[length] = element;
    vm__set_raw(head, VM__ARRAY_LENGTH, length + 1);
    return VM_OK;
}

vm_status vm_array_pop(tagged_value_t array, tagged_value_t *element) {
    assert(vm_is(array, VM_TYPE_ARRAY));
    struct vm__object *head = vm__object(array);
    size_t length = (size_t)vm__raw(head, VM__ARRAY_LENGTH);
    if (vm__has(head, VM__FLAG_FROZEN)) {
        return VM_ERROR_FROZEN;
    }
    if (length == 0) {
        return VM_ERROR_RANGE;
    }
    *element = vm__elements(head)[length - 1];
    vm__elements(head)[length - 1] = VM_NIL; /* or it would live on as long as the array does */
    vm__set_raw(head, VM__ARRAY_LENGTH, length - 1);
    return VM_OK;
}

vm_status vm_bytes_push(vm_t *vm, tagged_value_t bytes, uint8_t byte) {
    assert(vm_is(bytes, VM_TYPE_BYTES));
    struct vm__object *head = vm__object(bytes);
    size_t length = (size_t)vm__raw(head, VM__ARRAY_LENGTH);
    const struct vm__object *blob = vm__object(head->slots[VM__ARRAY_STORAGE]);
    if (vm__has(head, VM__FLAG_FROZEN)) {
        return VM_ERROR_FROZEN;
    }
    if (length == vm__slot_count(blob) * VM__WORD_BYTES) {
        blob = length >= VM_LENGTH_MAX ? NULL : grown(vm, VM_TYPE_BLOB, blob, length / VM__WORD_BYTES);
        if (blob == NULL) {
            return VM_ERROR_OOM;
        }
        head->slots[VM__ARRAY_STORAGE] = vm__reference(blob);
    }
    vm__contents(head)[length] = byte;
    vm__set_raw(head, VM__ARRAY_LENGTH, length + 1);
    return VM_OK;
}
