/* Hashes of values: of what they are, never of where they lie, and equal for equal values. Of data, the first elements
 * in the order of comparison are mixed in, up to a bound: so a hash costs no memory, takes bounded time, and ends for
 * data that refers to itself. */
#include "vm/src/order.h"
#include "vm/src/text.h"

enum { VALUES_MAX = 96, DEPTH_MAX = 16 };

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Of one object's own, without its elements. */
static uint64_t hash_flat(vm_t *vm, struct vm__object *object, bool *has_elements) {
    size_t length = 0;
    const uint8_t *bytes;
    *has_elements = false;
    switch (vm__layouts[vm__type(object)].order) {
    case VM__ORDER_NUMBER:
        return mix(vm__type(object), vm__raw(object, 0));
    case VM__ORDER_TEXT:
        return vm__text_hash_of(vm, object);
    case VM__ORDER_NAME:
        return mix(VM_TYPE_SYMBOL, vm__aux(object));
    case VM__ORDER_BYTES:
        bytes = vm__bytes_view(vm__reference(object), &length);
        return mix(VM_TYPE_BYTES, vm__text_hash(vm, (const char *)bytes, length));
    case VM__ORDER_IDENTITY:
        return mix(vm__type(object), vm__identity(vm, object));
    default:
        *has_elements = true;
        return vm__layouts[vm__type(object)].order == VM__ORDER_LIST ? VM_TYPE_ARRAY : vm__type(object);
    }
}

uint32_t vm_hash(vm_t *vm, tagged_value_t value) {
    struct vm__elements_of stack[DEPTH_MAX];
    unsigned depth = 0;
    uint64_t hash = vm->options.hash_seed;
    for (unsigned values = 0; values < VALUES_MAX; values++) {
        bool has_elements = false;
        uint64_t own = vm_is_reference(value) ? hash_flat(vm, vm__object(value), &has_elements) : value.bits;
        hash = mix(hash, own);
        if (has_elements) {
            struct vm__elements_of elements = vm__elements_begin(value);
            hash = mix(hash, elements.left);
            if (depth < DEPTH_MAX) {
                stack[depth++] = elements;
            }
        }
        /* cppcheck-suppress uninitvar ; all below `depth` was written */
        while (depth > 0 && stack[depth - 1].left == 0) {
            depth--;
        }
        if (depth == 0) {
            break;
        }
        value = vm__elements_next(&stack[depth - 1]);
    }
    return (uint32_t)(mix(hash, 0) >> 16);
}
