/* Queries of any address: see query.h. Owners are asked first, then the debug allocators' map; what nobody answers for
 * is told by the part of the process that it is in. */
#include "alloc/query.h"

#include "alloc/debug.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/region.h"
#include "alloc/src/stack_frame.h"
#include "alloc/src/symboliser.h"
#include "alloc/src/symbols.h"
#include "alloc/src/wrappers.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct cupel_owner *owners[CUPEL_OWNERS_MAX];
static uint64_t answers[CUPEL_QUERY_STATUSES]; /* how often each was given */

bool cupel_owner_add(const struct cupel_owner *owner) {
    assert(owner->find != NULL && owner->name != NULL);
    for (unsigned i = 0; i < CUPEL_OWNERS_MAX; i++) {
        const struct cupel_owner *none = NULL;
        if (__atomic_compare_exchange_n(&owners[i], &none, owner, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

void cupel_owner_remove(const struct cupel_owner *owner) {
    for (unsigned i = 0; i < CUPEL_OWNERS_MAX; i++) {
        const struct cupel_owner *same = owner;
        if (__atomic_compare_exchange_n(&owners[i], &same, NULL, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return;
        }
    }
}

bool cupel_owner_find_in_index(void *user, const void *address, struct cupel_owned *block) {
    const struct cupel_block *known = cupel_index_containing(user, address);
    if (known == NULL) {
        return false;
    }
    block->base = known->base;
    block->size = known->size;
    block->is_live = true;
    block->site = known->frame_count == 0 ? NULL : known->frames[0];
    return true;
}

/* Keeps the chain innermost first: of blocks around one address the smaller is inside. */
static void add_to_chain(struct cupel_query *query, const struct cupel_owned *block) {
    unsigned at = query->chain_count;
    while (at > 0 && query->chain[at - 1].size > block->size) {
        at--;
    }
    if (query->chain_count < CUPEL_CHAIN_MAX) {
        query->chain_count++;
    } else if (at == CUPEL_CHAIN_MAX) {
        return;
    }
    memmove(&query->chain[at + 1], &query->chain[at], (query->chain_count - 1 - at) * sizeof *block);
    query->chain[at] = *block;
}

static void ask_owners(struct cupel_query *query) {
    for (unsigned i = 0; i < CUPEL_OWNERS_MAX; i++) {
        const struct cupel_owner *owner = __atomic_load_n(&owners[i], __ATOMIC_ACQUIRE);
        struct cupel_owned block = {.owner = NULL};
        if (owner != NULL && owner->find(owner->user, query->address, &block)) {
            block.owner = owner->name;
            add_to_chain(query, &block);
        }
    }
}

/* Whether a debug allocator freed a block there, of which nothing is remembered. */
static bool is_forgotten(const void *address) {
    struct cupel__target target;
    return cupel__slot_locate((uintptr_t)address, &target) && target.slot == NULL;
}

/* Who asked for it: the caller of what wraps the allocator, where its names are known. */
static const void *site_of(const struct cupel_debug_block *known) {
    const void *frames[CUPEL_TRACE_FRAMES_MAX] = {NULL};
    unsigned at = cupel__wrappers_of(known->wrappers, known->allocated);
    (void)cupel_trace_frames(known->allocated, frames, at + 1);
    return frames[at];
}

static void ask_debug(struct cupel_query *query) {
    struct cupel_debug_block known;
    if (!cupel_debug_find(query->address, &known)) {
        return;
    }
    struct cupel_owned block = {.owner = known.allocator,
                                .base = known.base,
                                .size = known.size,
                                .is_live = known.is_live,
                                .allocated = known.allocated,
                                .resized = known.resized,
                                .freed = known.freed,
                                .allocating_thread = known.allocating_thread,
                                .freeing_thread = known.freeing_thread};
    block.site = site_of(&known);
    add_to_chain(query, &block);
}

static void copy_text(char *to, size_t size, const char *from) {
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

static enum cupel_query_status describe_static(struct cupel_query *query, const struct cupel__region *region) {
    const struct cupel__trace_module *module = region->module;
    query->kind = CUPEL_ADDRESS_STATIC;
    /* LCOV_EXCL_START(only where the C library has no _dl_find_object) */
    if (module == NULL) {
        return CUPEL_QUERY_NO_SYMBOL;
    }
    /* LCOV_EXCL_STOP */
    copy_text(query->module, sizeof query->module, module->name);
    query->base = (const void *)module->start;
    query->size = module->end - module->start;
    struct cupel__symbol symbol;
    if (!cupel__symbol_in_file(module->name, (uintptr_t)query->address - module->bias, &symbol)) {
        return CUPEL_QUERY_NO_SYMBOL;
    }
    copy_text(query->symbol, sizeof query->symbol, symbol.name);
    query->base = (const char *)query->address - symbol.offset;
    query->size = symbol.size;
    return CUPEL_QUERY_OK;
}

/* Whose frame it is, on the stack of this thread. */
static enum cupel_query_status describe_stack(struct cupel_query *query, const struct cupel__region *region) {
    struct cupel_query_frame frame;
    const struct cupel__trace_module *module;
    query->kind = CUPEL_ADDRESS_STACK;
    query->thread = region->thread;
    if (!cupel__stack_frame_find((uintptr_t)query->address, &frame)) {
        return query->thread == 0 ? CUPEL_QUERY_NO_THREAD : CUPEL_QUERY_NO_FRAME;
    }
    query->base = (const char *)query->address - ((uintptr_t)query->address - frame.sp);
    query->size = frame.end - frame.sp;
    query->frame = frame;
    if (cupel__trace_module_of(frame.ip, &module) == 0) {
        return CUPEL_QUERY_NO_SYMBOL;
    }
    struct cupel__symbol symbol;
    copy_text(query->module, sizeof query->module, module->name);
    query->frame.offset = frame.ip - module->bias;
    if (!cupel__symbol_in_file(module->name, query->frame.offset, &symbol)) {
        return CUPEL_QUERY_NO_SYMBOL;
    }
    copy_text(query->symbol, sizeof query->symbol, symbol.name);
    return CUPEL_QUERY_OK;
}

bool cupel_query_variable(struct cupel_query *query) {
    struct cupel__variable variable;
    int error = errno;
    bool is_known = query->kind == CUPEL_ADDRESS_STACK && query->frame.end != 0 && query->module[0] == '/' &&
                    cupel__symboliser_enter();
    if (is_known) {
        is_known = cupel__symboliser_variable(query->module, (uintptr_t)query->address, &query->frame, &variable);
        cupel__symboliser_leave();
    }
    if (is_known) {
        copy_text(query->symbol, sizeof query->symbol, variable.function);
        copy_text(query->variable, sizeof query->variable, variable.name);
        copy_text(query->declared, sizeof query->declared, variable.place);
        query->base = (const char *)query->address - variable.offset;
        query->size = variable.size;
    }
    errno = error;
    return is_known;
}

/* The answer where no block holds the address. */
static enum cupel_query_status ask_process(struct cupel_query *query) {
    struct cupel__region region;
    bool has_map = cupel__region_find((uintptr_t)query->address, &region);
    query->base = (const void *)region.mapping.low;
    query->size = region.mapping.high - region.mapping.low;
    query->is_readable = region.mapping.is_readable;
    query->is_writable = region.mapping.is_writable;
    copy_text(query->mapping, sizeof query->mapping, region.mapping.name);
    if (region.kind == CUPEL__REGION_STATIC) {
        return describe_static(query, &region);
    }
    if (!has_map) {
        return CUPEL_QUERY_NO_MAP;
    }
    if (region.kind == CUPEL__REGION_STACK) {
        return describe_stack(query, &region);
    }
    query->kind = region.kind == CUPEL__REGION_NONE ? CUPEL_ADDRESS_UNMAPPED : CUPEL_ADDRESS_MAPPED;
    bool looks_like_heap = region.mapping.is_writable && region.mapping.is_private && region.mapping.name[0] != '/';
    return looks_like_heap ? CUPEL_QUERY_NO_OWNER : CUPEL_QUERY_OK;
}

static enum cupel_query_status answer(struct cupel_query *query) {
    ask_owners(query);
    ask_debug(query);
    if (query->chain_count > 0) {
        query->kind = query->chain[0].is_live ? CUPEL_ADDRESS_HEAP : CUPEL_ADDRESS_FREED;
        query->base = query->chain[0].base;
        query->size = query->chain[0].size;
        return CUPEL_QUERY_OK;
    }
    if (is_forgotten(query->address)) {
        query->kind = CUPEL_ADDRESS_FREED;
        return CUPEL_QUERY_FORGOTTEN;
    }
    return ask_process(query);
}

enum cupel_query_status cupel_query(const void *address, struct cupel_query *query) {
    int error = errno;
    *query = (struct cupel_query){.address = address};
    enum cupel_query_status status = answer(query);
    (void)__atomic_fetch_add(&answers[status], 1, __ATOMIC_RELAXED);
    errno = error;
    return status;
}

void cupel_query_count(uint64_t counts[CUPEL_QUERY_STATUSES]) {
    for (unsigned i = 0; i < CUPEL_QUERY_STATUSES; i++) {
        counts[i] = __atomic_load_n(&answers[i], __ATOMIC_RELAXED);
    }
}
