/* Growing and filling: see trace_hash.h. A table that is replaced stays mapped, because a reader may stand in it; all
 * older ones together are as large as the newest. */
#include "alloc/src/trace_hash.h"

#include <sys/mman.h>

void *cupel__trace_pages(size_t size_bytes) {
    void *pages = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

static size_t size_of(size_t capacity) {
    return sizeof(struct cupel__trace_hash) + capacity * sizeof(atomic_uint_least64_t);
}

static void put(struct cupel__trace_hash *table, uint64_t slot) {
    size_t at = (size_t)(slot >> 32);
    while (atomic_load_explicit(&table->slots[at & (table->capacity - 1)], memory_order_relaxed) != 0) {
        at++;
    }
    atomic_store_explicit(&table->slots[at & (table->capacity - 1)], slot, memory_order_release);
    table->count++;
}

static bool grow(_Atomic(struct cupel__trace_hash *) *place, size_t capacity, atomic_size_t *bytes) {
    struct cupel__trace_hash *old = atomic_load_explicit(place, memory_order_relaxed);
    struct cupel__trace_hash *table = cupel__trace_pages(size_of(capacity));
    if (table == NULL) {
        return false;
    }
    table->older = old;
    table->capacity = capacity;
    for (size_t i = 0; old != NULL && i < old->capacity; i++) {
        uint64_t slot = atomic_load_explicit(&old->slots[i], memory_order_relaxed);
        if (slot != 0) {
            put(table, slot);
        }
    }
    atomic_fetch_add_explicit(bytes, size_of(capacity), memory_order_relaxed);
    atomic_store_explicit(place, table, memory_order_release);
    return true;
}

static bool is_full(const struct cupel__trace_hash *table) {
    return table == NULL || table->count >= table->capacity / 4 * 3;
}

size_t cupel__trace_hash_growth(const struct cupel__trace_hash *table, size_t first_capacity) {
    return !is_full(table) ? 0 : size_of(table == NULL ? first_capacity : table->capacity * 2);
}

bool cupel__trace_hash_insert(_Atomic(struct cupel__trace_hash *) *place, size_t first_capacity, uint64_t hash,
                              uint32_t number, atomic_size_t *bytes) {
    struct cupel__trace_hash *table = atomic_load_explicit(place, memory_order_relaxed);
    if (is_full(table)) {
        bool has_grown = grow(place, table == NULL ? first_capacity : table->capacity * 2, bytes);
        table = atomic_load_explicit(place, memory_order_relaxed);
        /* Without a larger table a search must still find an empty slot. */
        if (!has_grown && (table == NULL || table->count + 1 >= table->capacity)) {
            return false;
        }
    }
    put(table, (hash >> 32 << 32) | number);
    return true;
}

void cupel__trace_hash_deinit(_Atomic(struct cupel__trace_hash *) *place) {
    struct cupel__trace_hash *table = atomic_exchange(place, NULL);
    while (table != NULL) {
        struct cupel__trace_hash *older = table->older;
        (void)munmap(table, size_of(table->capacity));
        table = older;
    }
}
