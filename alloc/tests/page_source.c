/* See page_source.h. */
#include "alloc/tests/page_source.h"

static void *source_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct page_source *source = (struct page_source *)self;
    void *page = source->is_empty ? NULL : source->parent->ops->acquire(source->parent, size, align, flags, site);
    if (page != NULL) {
        source->live_pages++;
        source->live_bytes += size;
    }
    return page;
}

static bool source_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          const void *site) {
    struct page_source *source = (struct page_source *)self;
    if (!source->parent->ops->resize(source->parent, block, size, align, new_size, site)) {
        return false;
    }
    source->live_bytes += new_size - size;
    return true;
}

static void *source_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          unsigned flags, const void *site) {
    struct page_source *source = (struct page_source *)self;
    void *moved =
        source->is_empty ? NULL : source->parent->ops->remap(source->parent, block, size, align, new_size, flags, site);
    if (moved != NULL) {
        source->live_bytes += new_size - size;
    }
    return moved;
}

static void source_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct page_source *source = (struct page_source *)self;
    source->live_pages--;
    source->live_bytes -= size;
    source->parent->ops->release(source->parent, block, size, align, site);
}

static const struct cupel_allocator_ops source_ops = {.name = "source",
                                                      .acquire = source_acquire,
                                                      .resize = source_resize,
                                                      .remap = source_remap,
                                                      .release = source_release};

struct page_source new_source(struct cupel_allocator *parent) {
    return (struct page_source){.base.ops = &source_ops, .parent = parent};
}
