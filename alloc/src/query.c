/* Queries of any address: see query.h. Owners are asked first, then the debug allocators' map; what nobody answers for
 * is told by the part of the process that it is in. */
#include "alloc/query.h"

#include "alloc/debug.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/region.h"
#include "alloc/src/symbols.h"
#include "alloc/src/text.h"

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
    (void)cupel_trace_frames(known.allocated, &block.site, 1);
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
    if (module == NULL) {
        return CUPEL_QUERY_NO_SYMBOL;
    }
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
        query->kind = CUPEL_ADDRESS_STACK;
        query->thread = region.thread;
        return region.thread == 0 ? CUPEL_QUERY_NO_THREAD : CUPEL_QUERY_OK;
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

const char *cupel_address_kind_name(enum cupel_address_kind kind) {
    static const char *const names[] = {"unmapped", "mapped", "heap", "freed", "stack", "static"};
    return names[kind];
}

const char *cupel_query_status_name(enum cupel_query_status status) {
    static const char *const names[] = {"ok", "no owner", "forgotten", "no thread", "no symbol", "no map"};
    return names[status];
}

/* Text */

/* Where in a thing the address is: "3 bytes into ", "1 byte behind ", "at ". */
static void print_offset(const struct cupel__text *text, const struct cupel_query *query, const void *base,
                         size_t size) {
    uintptr_t address = (uintptr_t)query->address;
    uintptr_t low = (uintptr_t)base;
    if (address == low) {
        cupel__text_string(text, "the beginning of ");
    } else if (address < low) {
        cupel__text_count(text, low - address, "byte");
        cupel__text_string(text, " before ");
    } else if (address - low < size) {
        cupel__text_count(text, address - low, "byte");
        cupel__text_string(text, " into ");
    } else {
        cupel__text_count(text, address - low - size, "byte");
        cupel__text_string(text, " behind ");
    }
}

static void print_blocks(const struct cupel__text *text, const struct cupel_query *query) {
    for (unsigned i = 0; i < query->chain_count; i++) {
        const struct cupel_owned *block = &query->chain[i];
        cupel__text_string(text, i == 0 ? "" : ", within ");
        print_offset(text, query, block->base, block->size);
        cupel__text_string(text, block->is_live ? "a live block of " : "a freed block of ");
        cupel__text_count(text, block->size, "byte");
        cupel__text_string(text, " at ");
        cupel__text_hex(text, (uintptr_t)block->base);
        cupel__text_string(text, " of '");
        cupel__text_string(text, block->owner);
        cupel__text_string(text, "'");
    }
    if (query->chain_count == 0) {
        cupel__text_string(text, "in memory that was freed, and is no longer known");
    }
}

static void print_static(const struct cupel__text *text, const struct cupel_query *query) {
    const char *module = query->module[0] == '\0' ? "a module" : query->module;
    if (query->symbol[0] == '\0') {
        cupel__text_string(text, "in ");
        cupel__text_string(text, module);
        return;
    }
    print_offset(text, query, query->base, query->size);
    cupel__text_string(text, query->symbol);
    cupel__text_string(text, " of ");
    cupel__text_string(text, module);
}

void cupel_query_print(const struct cupel_query *query, cupel_trace_put put, void *user) {
    struct cupel__text text = {put, user};
    cupel__text_hex(&text, (uintptr_t)query->address);
    cupel__text_string(&text, " is ");
    switch (query->kind) {
    case CUPEL_ADDRESS_HEAP:
    case CUPEL_ADDRESS_FREED:
        print_blocks(&text, query);
        break;
    case CUPEL_ADDRESS_STACK:
        cupel__text_string(&text, "on the stack of ");
        if (query->thread == 0) {
            cupel__text_string(&text, "a thread");
        } else {
            cupel__text_string(&text, "thread ");
            cupel__text_decimal(&text, (uint64_t)query->thread);
        }
        break;
    case CUPEL_ADDRESS_STATIC:
        print_static(&text, query);
        break;
    case CUPEL_ADDRESS_MAPPED:
        cupel__text_string(&text, query->mapping[0] == '\0' ? "in memory without a name" : "in ");
        cupel__text_string(&text, query->mapping);
        break;
    default:
        cupel__text_string(&text, "in no memory");
        break;
    }
    cupel__text_string(&text, "\n");
}
