/* Lengths, elements and slices of whatever has them: one set of words for arrays, bytes, texts and slices. */
#include "vm/src/heap.h"
#include "vm/src/text.h"

/* The array or the bytes behind a slice, and where the slice begins; anything else is its own base. */
static struct vm__object *base_of(struct vm__object *object, size_t *offset) {
    enum vm_type type = vm__type(object);
    if (type != VM_TYPE_ARRAY_SLICE && type != VM_TYPE_BYTES_SLICE) {
        *offset = 0;
        return object;
    }
    *offset = vm__raw_low(object, VM__SLICE_RANGE);
    return vm__object(object->slots[VM__SLICE_BASE]);
}

/* Of a slice: what its base still has of it. */
static size_t slice_length(struct vm__object *slice) {
    size_t offset, length = vm__raw_high(slice, VM__SLICE_RANGE);
    const struct vm__object *base = base_of(slice, &offset);
    size_t there = (size_t)vm__raw(base, VM__ARRAY_LENGTH);
    there = there > offset ? there - offset : 0;
    return length < there ? length : there;
}

bool vm__length(tagged_value_t value, size_t *length) {
    if (!vm_is_reference(value)) {
        return false;
    }
    struct vm__object *object = vm__object(value);
    switch (vm__type(object)) {
    case VM_TYPE_ARRAY:
    case VM_TYPE_BYTES:
        *length = (size_t)vm__raw(object, VM__ARRAY_LENGTH);
        return true;
    case VM_TYPE_ARRAY_SLICE:
    case VM_TYPE_BYTES_SLICE:
        *length = slice_length(object);
        return true;
    case VM_TYPE_STRING:
    case VM_TYPE_STRING_SLICE:
        *length = vm__text_characters(object);
        return true;
    case VM_TYPE_PAIR:
        *length = 2;
        return true;
    case VM_TYPE_RECORD:
        *length = vm__slot_count(object) - VM__RECORD_FIELDS;
        return true;
    default:
        return false;
    }
}

size_t vm_length(tagged_value_t value) {
    size_t length = 0;
    bool has_length = vm__length(value, &length);
    assert(has_length);
    (void)has_length;
    return length;
}

/* The place of an element that is a tagged word. */
static tagged_value_t *place_of(struct vm__object *object, size_t index) {
    if (vm__type(object) == VM_TYPE_PAIR) {
        return &object->slots[index];
    }
    if (vm__type(object) == VM_TYPE_RECORD) {
        return &object->slots[VM__RECORD_FIELDS + index];
    }
    size_t offset;
    return vm__elements(base_of(object, &offset)) + offset + index;
}

static uint8_t *byte_of(struct vm__object *object, size_t index) {
    size_t offset;
    uint8_t *contents = vm__contents(base_of(object, &offset));
    return contents + offset + index;
}

static bool is_of_bytes(const struct vm__object *object) {
    return vm__type(object) == VM_TYPE_BYTES || vm__type(object) == VM_TYPE_BYTES_SLICE;
}

vm_status vm_at(tagged_value_t object, size_t index, tagged_value_t *element) {
    size_t length;
    if (!vm__length(object, &length)) {
        return VM_ERROR_TYPE;
    }
    if (index >= length) {
        return VM_ERROR_RANGE;
    }
    if (vm_is_text(object)) {
        *element = vm_mk_integer(vm_text_character(object, index));
    } else if (is_of_bytes(vm__object(object))) {
        *element = vm_mk_integer(*byte_of(vm__object(object), index));
    } else {
        *element = *place_of(vm__object(object), index);
    }
    return VM_OK;
}

vm_status vm_put(tagged_value_t object, size_t index, tagged_value_t element) {
    size_t length;
    assert(!vm_is_oom(element));
    if (!vm__length(object, &length)) {
        return VM_ERROR_TYPE;
    }
    size_t offset;
    struct vm__object *target = vm__object(object);
    if (vm_is_text(object) || vm__has(target, VM__FLAG_FROZEN) || vm__has(base_of(target, &offset), VM__FLAG_FROZEN)) {
        return VM_ERROR_FROZEN;
    }
    if (index >= length) {
        return VM_ERROR_RANGE;
    }
    if (!is_of_bytes(target)) {
        *place_of(target, index) = element;
        return VM_OK;
    }
    if (!vm_is_integer(element)) {
        return VM_ERROR_TYPE;
    }
    if (vm_integer(element) < 0 || vm_integer(element) > UINT8_MAX) {
        return VM_ERROR_RANGE;
    }
    *byte_of(target, index) = (uint8_t)vm_integer(element);
    return VM_OK;
}

tagged_value_t vm_get(tagged_value_t object, size_t index) {
    tagged_value_t element = VM_UNDEFINED;
    vm_status status = vm_at(object, index, &element);
    assert(status == VM_OK);
    (void)status;
    return element;
}

void vm_set(tagged_value_t object, size_t index, tagged_value_t element) {
    vm_status status = vm_put(object, index, element);
    assert(status == VM_OK);
    (void)status;
}

vm_status vm_slice(vm_t *vm, tagged_value_t whole, size_t first, size_t end, tagged_value_t *slice) {
    size_t length;
    if (!vm__length(whole, &length) || vm_is(whole, VM_TYPE_PAIR) || vm_is(whole, VM_TYPE_RECORD)) {
        return VM_ERROR_TYPE;
    }
    if (first > end || end > length) {
        return VM_ERROR_RANGE;
    }
    if (vm_is_text(whole)) {
        *slice = vm__text_slice(vm, whole, first, end);
        return vm_is_oom(*slice) ? VM_ERROR_OOM : VM_OK;
    }
    size_t offset;
    const struct vm__object *base = base_of(vm__object(whole), &offset);
    struct vm__object *object =
        vm__allocate(vm, vm__type(base) == VM_TYPE_ARRAY ? VM_TYPE_ARRAY_SLICE : VM_TYPE_BYTES_SLICE, 2);
    if (object == NULL) {
        return VM_ERROR_OOM;
    }
    /* What is cut from something frozen is frozen. */
    object->header |= base->header & VM__FLAG_FROZEN;
    vm__set_raw(object, VM__SLICE_RANGE, vm__halves(offset + first, end - first));
    object->slots[VM__SLICE_BASE] = vm__reference(base);
    *slice = vm__reference(object);
    return VM_OK;
}
