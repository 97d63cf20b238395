/* Pages and pools: see page.h. */
#include "vm/src/heap.h"

#include "alloc/base/poison.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { JUNK = 0xd5 }; /* as a value: a tag that none has */

/* Pages stand on pages of the machine where they are to be shut. */
static size_t alignment(const struct vm *vm) {
    return (vm->options.stress & VM_STRESS_PROTECT) != 0 ? (size_t)sysconf(_SC_PAGESIZE) : 16;
}

static struct vm__page *acquire(struct vm *vm, size_t size) {
    size_t align = alignment(vm);
    size = (size + align - 1) / align * align;
    struct vm__page *page = cupel_alloc(vm->allocator, size, align);
    if (page != NULL) {
        *page = (struct vm__page){.size_bytes = size};
        cupel__hide(vm->is_watched, vm__page_data(page), size - sizeof *page);
        cupel__pool_begin(vm->is_watched, page);
    }
    return page;
}

static void release(struct vm *vm, struct vm__page *page) {
    cupel__pool_end(vm->is_watched, page);
    cupel__unhide(vm->is_watched, vm__page_data(page), page->size_bytes - sizeof *page);
    cupel_free(vm->allocator, page, page->size_bytes, alignment(vm));
}

static struct vm__page *take_spare(struct vm *vm) {
    struct vm__page *page = vm->spare;
    if (page != NULL) {
        vm->spare = page->next;
        vm->spare_bytes -= page->size_bytes;
    }
    return page;
}

/* A new last page for small objects. */
static bool add_page(struct vm *vm, struct vm__pool *pool) {
    struct vm__page *page = take_spare(vm);
    if (page == NULL) {
        page = acquire(vm, VM__PAGE_BYTES);
    }
    if (page == NULL) {
        return false;
    }
    page->next = NULL;
    if (pool->last != NULL) {
        pool->last->used = pool->cursor;
        pool->last->next = page;
        pool->bytes += (size_t)(pool->cursor - pool->counted);
    } else {
        pool->first = page;
    }
    pool->last = page;
    pool->cursor = vm__page_data(page);
    pool->counted = pool->cursor;
    pool->limit = pool->cursor;
    pool->end = (unsigned char *)page + page->size_bytes;
    return true;
}

static void append_large(struct vm__pool *pool, struct vm__page *page) {
    page->next = NULL;
    page->previous = pool->large_last;
    *(pool->large_last != NULL ? &pool->large_last->next : &pool->large_first) = page;
    pool->large_last = page;
    pool->bytes += page->object_bytes;
}

static struct vm__object *place_large(struct vm *vm, struct vm__pool *pool, size_t size) {
    struct vm__page *page = acquire(vm, sizeof *page + size + vm->redzone_bytes);
    if (page == NULL) {
        return NULL;
    }
    page->object_bytes = size;
    append_large(pool, page);
    cupel__pool_block(vm->is_watched, page, vm__page_data(page), size);
    return (struct vm__object *)(void *)vm__page_data(page);
}

struct vm__object *vm__pool_place(struct vm *vm, struct vm__pool *pool, size_t size_bytes) {
    if (size_bytes > VM__LARGE_BYTES) {
        return place_large(vm, pool, size_bytes);
    }
    size_t stride = size_bytes + vm->redzone_bytes;
    if (stride > (size_t)(pool->end - pool->cursor) && !add_page(vm, pool)) {
        return NULL;
    }
    struct vm__object *object = (struct vm__object *)(void *)pool->cursor;
    cupel__pool_block(vm->is_watched, pool->last, object, size_bytes);
    pool->bytes += (size_t)(pool->cursor - pool->counted) + size_bytes;
    pool->cursor += stride;
    pool->counted = pool->cursor;
    return object;
}

void vm__pool_unplace(struct vm *vm, struct vm__pool *pool, struct vm__object *object) {
    size_t size = vm__size_bytes(object);
    if (vm__has(object, VM__FLAG_LARGE)) {
        struct vm__page *page = vm__page_of_large(object);
        assert(page == pool->large_last);
        pool->large_last = page->previous;
        *(page->previous != NULL ? &page->previous->next : &pool->large_first) = NULL;
        pool->bytes -= size;
        release(vm, page);
        return;
    }
    unsigned char *at = (unsigned char *)object;
    assert(at + size + vm->redzone_bytes == pool->cursor);
    if (pool->counted > at) {
        pool->counted = at;
        pool->bytes -= size;
    }
    pool->cursor = at;
    cupel__pool_drop(vm->is_watched, pool->last, object, size);
}

void vm__pool_relink(struct vm__pool *from, struct vm__pool *to, struct vm__page *page) {
    *(page->previous != NULL ? &page->previous->next : &from->large_first) = page->next;
    *(page->next != NULL ? &page->next->previous : &from->large_last) = page->previous;
    from->bytes -= page->object_bytes;
    append_large(to, page);
}

void vm__pool_clear(struct vm *vm, struct vm__pool *pool) {
    for (struct vm__page *page = pool->first, *next; page != NULL; page = next) {
        next = page->next;
        if (vm->options.stress != 0 && vm->redzone_bytes == 0) {
            memset(vm__page_data(page), JUNK,
                   page->size_bytes - sizeof *page); /* whoever still looks there shall see */
        }
        cupel__pool_trim(vm->is_watched, page, vm__page_data(page), 0, page->size_bytes - sizeof *page);
        page->next = vm->spare;
        vm->spare = page;
        vm->spare_bytes += page->size_bytes;
    }
    for (struct vm__page *page = pool->large_first, *next; page != NULL; page = next) {
        next = page->next;
        release(vm, page);
    }
    *pool = (struct vm__pool){0};
}

/* A stress mode has nobody to tell that the kernel has no memory to split a mapping. */
static void protect(struct vm__page *page, size_t size, int protection) {
    if (mprotect(page, size, protection) != 0) {
        abort();
    }
}

static void shut(struct vm__page *page) {
    for (struct vm__page *next; page != NULL; page = next) {
        next = page->next;
        protect(page, page->size_bytes, PROT_NONE);
    }
}

static void open_again(struct vm__page *page) {
    for (; page != NULL; page = page->next) {
        protect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE); /* its size stands in it */
        protect(page, page->size_bytes, PROT_READ | PROT_WRITE);
    }
}

void vm__pool_shut(struct vm *vm, struct vm__pool *pool) {
    assert(vm->shut.first == NULL && vm->shut.large_first == NULL);
    vm->shut = *pool;
    *pool = (struct vm__pool){0};
    shut(vm->shut.first);
    shut(vm->shut.large_first);
}

void vm__pool_open(struct vm *vm) {
    open_again(vm->shut.first);
    open_again(vm->shut.large_first);
    vm__pool_clear(vm, &vm->shut);
}

void vm__pages_trim(struct vm *vm, size_t keep_bytes) {
    while (vm->spare_bytes > keep_bytes) {
        release(vm, take_spare(vm));
    }
}
