/* Start bits: see starts.h. The table has levels: a bit for each place, then a bit for each word of the level before,
 * up to a level of one word, so that the nearest start on either side is found in a few steps.
 *
 * A word that is not zero has its bit. One that became zero keeps it until a search comes by: releases touch the first
 * level alone, and as long as a program asks nothing its upper levels are hardly written. */
#include "alloc/starts.h"

#include <string.h>
#include <sys/mman.h>

#if UINTPTR_MAX > UINT32_MAX
static const uintptr_t highest = UINTPTR_MAX >> 17; /* of a process: 47 bits */
#else
static const uintptr_t highest = UINTPTR_MAX;
#endif

enum { SITE_BITS = 48 };
static const uint64_t slack_max = (UINT64_C(1) << (64 - SITE_BITS)) - 1;

/* The table */

static size_t words_over(size_t bits) {
    return (bits - 1) / 64 + 1;
}

static void *reserve(const struct cupel_starts *starts) {
    if (starts->memory != NULL) {
        return cupel_alloc_zeroed(starts->memory, starts->table_bytes, _Alignof(uint64_t));
    }
    void *table =
        mmap(NULL, starts->table_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return table == MAP_FAILED ? NULL : table;
}

enum cupel_index_status cupel_starts_init(struct cupel_starts *starts, const struct cupel_starts_options *options) {
    bool is_all = options->low == NULL && options->high == NULL;
    uintptr_t low = is_all ? CUPEL_STARTS_ALIGN : (uintptr_t)options->low & ~(uintptr_t)(CUPEL_STARTS_ALIGN - 1);
    uintptr_t last = is_all ? highest : (uintptr_t)options->high - 1;
    *starts = (struct cupel_starts){.memory = options->memory};
    low = low == 0 ? CUPEL_STARTS_ALIGN : low;
    if (last < low || last > highest || (!is_all && options->high == NULL)) {
        return CUPEL_INDEX_OUT_OF_RANGE;
    }
    size_t firsts[CUPEL__STARTS_LEVELS]; /* words before a level */
    size_t words = 0;
    size_t bits = (size_t)((last - low) >> CUPEL__STARTS_ALIGN_LOG) + 1;
    do {
        bits = words_over(bits);
        firsts[starts->level_count] = words;
        starts->word_counts[starts->level_count++] = bits;
        words += bits;
    } while (bits > 1);
    starts->table_bytes = words * sizeof(uint64_t);
    uint64_t *table = reserve(starts);
    if (table == NULL) {
        *starts = (struct cupel_starts){.level_count = 0};
        return CUPEL_INDEX_NO_MEMORY;
    }
    for (unsigned i = 0; i < starts->level_count; i++) {
        starts->levels[i] = table + firsts[i];
    }
    starts->low = low;
    starts->length = last - low + 1;
    return CUPEL_INDEX_OK;
}

void cupel_starts_deinit(struct cupel_starts *starts) {
    if (starts->level_count > 0 && starts->memory == NULL) {
        (void)munmap(starts->levels[0], starts->table_bytes);
    } else if (starts->level_count > 0) {
        cupel_free(starts->memory, starts->levels[0], starts->table_bytes, _Alignof(uint64_t));
    }
    *starts = (struct cupel_starts){.level_count = 0};
}

/* A word of the first level is not zero any more. */
void cupel__starts_note(struct cupel_starts *starts, size_t word) {
    for (unsigned level = 1; level < starts->level_count; level++) {
        uint64_t *above = &starts->levels[level][word / 64];
        uint64_t old = *above;
        *above = old | UINT64_C(1) << (word % 64);
        if (old != 0) {
            return;
        }
        word /= 64;
    }
}

/* Searches */

/* A word in which a search found nothing loses its bit where it is zero. */
static void note_empty(struct cupel_starts *starts, unsigned level, size_t word) {
    if (starts->levels[level][word] == 0 && level + 1 < starts->level_count) {
        starts->levels[level + 1][word / 64] &= ~(UINT64_C(1) << (word % 64));
    }
}

/* From a bit of a level on, down or up: the nearest one, and in the word that it stands for the last or the first,
 * until it is of level `floor`. */
enum { NONE = -1 };

static ptrdiff_t nearest_below(struct cupel_starts *starts, size_t at) {
    for (unsigned level = 0; level < starts->level_count;) {
        size_t word = at / 64;
        uint64_t found = starts->levels[level][word] & (~UINT64_C(0) >> (63 - at % 64));
        if (found != 0) {
            at = word * 64 + 63 - (size_t)__builtin_clzll(found);
            if (level == 0) {
                return (ptrdiff_t)at;
            }
            level--;
            at = at * 64 + 63;
        } else {
            note_empty(starts, level, word);
            if (word == 0) {
                return NONE;
            }
            at = word - 1;
            level++;
        }
    }
    return NONE;
}

static ptrdiff_t nearest_above(struct cupel_starts *starts, size_t at, unsigned floor) {
    for (unsigned level = floor; level < starts->level_count;) {
        size_t word = at / 64;
        bool is_there = word < starts->word_counts[level];
        uint64_t found = is_there ? starts->levels[level][word] & (~UINT64_C(0) << (at % 64)) : 0;
        if (found != 0) {
            at = word * 64 + (size_t)__builtin_ctzll(found);
            if (level == floor) {
                return (ptrdiff_t)at;
            }
            level--;
            at *= 64;
        } else {
            if (is_there) {
                note_empty(starts, level, word);
            }
            at = word + 1;
            level++;
        }
    }
    return NONE;
}

static const void *base_of(const struct cupel_starts *starts, ptrdiff_t place) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a base that was added
    return place < 0 ? NULL : (const void *)(starts->low + ((uintptr_t)place << CUPEL__STARTS_ALIGN_LOG));
}

const void *cupel_starts_before(struct cupel_starts *starts, const void *address) {
    if (starts->length == 0 || (uintptr_t)address < starts->low) {
        return NULL;
    }
    uintptr_t offset = (uintptr_t)address - starts->low;
    offset = offset >= starts->length ? starts->length - 1 : offset;
    return base_of(starts, nearest_below(starts, (size_t)(offset >> CUPEL__STARTS_ALIGN_LOG)));
}

const void *cupel_starts_behind(struct cupel_starts *starts, const void *address) {
    uintptr_t offset = (uintptr_t)address < starts->low ? 0 : (uintptr_t)address - starts->low;
    if (offset >= starts->length) {
        return NULL;
    }
    size_t at = (size_t)(offset >> CUPEL__STARTS_ALIGN_LOG) + (offset % CUPEL_STARTS_ALIGN != 0);
    return base_of(starts, nearest_above(starts, at, 0));
}

size_t cupel_starts_memory_bytes(struct cupel_starts *starts) {
    enum { COUNTED = 2, WORDS = 64 }; /* a bit of that level stands for 64 words of the first */
    if (starts->memory != NULL || starts->level_count <= COUNTED) {
        return starts->table_bytes;
    }
    size_t bytes = 0;
    for (ptrdiff_t at = 0; (at = nearest_above(starts, (size_t)at, COUNTED)) >= 0; at++) {
        bytes += (WORDS + 1) * sizeof(uint64_t);
    }
    return bytes;
}

/* Trailers */

void cupel_trailer_read(const void *base, size_t usable, size_t *size, const void **site) {
    const unsigned char *trailer = (const unsigned char *)base + usable - CUPEL_TRAILER_BYTES;
    size_t room = usable - CUPEL_TRAILER_BYTES;
    uint64_t word;
    memcpy(&word, trailer, sizeof word);
    uint64_t slack = word >> SITE_BITS;
    *size = slack > room ? room : room - (size_t)slack;
    if (slack == slack_max && room > slack) {
        size_t stored;
        memcpy(&stored, trailer - sizeof stored, sizeof stored);
        *size = stored < *size ? stored : *size;
    }
    // NOLINTNEXTLINE(performance-no-int-to-ptr): as it was given
    *site = (const void *)(uintptr_t)(word & ((UINT64_C(1) << SITE_BITS) - 1));
}

bool cupel_starts_find(struct cupel_starts *starts, const void *address, size_t (*usable)(void *base),
                       struct cupel_start *found) {
    const void *base = cupel_starts_before(starts, address);
    if (base == NULL) {
        return false;
    }
    found->base = base;
    void *block = (void *)(uintptr_t)base; // NOLINT(performance-no-int-to-ptr): as malloc_usable_size wants it
    cupel_trailer_read(base, usable(block), &found->size, &found->site);
    return (uintptr_t)address - (uintptr_t)base < (found->size == 0 ? 1 : found->size);
}
