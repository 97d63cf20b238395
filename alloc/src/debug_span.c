/* The life of spans: see debug_span.h. */
#include "alloc/src/debug_span.h"

#include "alloc/src/debug_addresses.h"
#include "alloc/src/debug_canary.h"
#include "alloc/src/debug_classes.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_lists.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_meta.h"
#include "alloc/src/debug_reopen.h"
#include "alloc/src/debug_retire.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_thread.h"
#include "alloc/src/debug_trim.h"

void cupel__debug_lock(struct cupel__debug *debug, cupel__mutex *lock) {
    if (CUPEL_DEBUG_THREADS && !debug->options.is_single_thread) {
        cupel__mutex_lock(lock);
    }
}

void cupel__debug_unlock(struct cupel__debug *debug, cupel__mutex *lock) {
    if (CUPEL_DEBUG_THREADS && !debug->options.is_single_thread) {
        cupel__mutex_unlock(lock);
    }
}

static size_t live_spans(const struct cupel__debug *debug) {
    size_t count = debug->open.count + debug->large.count;
    for (unsigned i = 0; i < CUPEL__CLASSES; i++) {
        count += debug->full[i].count;
    }
    return count;
}

/* Says once that addresses are used again. */
static void warn(struct cupel__debug *debug, struct cupel__pending *pending) {
    if (debug->reused_spans == 1) {
        const struct cupel_finding finding = {.kind = CUPEL_FINDING_REUSED, .bytes = debug->addresses.used_bytes};
        cupel__finding_pend(debug, pending, &finding);
    }
}

/* A header for a range whose pages are mapped, on the map; NULL where there is no memory for it. */
static struct cupel__span *make(struct cupel__debug *debug, unsigned char *range, size_t range_bytes, size_t offset,
                                size_t length_bytes, struct cupel__pending *pending) {
    struct cupel__span *span = cupel__meta_span(debug, pending);
    if (span == NULL) {
        return NULL;
    }
    span->home = debug;
    span->range = range;
    span->range_bytes = range_bytes;
    span->base = range + offset;
    span->length_bytes = length_bytes;
    cupel__span_set_state(span, CUPEL__SPAN_OPEN);
    if (!cupel__map_set(range, range_bytes, span)) {
        cupel__meta_release_span(debug, span);
        return NULL;
    }
    debug->mapped_bytes += length_bytes;
    return span;
}

/* A range at addresses that were never handed out; NULL where there is none. */
static unsigned char *fresh_range(struct cupel__debug *debug, size_t range_bytes, size_t align, size_t length_bytes) {
    if (live_spans(debug) >= debug->options.span_count_max) {
        return NULL;
    }
    unsigned char *range = cupel__addresses_take(debug, range_bytes);
    return range != NULL && debug->pages->commit(range + cupel__range_offset(debug, range, align), length_bytes) ? range
                                                                                                                 : NULL;
}

/* A range for which there are no records: back to where it is from, or never to be touched. */
static void drop_range(struct cupel__debug *debug, unsigned char *range, size_t range_bytes) {
    if (debug->backing != NULL) {
        debug->backing->ops->release(debug->backing, range, range_bytes, CUPEL__UNIT, NULL);
    } else {
        (void)debug->pages->revoke(range, range_bytes);
    }
}

static struct cupel__span *make_small(struct cupel__debug *debug, unsigned size_class, unsigned shard,
                                      struct cupel__pending *pending) {
    enum { PART = 8 };
    uint32_t slot_bytes = cupel__class_bytes(size_class);
    unsigned length = cupel__length_index(slot_bytes);
    size_t bytes = cupel__length_bytes(length);
    size_t range_bytes = bytes;
    if (debug->ready_count[length] == 0) { /* memory grows: something may go for it */
        unsigned least = 1U << CUPEL__LENGTH_STEP * length;
        unsigned going = debug->waiting_count / PART > least ? debug->waiting_count / PART : least;
        cupel__span_trim_waiting(debug, debug->waiting_count > going ? debug->waiting_count - going : 0, pending);
    }
    unsigned char *range = debug->ready_count[length] > 0 ? debug->ready[length][--debug->ready_count[length]]
                                                          : fresh_range(debug, bytes, 0, bytes);
    if (range == NULL) {
        range = cupel__retired_reuse(debug, &range_bytes, 0, bytes, pending);
        if (range == NULL) {
            return NULL;
        }
        warn(debug, pending);
    }
    struct cupel__span *span = make(debug, range, range_bytes, 0, bytes, pending);
    struct cupel__block_record *records = span == NULL ? NULL : cupel__meta_records(debug, size_class, pending);
    if (records == NULL) {
        if (span != NULL) {
            debug->mapped_bytes -= bytes;
            (void)cupel__map_set(range, range_bytes, NULL);
            cupel__meta_release_span(debug, span);
        }
        drop_range(debug, range, range_bytes);
        return NULL;
    }
    span->slots = records;
    span->slot_bytes = slot_bytes;
    span->reciprocal = (((uint64_t)1 << 40) + slot_bytes - 1) / slot_bytes;
    span->capacity = (uint32_t)(bytes / slot_bytes);
    span->cursor = span->capacity;
    span->trim_at = cupel__span_trim_first(debug, span);
    span->size_class = (uint8_t)size_class;
    span->shard = (uint8_t)shard;
    span->check = cupel__span_check(span);
    cupel__list_append(&debug->open, span);
    return span;
}

static uint64_t freed_bytes(const struct cupel__debug *debug) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < CUPEL__SHARDS; i++) {
        sum += __atomic_load_n(&debug->shards[i].freed_bytes, __ATOMIC_RELAXED);
    }
    return sum;
}

/* Gives back pages of the oldest full spans of the class that are of this shard, whose lock is held. */
static void trim_oldest(struct cupel__debug *debug, unsigned size_class, unsigned shard, size_t most,
                        struct cupel__pending *pending) {
    for (struct cupel__span *span = debug->full[size_class].first; span != NULL && most > 0;
         span = span->next, most--) {
        if (span->shard == shard) {
            (void)cupel__span_trim(debug, span, pending);
        }
    }
}

/* The span, all of which is free, is retired. Under both locks. */
static void retire(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending) {
    struct cupel__shard *shard = &debug->shards[span->shard];
    if (shard->current[span->size_class] == span) {
        shard->current[span->size_class] = NULL;
    }
    (void)__atomic_fetch_sub(&shard->freed_bytes, (uint64_t)(span->freed - span->gone_slots) * span->slot_bytes,
                             __ATOMIC_RELAXED);
    cupel__span_retire(debug, span, pending);
}

/* Retires the open spans of the shard in which nothing is live, which wait for credit or for more blocks: there is no
 * room for others. True where there were some. Under both locks. */
static bool retire_emptied(struct cupel__debug *debug, unsigned shard, struct cupel__pending *pending) {
    bool has_any = false;
    struct cupel__span *next;
    for (struct cupel__span *span = debug->open.first; span != NULL; span = next) {
        next = span->next;
        if (span->shard == shard && span->handed_out > 0 && !debug->options.never_unmaps &&
            __atomic_load_n(&span->freed, __ATOMIC_ACQUIRE) == span->handed_out) {
            retire(debug, span, pending);
            has_any = true;
        }
    }
    return has_any;
}

/* The next span for a shard to hand out from, in the place of the one that is full. Under the shard's lock. */
static struct cupel__span *next_span(struct cupel__debug *debug, unsigned shard, unsigned size_class,
                                     struct cupel__pending *pending) {
    enum { LOOKS = 64 };
    cupel__debug_lock(debug, &debug->lock);
    struct cupel__span *full = debug->shards[shard].current[size_class];
    if (full != NULL) {
        cupel__list_remove(&debug->open, full);
        cupel__span_set_state(full, CUPEL__SPAN_FULL);
        cupel__list_append(&debug->full[size_class], full);
        cupel__span_wait_for_trim(debug, full, __atomic_load_n(&full->freed, __ATOMIC_ACQUIRE), pending);
        debug->runs_left += full->capacity / CUPEL__CREDIT_RUN;
        debug->runs_left = debug->runs_left < CUPEL__RUNS_MAX ? debug->runs_left : (uint32_t)CUPEL__RUNS_MAX;
    }
    struct cupel__span *span = NULL;
    if (freed_bytes(debug) > debug->options.quarantine_bytes) {
        trim_oldest(debug, size_class, shard, LOOKS, pending);
        if (freed_bytes(debug) > debug->options.quarantine_bytes) {
            span = cupel__span_reopen(debug, size_class, shard, LOOKS);
        }
    }
    if (span == NULL) {
        span = make_small(debug, size_class, shard, pending);
    }
    if (span == NULL && retire_emptied(debug, shard, pending)) {
        span = make_small(debug, size_class, shard, pending);
    }
    if (span == NULL) {
        span = cupel__span_reopen(debug, size_class, shard, SIZE_MAX);
    }
    debug->shards[shard].current[size_class] = span;
    cupel__debug_unlock(debug, &debug->lock);
    return span;
}

struct cupel__block_record *cupel__span_hand_out(struct cupel__debug *debug, unsigned size_class,
                                                 struct cupel__span **span, uint32_t *index,
                                                 struct cupel__pending *pending) {
    unsigned number = cupel__debug_thread_number() % CUPEL__SHARDS;
    struct cupel__shard *shard = &debug->shards[number];
    struct cupel__block_record *slot = NULL;
    cupel__debug_lock(debug, &shard->lock);
    struct cupel__span *current = shard->current[size_class];
    while (true) {
        if (current != NULL && current->handed_out < current->capacity) {
            *index = current->handed_out;
            __atomic_store_n(&current->handed_out, *index + 1, __ATOMIC_RELEASE);
            slot = &current->slots[*index];
            break;
        }
        if (current != NULL && cupel__span_take_freed(debug, current, index, pending)) {
            slot = &current->slots[*index];
            shard->reused_slots++;
            (void)__atomic_fetch_sub(&shard->freed_bytes, current->slot_bytes, __ATOMIC_RELAXED);
            break;
        }
        current = next_span(debug, number, size_class, pending);
        if (current == NULL) {
            break;
        }
    }
    if (slot != NULL) {
        shard->acquired++;
        shard->credit += shard->credit < CUPEL__CREDIT_MAX;
    }
    cupel__debug_unlock(debug, &shard->lock);
    *span = current;
    return slot;
}

struct cupel__shard *cupel__span_lock_shard(struct cupel__debug *debug, const struct cupel__span *span) {
    while (true) {
        unsigned number = __atomic_load_n(&span->shard, __ATOMIC_ACQUIRE);
        struct cupel__shard *shard = &debug->shards[number];
        cupel__debug_lock(debug, &shard->lock);
        /* LCOV_EXCL_START(threads rarely meet here) */
        if (__atomic_load_n(&span->shard, __ATOMIC_ACQUIRE) != number) {
            cupel__debug_unlock(debug, &shard->lock);
            continue;
        }
        /* LCOV_EXCL_STOP */
        return shard;
    }
}

/* Whether to retire a span before it was handed out whole. A small program may do so at once; later it must have been
 * handed out by half, so that there is credit for giving back pages. */
static bool has_credit(const struct cupel__shard *shard, const struct cupel__span *span) {
    return shard->credit >= CUPEL__CREDIT_MAX / 2 ||
           (shard->credit >= CUPEL__CREDIT_EACH && span->handed_out >= span->capacity / 2);
}

void cupel__span_emptied(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending) {
    struct cupel__shard *shard = cupel__span_lock_shard(debug, span);
    uint32_t freed = __atomic_load_n(&span->freed, __ATOMIC_ACQUIRE);
    bool is_worth_it = span->handed_out == span->capacity || has_credit(shard, span);
    if (freed == 0 || freed != span->handed_out || !is_worth_it || debug->options.never_unmaps) {
        cupel__debug_unlock(debug, &shard->lock);
        return;
    }
    cupel__debug_lock(debug, &debug->lock);
    if (span->state == CUPEL__SPAN_OPEN || span->state == CUPEL__SPAN_FULL) {
        /* Where each pair empties its span, all that it earns goes into retiring spans that were handed out whole. */
        uint32_t cost = span->handed_out < span->capacity ? CUPEL__CREDIT_EACH : span->handed_out;
        shard->credit -= cost < shard->credit ? cost : shard->credit;
        retire(debug, span, pending);
    }
    cupel__debug_unlock(debug, &debug->lock);
    cupel__debug_unlock(debug, &shard->lock);
}

static struct cupel__span *make_large(struct cupel__debug *debug, size_t range_bytes, size_t align, size_t length_bytes,
                                      struct cupel__pending *pending) {
    cupel__debug_lock(debug, &debug->lock);
    unsigned char *range = fresh_range(debug, range_bytes, align, length_bytes);
    if (range == NULL) {
        range = cupel__retired_reuse(debug, &range_bytes, align, length_bytes, pending);
        if (range != NULL) {
            warn(debug, pending);
        }
    }
    struct cupel__span *span = range == NULL ? NULL
                                             : make(debug, range, range_bytes, cupel__range_offset(debug, range, align),
                                                    length_bytes, pending);
    if (span != NULL) {
        span->is_large = true;
        span->slots = &span->only;
        span->capacity = 1;
        span->handed_out = 1;
        cupel__list_append(&debug->large, span);
    } else if (range != NULL) {
        drop_range(debug, range, range_bytes);
    }
    cupel__debug_unlock(debug, &debug->lock);
    return span;
}

struct cupel__span *cupel__span_make_large(struct cupel__debug *debug, size_t range_bytes, size_t align,
                                           size_t length_bytes, struct cupel__pending *pending) {
    struct cupel__span *span = make_large(debug, range_bytes, align, length_bytes, pending);
    for (unsigned i = 0; i < CUPEL__SHARDS && span == NULL; i++) {
        cupel__debug_lock(debug, &debug->shards[i].lock);
        cupel__debug_lock(debug, &debug->lock);
        bool has_any = retire_emptied(debug, i, pending);
        cupel__debug_unlock(debug, &debug->lock);
        cupel__debug_unlock(debug, &debug->shards[i].lock);
        span = has_any ? make_large(debug, range_bytes, align, length_bytes, pending) : NULL;
    }
    return span;
}

void cupel__span_retire_large(struct cupel__debug *debug, struct cupel__span *span, struct cupel__pending *pending) {
    cupel__debug_lock(debug, &debug->lock);
    cupel__span_retire(debug, span, pending);
    cupel__debug_unlock(debug, &debug->lock);
}

bool cupel__span_resize_large(struct cupel__debug *debug, struct cupel__span *span, size_t length_bytes) {
    cupel__debug_lock(debug, &debug->lock);
    struct cupel__address_supply *addresses = &debug->addresses;
    size_t offset = (size_t)(span->base - span->range);
    size_t needed = offset + length_bytes + debug->page_bytes; /* a guard stays behind it */
    size_t old = span->length_bytes;
    bool has_resized = false;
    if (length_bytes <= old) {
        has_resized = length_bytes == old || debug->pages->revoke(span->base + length_bytes, old - length_bytes);
    } else {
        if (needed > span->range_bytes && span->range + span->range_bytes == addresses->next) {
            /* The last range that was handed out grows into the addresses behind it. */
            size_t more = (needed - span->range_bytes + CUPEL__UNIT - 1) & ~((size_t)CUPEL__UNIT - 1);
            if (more <= (size_t)(addresses->end - addresses->next) && cupel__map_set(addresses->next, more, span)) {
                addresses->next += more;
                addresses->used_bytes += more;
                span->range_bytes += more;
            }
        }
        has_resized = needed <= span->range_bytes && debug->pages->commit(span->base + old, length_bytes - old);
    }
    if (has_resized) {
        debug->mapped_bytes = debug->mapped_bytes - old + length_bytes;
        span->length_bytes = length_bytes;
    }
    cupel__debug_unlock(debug, &debug->lock);
    return has_resized;
}
