/* Numbers that need an object: doubles outside of the self-tagged range, and integers outside of 61 bits. */
#include "vm/src/heap.h"

#include <math.h>

tagged_value_t vm_mk_double(vm_t *vm, double number) {
    tagged_value_t value;
    if (vm_double_encode(number, &value)) {
        return value;
    }
    struct vm__object *object = vm__allocate(vm, VM_TYPE_DOUBLE, 1);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    number = isnan(number) ? (double)NAN : number;
    memcpy(&object->slots[0], &number, sizeof number);
    return vm__reference(object);
}

bool vm_is_double(tagged_value_t value) {
    return vm_is_immediate_double(value) || vm_is(value, VM_TYPE_DOUBLE);
}

double vm_double(tagged_value_t value) {
    assert(vm_is_double(value));
    if (vm_is_immediate_double(value)) {
        return vm_double_decode(value);
    }
    double number;
    memcpy(&number, &vm__object(value)->slots[0], sizeof number);
    return number;
}

tagged_value_t vm_mk_int64(vm_t *vm, int64_t number) {
    if (vm_integer_fits(number)) {
        return vm_mk_integer(number);
    }
    struct vm__object *object = vm__allocate(vm, VM_TYPE_INT64, 1);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    vm__set_raw(object, 0, (uint64_t)number);
    return vm__reference(object);
}

bool vm_is_int64(tagged_value_t value) {
    return vm_is_integer(value) || vm_is(value, VM_TYPE_INT64);
}

int64_t vm_int64(tagged_value_t value) {
    assert(vm_is_int64(value));
    return vm_is_integer(value) ? vm_integer(value) : (int64_t)vm__raw(vm__object(value), 0);
}
