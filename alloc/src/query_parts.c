/* Single parts of an answer: see query.h. */
#include "alloc/query.h"

const void *cupel_query_base(const void *address) {
    struct cupel_query query;
    (void)cupel_query(address, &query);
    return query.kind == CUPEL_ADDRESS_UNMAPPED ? NULL : query.base;
}

size_t cupel_query_size(const void *address) {
    struct cupel_query query;
    (void)cupel_query(address, &query);
    return query.kind == CUPEL_ADDRESS_UNMAPPED ? 0 : query.size;
}

const void *cupel_query_site(const void *address) {
    struct cupel_query query;
    (void)cupel_query(address, &query);
    return query.chain_count == 0 ? NULL : query.chain[0].site;
}

const char *cupel_query_owner(const void *address) {
    struct cupel_query query;
    (void)cupel_query(address, &query);
    return query.chain_count == 0 ? NULL : query.chain[0].owner;
}

struct line {
    char *text;
    size_t size, length;
};

static void put(void *user, const char *text, size_t length) {
    struct line *line = user;
    for (size_t i = 0; i < length && text[i] != '\n' && line->length + 1 < line->size; i++) {
        line->text[line->length++] = text[i];
    }
}

const char *cupel_query_name(const void *address, char *text, size_t size) {
    struct cupel_query query;
    struct line line = {text, size, 0};
    (void)cupel_query(address, &query);
    (void)cupel_query_variable(&query);
    cupel_query_print(&query, put, &line);
    text[line.length] = '\0';
    return text;
}

enum cupel_lifetime cupel_query_lifetime(const struct cupel_query *query) {
    switch (query->kind) {
    case CUPEL_ADDRESS_HEAP:
        return CUPEL_LIFETIME_RELEASE;
    case CUPEL_ADDRESS_STACK:
        return query->frame.end != 0 ? CUPEL_LIFETIME_CALL : CUPEL_LIFETIME_THREAD;
    case CUPEL_ADDRESS_STATIC:
        return CUPEL_LIFETIME_MODULE;
    case CUPEL_ADDRESS_MAPPED:
        return CUPEL_LIFETIME_MAPPING;
    default:
        return CUPEL_LIFETIME_OVER;
    }
}
