/* The shadow model of a heap: which blocks are live, where, how large, and what stands in them. It knows nothing of
 * allocators. Contents are a pattern: blocks up to 1 KiB wholly, larger ones at both ends and once a page. Patterns are
 * written and compared by memcpy and memcmp, which the sanitizers check also when called from code without
 * instrumentation. */
#ifndef FUZZ_SRC_SHADOW_H
#define FUZZ_SRC_SHADOW_H

#include "fuzz/alloc_ops.h"

struct cupel__shadow_block {
    unsigned char *base;
    size_t size;
    size_t align;
    unsigned seed;
};

/* Blocks are numbered by age, so that what an input means does not hang on the addresses an allocator gives. */
struct cupel__shadow {
    struct cupel__shadow_block blocks[CUPEL_OPS_LIVE_MAX]; /* oldest first */
    uint8_t by_base[CUPEL_OPS_LIVE_MAX];                   /* their indices, lowest base first */
    size_t count;
    uint64_t live_bytes;
    unsigned next_seed;
};

void cupel__shadow_init(struct cupel__shadow *shadow);
/* Adds a block and fills it with its pattern; NULL and a text where it overlaps a live one or wraps round. */
struct cupel__shadow_block *cupel__shadow_add(struct cupel__shadow *shadow, void *base, size_t size, size_t align,
                                              struct cupel_error *error);
/* Takes the block out. */
void cupel__shadow_remove(struct cupel__shadow *shadow, size_t index);
/* Fills the whole block anew, with another pattern. */
void cupel__shadow_fill(struct cupel__shadow *shadow, struct cupel__shadow_block *block);
/* True where the first `kept` bytes, now at `base`, still hold the block's pattern. */
bool cupel__shadow_holds(const struct cupel__shadow_block *block, const void *base, size_t kept);
/* True where these bytes are all zero; looks at both ends and once a page where there are more than 4 KiB. */
bool cupel__shadow_is_zero(const void *base, size_t size);

#endif
