/* Strings, and slices of strings: immutable UTF-8. Characters are counted when a string is made; where each is one byte
 * (ASCII), the Nth is found without looking at those before it. */
#include "vm/src/heap.h"
#include "vm/src/text.h"

uint32_t vm__text_hash(const vm_t *vm, const char *bytes, size_t length) {
    static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 divided by the golden ratio, odd */
    uint64_t hash = vm->options.hash_seed ^ length * factor;
    while (length > 0) {
        uint64_t word = 0;
        size_t part = length < sizeof word ? length : sizeof word;
        memcpy(&word, bytes, part);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 29;
        bytes += part;
        length -= part;
    }
    hash *= factor;
    uint32_t folded = (uint32_t)(hash >> 32);
    return folded != 0 ? folded : 1;
}

uint32_t vm__text_hash_of(const vm_t *vm, struct vm__object *text) {
    if (vm__aux(text) == 0) {
        struct vm__text view = vm__text(vm__reference(text));
        vm__set_aux(text, vm__text_hash(vm, view.bytes, view.length));
    }
    return vm__aux(text);
}

/* A string of bytes that the caller writes. */
static struct vm__object *new_string(vm_t *vm, size_t length, size_t characters) {
    assert(length <= VM_LENGTH_MAX);
    size_t words = (length + 1 + VM__WORD_BYTES - 1) / VM__WORD_BYTES;
    struct vm__object *object = vm__object_new(vm, VM_TYPE_STRING, VM__TEXT_BYTES + words);
    if (object != NULL) {
        object->header |= characters == length ? VM__FLAG_ASCII : 0;
        vm__set_raw(object, VM__TEXT_LENGTH, vm__halves(length, characters));
    }
    return object;
}

tagged_value_t vm_mk_string(vm_t *vm, const char *text, size_t length_bytes) {
    size_t characters;
    if (length_bytes > VM_LENGTH_MAX) {
        return VM_OOM_VALUE;
    }
    if (!vm_utf8_check(text, length_bytes, &characters)) {
        return VM_UNDEFINED;
    }
    struct vm__object *object = new_string(vm, length_bytes, characters);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    if (length_bytes > 0) {
        memcpy(object->slots + VM__TEXT_BYTES, text, length_bytes);
    }
    return vm__reference(object);
}

bool vm_is_text(tagged_value_t value) {
    return vm_is(value, VM_TYPE_STRING) || vm_is(value, VM_TYPE_STRING_SLICE);
}

size_t vm__text_characters(const struct vm__object *text) {
    struct vm__text view = vm__text(vm__reference(text));
    if (vm__has(text, VM__FLAG_ASCII)) {
        return view.length;
    }
    return vm__type(text) == VM_TYPE_STRING ? vm__raw_high(text, VM__TEXT_LENGTH)
                                            : vm__utf8_count(view.bytes, view.length);
}

const char *vm_string_text(tagged_value_t string) {
    assert(vm_is(string, VM_TYPE_STRING));
    return (const char *)(vm__object(string)->slots + VM__TEXT_BYTES);
}

const char *vm_text_bytes(tagged_value_t text, size_t *length_bytes) {
    assert(vm_is_text(text));
    struct vm__text view = vm__text(text);
    *length_bytes = view.length;
    return view.bytes;
}

/* The byte where a character begins; the length where the index is that of one past the last. */
static size_t offset_of(const struct vm__object *text, size_t index) {
    struct vm__text view = vm__text(vm__reference(text));
    return vm__has(text, VM__FLAG_ASCII) ? index : vm__utf8_offset(view.bytes, view.length, index);
}

uint32_t vm_text_character(tagged_value_t text, size_t index) {
    assert(vm_is_text(text) && index < vm_length(text));
    struct vm__text view = vm__text(text);
    const char *at = view.bytes + offset_of(vm__object(text), index);
    return vm__utf8_read(&at, view.bytes + view.length);
}

tagged_value_t vm__text_slice(vm_t *vm, tagged_value_t text, size_t first, size_t end) {
    struct vm__object *whole = vm__object(text);
    size_t from = offset_of(whole, first);
    struct vm__text view = vm__text(text);
    size_t length = vm__has(whole, VM__FLAG_ASCII)
                        ? end - first
                        : vm__utf8_offset(view.bytes + from, view.length - from, end - first);
    tagged_value_t base = text;
    if (vm__type(whole) == VM_TYPE_STRING_SLICE) {
        base = whole->slots[VM__SLICE_BASE];
        from += vm__raw_low(whole, VM__SLICE_RANGE);
    }
    struct vm__object *slice = vm__allocate(vm, VM_TYPE_STRING_SLICE, 2);
    if (slice == NULL) {
        return VM_OOM_VALUE;
    }
    slice->header |= length == end - first ? VM__FLAG_ASCII : 0;
    vm__set_raw(slice, VM__SLICE_RANGE, vm__halves(from, length));
    slice->slots[VM__SLICE_BASE] = base;
    return vm__reference(slice);
}

/* First the sizes, then one object, then the bytes: nothing in between can fail. */
tagged_value_t vm_concat(vm_t *vm, const tagged_value_t *texts, size_t count) {
    size_t length = 0, characters = 0;
    for (size_t i = 0; i < count; i++) {
        assert(vm_is_text(texts[i]));
        length += vm__text(texts[i]).length;
        characters += vm__text_characters(vm__object(texts[i]));
        if (length > VM_LENGTH_MAX) {
            return VM_OOM_VALUE;
        }
    }
    struct vm__object *object = new_string(vm, length, characters);
    if (object == NULL) {
        return VM_OOM_VALUE;
    }
    char *at = (char *)(object->slots + VM__TEXT_BYTES);
    for (size_t i = 0; i < count; i++) {
        struct vm__text view = vm__text(texts[i]);
        memcpy(at, view.bytes, view.length);
        at += view.length;
    }
    return vm__reference(object);
}
