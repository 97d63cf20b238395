/* What each type of object promises beyond its size; see types.def and the heap checker. */
#include "vm/src/check.h"
#include "vm/src/text.h"

static bool check_string(const struct vm__object *object) {
    size_t length = vm__raw_low(object, VM__TEXT_LENGTH), characters;
    const char *bytes = (const char *)(object->slots + VM__TEXT_BYTES);
    size_t room = (vm__slot_count(object) - VM__TEXT_BYTES) * VM__WORD_BYTES;
    return length < room && bytes[length] == '\0' && vm_utf8_check(bytes, length, &characters) &&
           characters == vm__raw_high(object, VM__TEXT_LENGTH) &&
           vm__has(object, VM__FLAG_ASCII) == (characters == length);
}

static bool check_head(const struct vm__object *object, enum vm_type part, size_t per_slot) {
    tagged_value_t storage = object->slots[VM__ARRAY_STORAGE];
    return vm_is(storage, part) && vm__raw(object, VM__ARRAY_LENGTH) <= vm__slot_count(vm__object(storage)) * per_slot;
}

/* The base of a slice of an array or bytes may have been shortened; that of a text cannot. */
static bool check_text_slice(const struct vm__object *object) {
    tagged_value_t base = object->slots[VM__SLICE_BASE];
    size_t characters;
    if (!vm_is(base, VM_TYPE_STRING) ||
        (uint64_t)vm__raw_low(object, VM__SLICE_RANGE) + vm__raw_high(object, VM__SLICE_RANGE) >
            vm__raw_low(vm__object(base), VM__TEXT_LENGTH)) {
        return false;
    }
    struct vm__text view = vm__text(vm__reference(object));
    return vm_utf8_check(view.bytes, view.length, &characters) &&
           vm__has(object, VM__FLAG_ASCII) == (characters == view.length);
}

/* Whether the index leads from an entry's hash to the entry. */
static bool is_indexed(const struct vm__object *index, uint32_t hash, uint32_t number) {
    size_t places = vm__slot_count(index) * 2, tries = 0;
    const uint32_t *numbers = (const uint32_t *)(const void *)index->slots;
    size_t place = hash & (places - 1);
    while (numbers[place] != 0 && numbers[place] != number + 1 && tries < places) {
        place = (place + 1) & (places - 1);
        tries++;
    }
    return numbers[place] == number + 1;
}

static bool check_entries(const struct vm__object *table, const struct vm__object *entries) {
    uint32_t live = 0;
    tagged_value_t index = table->slots[VM__TABLE_INDEX];
    if (vm__raw_high(table, VM__TABLE_COUNTS) > vm__slot_count(entries) / VM__ENTRY_SLOTS) {
        return false;
    }
    for (uint32_t i = 0; i < vm__raw_high(table, VM__TABLE_COUNTS); i++) {
        const tagged_value_t *entry = entries->slots + (size_t)i * VM__ENTRY_SLOTS;
        if (!vm_is_integer(entry[VM__ENTRY_HASH])) {
            return false;
        }
        if (!vm_is_same(entry[VM__ENTRY_KEY], VM__HOLE)) {
            live++;
            uint32_t hash = (uint32_t)vm_integer(entry[VM__ENTRY_HASH]);
            if (vm_is_reference(index) && !is_indexed(vm__object(index), hash, i)) {
                return false;
            }
        }
    }
    return live == vm__raw_low(table, VM__TABLE_COUNTS);
}

/* A table without entries has no storage, one with few has no index. */
static bool check_table(const struct vm__object *table) {
    tagged_value_t entries = table->slots[VM__TABLE_ENTRIES], index = table->slots[VM__TABLE_INDEX];
    if (!vm_is(index, VM_TYPE_BLOB) && !vm_is_same(index, VM_NIL)) {
        return false;
    }
    size_t places = vm_is_reference(index) ? vm__slot_count(vm__object(index)) * 2 : 2;
    if (places < 2 || (places & (places - 1)) != 0) {
        return false;
    }
    return vm_is(entries, VM_TYPE_STORAGE) ? check_entries(table, vm__object(entries))
                                           : vm_is_same(entries, VM_NIL) && vm__raw(table, VM__TABLE_COUNTS) == 0;
}

static bool check_symbol(const vm_t *vm, const struct vm__object *object) {
    if (!vm_is(object->slots[0], VM_TYPE_STRING)) {
        return false;
    }
    struct vm__text name = vm__text(object->slots[0]);
    return vm__aux(object) == vm__text_hash(vm, name.bytes, name.length);
}

bool vm__check_type(const vm_t *vm, const struct vm__object *object) {
    switch (vm__type(object)) {
    case VM_TYPE_ARRAY:
        return check_head(object, VM_TYPE_STORAGE, 1);
    case VM_TYPE_BYTES:
        return check_head(object, VM_TYPE_BLOB, VM__WORD_BYTES);
    case VM_TYPE_STRING:
        return check_string(object);
    case VM_TYPE_PAIR:
    case VM_TYPE_CELL:
        return vm__slot_count(object) == 2;
    case VM_TYPE_DOUBLE:
        return vm__slot_count(object) == 1;
    case VM_TYPE_INT64:
        return vm__slot_count(object) == 1 && !vm_integer_fits((int64_t)vm__raw(object, 0));
    case VM_TYPE_SYMBOL:
        return check_symbol(vm, object);
    case VM_TYPE_STRING_SLICE:
        return check_text_slice(object);
    case VM_TYPE_ARRAY_SLICE:
        return vm_is(object->slots[VM__SLICE_BASE], VM_TYPE_ARRAY);
    case VM_TYPE_BYTES_SLICE:
        return vm_is(object->slots[VM__SLICE_BASE], VM_TYPE_BYTES);
    case VM_TYPE_TABLE:
        return check_table(object);
    case VM_TYPE_SHAPE:
        return vm_is(object->slots[VM__SHAPE_NAME], VM_TYPE_SYMBOL) &&
               vm_is(object->slots[VM__SHAPE_FIELDS], VM_TYPE_ARRAY);
    case VM_TYPE_CLOSURE:
        /* The evaluator's routines lie outside of the heap, at addresses that look like integers. */
        return vm_is(object->slots[VM__CLOSURE_PROTO], VM_TYPE_PROTO) ||
               vm_is_integer(object->slots[VM__CLOSURE_PROTO]);
    case VM_TYPE_PROTO:
        return vm__raw(object, VM__PROTO_COUNT) <= (vm__slot_count(object) - VM__PROTO_CODE) * 2;
    case VM_TYPE_RECORD:
        return vm_is(object->slots[VM__RECORD_SHAPE], VM_TYPE_SHAPE);
    case VM_TYPE_NATIVE:
        return vm__raw(object, VM__NATIVE_FUNCTION) != 0;
    default:
        return true;
    }
}
