/* A parent for tests of what holds pages: it hands requests down, counts what is live, and fails where told. */
#ifndef ALLOC_TESTS_PAGE_SOURCE_H
#define ALLOC_TESTS_PAGE_SOURCE_H

#include "alloc/alloc.h"

struct page_source {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    size_t live_pages;
    size_t live_bytes;
    bool is_empty;
};

struct page_source new_source(struct cupel_allocator *parent);

#endif
