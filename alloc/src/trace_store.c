/* The store of traces: see trace_store.h. */
#include "alloc/src/trace_store.h"

#include "alloc/src/trace_hash.h"

#include <string.h>
#include <sys/mman.h>

enum { FIRST_LINES = 1 << 10 }; /* slots of the table at first */

static const uint32_t IS_LONG = 0x80000000U;

/* The powers of the multiplier of Knuth's MMIX generator, 6364136223846793005. */
const uint64_t cupel__trace_weights[CUPEL__TRACE_FRAMES_MAX] = {
    0x5851f42d4c957f2d, 0x685f98a2018fade9, 0x0b046976f22528f5, 0xfb4d3ae39272be11, 0x696d29da565ad7fd,
    0xf08d02b0115f7a79, 0x798e21c49ff78e45, 0xb59dda5f38413d21, 0x5b5fee90a1001dcd, 0xc07a0e3e901ef009,
    0x1cca61580fc1a895, 0x2baa1c4032658d31, 0xbc2bd0ebf66a209d, 0x384115c58e369e99, 0x549e870bd354c7e5,
    0x8d5e2ddc895abe41, 0xe94bbfa1312ab06d, 0x98f1d81bdd781629, 0x68e4567292f73c35, 0xcaf41223432ce051,
    0x2eafbc79ad509d3d, 0x3b0114b115ade6b9, 0xadf89e1d4ab45585, 0x6ea923efda890361, 0xe70939602637b70d,
    0x55c522eac22ba049, 0x69cb5166bcac63d5, 0x9ec7d51306cd3771, 0xe398397bd158cddd, 0x493d9145485dd2d9,
    0xfdd0c56d6864b725, 0x96481983e5188c81,
};

/* Sums of products are weak in their low bits and strong in their high ones, which tables use. */
static uint64_t finish(uint64_t sum) {
    sum ^= sum >> 32;
    return sum * UINT64_C(0x9e3779b97f4a7c15);
}

uint64_t cupel__trace_hash_of(const uint32_t frames[], unsigned count) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += frames[i] * cupel__trace_weights[i];
    }
    return sum;
}

static const struct cupel__trace_line *line_at(const struct cupel__trace_store *store, uint32_t id) {
    const struct cupel__trace_line *chunk =
        atomic_load_explicit(&store->lines[id / CUPEL__TRACE_CHUNK_LINES], memory_order_acquire);
    return &chunk[id % CUPEL__TRACE_CHUNK_LINES];
}

size_t cupel__trace_store_bytes(const struct cupel__trace_store *store) {
    return atomic_load_explicit(&store->line_count, memory_order_relaxed) * sizeof(struct cupel__trace_line) +
           atomic_load_explicit(&store->frame_count, memory_order_relaxed) * sizeof(struct cupel__trace_frame) +
           atomic_load_explicit(&store->table_bytes, memory_order_relaxed);
}

bool cupel__trace_has_room(struct cupel__trace_store *store, size_t more_bytes) {
    size_t limit_bytes = atomic_load_explicit(&store->limit_bytes, memory_order_relaxed);
    if (cupel__trace_store_bytes(store) + more_bytes > (limit_bytes == 0 ? CUPEL__TRACE_LIMIT : limit_bytes)) {
        atomic_fetch_add_explicit(&store->dropped, 1, memory_order_relaxed);
        return false;
    }
    return true;
}

/* Looks for the line; `second` is NULL for traces of one. */
static uint32_t find(const struct cupel__trace_store *store, const struct cupel__trace_line *first,
                     const struct cupel__trace_line *second, uint64_t hash) {
    struct cupel__trace_hash *table = atomic_load_explicit(&store->by_line, memory_order_acquire);
    if (table == NULL) {
        return 0;
    }
    size_t at = (size_t)(hash >> 32);
    uint32_t id;
    while ((id = cupel__trace_hash_next(table, hash, &at)) != 0) {
        const struct cupel__trace_line *line = line_at(store, id);
        if (memcmp(line, first, sizeof *line) == 0 &&
            (second == NULL || memcmp(line + 1, second, sizeof *second) == 0)) {
            return id;
        }
    }
    return 0;
}

/* Lines for a new trace in one chunk, or 0. The lock is held. */
static uint32_t reserve_lines(struct cupel__trace_store *store, unsigned count) {
    uint32_t id = atomic_load_explicit(&store->line_count, memory_order_relaxed);
    id += id == 0; /* 0 means none */
    if (id % CUPEL__TRACE_CHUNK_LINES + count > CUPEL__TRACE_CHUNK_LINES) {
        id += CUPEL__TRACE_CHUNK_LINES - id % CUPEL__TRACE_CHUNK_LINES;
    }
    uint32_t chunk = id / CUPEL__TRACE_CHUNK_LINES;
    size_t more_bytes =
        count * sizeof(struct cupel__trace_line) +
        cupel__trace_hash_growth(atomic_load_explicit(&store->by_line, memory_order_relaxed), FIRST_LINES);
    if (chunk >= CUPEL__TRACE_CHUNKS_MAX || !cupel__trace_has_room(store, more_bytes)) {
        return 0;
    }
    if (atomic_load_explicit(&store->lines[chunk], memory_order_relaxed) == NULL) {
        struct cupel__trace_line *lines =
            cupel__trace_pages(CUPEL__TRACE_CHUNK_LINES * sizeof(struct cupel__trace_line));
        if (lines == NULL) {
            return 0;
        }
        atomic_store_explicit(&store->lines[chunk], lines, memory_order_release);
    }
    return id;
}

static uint32_t add(struct cupel__trace_store *store, const struct cupel__trace_line lines[], unsigned count,
                    uint64_t hash) {
    uint32_t id = find(store, &lines[0], count > 1 ? &lines[1] : NULL, hash);
    if (id != 0) { /* LCOV_EXCL_BR_LINE(threads rarely meet here) */
        return id; /* another thread was quicker; LCOV_EXCL_LINE(threads rarely meet here) */
    }
    id = reserve_lines(store, count);
    if (id == 0) {
        return 0;
    }
    struct cupel__trace_line *chunk =
        atomic_load_explicit(&store->lines[id / CUPEL__TRACE_CHUNK_LINES], memory_order_relaxed);
    memcpy(&chunk[id % CUPEL__TRACE_CHUNK_LINES], lines, count * sizeof lines[0]);
    if (!cupel__trace_hash_insert(&store->by_line, FIRST_LINES, hash, id, &store->table_bytes)) {
        return 0;
    }
    atomic_store_explicit(&store->line_count, id + count, memory_order_release);
    atomic_fetch_add_explicit(&store->traces, 1, memory_order_relaxed);
    return id;
}

uint32_t cupel__trace_store_add(struct cupel__trace_store *store, const uint32_t frames[], unsigned count,
                                uint64_t hash) {
    if (count == 0) {
        return 0;
    }
    struct cupel__trace_line lines[2];
    memcpy(lines, frames, sizeof lines);
    bool is_long = count > CUPEL__TRACE_LINE;
    lines[0].frames[0] |= is_long ? IS_LONG : 0;
    hash = finish(hash);
    uint32_t id = find(store, &lines[0], is_long ? &lines[1] : NULL, hash);
    if (id == 0) {
        cupel__trace_lock(&store->lock);
        id = add(store, lines, is_long ? 2 : 1, hash);
        cupel__trace_unlock(&store->lock);
    }
    return id;
}

unsigned cupel__trace_store_read(const struct cupel__trace_store *store, uint32_t id, uint32_t frames[]) {
    if (id == 0 || id >= atomic_load_explicit(&store->line_count, memory_order_acquire)) {
        return 0;
    }
    const struct cupel__trace_line *line = line_at(store, id);
    bool is_long = (line->frames[0] & IS_LONG) != 0;
    memcpy(frames, line, sizeof *line * (is_long ? 2 : 1));
    frames[0] &= ~IS_LONG;
    unsigned count = 0;
    while (count < (is_long ? 2U : 1U) * CUPEL__TRACE_LINE && frames[count] != 0) {
        count++;
    }
    return count;
}

void cupel__trace_store_deinit(struct cupel__trace_store *store) {
    cupel__trace_hash_deinit(&store->by_line);
    cupel__trace_hash_deinit(&store->by_frame);
    for (unsigned i = 0; i < CUPEL__TRACE_CHUNKS_MAX; i++) {
        void *lines = atomic_exchange(&store->lines[i], NULL);
        void *frames = atomic_exchange(&store->frames[i], NULL);
        if (lines != NULL) {
            (void)munmap(lines, CUPEL__TRACE_CHUNK_LINES * sizeof(struct cupel__trace_line));
        }
        if (frames != NULL) {
            (void)munmap(frames, CUPEL__TRACE_CHUNK_FRAMES * sizeof(struct cupel__trace_frame));
        }
    }
    atomic_store(&store->line_count, 0);
    atomic_store(&store->frame_count, 0);
    atomic_store(&store->traces, 0);
    atomic_store(&store->table_bytes, 0);
}
