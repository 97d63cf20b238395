/* Memory for records: see debug_meta.h.
 *
 * Pieces that are given back go to a free list of their kind (all arrays of a class have one length), so that the
 * reservation grows with the most that was ever live, and the pages of large free arrays go back to the system.
 *
 * Records in the backing stand in pieces of whole units, the state in the first; what is left of a piece when the next
 * begins is not used. */
#include "alloc/src/debug_meta.h"

#include "alloc/src/debug_classes.h"
#include "alloc/src/debug_retire.h"

static const size_t reservation = (size_t)1 << (sizeof(void *) == 8 ? 36 : 26);
static const size_t smallest_reservation = (size_t)1 << 22;
enum { COMMIT_STEP = 256 << 10, LINE = 64, LIMITED_PART = 16 };

static size_t round_up(size_t size, size_t unit) {
    return (size + unit - 1) & ~(unit - 1);
}

static size_t reservation_wanted(void) {
    size_t limit = cupel__address_limit();
    if (limit / LIMITED_PART < reservation) {
        size_t part = limit / LIMITED_PART & ~((size_t)CUPEL__UNIT - 1);
        return part < smallest_reservation ? smallest_reservation : part;
    }
    return reservation;
}

/* A piece of the backing's memory for `bytes` of records at least, all zero; its room for them is *room. Where the
 * backing has no more, a retired range of an instance that is there already. */
static struct cupel__meta_piece *take_piece(struct cupel_allocator *backing, struct cupel__debug *debug, size_t bytes,
                                            struct cupel__pending *pending, unsigned char **room) {
    size_t header = round_up(sizeof(struct cupel__meta_piece), LINE);
    size_t length = round_up(header + bytes, CUPEL__UNIT);
    struct cupel__meta_piece *piece = backing->ops->acquire(backing, length, CUPEL__UNIT, CUPEL_ZEROED, NULL);
    if (piece == NULL && debug != NULL) {
        void *range = cupel__retired_reuse(debug, &length, 0, length, pending);
        piece = range == NULL ? NULL : memset(range, 0, length);
    }
    if (piece != NULL) {
        piece->bytes = length;
        *room = (unsigned char *)piece + header;
    }
    return piece;
}

/* From here on records are taken from this piece. */
static void begin_piece(struct cupel__meta *meta, struct cupel__meta_piece *piece, unsigned char *next) {
    piece->next = meta->pieces;
    meta->pieces = piece;
    meta->base = (unsigned char *)piece;
    meta->next = next;
    meta->end = meta->base + piece->bytes;
    meta->committed = meta->end;
}

static struct cupel__debug *begin_in_backing(struct cupel_allocator *backing) {
    unsigned char *room;
    struct cupel__meta_piece *piece = take_piece(backing, NULL, sizeof(struct cupel__debug), NULL, &room);
    if (piece == NULL) {
        return NULL;
    }
    struct cupel__debug *debug = (struct cupel__debug *)(void *)room;
    debug->page_bytes = cupel__page_bytes();
    begin_piece(&debug->meta, piece, room + round_up(sizeof *debug, LINE));
    return debug;
}

struct cupel__debug *cupel__meta_begin(const struct cupel__system *system, struct cupel_allocator *backing) {
    if (backing != NULL) {
        return begin_in_backing(backing);
    }
    size_t length = reservation_wanted();
    unsigned char *base = system->reserve(length);
    while (base == NULL && length > smallest_reservation) {
        length /= 2;
        base = system->reserve(length);
    }
    if (base == NULL) {
        return NULL;
    }
    /* The first and the last page stay without permissions. */
    size_t page = cupel__page_bytes();
    size_t first = round_up(sizeof(struct cupel__debug), COMMIT_STEP);
    if (!system->commit(base + page, first)) {
        system->unreserve(base, length);
        return NULL;
    }
    struct cupel__debug *debug = (struct cupel__debug *)(void *)(base + page);
    debug->system = system;
    debug->page_bytes = page;
    debug->meta.base = base;
    debug->meta.next = base + page + round_up(sizeof(struct cupel__debug), page);
    debug->meta.committed = base + page + first;
    debug->meta.end = base + length - page;
    return debug;
}

void cupel__meta_end(struct cupel__debug *debug) {
    if (debug->meta.pieces != NULL) {
        struct cupel_allocator *backing = debug->backing;
        struct cupel__meta_piece *piece = debug->meta.pieces; /* the last one holds the state */
        while (piece != NULL) {
            struct cupel__meta_piece *next = piece->next;
            backing->ops->release(backing, piece, piece->bytes, CUPEL__UNIT, NULL);
            piece = next;
        }
        return;
    }
    size_t length = (size_t)(debug->meta.end - debug->meta.base) + debug->page_bytes;
    debug->system->unreserve(debug->meta.base, length);
}

static void *take(struct cupel__debug *debug, size_t bytes, struct cupel__pending *pending) {
    struct cupel__meta *meta = &debug->meta;
    bytes = round_up(bytes, LINE);
    if (bytes > (size_t)(meta->end - meta->next)) {
        unsigned char *room;
        struct cupel__meta_piece *piece =
            meta->pieces == NULL ? NULL : take_piece(debug->backing, debug, bytes, pending, &room);
        if (piece == NULL) {
            return NULL;
        }
        begin_piece(meta, piece, room);
    }
    if (bytes > (size_t)(meta->committed - meta->next)) {
        size_t more = round_up(bytes - (size_t)(meta->committed - meta->next), COMMIT_STEP);
        size_t left = (size_t)(meta->end - meta->committed);
        more = more < left ? more : left;
        if (!debug->system->commit(meta->committed, more)) {
            return NULL;
        }
        meta->committed += more;
    }
    void *taken = meta->next;
    meta->next += bytes;
    return taken;
}

struct cupel__span *cupel__meta_span(struct cupel__debug *debug, struct cupel__pending *pending) {
    struct cupel__span *span = debug->meta.free_spans;
    if (span != NULL) {
        debug->meta.free_spans = span->next;
        memset(span, 0, sizeof *span);
        return span;
    }
    return take(debug, sizeof *span, pending);
}

void cupel__meta_release_span(struct cupel__debug *debug, struct cupel__span *span) {
    span->check = 0;
    cupel__span_set_state(span, CUPEL__SPAN_NONE);
    span->next = debug->meta.free_spans;
    debug->meta.free_spans = span;
}

size_t cupel__meta_records_bytes(unsigned size_class) {
    uint32_t slot_bytes = cupel__class_bytes(size_class);
    size_t capacity = cupel__length_bytes(cupel__length_index(slot_bytes)) / slot_bytes;
    return round_up(capacity * (sizeof(struct cupel__block_record) + sizeof(uint16_t)), LINE);
}

struct cupel__block_record *cupel__meta_records(struct cupel__debug *debug, unsigned size_class,
                                                struct cupel__pending *pending) {
    size_t bytes = cupel__meta_records_bytes(size_class);
    void *records = debug->meta.free_records[size_class];
    if (records == NULL) {
        return take(debug, bytes, pending);
    }
    debug->meta.free_count[size_class]--;
    debug->meta.free_records[size_class] = *(void **)records;
    memset(records, 0, bytes);
    return records;
}

void cupel__meta_release_records(struct cupel__debug *debug, unsigned size_class, struct cupel__block_record *records) {
    enum { HOT = 4 }; /* so many free arrays of a class keep their pages: the next spans take them */
    size_t bytes = cupel__meta_records_bytes(size_class);
    uintptr_t first = round_up((uintptr_t)records + sizeof(void *), debug->page_bytes);
    uintptr_t last = ((uintptr_t)records + bytes) & ~(debug->page_bytes - 1);
    if (debug->meta.free_count[size_class]++ >= HOT && last > first && debug->meta.pieces == NULL) {
        cupel__pages_discard((unsigned char *)records + (first - (uintptr_t)records), last - first);
    }
    void **link = (void **)(void *)records; /* the chain goes through the arrays themselves */
    *link = debug->meta.free_records[size_class];
    debug->meta.free_records[size_class] = records;
}

void *cupel__scratch_take(struct cupel__debug *debug, size_t bytes) {
    if (debug->meta.pieces != NULL) {
        return debug->backing->ops->acquire(debug->backing, bytes, LINE, CUPEL_ZEROED, NULL);
    }
    size_t length = round_up(bytes, CUPEL__UNIT);
    void *memory = debug->system->reserve(length);
    if (memory != NULL && !debug->system->commit(memory, length)) {
        debug->system->unreserve(memory, length);
        memory = NULL;
    }
    return memory;
}

void cupel__scratch_give_back(struct cupel__debug *debug, void *memory, size_t bytes) {
    if (debug->meta.pieces != NULL) {
        debug->backing->ops->release(debug->backing, memory, bytes, LINE, NULL);
    } else {
        debug->system->unreserve(memory, round_up(bytes, CUPEL__UNIT));
    }
}

bool cupel__meta_holds(const struct cupel__debug *debug, uintptr_t address) {
    if (debug->meta.pieces == NULL) {
        return address >= (uintptr_t)debug->meta.base && address < (uintptr_t)debug->meta.end;
    }
    for (const struct cupel__meta_piece *piece = debug->meta.pieces; piece != NULL; piece = piece->next) {
        if (address >= (uintptr_t)piece && address - (uintptr_t)piece < piece->bytes) {
            return true;
        }
    }
    return false;
}

size_t cupel__meta_bytes(const struct cupel__debug *debug) {
    if (debug->meta.pieces != NULL) {
        size_t sum = 0;
        for (const struct cupel__meta_piece *piece = debug->meta.pieces; piece != NULL; piece = piece->next) {
            sum += piece->bytes;
        }
        return sum;
    }
    return (size_t)(debug->meta.committed - debug->meta.base) - debug->page_bytes;
}

void cupel__meta_protect(struct cupel__debug *debug, bool is_writable) {
    unsigned char *first = debug->meta.base + debug->page_bytes + round_up(sizeof *debug, debug->page_bytes);
    (void)debug->system->protect(first, (size_t)(debug->meta.committed - first), is_writable);
}
