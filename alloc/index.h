/* The address index: from any address to the block that holds it, and what is known of that block.
 *
 * A block is an extent of bytes; what is known of it is a record, a struct of the user's that begins with an extent
 * (struct cupel_block is one for the layers here). Blocks of one index do not overlap. The header is the same for every
 * back end:
 *
 *   CUPEL_INDEX_HASH      a hash of block starts, and one of extents by their length, made when an address inside a
 *                         block is asked for first; any address, smallest when there are few blocks
 *   CUPEL_INDEX_MEMTABLE  bins of addresses, each the head of a chain of records, in one linear table as long as the
 *                         address space: Kell's memtable. What was never touched of the table takes no memory, but it
 *                         needs address space: 2 TiB for a whole address space of 47 bits
 *   CUPEL_INDEX_PAGES     a bit for each 16 bytes, set where a block starts, and the number of its record, by 64 KiB of
 *                         addresses; pages are found, and ordered, through levels of 4096
 *
 * What each costs (bench_index.c, one thread): insert and remove O(1); an address inside a block O(1), in the hash once
 * its second table is made; walks O(blocks), in the hash O(n log n). Records stand in one array that doubles. Nothing
 * here recurses, calls malloc, or takes a lock: it works inside malloc and under a debug allocator.
 *
 * Locking: one thread at a time. */
#ifndef ALLOC_INDEX_H
#define ALLOC_INDEX_H

#include "alloc/alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cupel_index_kind { CUPEL_INDEX_HASH, CUPEL_INDEX_MEMTABLE, CUPEL_INDEX_PAGES, CUPEL_INDEX_KINDS };

enum cupel_index_status {
    CUPEL_INDEX_OK,
    CUPEL_INDEX_NO_MEMORY,   /* for records or tables; nothing has changed */
    CUPEL_INDEX_TAKEN,       /* a block begins there already; nothing has changed */
    CUPEL_INDEX_UNKNOWN,     /* no block begins there */
    CUPEL_INDEX_OUT_OF_RANGE /* NULL, an extent that passes the last address, or addresses that are not covered */
};

/* What every record begins with. Read by the index: only cupel_index_move and cupel_index_resize change it. */
struct cupel_extent {
    const void *base; /* not NULL */
    size_t size;      /* a block of size 0 holds its base */
};

enum { CUPEL_INDEX_FRAMES = 8 };

/* The record of the layers here: what is known of one block. */
struct cupel_block {
    const void *base;
    size_t size;
    size_t align;
    uint64_t serial; /* 1 for the first block */
    unsigned frame_count;
    const void *frames[CUPEL_INDEX_FRAMES]; /* return addresses of the allocation, innermost first */
};

/* All zero: a hash of struct cupel_block whose memory comes from the pages root. */
struct cupel_index_options {
    enum cupel_index_kind kind;
    size_t record_bytes;            /* at least that of struct cupel_extent; 0: of struct cupel_block */
    struct cupel_allocator *memory; /* borrowed; where tables and records come from. NULL: the system */
    const void *low, *high;         /* MEMTABLE: addresses that are covered, from low to before high. Both NULL: all of
                                       a process, which only the system has memory for */
};

struct cupel__index_ops; /* private */
struct cupel__index_level;
struct cupel__index_node;
struct cupel__index_leaf;
struct cupel__index_slot;

/* Open addressing; private. */
struct cupel__index_table {
    struct cupel__index_slot *slots; /* capacity of them, a power of two; NULL: none yet */
    size_t capacity, used;
};

/* Nodes of one kind, cut from slabs; private. */
struct cupel__index_nodes {
    void *free;                /* nodes that became empty */
    unsigned char *next, *end; /* of the newest slab */
    void *slabs;               /* newest first */
};

enum { CUPEL__INDEX_LEVELS = 6, CUPEL__INDEX_SPANS = 21 };

struct cupel_index {
    struct cupel_allocator *memory; /* may be changed while the index is empty and new */
    size_t count;                   /* of blocks */
    /* The rest is private. */
    const struct cupel__index_ops *ops; /* NULL: a zeroed index, which is empty */
    unsigned char *records;
    uint32_t record_bytes, stride;
    uint32_t records_used, records_capacity;
    uint32_t *free_records; /* numbers of records that were given up, counted from 1; so many of so many: */
    uint32_t free_count, free_capacity;
    uint32_t stray; /* chain of blocks that moved where no table could be had: they are looked for one by one */
    bool is_system; /* memory comes from the system, untouched pages are free */
    union {
        struct {
            struct cupel__index_table starts;
            struct cupel__index_table extents; /* empty until an address inside a block is asked for */
            size_t spans[CUPEL__INDEX_SPANS];  /* blocks of each length in `extents` */
        } hash;
        struct {
            uintptr_t low, high;
            struct cupel__index_level *levels; /* CUPEL__INDEX_LEVELS of them */
        } memtable;
        struct {
            struct cupel__index_node *root;
            struct cupel__index_node *near; /* the lowest node that was used last */
            uintptr_t near_key;
            size_t odd; /* blocks whose base is no multiple of 16 */
            struct cupel__index_nodes nodes, leaves;
        } pages;
    } table;
};

/* An empty index with the defaults; takes no memory yet, cannot fail. */
void cupel_index_init(struct cupel_index *index);
/* An empty index as the options say. NO_MEMORY where a memtable's table cannot be had, OUT_OF_RANGE where its addresses
 * are none; the other kinds take no memory yet and cannot fail. After a failure the index is as if zeroed. */
enum cupel_index_status cupel_index_init_with(struct cupel_index *index, const struct cupel_index_options *options);
/* Gives all memory back; the index is empty and may be used again, but a memtable must be initialised first. A zeroed
 * index is allowed. */
void cupel_index_deinit(struct cupel_index *index);

/* Copies `record` in, which begins with the block's extent. OK, NO_MEMORY, TAKEN or OUT_OF_RANGE; on each but OK the
 * index is as it was. That the block overlaps none is the caller's to know. */
enum cupel_index_status cupel_index_insert(struct cupel_index *index, const void *record);
/* The record of the block that begins at base, or NULL. Borrowed until the next insert, or its removal; all behind its
 * extent may be changed in place. */
void *cupel_index_at(const struct cupel_index *index, const void *base);
/* The record of the block that holds this address, from its base to its last byte, or NULL. Borrowed likewise. In the
 * hash the first such question makes a table over all blocks; where there is no memory for it, each is O(n). */
void *cupel_index_containing(struct cupel_index *index, const void *address);
/* Removes the block that begins at base; false where there is none. Never takes memory. */
bool cupel_index_remove(struct cupel_index *index, const void *base);
/* The block at base has `size` bytes from here on. OK or UNKNOWN, or OUT_OF_RANGE where it would pass the last address.
 * Never takes memory. */
enum cupel_index_status cupel_index_resize(struct cupel_index *index, const void *base, size_t size);
/* The block at base is at new_base from here on, with `size` bytes and the rest of its record. OK, UNKNOWN, TAKEN or
 * OUT_OF_RANGE; it never fails for want of memory: a block whose place in the tables cannot be had is looked for among
 * others of its kind, in O(those). */
enum cupel_index_status cupel_index_move(struct cupel_index *index, const void *base, const void *new_base,
                                         size_t size);

/* Looks at a record; false ends the walk. It must not change the index. */
typedef bool (*cupel_index_visit)(void *user, const void *record);
/* Visits all blocks, by rising address. */
void cupel_index_walk(const struct cupel_index *index, cupel_index_visit visit, void *user);
/* Visits the blocks that hold any byte from low to before high, by rising address; of size 0 those whose base is there.
 * The hash sorts what it visits, in memory of its own, and where there is none searches anew for each: O(n) a block. */
void cupel_index_range(struct cupel_index *index, const void *low, const void *high, cupel_index_visit visit,
                       void *user);

/* Bytes that records and tables take; of a memtable over the system what its blocks made it touch, about. */
size_t cupel_index_memory_bytes(const struct cupel_index *index);
/* A word for a kind ("hash", "memtable", "pages") and one for a status. */
const char *cupel_index_kind_name(enum cupel_index_kind kind);
const char *cupel_index_status_name(enum cupel_index_status status);

#ifdef __cplusplus
}
#endif

#endif
