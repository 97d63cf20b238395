/* Answers of queries as words: see query.h. */
#include "alloc/query.h"

#include "alloc/src/text.h"

const char *cupel_address_kind_name(enum cupel_address_kind kind) {
    static const char *const names[] = {"unmapped", "mapped", "heap", "freed", "stack", "static"};
    return names[kind];
}

const char *cupel_query_status_name(enum cupel_query_status status) {
    static const char *const names[] = {"ok", "no owner", "forgotten", "no thread", "no frame", "no symbol", "no map"};
    return names[status];
}

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

/* "3 bytes into the local 'buffer' of send (send.c:12), on the stack of thread 7". */
static void print_stack(const struct cupel__text *text, const struct cupel_query *query) {
    bool has_function = query->symbol[0] != '\0';
    if (query->variable[0] != '\0') {
        print_offset(text, query, query->base, query->size);
        cupel__text_string(text, "the local '");
        cupel__text_string(text, query->variable);
        cupel__text_string(text, "' of ");
    } else if (has_function) {
        cupel__text_string(text, "in the frame of ");
    }
    cupel__text_string(text, query->symbol);
    if (query->declared[0] != '\0') {
        cupel__text_string(text, " (");
        cupel__text_string(text, query->declared);
        cupel__text_string(text, ")");
    }
    cupel__text_string(text, has_function ? ", on the stack of " : "on the stack of ");
    if (query->thread == 0) {
        cupel__text_string(text, "a thread");
    } else {
        cupel__text_string(text, "thread ");
        cupel__text_decimal(text, (uint64_t)query->thread);
    }
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
        print_stack(&text, query);
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
