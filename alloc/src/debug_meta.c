/* Memory for records: see debug_meta.h.
 *
 * Pieces that are given back go to a free list of their kind (all arrays of a class have one length), so that the
 * reservation grows with the most that was ever live, and the pages of large free arrays go back to the system. */
#include "alloc/src/debug_meta.h"

#include "alloc/src/debug_classes.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static const size_t reservation = (size_t)1 << (sizeof(void *) == 8 ? 36 : 26);
static const size_t smallest_reservation = (size_t)1 << 22;
enum { COMMIT_STEP = 256 << 10, LINE = 64, LIMITED_PART = 16 };

static size_t round_up(size_t size, size_t unit) {
    return (size + unit - 1) & ~(unit - 1);
}

static size_t reservation_wanted(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur / LIMITED_PART < reservation) {
        size_t part = (size_t)(limit.rlim_cur / LIMITED_PART) & ~((size_t)CUPEL__UNIT - 1);
        return part < smallest_reservation ? smallest_reservation : part;
    }
    return reservation;
}

struct cupel__debug *cupel__meta_begin(const struct cupel__system *system) {
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
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
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
    size_t length = (size_t)(debug->meta.end - debug->meta.base) + debug->page_bytes;
    debug->system->unreserve(debug->meta.base, length);
}

static void *take(struct cupel__debug *debug, size_t bytes) {
    struct cupel__meta *meta = &debug->meta;
    bytes = round_up(bytes, LINE);
    if (bytes > (size_t)(meta->end - meta->next)) {
        return NULL;
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

struct cupel__span *cupel__meta_span(struct cupel__debug *debug) {
    struct cupel__span *span = debug->meta.free_spans;
    if (span != NULL) {
        debug->meta.free_spans = span->next;
        memset(span, 0, sizeof *span);
        return span;
    }
    return take(debug, sizeof *span);
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
    return round_up(capacity * sizeof(struct cupel__block_record), LINE);
}

struct cupel__block_record *cupel__meta_records(struct cupel__debug *debug, unsigned size_class) {
    size_t bytes = cupel__meta_records_bytes(size_class);
    void *records = debug->meta.free_records[size_class];
    if (records == NULL) {
        return take(debug, bytes);
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
    if (debug->meta.free_count[size_class]++ >= HOT && last > first) {
        (void)madvise((unsigned char *)records + (first - (uintptr_t)records), last - first, MADV_DONTNEED);
    }
    void **link = (void **)(void *)records; /* the chain goes through the arrays themselves */
    *link = debug->meta.free_records[size_class];
    debug->meta.free_records[size_class] = records;
}

size_t cupel__meta_bytes(const struct cupel__debug *debug) {
    return (size_t)(debug->meta.committed - debug->meta.base) - debug->page_bytes;
}

void cupel__meta_protect(struct cupel__debug *debug, bool is_writable) {
    unsigned char *first = debug->meta.base + debug->page_bytes + round_up(sizeof *debug, debug->page_bytes);
    (void)debug->system->protect(first, (size_t)(debug->meta.committed - first), is_writable);
}
