/* What the parts of a debug allocator share: its state, its spans, and the records of slots.
 *
 *     address --map--> span --division--> slot record
 *
 * The map (debug_map.h) is one for the process, so that blocks of other instances are known by name. A span's header
 * and the records of its slots stand in the instance's reservation for metadata (debug_meta.c), never near a block.
 *
 * A slot of `slot_bytes`, drawn to scale for a block of 24 bytes with the default canaries:
 *
 *     |cccccccccccccccc|bbbbbbbbbbbbbbbbbbbbbbbb|cccccccc|     c canary   b block
 *
 * Locks, in the order in which they are taken: a shard's, then the instance's. A shard's lock is over what it hands out
 * (its current spans and their `handed_out`); the instance's over lists, addresses and metadata. A slot's word is
 * changed by compare and exchange alone: whoever makes it BUSY owns the slot until it says otherwise. */
#ifndef ALLOC_SRC_DEBUG_STATE_H
#define ALLOC_SRC_DEBUG_STATE_H

#include "alloc/src/debug_host.h"

/* What a machine with pages has plenty of, and one without has not. */
enum {
#if CUPEL_DEBUG_SYSTEM
    CUPEL__UNIT_SHIFT = 16,     /* spans begin at multiples of 64 KiB */
    CUPEL__SLOT_MAX = 32 << 10, /* slots are no larger, and blocks in them are smaller; more is a large block */
    CUPEL__CLASSES = 72,
    CUPEL__SLOTS_MANY = 128, /* of a span of one unit */
    CUPEL__SLOTS_FEWER = 64, /* of one of the next length */
    CUPEL__LENGTH_STEP = 2,  /* log2 of how many times longer it is */
    CUPEL__SHARDS = 8,
    CUPEL__RESERVATIONS = 48,
    CUPEL__TOLD = 512, /* findings that are remembered as told */
#else
    CUPEL__UNIT_SHIFT = 12,
    CUPEL__SLOT_MAX = 2 << 10,
    CUPEL__CLASSES = 40,
    CUPEL__SLOTS_MANY = 1, /* spans have one length: what is retired serves any class */
    CUPEL__SLOTS_FEWER = 1,
    CUPEL__LENGTH_STEP = 0,
    CUPEL__SHARDS = 1,
    CUPEL__RESERVATIONS = 1,
    CUPEL__TOLD = 64,
#endif
    CUPEL__UNIT = 1 << CUPEL__UNIT_SHIFT
};

enum {
    CUPEL__PAGES_MAX = 256, /* of a span of slots; where pages are smaller than 4 KiB none is given back alone */
    CUPEL__READY = 8,       /* ranges of each length kept ready */
    CUPEL__LENGTHS = 3,
    CUPEL__CREDIT_EACH = 4096, /* requests that pay for retiring a span before its time */
    CUPEL__CREDIT_MAX = 64 * CUPEL__CREDIT_EACH,
    CUPEL__CREDIT_RUN = 16, /* that pay for giving back a run of pages of a span that is not empty */
    CUPEL__RUNS_MAX = 4096,
    CUPEL__WAITING = 64 /* spans that wait for a look at the pages that they might give back */
};

/* Fourteen bytes a block: twelve here, and in an array behind the records of its span the number of the thread that
 * freed it. `word` holds what must change at once, `known` who allocated and freed it; see debug_slot.h. */
struct cupel__block_record {
    uint32_t word;
    uint32_t known[2];
};

enum cupel__span_state {
    CUPEL__SPAN_NONE,     /* the header is unused */
    CUPEL__SPAN_OPEN,     /* hands out slots, or may again */
    CUPEL__SPAN_FULL,     /* all handed out, some live */
    CUPEL__SPAN_RETIRED,  /* all freed, and no longer to be touched */
    CUPEL__SPAN_FORGOTTEN /* the same, and its records are given up */
};

struct cupel__span {
    uint64_t check; /* of what is constant while the span lives */
    struct cupel__debug *home;
    unsigned char *range; /* the addresses that are its own */
    size_t range_bytes;
    unsigned char *base; /* where slots begin: at a page */
    size_t length_bytes; /* of pages from base that can be touched */
    struct cupel__block_record *slots;
    uint64_t reciprocal; /* 2^40 / slot_bytes, rounded up */
    uint32_t slot_bytes;
    uint32_t capacity;
    uint8_t size_class;
    uint8_t shard;
    bool is_large;
    uint8_t state;                        /* enum cupel__span_state; changed under both locks, read by anybody */
    uint32_t handed_out;                  /* slots, from the front; changed under the shard's lock */
    uint32_t freed;                       /* of them; atomic */
    uint32_t gone_slots;                  /* freed ones of pages that are gone */
    uint32_t trim_at;                     /* how many freed ones make it worth to look for pages to give back; atomic */
    bool is_waiting;                      /* for that look */
    uint32_t cursor;                      /* where the next freed slot is looked for, when slots are reused */
    struct cupel__span *next, *previous;  /* in the list of its state */
    uint64_t gone[CUPEL__PAGES_MAX / 64]; /* pages that were given back while the span lives: a bit each */
    /* Large blocks only. */
    struct cupel__block_record only; /* its record: `slots` points here */
    uint16_t only_freed_by;
    unsigned char *block;
    size_t size;
};

static inline void cupel__span_set_state(struct cupel__span *span, enum cupel__span_state state) {
    __atomic_store_n(&span->state, (uint8_t)state, __ATOMIC_RELEASE);
}

struct cupel__span_list {
    struct cupel__span *first, *last;
    size_t count;
};

/* What a thread hands out from. On cache lines of its own. */
struct cupel__shard {
    cupel__mutex lock;
    struct cupel__span *current[CUPEL__CLASSES];
    uint32_t credit;
    uint64_t acquired, reused_slots;
    /* Of slots, in spans that are not retired; atomic, modulo 2^64: the sum of all shards counts. */
    __attribute__((aligned(64))) uint64_t freed_bytes;
} __attribute__((aligned(64)));

/* How the system is asked for memory: a table, so that tests can make it refuse. Bases and lengths are whole pages. */
struct cupel__system {
    void *(*reserve)(size_t length);                   /* no permissions, multiple of CUPEL__UNIT; NULL when refused */
    void (*unreserve)(void *base, size_t length);      /* for good */
    bool (*commit)(void *base, size_t length);         /* readable, writable, zero */
    bool (*guard)(void *base, size_t length);          /* the same for pages inside a mapping that stays */
    bool (*revoke)(void *base, size_t length);         /* no permissions, and the pages go back */
    bool (*move)(void *from, void *to, size_t length); /* the pages; `from` is then revoked */
    bool (*protect)(void *base, size_t length, bool is_writable); /* metadata */
};

extern const struct cupel__system cupel__system;
/* The functions from `commit` on over memory that is simply there. */
extern const struct cupel__system cupel__backing_system;

/* Addresses that were reserved and are handed out front to back, never twice. */
struct cupel__address_supply {
    unsigned char *next, *end;
    size_t reserved_bytes, used_bytes;
    unsigned count;
    struct {
        unsigned char *base;
        size_t length;
    } reservations[CUPEL__RESERVATIONS];
};

/* A piece of the backing's memory for records; stands at its own front. */
struct cupel__meta_piece {
    struct cupel__meta_piece *next;
    size_t bytes;
};

/* Memory for records: a reservation that is committed from its front; or, in the backing, pieces, of which `base` to
 * `end` is the last. */
struct cupel__meta {
    struct cupel__meta_piece *pieces;
    unsigned char *base, *next, *committed, *end;
    void *free_records[CUPEL__CLASSES]; /* chains of arrays that were given up */
    uint32_t free_count[CUPEL__CLASSES];
    struct cupel__span *free_spans;
    size_t kept_bytes; /* of records of retired spans */
};

struct cupel__debug {
    struct cupel_debug *handle;
    const struct cupel__system *system; /* where the records' memory comes from */
    const struct cupel__system *pages;  /* and that of the blocks: the same, or a table over `backing` */
    struct cupel_allocator *backing;    /* NULL: the system */
    struct cupel_debug_options options;
    uint32_t secret;
    size_t page_bytes;
    struct cupel__debug *next; /* in the list of all instances */
    struct cupel__address_supply addresses;
    struct cupel__meta meta;
    /* Under `lock`. */
    cupel__mutex lock;
    struct cupel__span_list open, large, retired, forgotten;
    struct cupel__span_list full[CUPEL__CLASSES];       /* oldest first */
    unsigned char *ready[CUPEL__LENGTHS][CUPEL__READY]; /* fresh addresses that have pages already */
    unsigned ready_count[CUPEL__LENGTHS];
    struct cupel__span *waiting[CUPEL__WAITING]; /* a ring; those that are not FULL any more are passed over */
    unsigned waiting_first, waiting_count;
    uint32_t runs_left; /* that may be given back: what requests have earned */
    uint64_t mapped_bytes, revocations, moves, trims, reused_spans, forgotten_spans;
    uint64_t held_bytes;              /* of retired spans, over a backing allocator */
    cupel__recursive_mutex seal_lock; /* with CUPEL_DEBUG_SEAL_ALWAYS: one request at a time, and those it causes */
    unsigned seal_depth;              /* of requests inside each other; under seal_lock */
    /* Atomic. */
    uint64_t refused, reentered, findings, suppressed, silenced, large_acquired;
    uint64_t guard_count, limited_bytes;
    unsigned owner; /* number of the only thread, in a single-thread instance; 0: none yet */
    cupel_trace_id owner_trace;
    uint64_t told[CUPEL__TOLD];
    struct cupel__shard shards[CUPEL__SHARDS];
};

/* Findings that were made under a lock, told when it is given back. */
struct cupel__pending {
    unsigned count;
    struct cupel_finding all[4];
};

/* One request on its way through the parts. */
struct cupel__request {
    struct cupel__debug *debug;
    const char *verb;
    void *block; /* NULL: an allocation */
    size_t size, align;
    bool has_size; /* false: the caller does not know size and align */
    enum cupel_family family;
    unsigned flags;
    unsigned thread;
    cupel_trace_id trace;
    struct cupel__pending *pending;
};

/* A slot that a request is at work on: its word says BUSY. */
struct cupel__target {
    struct cupel__span *span;
    uint32_t index;
    uint32_t word; /* as it was */
    struct cupel__block_record *slot;
};

#endif
