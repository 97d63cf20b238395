/* Records: fields in a row, and a shape that says what they are called. */
#include "vm/src/heap.h"

tagged_value_t vm_mk_shape(vm_t *vm, tagged_value_t name, const tagged_value_t *fields, size_t count) {
    assert(vm_is(name, VM_TYPE_SYMBOL));
    struct vm__object *shape = vm__allocate(vm, VM_TYPE_SHAPE, 2);
    tagged_value_t names = shape == NULL ? VM_OOM_VALUE : vm_mk_array(vm, count);
    if (vm_is_oom(names)) {
        vm__object_unmake(vm, shape);
        return VM_OOM_VALUE;
    }
    for (size_t i = 0; i < count; i++) {
        assert(vm_is(fields[i], VM_TYPE_SYMBOL));
        vm__elements(vm__object(names))[i] = fields[i];
    }
    vm__object(names)->header |= VM__FLAG_FROZEN;
    shape->slots[VM__SHAPE_NAME] = name;
    shape->slots[VM__SHAPE_FIELDS] = names;
    return vm__reference(shape);
}

tagged_value_t vm_mk_record(vm_t *vm, tagged_value_t shape) {
    assert(vm_is(shape, VM_TYPE_SHAPE));
    size_t count = vm_length(vm__object(shape)->slots[VM__SHAPE_FIELDS]);
    struct vm__object *record = vm__object_new(vm, VM_TYPE_RECORD, VM__RECORD_FIELDS + count);
    if (record == NULL) {
        return VM_OOM_VALUE;
    }
    record->slots[VM__RECORD_SHAPE] = shape;
    for (size_t i = 0; i < count; i++) {
        record->slots[VM__RECORD_FIELDS + i] = VM_NIL;
    }
    return vm__reference(record);
}

tagged_value_t vm_record_shape(tagged_value_t record) {
    assert(vm_is(record, VM_TYPE_RECORD));
    return vm__object(record)->slots[VM__RECORD_SHAPE];
}

size_t vm_shape_find(tagged_value_t shape, tagged_value_t field) {
    assert(vm_is(shape, VM_TYPE_SHAPE));
    const struct vm__object *names = vm__object(vm__object(shape)->slots[VM__SHAPE_FIELDS]);
    size_t count = (size_t)vm__raw(names, VM__ARRAY_LENGTH);
    for (size_t i = 0; i < count; i++) {
        if (vm_is_same(vm__elements(names)[i], field)) {
            return i;
        }
    }
    return SIZE_MAX;
}
