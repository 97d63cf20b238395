/* The boot arena: see facade.h and facade_boot.h.
 *
 * Blocks are cut by advancing one atomic offset, which stands in one word with the number of live blocks: with the last
 * of them all room comes back. A header before each holds its size and a word made of its address, so
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
/* Bytes in use below, live blocks above. */
static uint64_t in_use;

enum { LIVE_SHIFT = 32 };
static const uint64_t one_live = (uint64_t)1 << LIVE_SHIFT;

static size_t used_of(uint64_t word) {
    return (size_t)(word & (one_live - 1));
}

static uintptr_t live_state(const struct boot_header *header) {
    return ~(uintptr_t)header;
}

static size_t end_offset(const unsigned char *block, size_t size) {
    size_t footprint = size == 0 ? GRANULE : (size + GRANULE - 1) / GRANULE * GRANULE;
    return (size_t)(block - memory) + footprint;
}

/* False where `word` is no longer what is in use; it is then brought up to date. */
static bool exchange(uint64_t *word, uint64_t next) {
    return __atomic_compare_exchange_n(&in_use, word, next, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void *cupel__boot_acquire(size_t size, size_t align) {
    if (size > sizeof memory || align > sizeof memory) {
        return NULL;
    }
    align = align < GRANULE ? GRANULE : align;
    uint64_t word = __atomic_load_n(&in_use, __ATOMIC_ACQUIRE);
    uint64_t next;
    unsigned char *block;
    do {
        size_t before = used_of(word);
        uintptr_t start = (uintptr_t)memory + before + sizeof(struct boot_header);
        size_t padding = (size_t)(-start & (align - 1));
        if (before + sizeof(struct boot_header) + padding > sizeof memory) {
            return NULL;
        }
        block = memory + before + sizeof(struct boot_header) + padding;
        size_t after = end_offset(block, size);
        if (after > sizeof memory) {
            return NULL;
        }
        next = word - before + after + one_live;
    } while (!exchange(&word, next)); /* LCOV_EXCL_BR_LINE(threads rarely meet here) */
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
    uintptr_t live = live_state(header);
    /* LCOV_EXCL_BR_START(threads rarely meet here) */
    if (!__atomic_compare_exchange_n(&header->state, &live, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        return false; /* another thread was quicker; LCOV_EXCL_LINE(threads rarely meet here) */
    }
    /* LCOV_EXCL_BR_STOP */
    size_t end = end_offset(block, header->size);
    size_t start = (size_t)((unsigned char *)header - memory);
    uint64_t word = __atomic_load_n(&in_use, __ATOMIC_ACQUIRE);
    uint64_t next;
    do {
        size_t used = used_of(word);
        next = word - one_live - used + (used == end ? start : used);
        next = next < one_live ? 0 : next;
    } while (!exchange(&word, next)); /* LCOV_EXCL_BR_LINE(threads rarely meet here) */
    return true;
}

bool cupel_facade_is_boot(const void *address) {
    return (uintptr_t)address - (uintptr_t)memory < sizeof memory;
}

size_t cupel_facade_boot_bytes(void) {
    return used_of(__atomic_load_n(&in_use, __ATOMIC_RELAXED));
}
