/* Blocks in slots, and what is common to all blocks: see debug_block.h. */
#include "alloc/src/debug_block.h"

#include "alloc/src/debug_canary.h"
#include "alloc/src/debug_classes.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/debug_thread.h"
#include "alloc/src/debug_trim.h"

enum { SLOT_ALIGN = 16 };

/* Bytes of slot that a block needs, one at least, so that its address is inside; both arguments are small. */
static size_t needed(const struct cupel__debug *debug, size_t size, size_t align) {
    size_t bytes = cupel__canary_front(debug) + (size == 0 ? 1 : size) + cupel__canary_back(debug);
    return bytes + (align > SLOT_ALIGN ? align - SLOT_ALIGN : 0);
}

bool cupel__is_large(struct cupel__debug *debug, size_t size, size_t align, bool *is_guarded) {
    uint64_t every = debug->options.guard_every;
    *is_guarded = every != 0 && __atomic_add_fetch(&debug->guard_count, 1, __ATOMIC_RELAXED) % every == 0;
    return *is_guarded || size >= CUPEL__SLOT_MAX || align > CUPEL__SLOT_MAX / 2 ||
           needed(debug, size, align) > CUPEL__SLOT_MAX;
}

/* Takes `size` bytes off what the limit leaves; false where that is too little. */
static bool reserve_bytes(struct cupel__debug *debug, size_t size) {
    size_t limit = debug->options.memory_limit_bytes;
    if (limit == 0) {
        return true;
    }
    uint64_t sum = __atomic_add_fetch(&debug->limited_bytes, size, __ATOMIC_RELAXED);
    if (sum <= limit && size <= limit) {
        return true;
    }
    (void)__atomic_fetch_sub(&debug->limited_bytes, size, __ATOMIC_RELAXED);
    return false;
}

static void return_bytes(struct cupel__debug *debug, size_t size) {
    if (debug->options.memory_limit_bytes != 0) {
        (void)__atomic_fetch_sub(&debug->limited_bytes, size, __ATOMIC_RELAXED);
    }
}

static void *small_acquire(struct cupel__request *request, size_t size, size_t align) {
    struct cupel__debug *debug = request->debug;
    struct cupel__span *span;
    uint32_t index;
    unsigned size_class = cupel__class_of(needed(debug, size, align));
    struct cupel__block_record *slot = cupel__span_hand_out(debug, size_class, &span, &index, request->pending);
    if (slot == NULL) {
        return NULL;
    }
    unsigned align_log = (unsigned)__builtin_ctzll(align);
    unsigned char *block = cupel__slot_block(span, index, align_log);
    cupel__canaries_write(span, index, block, size);
    cupel__fresh_fill(debug, block, size, request->flags, false);
    cupel__slot_note_allocated(slot, request->trace, request->thread);
    cupel__slot_store(slot, cupel__slot_word(slot, size, align_log, request->family));
    return block;
}

void *cupel__block_acquire(struct cupel__request *request, size_t size, size_t align) {
    struct cupel__debug *debug = request->debug;
    bool is_guarded;
    void *block = NULL;
    if (cupel_request_is_valid(size, align) && reserve_bytes(debug, size)) {
        block = cupel__is_large(debug, size, align, &is_guarded)
                    ? cupel__large_acquire(request, size, align, is_guarded)
                    : small_acquire(request, size, align);
        if (block == NULL) {
            return_bytes(debug, size);
        }
    }
    if (block == NULL) {
        (void)__atomic_fetch_add(&debug->refused, 1, __ATOMIC_RELAXED);
    }
    return block;
}

static void tell_of(struct cupel__request *request, const struct cupel__target *target, struct cupel_finding *finding) {
    finding->verb = request->verb;
    finding->address = request->block;
    cupel__finding_describe(target->span, target->index, finding);
    finding->is_live = true; /* until this request */
    cupel__finding_tell(request->debug, finding);
}

/* What the caller says of a claimed block is not what it is. */
__attribute__((noinline)) static void tell_mismatch(struct cupel__request *request,
                                                    const struct cupel__target *target) {
    bool is_size = request->size != cupel__slot_size(target->span, target->word);
    struct cupel_finding finding = {.kind = is_size ? CUPEL_FINDING_WRONG_SIZE : CUPEL_FINDING_WRONG_ALIGN,
                                    .given_size = request->size,
                                    .given_align = request->align};
    cupel__finding_add_trace(&finding, "given back", request->trace, request->thread);
    tell_of(request, target, &finding);
}

/* Whether a function of one family is given a block that one of another made. */
static bool is_of_other_family(const struct cupel__request *request, const struct cupel__target *target) {
    enum cupel_family family = cupel__slot_family(target->word);
    return request->family != CUPEL_FAMILY_ANY && family != CUPEL_FAMILY_ANY && family != request->family;
}

__attribute__((noinline)) static void tell_family(struct cupel__request *request, const struct cupel__target *target) {
    struct cupel_finding finding = {.kind = CUPEL_FINDING_WRONG_FAMILY,
                                    .family = cupel__slot_family(target->word),
                                    .given_family = request->family};
    cupel__finding_add_trace(&finding, "given back", request->trace, request->thread);
    tell_of(request, target, &finding);
}

static bool is_as_given(const struct cupel__request *request, const struct cupel__target *target) {
    return !request->has_size || (request->size == cupel__slot_size(target->span, target->word) &&
                                  request->align == (size_t)1 << cupel__slot_align_log(target->word));
}

/* A canary of a claimed block is damaged: it is told once, and mended. */
__attribute__((noinline)) static void tell_damage(struct cupel__request *request, const struct cupel__target *target) {
    struct cupel_finding finding = {.kind = CUPEL_FINDING_OVERFLOW};
    size_t size = cupel__slot_size(target->span, target->word);
    (void)cupel__canaries_are_whole(target->span, target->index, request->block, size, &finding);
    cupel__finding_add_trace(&finding, "found", request->trace, request->thread);
    tell_of(request, target, &finding);
    cupel__canaries_write(target->span, target->index, request->block, size);
}

bool cupel__block_claim(struct cupel__request *request, bool is_strict, struct cupel__target *target) {
    while (true) {
        if (!cupel__slot_locate((uintptr_t)request->block, target) || target->slot == NULL ||
            target->span->home != request->debug || !cupel__span_is_sound(target->span) ||
            !cupel__slot_is_sound(target->slot, target->word) || cupel__slot_state(target->word) != CUPEL__SLOT_LIVE ||
            cupel__slot_block(target->span, target->index, cupel__slot_align_log(target->word)) != request->block) {
            cupel__block_explain(request);
            return false;
        }
        /* LCOV_EXCL_BR_START(threads rarely meet here) */
        if (cupel__slot_claim(target->slot, target->word,
                              cupel__slot_with(target->slot, target->word, CUPEL__SLOT_BUSY))) {
            break;
        }
        /* LCOV_EXCL_BR_STOP */
    }
    if (!is_as_given(request, target)) {
        tell_mismatch(request, target);
        if (is_strict) {
            cupel__block_unclaim(target, cupel__slot_size(target->span, target->word));
            return false;
        }
    }
    if (is_of_other_family(request, target)) {
        tell_family(request, target);
    }
    if (!cupel__canaries_hold(target->span, target->index, request->block,
                              cupel__slot_size(target->span, target->word))) {
        tell_damage(request, target);
    }
    return true;
}

void cupel__block_unclaim(struct cupel__target *target, size_t size) {
    cupel__slot_store(target->slot, cupel__slot_resized(target->span, target->slot, target->word, size));
}

void cupel__block_release(struct cupel__request *request, struct cupel__target *target) {
    struct cupel__debug *debug = request->debug;
    struct cupel__span *span = target->span;
    size_t size = cupel__slot_size(span, target->word);
    cupel__slot_note_freed(span, target->index, request->trace, request->thread);
    if (!span->is_large || debug->options.never_unmaps || debug->backing != NULL) {
        cupel__freed_fill(span, target->index);
    }
    cupel__slot_store(target->slot,
                      cupel__slot_with(target->slot, target->word & ~(uint32_t)CUPEL__SLOT_MARK, CUPEL__SLOT_FREED));
    return_bytes(debug, size);
    if (span->is_large) {
        cupel__span_retire_large(debug, span, request->pending);
        return;
    }
    struct cupel__shard *shard = &debug->shards[request->thread % CUPEL__SHARDS];
    (void)cupel__add64(&shard->freed_bytes, span->slot_bytes);
    uint32_t freed = cupel__add32(&span->freed, 1);
    if (freed == __atomic_load_n(&span->handed_out, __ATOMIC_ACQUIRE)) {
        cupel__span_emptied(debug, span, request->pending);
    } else {
        cupel__span_consider_trim(debug, span, freed, request->pending);
    }
}

static bool small_resize(struct cupel__request *request, struct cupel__target *target, size_t new_size) {
    unsigned char *block = request->block;
    size_t size = cupel__slot_size(target->span, target->word);
    size_t room = (size_t)(cupel__slot_end(target->span, target->index) - block);
    if (new_size > room || room - new_size < cupel__canary_back(request->debug) || new_size >= CUPEL__SLOT_MAX) {
        return false;
    }
    cupel__canaries_write(target->span, target->index, block, new_size);
    if (new_size > size) {
        cupel__fresh_fill(request->debug, block + size, new_size - size, request->flags, false);
    }
    cupel__block_unclaim(target, new_size);
    return true;
}

bool cupel__block_resize(struct cupel__request *request, struct cupel__target *target, size_t new_size) {
    struct cupel__debug *debug = request->debug;
    size_t size = cupel__slot_size(target->span, target->word);
    if (new_size > PTRDIFF_MAX || (new_size > size && !reserve_bytes(debug, new_size - size))) {
        return false;
    }
    bool has_resized = target->span->is_large ? cupel__large_resize(request, target, new_size)
                                              : small_resize(request, target, new_size);
    if (!has_resized && new_size > size) {
        return_bytes(debug, new_size - size);
    }
    if (has_resized && new_size < size) {
        return_bytes(debug, size - new_size);
    }
    return has_resized;
}

void *cupel__block_move(struct cupel__request *request, struct cupel__target *target, size_t new_size) {
    size_t size = cupel__slot_size(target->span, target->word);
    size_t align = (size_t)1 << cupel__slot_align_log(target->word);
    if (target->span->is_large && new_size <= PTRDIFF_MAX) {
        void *moved = cupel__large_move(request, target, new_size);
        if (moved != NULL) {
            return moved;
        }
    }
    request->family = cupel__slot_family(target->word);
    unsigned char *moved = cupel__block_acquire(request, new_size, align);
    if (moved == NULL) {
        return NULL;
    }
    size_t kept = size < new_size ? size : new_size;
    memcpy(moved, request->block, kept);
    cupel__block_release(request, target);
    return moved;
}
