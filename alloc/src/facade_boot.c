/* The boot arena: see facade.h and facade_boot.h.
 *
 * Blocks are cut by advancing one atomic offset. A header before each holds its size and a word made of its address, so
 * that an address inside a block is not taken for a block, nor a released block for a live one:
 *
 *     ...| padding | size, state | block ...
 */
#include "alloc/src/facade_boot.h"

#include "alloc/facade.h"

#include <assert.h>
#include <stdalign.h>

struct boot_header {
    size_t size;
    uintptr_t state; /* live: the header's own address, turned over; released: 0 */
};

enum { GRANULE = 16 };

static alignas(4096) unsigned char memory[CUPEL_FACADE_BOOT_BYTES];
static size_t used;

static uintptr_t live_state(const struct boot_header *header) {
    return ~(uintptr_t)header;
}

static size_t end_offset(const unsigned char *block, size_t size) {
    size_t footprint = size == 0 ? GRANULE : (size + GRANULE - 1) / GRANULE * GRANULE;
    return (size_t)(block - memory) + footprint;
}

void *cupel__boot_acquire(size_t size, size_t align) {
    if (size > sizeof memory || align > sizeof memory) {
        return NULL;
    }
    align = align < GRANULE ? GRANULE : align;
    size_t before = __atomic_load_n(&used, __ATOMIC_ACQUIRE);
    unsigned char *block;
    size_t after;
    do {
        uintptr_t start = (uintptr_t)memory + before + sizeof(struct boot_header);
        size_t padding = (size_t)(-start & (align - 1));
        if (before + sizeof(struct boot_header) + padding > sizeof memory) {
            return NULL;
        }
        block = memory + before + sizeof(struct boot_header) + padding;
        after = end_offset(block, size);
        if (after > sizeof memory) {
            return NULL;
        }
    } while (!__atomic_compare_exchange_n(&used, &before, after, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    struct boot_header *header = (void *)(block - sizeof *header);
    header->size = size;
    header->state = live_state(header);
    return block;
}

static struct boot_header *live_header(const void *block) {
    uintptr_t offset = (uintptr_t)block - (uintptr_t)memory;
    if (offset < sizeof(struct boot_header) || offset >= sizeof memory || offset % GRANULE != 0) {
        return NULL;
    }
    struct boot_header *header = (void *)(memory + offset - sizeof *header);
    return header->state == live_state(header) ? header : NULL;
}

bool cupel__boot_size(const void *block, size_t *size) {
    const struct boot_header *header = live_header(block);
    if (header == NULL) {
        return false;
    }
    *size = header->size;
    return true;
}

bool cupel__boot_release(void *block) {
    struct boot_header *header = live_header(block);
    if (header == NULL) {
        return false;
    }
    header->state = 0;
    size_t end = end_offset(block, header->size);
    size_t start = (size_t)((unsigned char *)header - memory);
    (void)__atomic_compare_exchange_n(&used, &end, start, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    return true;
}

bool cupel_facade_is_boot(const void *address) {
    return (uintptr_t)address - (uintptr_t)memory < sizeof memory;
}

size_t cupel_facade_boot_bytes(void) {
    return __atomic_load_n(&used, __ATOMIC_RELAXED);
}
