/* The word of a slot's record, and where the slot's block is.
 *
 *     bits 0..14 size   15..16 family   17..20 log2 of the alignment   21..22 state   23 mark   24..31 check
 *
 * The mark of a live block says that it is reachable, while leaks are looked for; that of a freed one that it has
 * waited for its reuse (debug_reopen.c). The check is of all the other bits and of the record's own address: a record
 * that was overwritten is noticed in 255 cases of 256. A slot that was never handed out is all zero. The size of a
 * large block stands in its span; in its word's place for it stands what the alignment's log is over 15. */
#ifndef ALLOC_SRC_DEBUG_SLOT_H
#define ALLOC_SRC_DEBUG_SLOT_H

#include "alloc/src/debug_state.h"

enum cupel__record_state {
    CUPEL__SLOT_NONE,
    CUPEL__SLOT_LIVE,
    CUPEL__SLOT_BUSY, /* a request is at work on it */
    CUPEL__SLOT_FREED
};

enum {
    CUPEL__SLOT_SIZE_BITS = 0x7fff,
    CUPEL__SLOT_FAMILY_SHIFT = 15,
    CUPEL__SLOT_ALIGN_SHIFT = 17,
    CUPEL__SLOT_ALIGN_MAX = 15, /* log2; and more of a large block */
    CUPEL__SLOT_STATE_SHIFT = 21,
    CUPEL__SLOT_MARK = 1 << 23,
    CUPEL__SLOT_CHECK_SHIFT = 24
};

static inline uint32_t cupel__slot_check(const struct cupel__block_record *slot, uint32_t bits) {
    uint32_t place = (uint32_t)((uintptr_t)slot >> 2);
    return ((bits ^ place) * UINT32_C(0x9E3779B1)) & (UINT32_C(0xff) << CUPEL__SLOT_CHECK_SHIFT);
}

/* Of a live small block. */
static inline uint32_t cupel__slot_word(const struct cupel__block_record *slot, size_t size, unsigned align_log,
                                        enum cupel_family family) {
    uint32_t bits = (uint32_t)size | (uint32_t)family << CUPEL__SLOT_FAMILY_SHIFT |
                    (uint32_t)align_log << CUPEL__SLOT_ALIGN_SHIFT |
                    (uint32_t)CUPEL__SLOT_LIVE << CUPEL__SLOT_STATE_SHIFT;
    return bits | cupel__slot_check(slot, bits);
}

/* Of a live large block. */
static inline uint32_t cupel__slot_word_large(const struct cupel__block_record *slot, unsigned align_log,
                                              enum cupel_family family) {
    unsigned over = align_log > CUPEL__SLOT_ALIGN_MAX ? align_log - CUPEL__SLOT_ALIGN_MAX : 0;
    return cupel__slot_word(slot, over, align_log - over, family);
}

/* The word of a live block that now has another size. */
static inline uint32_t cupel__slot_resized(const struct cupel__span *span, const struct cupel__block_record *slot,
                                           uint32_t word, size_t size) {
    uint32_t bits = word & UINT32_C(0xffffff) & ~(uint32_t)CUPEL__SLOT_MARK;
    if (!span->is_large) {
        bits = (bits & ~(uint32_t)CUPEL__SLOT_SIZE_BITS) | (uint32_t)size;
    }
    return bits | cupel__slot_check(slot, bits);
}

static inline uint32_t cupel__slot_with(const struct cupel__block_record *slot, uint32_t word,
                                        enum cupel__record_state state) {
    uint32_t bits = (word & ~(UINT32_C(3) << CUPEL__SLOT_STATE_SHIFT) & UINT32_C(0xffffff)) |
                    (uint32_t)state << CUPEL__SLOT_STATE_SHIFT;
    return bits | cupel__slot_check(slot, bits);
}

static inline uint32_t cupel__slot_load(const struct cupel__block_record *slot) {
    return __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);
}

static inline void cupel__slot_store(struct cupel__block_record *slot, uint32_t word) {
    __atomic_store_n(&slot->word, word, __ATOMIC_RELEASE);
}

/* Changes the word where it still is `from`. */
static inline bool cupel__slot_claim(struct cupel__block_record *slot, uint32_t from, uint32_t to) {
    if (CUPEL__IS_ALONE) {
        bool is_same = slot->word == from;
        slot->word = is_same ? to : slot->word;
        return is_same;
    }
    return __atomic_compare_exchange_n(&slot->word, &from, to, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool cupel__slot_is_sound(const struct cupel__block_record *slot, uint32_t word) {
    uint32_t bits = word & UINT32_C(0xffffff);
    return word == 0 || word == (bits | cupel__slot_check(slot, bits));
}

static inline enum cupel__record_state cupel__slot_state(uint32_t word) {
    return (enum cupel__record_state)(word >> CUPEL__SLOT_STATE_SHIFT & 3);
}

static inline unsigned cupel__slot_align_log(uint32_t word) {
    unsigned log = word >> CUPEL__SLOT_ALIGN_SHIFT & CUPEL__SLOT_ALIGN_MAX;
    return __builtin_expect(log == CUPEL__SLOT_ALIGN_MAX, false) ? log + (word & CUPEL__SLOT_SIZE_BITS) : log;
}

static inline enum cupel_family cupel__slot_family(uint32_t word) {
    return (enum cupel_family)(word >> CUPEL__SLOT_FAMILY_SHIFT & 3);
}

static inline size_t cupel__slot_size(const struct cupel__span *span, uint32_t word) {
    return span->is_large ? span->size : (word & CUPEL__SLOT_SIZE_BITS);
}

/* Who allocated and freed a block: 24 bits of either's trace, which are all that ids have, and 16 of the thread that
 * allocated it. A live large block was resized last by whom it names as having freed it. */

enum { CUPEL__KNOWN_TRACE_BITS = 24, CUPEL__KNOWN_THREAD_SHIFT = 2 * CUPEL__KNOWN_TRACE_BITS };

static inline uint64_t cupel__slot_known(const struct cupel__block_record *slot) {
    uint64_t known;
    memcpy(&known, slot->known, sizeof known);
    return known;
}

static inline cupel_trace_id cupel__slot_allocated(const struct cupel__block_record *slot) {
    return (cupel_trace_id)(cupel__slot_known(slot) & 0xffffff);
}

static inline cupel_trace_id cupel__slot_freed(const struct cupel__block_record *slot) {
    return (cupel_trace_id)(cupel__slot_known(slot) >> CUPEL__KNOWN_TRACE_BITS & 0xffffff);
}

static inline unsigned cupel__slot_allocating_thread(const struct cupel__block_record *slot) {
    return (unsigned)(cupel__slot_known(slot) >> CUPEL__KNOWN_THREAD_SHIFT);
}

static inline uint16_t *cupel__slot_freed_by(struct cupel__span *span, uint32_t index) {
    return span->is_large ? &span->only_freed_by : (uint16_t *)(void *)(span->slots + span->capacity) + index;
}

static inline unsigned cupel__slot_freeing_thread(const struct cupel__span *span, uint32_t index) {
    return span->is_large ? span->only_freed_by
                          : ((const uint16_t *)(const void *)(span->slots + span->capacity))[index];
}

static inline void cupel__slot_note_allocated(struct cupel__block_record *slot, cupel_trace_id trace, unsigned thread) {
    uint64_t known = (uint64_t)(thread & 0xffff) << CUPEL__KNOWN_THREAD_SHIFT | (trace & 0xffffff);
    memcpy(slot->known, &known, sizeof known);
}

/* The trace alone. */
static inline void cupel__slot_set_allocated(struct cupel__block_record *slot, cupel_trace_id trace) {
    uint64_t known = (cupel__slot_known(slot) & ~UINT64_C(0xffffff)) | (trace & 0xffffff);
    memcpy(slot->known, &known, sizeof known);
}

static inline void cupel__slot_note_freed(struct cupel__span *span, uint32_t index, cupel_trace_id trace,
                                          unsigned thread) {
    struct cupel__block_record *slot = &span->slots[index];
    uint64_t known = (cupel__slot_known(slot) & ~(UINT64_C(0xffffff) << CUPEL__KNOWN_TRACE_BITS)) |
                     (uint64_t)(trace & 0xffffff) << CUPEL__KNOWN_TRACE_BITS;
    memcpy(slot->known, &known, sizeof known);
    *cupel__slot_freed_by(span, index) = (uint16_t)thread;
}

/* Bytes of canary in front of each block, and the fewest behind it. */
static inline size_t cupel__canary_front(const struct cupel__debug *debug) {
    return debug->options.has_canaries ? debug->options.canary_bytes : 0;
}

static inline size_t cupel__canary_back(const struct cupel__debug *debug) {
    return cupel__canary_front(debug) / 2;
}

static inline unsigned char *cupel__slot_start(const struct cupel__span *span, uint32_t index) {
    return span->base + (size_t)index * span->slot_bytes;
}

static inline unsigned char *cupel__slot_end(const struct cupel__span *span, uint32_t index) {
    return span->is_large ? span->base + span->length_bytes : cupel__slot_start(span, index) + span->slot_bytes;
}

/* The block in a slot that was handed out with this alignment. */
static inline unsigned char *cupel__slot_block(const struct cupel__span *span, uint32_t index, unsigned align_log) {
    if (span->is_large) {
        return span->block;
    }
    unsigned char *front = cupel__slot_start(span, index) + cupel__canary_front(span->home);
    size_t align = (size_t)1 << align_log;
    return front + (-(uintptr_t)front & (align - 1));
}

/* The slot in which an address of the span's range lies; those before the first are of the first, those behind the last
 * of the last. */
static inline uint32_t cupel__slot_index(const struct cupel__span *span, uintptr_t address) {
    uintptr_t base = (uintptr_t)span->base;
    if (span->is_large || address < base) {
        return 0;
    }
    uint64_t index = (uint64_t)(address - base) * span->reciprocal >> 40;
    return index < span->capacity ? (uint32_t)index : span->capacity - 1;
}

#endif
