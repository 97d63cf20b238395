/* Constructors and accessors of objects. None of them collects. */
#include "vm/src/object.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct vm__object *vm__object_new(vm_t *vm, enum vm_type type, size_t payload_bytes) {
    if (payload_bytes > PTRDIFF_MAX - 64) {
        return NULL;
    }
    size_t size = (sizeof(struct vm__object) + payload_bytes + VM__UNIT_BYTES - 1) / VM__UNIT_BYTES * VM__UNIT_BYTES;
    size_t cap = vm->options.memory_cap_bytes;
    if (size / VM__UNIT_BYTES > UINT32_MAX || (cap != 0 && (size > cap || vm->pool_bytes > cap - size))) {
        return NULL;
    }
    struct vm__object *object = cupel_alloc_zeroed(&vm->pools[vm->current].base, size, VM__OBJECT_ALIGN);
    if (object == NULL) {
        return NULL;
    }
    object->header = (uint64_t)(size / VM__UNIT_BYTES) << 32 | (uint64_t)type << 8 | VM__FLAG_LIVE;
    vm->pool_bytes += size;
    vm->allocated_since_flip += size;
    vm->statistics.objects_allocated++;
    vm->statistics.bytes_allocated += size;
    return object;
}

void *vm_alloc(vm_t *vm, size_t size_bytes) {
    struct vm__object *object = vm__object_new(vm, VM_TYPE_BYTES, size_bytes);
    if (object == NULL) {
        return NULL;
    }
    object->second = size_bytes;
    return object->elements;
}

tagged_value_t vm_mk_array(vm_t *vm, size_t length) {
    if (length > VM_LENGTH_MAX) {
        return VM_OOM_VALUE;
    }
    struct vm__object *object = vm__object_new(vm, VM_TYPE_ARRAY, length * sizeof(tagged_value_t));
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    object->second = length;
    for (size_t i = 0; i < length; i++) {
        object->elements[i] = VM_NIL;
    }
    return vm__reference(object);
}

tagged_value_t vm_mk_pair(vm_t *vm, tagged_value_t first, tagged_value_t second) {
    struct vm__object *object = vm__object_new(vm, VM_TYPE_PAIR, 2 * sizeof(tagged_value_t));
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    object->elements[0] = first;
    object->elements[1] = second;
    return vm__reference(object);
}

tagged_value_t vm_mk_string(vm_t *vm, const char *text, size_t length_bytes) {
    if (length_bytes > VM_LENGTH_MAX) {
        return VM_OOM_VALUE;
    }
    struct vm__object *object = vm__object_new(vm, VM_TYPE_STRING, length_bytes + 1);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    object->second = length_bytes;
    if (length_bytes > 0) {
        memcpy(object->elements, text, length_bytes);
    }
    return vm__reference(object);
}

tagged_value_t vm_mk_double(vm_t *vm, double number) {
    tagged_value_t value;
    if (vm_double_encode(number, &value)) {
        return value;
    }
    struct vm__object *object = vm__object_new(vm, VM_TYPE_DOUBLE, 0);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    number = isnan(number) ? (double)NAN : number;
    memcpy(&object->second, &number, sizeof number);
    return vm__reference(object);
}

bool vm_is(tagged_value_t value, enum vm_type type) {
    return vm_is_reference(value) && vm__type(vm__object(value)) == type;
}

size_t vm_length(tagged_value_t value) {
    assert(vm_is(value, VM_TYPE_ARRAY) || vm_is(value, VM_TYPE_STRING));
    return (size_t)vm__object(value)->second;
}

tagged_value_t vm_get(tagged_value_t object, size_t index) {
    assert(vm_is_reference(object));
    assert(index < vm__element_count(vm__object(object)));
    return vm__object(object)->elements[index];
}

void vm_set(tagged_value_t object, size_t index, tagged_value_t element) {
    assert(vm_is_reference(object) && !vm_is_oom(element));
    assert(index < vm__element_count(vm__object(object)));
    vm__object(object)->elements[index] = element;
}

const char *vm_string_text(tagged_value_t string) {
    assert(vm_is(string, VM_TYPE_STRING));
    return (const char *)vm__object(string)->elements;
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
    memcpy(&number, &vm__object(value)->second, sizeof number);
    return number;
}
