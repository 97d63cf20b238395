/* See by_hand.h. The same operations for the same bytes as PROPERTY(alloc, ops) with the plain root and no layers, and
 * the same model and the same counting layer behind them; but the bytes are read in place by small inlined functions,
 * there is no trace, no meter, no label and no setup, and checks are plain ifs. */
#include "fuzz/bench/by_hand.h"

#include "alloc/counting.h"
#include "alloc/libc.h"
#include "fuzz/src/shadow.h"

#include <stdlib.h>
#include <string.h>

/* Over libc: nothing may be left at the end. */
static struct cupel_counting counting;

static struct cupel_allocator *heap(void) {
    return &counting.base;
}

struct input {
    const uint8_t *data;
    size_t left;
};

static inline uint64_t take(struct input *input, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value <<= 8;
        if (input->left > 0) {
            value |= input->data[--input->left];
        }
    }
    return value;
}

static inline uint64_t number(struct input *input, uint64_t max) {
    unsigned count = max == 0 ? 0 : max < 256 ? 1 : max < 65536 ? 2 : max < 1 << 24 ? 3 : 4;
    return (uint32_t)take(input, count) % ((uint32_t)max + 1);
}

static size_t edge_size(struct input *input, size_t max) {
    unsigned shape = (unsigned)take(input, 1);
    if (shape < 0x60) {
        return number(input, max < 64 ? max : 64);
    }
    if (shape < 0xb0) {
        size_t around = ((size_t)1 << (take(input, 1) % 64)) + (size_t)(shape % 3) - 1;
        return around > max ? max - (shape % 3) : around;
    }
    return shape < 0xf0 ? number(input, max) : max - (shape & 3);
}

enum { SIZE_LARGEST = 20000 };

static size_t any_size(struct input *input) {
    static const int around[] = {0, -1, 1, -8, -7, -9, 8, -16};
    size_t size;
    switch (number(input, 3)) {
    case 0:
        return edge_size(input, SIZE_LARGEST);
    case 1:
        size = 16 * (1 + number(input, 127));
        break;
    case 2:
        size = 4096 * (1 + number(input, 3));
        break;
    default:
        return number(input, SIZE_LARGEST);
    }
    size += (size_t)(ptrdiff_t)around[number(input, 7)];
    return size < SIZE_LARGEST ? size : SIZE_LARGEST;
}

static size_t any_align(struct input *input) {
    unsigned power = (unsigned)number(input, 31);
    return (size_t)1 << (power <= 16 ? power : 4);
}

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void release(struct cupel__shadow *shadow, size_t index) {
    const struct cupel__shadow_block block = shadow->blocks[index];
    require(cupel__shadow_holds(&block, block.base, block.size));
    cupel__shadow_remove(shadow, index);
    cupel_free(heap(), block.base, block.size, block.align);
}

static void take_in(struct cupel__shadow *shadow, void *base, size_t size, size_t align) {
    struct cupel_error error;
    require((uintptr_t)base % align == 0);
    require(cupel__shadow_add(shadow, base, size, align, &error) != NULL);
}

static void acquire(struct input *input, struct cupel__shadow *shadow, unsigned flags) {
    struct cupel_allocator *libc = heap();
    size_t size = any_size(input);
    size_t align = any_align(input);
    if (shadow->count == CUPEL_OPS_LIVE_MAX) {
        release(shadow, number(input, shadow->count - 1));
    }
    void *base = libc->ops->acquire(libc, size, align, flags, CUPEL_SITE());
    require(base != NULL);
    require((flags & CUPEL_ZEROED) == 0 || cupel__shadow_is_zero(base, size));
    take_in(shadow, base, size, align);
}

static void move_in(struct cupel__shadow *shadow, size_t index, void *base, size_t size, bool is_zeroed) {
    const struct cupel__shadow_block old = shadow->blocks[index];
    require(cupel__shadow_holds(&old, base, old.size < size ? old.size : size));
    require(!is_zeroed || size <= old.size || cupel__shadow_is_zero((char *)base + old.size, size - old.size));
    cupel__shadow_remove(shadow, index);
    take_in(shadow, base, size, old.align);
}

static void remap(struct input *input, struct cupel__shadow *shadow, unsigned flags) {
    struct cupel_allocator *libc = heap();
    size_t index = number(input, shadow->count - 1);
    size_t size = any_size(input);
    const struct cupel__shadow_block block = shadow->blocks[index];
    void *base = libc->ops->remap(libc, block.base, block.size, block.align, size, flags, CUPEL_SITE());
    require(base != NULL);
    move_in(shadow, index, base, size, (flags & CUPEL_ZEROED) != 0);
}

static void resize(struct input *input, struct cupel__shadow *shadow) {
    size_t index = number(input, shadow->count - 1);
    size_t size = any_size(input);
    const struct cupel__shadow_block block = shadow->blocks[index];
    if (cupel_resize(heap(), block.base, block.size, block.align, size)) {
        move_in(shadow, index, block.base, size, false);
    } else {
        require(cupel__shadow_holds(&block, block.base, block.size));
    }
}

static void ask_too_much(struct input *input, struct cupel__shadow *shadow) {
    static const size_t bases[] = {SIZE_MAX, (size_t)PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1 + 4096, SIZE_MAX / 2 + 65536};
    struct cupel_allocator *libc = heap();
    size_t size = bases[number(input, 3)] - edge_size(input, 2 * 65536 + 8192);
    size_t align = any_align(input);
    if (shadow->count > 0 && (take(input, 1) & 1) != 0) {
        const struct cupel__shadow_block block = shadow->blocks[number(input, shadow->count - 1)];
        require(!cupel_resize(libc, block.base, block.size, block.align, size));
        require(cupel_realloc(libc, block.base, block.size, block.align, size) == NULL);
        require(cupel__shadow_holds(&block, block.base, block.size));
    } else {
        require(libc->ops->acquire(libc, size, align, (take(input, 1) & 1) != 0 ? CUPEL_ZEROED : 0, CUPEL_SITE()) ==
                NULL);
    }
}

static void ask_bad_alignment(struct input *input) {
    static const size_t aligns[] = {0, 3, 24, 6, 65535, SIZE_MAX, CUPEL_ALIGN_MAX << 1, ~(SIZE_MAX >> 1)};
    size_t align = aligns[number(input, 7)];
    require(cupel_alloc(heap(), any_size(input), align) == NULL);
}

static void use_all(struct input *input, struct cupel__shadow *shadow) {
    const struct cupel__shadow_block *block = &shadow->blocks[number(input, shadow->count - 1)];
    size_t usable = cupel_usable(heap(), block->base, block->size, block->align);
    require(usable >= block->size);
    size_t slack = usable - block->size;
    memset(block->base + block->size, 0xee, slack < 4096 ? slack : 4096);
}

static void check_all(const struct cupel__shadow *shadow) {
    for (size_t i = 0; i < shadow->count; i++) {
        require(cupel__shadow_holds(&shadow->blocks[i], shadow->blocks[i].base, shadow->blocks[i].size));
    }
}

static void release_some(struct input *input, struct cupel__shadow *shadow) {
    switch (number(input, 4)) {
    case 0:
        release(shadow, number(input, shadow->count - 1));
        break;
    case 1:
        release(shadow, 0);
        break;
    case 2:
        release(shadow, shadow->count - 1);
        break;
    case 3:
        for (size_t i = 0; i < shadow->count; i++) {
            release(shadow, i);
        }
        break;
    default:
        while (shadow->count > 0) {
            release(shadow, 0);
        }
        break;
    }
}

static void operate(struct input *input, struct cupel__shadow *shadow) {
    unsigned name = (unsigned)number(input, 11);
    bool needs_block = name == 1 || name == 3 || name == 4 || name == 5 || name == 7 || name == 10;
    switch (needs_block && shadow->count == 0 ? 0 : name) {
    case 0:
    case 6:
        acquire(input, shadow, 0);
        break;
    case 1:
    case 5:
        release_some(input, shadow);
        break;
    case 2:
        acquire(input, shadow, CUPEL_ZEROED);
        break;
    case 3:
        remap(input, shadow, 0);
        break;
    case 4:
        resize(input, shadow);
        break;
    case 7:
        remap(input, shadow, CUPEL_ZEROED);
        break;
    case 8:
        ask_too_much(input, shadow);
        break;
    case 9:
        ask_bad_alignment(input);
        break;
    case 10:
        use_all(input, shadow);
        break;
    default:
        check_all(shadow);
        break;
    }
}

int cupel__by_hand(const uint8_t *data, size_t size) {
    struct input input = {data, size};
    struct cupel__shadow shadow;
    (void)cupel_counting_init(&counting, cupel_libc());
    cupel__shadow_init(&shadow);
    /* The root, no layer, no counting: the three bytes with which each input of the bench ends. */
    (void)take(&input, 3);
    for (unsigned i = 0; i < 4096 && input.left > 0 && take(&input, 1) != 0; i++) {
        operate(&input, &shadow);
    }
    check_all(&shadow);
    while (shadow.count > 0) {
        release(&shadow, shadow.count - 1);
    }
    require(cupel_counts_are_balanced(&counting.counts));
    return 0;
}
