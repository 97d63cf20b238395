/* The heap checker. It walks the pages header by header and notes where objects begin, in one bit for each word; then
 * every tagged slot of every object, dead ones too, and every root must refer to such a place. (Dead objects refer to
 * nothing else: whatever was stored in them came from the same pool.) Nothing in the heap is written. */
#include "vm/src/check.h"

#include <stdlib.h>

struct place {
    const unsigned char *start; /* of the first object */
    const unsigned char *end;   /* one past the last one */
    size_t first_bit;           /* of the words from `start` on */
    bool is_large;              /* of one large object */
};

struct check {
    struct vm__visitor visitor;
    vm_t *vm;
    struct place *places; /* by address */
    size_t place_count;
    uint64_t *starts;  /* where objects begin */
    uint64_t *claimed; /* storage and blobs that have a head */
    size_t bit_words;
};

static void add_place(struct check *check, struct place place, size_t *bits) {
    place.first_bit = *bits;
    if (check->places != NULL) {
        check->places[check->place_count] = place;
    }
    check->place_count++;
    *bits += (size_t)(place.end - place.start) / VM__WORD_BYTES;
}

/* Of all pages: how many, and how many words. The second time, with memory, where they are. */
static size_t add_places(struct check *check) {
    struct vm__pool *pool = &check->vm->pool;
    size_t bits = 0;
    check->place_count = 0;
    for (struct vm__page *page = pool->first; page != NULL; page = page->next) {
        struct place place = {.start = vm__page_data(page), .end = vm__page_used(pool, page)};
        add_place(check, place, &bits);
    }
    for (struct vm__page *page = pool->large_first; page != NULL; page = page->next) {
        const unsigned char *start = vm__page_data(page);
        add_place(check, (struct place){.start = start, .end = start + page->object_bytes, .is_large = true}, &bits);
    }
    return bits;
}

static int by_address(const void *a, const void *b) {
    const struct place *one = a, *other = b;
    return (one->start > other->start) - (one->start < other->start);
}

static const struct place *place_of(const struct check *check, const unsigned char *address) {
    size_t low = 0, high = check->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (address >= check->places[middle].end) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < check->place_count && address >= check->places[low].start ? &check->places[low] : NULL;
}

/* The bit of an address; false where it is none of a word in the pool. */
static bool bit_of(const struct check *check, const void *address, size_t *bit) {
    const struct place *place = place_of(check, address);
    size_t offset = place == NULL ? 1 : (size_t)((const unsigned char *)address - place->start);
    if (offset % VM__WORD_BYTES != 0) {
        return false;
    }
    *bit = place->first_bit + offset / VM__WORD_BYTES;
    return true;
}

static bool test_and_set(uint64_t *bits, size_t bit) {
    bool was_set = (bits[bit / 64] >> bit % 64 & 1) != 0;
    bits[bit / 64] |= UINT64_C(1) << bit % 64;
    return was_set;
}

/* Header, type and size of one object, which has `room` bytes at most. */
static bool is_sound(const struct vm__object *object, size_t room, bool is_large) {
    if (room < VM__WORD_BYTES || vm__is_forwarded(object) || vm__has(object, VM__FLAG_MARKED) ||
        vm__has(object, VM__FLAG_LARGE) != is_large) {
        return false;
    }
    size_t words = (size_t)(object->header >> VM__WORDS_SHIFT & 0xffff);
    enum vm_type type = vm__type(object);
    if (type == VM_TYPE_NONE || type >= VM_TYPE_COUNT || (words == 0) != is_large) {
        return false;
    }
    size_t size = vm__size_bytes(object);
    return size <= room && (size > VM__LARGE_BYTES) == is_large && vm__slot_count(object) >= vm__layouts[type].minimum;
}

/* Notes all objects of one place; false at the first that is not sound. */
static bool note_starts(struct check *check, const struct place *place) {
    for (const unsigned char *at = place->start; at != place->end;) {
        const struct vm__object *object = (const struct vm__object *)(const void *)at;
        size_t room = (size_t)(place->end - at);
        if (!is_sound(object, room, place->is_large)) {
            return false;
        }
        size_t bit = place->first_bit + (size_t)(at - place->start) / VM__WORD_BYTES;
        (void)test_and_set(check->starts, bit);
        size_t stride = vm__size_bytes(object) + (place->is_large ? 0 : check->vm->redzone_bytes);
        if (stride > room) {
            return false;
        }
        at += stride;
    }
    return true;
}

static bool is_start(const struct check *check, tagged_value_t value) {
    size_t bit;
    return bit_of(check, vm__object(value), &bit) && (check->starts[bit / 64] >> bit % 64 & 1) != 0;
}

static bool check_values(struct vm__visitor *visitor, tagged_value_t *values, size_t count) {
    const struct check *check = (struct check *)visitor;
    for (size_t i = 0; i < count; i++) {
        if (vm_is_reference(values[i]) ? !is_start(check, values[i]) : vm_is_oom(values[i])) {
            return false;
        }
    }
    return true;
}

/* Storage and blobs have one head each. */
static bool claim(struct check *check, tagged_value_t part) {
    size_t bit;
    return !vm_is_reference(part) || (bit_of(check, vm__object(part), &bit) && !test_and_set(check->claimed, bit));
}

static bool check_object(struct check *check, struct vm__object *object) {
    size_t count;
    tagged_value_t *slots = vm__tagged(object, &count);
    for (size_t i = 0; i < count; i++) {
        if ((slots[i].bits & 7) >= VM__TAG_RESERVED) {
            return false;
        }
    }
    if (!check_values(&check->visitor, slots, count) || !vm__check_type(check->vm, object)) {
        return false;
    }
    switch (vm__type(object)) {
    case VM_TYPE_ARRAY:
    case VM_TYPE_BYTES:
        return claim(check, object->slots[VM__ARRAY_STORAGE]);
    case VM_TYPE_TABLE:
        return claim(check, slots[0]) && claim(check, slots[1]);
    default:
        return true;
    }
}

static bool check_place(struct check *check, const struct place *place) {
    for (const unsigned char *at = place->start; at != place->end;) {
        struct vm__object *object = (struct vm__object *)(uintptr_t)at;
        if (!check_object(check, object)) {
            return false;
        }
        at += vm__size_bytes(object) + (place->is_large ? 0 : check->vm->redzone_bytes);
    }
    return true;
}

static bool check_all(struct check *check) {
    for (size_t i = 0; i < check->place_count; i++) {
        if (!note_starts(check, &check->places[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < check->place_count; i++) {
        if (!check_place(check, &check->places[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < check->vm->symbols.capacity; i++) {
        if (!check_values(&check->visitor, &check->vm->symbols.slots[i], 1)) {
            return false;
        }
    }
    return vm__roots_visit(check->vm, &check->visitor) &&
           check_values(&check->visitor, check->vm->owned.slots, check->vm->owned.count);
}

bool vm_check_heap(vm_t *vm) {
    struct check check = {.visitor = {.visit = check_values}, .vm = vm};
    size_t bits = add_places(&check);
    check.bit_words = bits / 64 + 1;
    size_t place_count = check.place_count;
    check.places = CUPEL_NEW_ARRAY(vm->allocator, struct place, place_count);
    check.starts = CUPEL_NEW_ARRAY(vm->allocator, uint64_t, check.bit_words);
    check.claimed = CUPEL_NEW_ARRAY(vm->allocator, uint64_t, check.bit_words);
    bool holds = false;
    if (check.places != NULL && check.starts != NULL && check.claimed != NULL) {
        (void)add_places(&check);
        qsort(check.places, place_count, sizeof *check.places, by_address);
        holds = check_all(&check);
    }
    CUPEL_FREE_ARRAY(vm->allocator, uint64_t, check.claimed, check.bit_words);
    CUPEL_FREE_ARRAY(vm->allocator, uint64_t, check.starts, check.bit_words);
    CUPEL_FREE_ARRAY(vm->allocator, struct place, check.places, place_count);
    return holds;
}
