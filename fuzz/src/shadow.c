/* See shadow.h. */
#include "fuzz/src/shadow.h"

#include <string.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define IS_READ_ON_PURPOSE(at, length) __msan_unpoison((at), (length))
#endif
#endif
#ifndef IS_READ_ON_PURPOSE
#define IS_READ_ON_PURPOSE(at, length) ((void)0)
#endif

enum { END = 512, PAGE = 4096, STAMP = 8, PHASES = 2048 };

static unsigned char pattern[PHASES + 2 * END];

void cupel__shadow_init(struct cupel__shadow *shadow) {
    if (pattern[0] == 0) {
        uint32_t state = 0x9e3779b9;
        for (size_t i = 0; i < sizeof pattern; i++) {
            state = state * 1664525 + 1013904223;
            pattern[i] = (unsigned char)(state >> 24 | 1); /* never zero: a lost page shows */
        }
    }
    shadow->count = 0;
    shadow->live_bytes = 0;
    shadow->next_seed = 0;
}

/* The ranges of a block that carry the pattern are visited in order, at most up to `limit`. */
static bool each_range(const struct cupel__shadow_block *block, unsigned char *base, size_t limit,
                       bool (*visit)(unsigned char *at, const unsigned char *expected, size_t length)) {
    size_t size = block->size;
    size_t head = size <= 2 * END ? size : END;
    if (!visit(base, pattern + block->seed, head < limit ? head : limit)) {
        return false;
    }
    if (head == size) {
        return true;
    }
    for (size_t at = PAGE; at + END + STAMP < size && at + STAMP <= limit; at += PAGE) {
        if (!visit(base + at, pattern + (block->seed + at / PAGE) % PHASES, STAMP)) {
            return false;
        }
    }
    size_t tail = size - END;
    return tail >= limit ||
           visit(base + tail, pattern + (block->seed + size) % PHASES, limit - tail < END ? limit - tail : END);
}

static bool visit_fill(unsigned char *at, const unsigned char *expected, size_t length) {
    memcpy(at, expected, length);
    return true;
}

static bool visit_compare(unsigned char *at, const unsigned char *expected, size_t length) {
    IS_READ_ON_PURPOSE(at, length); /* contents that an allocator lost are found by comparing, not by MemorySanitizer */
    return memcmp(at, expected, length) == 0;
}

void cupel__shadow_fill(struct cupel__shadow *shadow, struct cupel__shadow_block *block) {
    block->seed = shadow->next_seed;
    shadow->next_seed = (shadow->next_seed + 131) % PHASES;
    (void)each_range(block, block->base, block->size, visit_fill);
}

bool cupel__shadow_holds(const struct cupel__shadow_block *block, const void *base, size_t kept) {
    return each_range(block, (unsigned char *)(uintptr_t)base, kept, visit_compare);
}

bool cupel__shadow_is_zero(const void *base, size_t size) {
    static const unsigned char zeros[PAGE];
    const unsigned char *at = base;
    if (size <= PAGE) {
        return memcmp(at, zeros, size) == 0;
    }
    for (size_t i = PAGE; i + STAMP <= size; i += PAGE) {
        if (memcmp(at + i, zeros, STAMP) != 0) {
            return false;
        }
    }
    return memcmp(at, zeros, END) == 0 && memcmp(at + size - END, zeros, END) == 0;
}

static const struct cupel__shadow_block *at_place(const struct cupel__shadow *shadow, size_t place) {
    return &shadow->blocks[shadow->by_base[place]];
}

/* The place, in the order of addresses, of the first block whose base is not below this one. */
static size_t place_of(const struct cupel__shadow *shadow, const unsigned char *base) {
    size_t low = 0;
    size_t high = shadow->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (at_place(shadow, middle)->base < base) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A block of no bytes still has an address of its own. */
static size_t extent(size_t size) {
    return size == 0 ? 1 : size;
}

struct cupel__shadow_block *cupel__shadow_add(struct cupel__shadow *shadow, void *base, size_t size, size_t align,
                                              struct cupel_error *error) {
    unsigned char *at = base;
    size_t place = place_of(shadow, at);
    if (UINTPTR_MAX - (uintptr_t)at < size) {
        (void)cupel_error_set(error, 0, 0, "a block of %zu bytes at %p wraps round the address space", size, base);
        return NULL;
    }
    const struct cupel__shadow_block *other = NULL;
    if (place < shadow->count && (uintptr_t)at_place(shadow, place)->base - (uintptr_t)at < extent(size)) {
        other = at_place(shadow, place);
    } else if (place > 0) {
        const struct cupel__shadow_block *below = at_place(shadow, place - 1);
        other = (uintptr_t)at - (uintptr_t)below->base < extent(below->size) ? below : NULL;
    }
    if (other != NULL) {
        (void)cupel_error_set(error, 0, 0, "a block of %zu bytes at %p overlaps the live block of %zu bytes at %p",
                              size, base, other->size, (const void *)other->base);
        return NULL;
    }
    memmove(&shadow->by_base[place + 1], &shadow->by_base[place], shadow->count - place);
    shadow->by_base[place] = (uint8_t)shadow->count;
    struct cupel__shadow_block *block = &shadow->blocks[shadow->count++];
    *block = (struct cupel__shadow_block){.base = at, .size = size, .align = align};
    shadow->live_bytes += size;
    cupel__shadow_fill(shadow, block);
    return block;
}

void cupel__shadow_remove(struct cupel__shadow *shadow, size_t index) {
    size_t place = place_of(shadow, shadow->blocks[index].base);
    shadow->live_bytes -= shadow->blocks[index].size;
    shadow->count--;
    memmove(&shadow->by_base[place], &shadow->by_base[place + 1], shadow->count - place);
    memmove(&shadow->blocks[index], &shadow->blocks[index + 1], (shadow->count - index) * sizeof shadow->blocks[0]);
    for (size_t i = 0; i < shadow->count; i++) {
        shadow->by_base[i] = (uint8_t)(shadow->by_base[i] - (shadow->by_base[i] > index));
    }
}
