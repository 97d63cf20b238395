/* Return addresses as 4-byte numbers: see trace_store.h. The same address is another frame where another module lies.
 */
#include "alloc/src/trace_hash.h"
#include "alloc/src/trace_store.h"

enum { FIRST_FRAMES = 1 << 10 }; /* slots of the table at first */

/* The finalizer of MurmurHash3 (Austin Appleby, public domain). */
static uint64_t hash_of(uintptr_t ip, uint32_t module) {
    uint64_t hash = (uint64_t)ip ^ (uint64_t)module << 48;
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash;
}

const struct cupel__trace_frame *cupel__trace_frame_at(const struct cupel__trace_store *store, uint32_t index) {
    const struct cupel__trace_frame *chunk =
        atomic_load_explicit(&store->frames[index / CUPEL__TRACE_CHUNK_FRAMES], memory_order_acquire);
    return &chunk[index % CUPEL__TRACE_CHUNK_FRAMES];
}

static uint32_t find(const struct cupel__trace_store *store, uintptr_t ip, uint32_t module, uint64_t hash) {
    struct cupel__trace_hash *table = atomic_load_explicit(&store->by_frame, memory_order_acquire);
    if (table == NULL) {
        return 0;
    }
    size_t at = (size_t)(hash >> 32);
    uint32_t index;
    while ((index = cupel__trace_hash_next(table, hash, &at)) != 0) {
        const struct cupel__trace_frame *frame = cupel__trace_frame_at(store, index);
        if (frame->ip == ip && frame->module == module) {
            return index;
        }
    }
    return 0;
}

static uint32_t add(struct cupel__trace_store *store, uintptr_t ip, uint32_t module, uint64_t hash) {
    uint32_t index = find(store, ip, module, hash);
    if (index != 0) { /* LCOV_EXCL_BR_LINE(threads rarely meet here) */
        return index; /* another thread was quicker; LCOV_EXCL_LINE(threads rarely meet here) */
    }
    index = atomic_load_explicit(&store->frame_count, memory_order_relaxed);
    index += index == 0; /* 0 means none */
    uint32_t chunk = index / CUPEL__TRACE_CHUNK_FRAMES;
    size_t more_bytes =
        sizeof(struct cupel__trace_frame) +
        cupel__trace_hash_growth(atomic_load_explicit(&store->by_frame, memory_order_relaxed), FIRST_FRAMES);
    if (chunk >= CUPEL__TRACE_CHUNKS_MAX || !cupel__trace_has_room(store, more_bytes)) {
        return 0;
    }
    struct cupel__trace_frame *frames = atomic_load_explicit(&store->frames[chunk], memory_order_relaxed);
    if (frames == NULL) {
        frames = cupel__trace_pages(CUPEL__TRACE_CHUNK_FRAMES * sizeof *frames);
        if (frames == NULL) {
            return 0;
        }
        atomic_store_explicit(&store->frames[chunk], frames, memory_order_release);
    }
    frames[index % CUPEL__TRACE_CHUNK_FRAMES] = (struct cupel__trace_frame){ip, module, 0};
    if (!cupel__trace_hash_insert(&store->by_frame, FIRST_FRAMES, hash, index, &store->table_bytes)) {
        return 0;
    }
    atomic_store_explicit(&store->frame_count, index + 1, memory_order_release);
    return index;
}

uint32_t cupel__trace_frame_add(struct cupel__trace_store *store, uintptr_t ip, uint32_t module) {
    uint64_t hash = hash_of(ip, module);
    uint32_t index = find(store, ip, module, hash);
    if (index == 0) {
        cupel__trace_lock(&store->lock);
        index = add(store, ip, module, hash);
        cupel__trace_unlock(&store->lock);
    }
    return index;
}
