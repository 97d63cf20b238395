/* A hash table from a hash to numbers: open addressing, readers without a lock, one writer at a time. */
#ifndef ALLOC_SRC_TRACE_HASH_H
#define ALLOC_SRC_TRACE_HASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A slot holds a number in its low half and the upper half of the hash, which is all that is used of it, above that;
 * 0: empty. */
struct cupel__trace_hash {
    struct cupel__trace_hash *older; /* readers may still be in it */
    size_t capacity;                 /* a power of two */
    size_t count;
    atomic_uint_least64_t slots[];
};

/* The next number that may belong to `hash`, or 0; *at starts as hash >> 32 and is
 * where the search stands. */
static inline uint32_t cupel__trace_hash_next(struct cupel__trace_hash *table, uint64_t hash, size_t *at) {
    while (true) {
        uint64_t slot = atomic_load_explicit(&table->slots[*at & (table->capacity - 1)], memory_order_acquire);
        ++*at;
        if (slot == 0 || slot >> 32 == hash >> 32) {
            return (uint32_t)slot;
        }
    }
}

/* Adds a number (not 0) that is not there yet, in a table that may have to grow first, from `first_capacity` or by
 * doubling. False where memory cannot be had. *bytes grows by what was taken. */
bool cupel__trace_hash_insert(_Atomic(struct cupel__trace_hash *) *place, size_t first_capacity, uint64_t hash,
                              uint32_t number, atomic_size_t *bytes);

/* The bytes by which an insertion would have the table grow now. */
size_t cupel__trace_hash_growth(const struct cupel__trace_hash *table, size_t first_capacity);

/* Memory for tables, zero: from mmap; NULL where there is none. */
void *cupel__trace_pages(size_t size_bytes);

/* Gives the table and its older ones back. */
void cupel__trace_hash_deinit(_Atomic(struct cupel__trace_hash *) *place);

#endif
