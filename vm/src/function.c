/* What can be called, what it closes over, and what goes wrong: protos, closures, natives, boxes, cells, errors. */
#include "vm/src/heap.h"

tagged_value_t vm_mk_box(vm_t *vm, tagged_value_t value) {
    struct vm__object *object = vm__allocate(vm, VM_TYPE_BOX, 1);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    object->slots[0] = value;
    return vm__reference(object);
}

tagged_value_t vm_mk_cell(vm_t *vm, tagged_value_t name, tagged_value_t value) {
    struct vm__object *object = vm__allocate(vm, VM_TYPE_CELL, 2);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    object->slots[0] = value;
    object->slots[1] = name;
    return vm__reference(object);
}

struct vm__object *vm__proto_new(vm_t *vm, size_t code_words) {
    struct vm__object *object =
        code_words > VM_LENGTH_MAX ? NULL : vm__object_new(vm, VM_TYPE_PROTO, VM__PROTO_CODE + (code_words + 1) / 2);
    for (size_t i = 0; object != NULL && i < VM__PROTO_FIELDS; i++) {
        object->slots[i] = VM_NIL;
    }
    if (object != NULL) {
        vm__set_raw(object, VM__PROTO_COUNT, code_words);
    }
    return object;
}

struct vm__object *vm__closure_new(vm_t *vm, tagged_value_t proto, size_t captures) {
    struct vm__object *object = vm__object_new(vm, VM_TYPE_CLOSURE, VM__CLOSURE_CAPTURES + captures);
    for (size_t i = 0; object != NULL && i < captures; i++) {
        object->slots[VM__CLOSURE_CAPTURES + i] = VM_NIL;
    }
    if (object != NULL) {
        object->slots[VM__CLOSURE_PROTO] = proto;
    }
    return object;
}

tagged_value_t vm_mk_closure(vm_t *vm, tagged_value_t proto, const tagged_value_t *captures, size_t count) {
    assert(vm_is(proto, VM_TYPE_PROTO));
    struct vm__object *object = vm__closure_new(vm, proto, count);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    if (count > 0) {
        memcpy(object->slots + VM__CLOSURE_CAPTURES, captures, count * sizeof *captures);
    }
    return vm__reference(object);
}

tagged_value_t vm_mk_native(vm_t *vm, const struct vm_native *native) {
    struct vm__object *object = vm__allocate(vm, VM_TYPE_NATIVE, 4);
    tagged_value_t name = object == NULL ? VM_OOM_VALUE : vm_mk_symbol(vm, native->name, strlen(native->name));
    if (!vm_is_reference(name)) {
        vm__object_unmake(vm, object);
        return name;
    }
    object->slots[VM__NATIVE_NAME] = name;
    vm__set_raw(object, VM__NATIVE_FUNCTION, (uint64_t)(uintptr_t)native->function);
    vm__set_raw(object, VM__NATIVE_ARITY,
                (uint64_t)native->arity_min | (uint64_t)native->arity_max << 16 | (uint64_t)native->flags << 32);
    vm__set_raw(object, VM__NATIVE_DATA, (uint64_t)(uintptr_t)native->data);
    return vm__reference(object);
}

tagged_value_t vm_mk_error(vm_t *vm, tagged_value_t kind, tagged_value_t message, tagged_value_t irritants) {
    struct vm__object *object = vm__allocate(vm, VM_TYPE_ERROR, 4);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    object->slots[VM__ERROR_KIND] = kind;
    object->slots[VM__ERROR_MESSAGE] = message;
    object->slots[VM__ERROR_IRRITANTS] = irritants;
    object->slots[VM__ERROR_BACKTRACE] = VM_NIL;
    return vm__reference(object);
}
