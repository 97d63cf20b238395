/* Pages and pools: where objects lie.
 *
 *     struct vm__page | object object object ... | free          small objects, one after another
 *     struct vm__page | object                                   one object over VM__LARGE_BYTES, never copied
 *
 * A pool is a list of pages, the last of which is filled by moving a cursor, and a list of pages of large objects. An
 * object never crosses pages. Under ASan and memcheck a redzone stands behind each object, so that walking a page needs
 * the VM's redzone size. */
#ifndef VM_SRC_PAGE_H
#define VM_SRC_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;
struct vm__object;

enum {
    VM__PAGE_BYTES = 64 << 10,
    VM__LARGE_BYTES = 32 << 10, /* objects over this have a page of their own */
    VM__REDZONE_BYTES = 16,
};

struct vm__page {
    struct vm__page *next;
    struct vm__page *previous; /* of large objects' pages only */
    unsigned char *used;       /* one past the last object, once the page is no longer the pool's last */
    size_t size_bytes;         /* of the page, this header included */
    size_t object_bytes;       /* of the large object on it; 0: a page of small ones */
    uint64_t moved_by;         /* number of the flip that relinked the large object */
};

struct vm__pool {
    unsigned char *cursor;  /* first free byte of the last page */
    unsigned char *limit;   /* vm__object_new goes the slow way past this: before `end` where somebody wants to know */
    unsigned char *end;     /* one past the last page */
    unsigned char *counted; /* objects before this are in `bytes` */
    size_t bytes;           /* of objects, without redzones */
    struct vm__page *first;
    struct vm__page *last;
    struct vm__page *large_first;
    struct vm__page *large_last;
};

static inline unsigned char *vm__page_data(struct vm__page *page) {
    return (unsigned char *)(page + 1);
}

static inline struct vm__page *vm__page_of_large(const struct vm__object *object) {
    return (struct vm__page *)(uintptr_t)object - 1;
}

/* One past the last object of a page of `pool`. */
static inline unsigned char *vm__page_used(const struct vm__pool *pool, const struct vm__page *page) {
    return page == pool->last ? pool->cursor : page->used;
}

/* Bytes of all objects of the pool, living and dead. */
static inline size_t vm__pool_bytes(const struct vm__pool *pool) {
    return pool->bytes + (size_t)(pool->cursor - pool->counted);
}

/* Room for one object, at the cursor of the pool or on a page of its own; NULL when out of memory, and nothing changed
 * then. Asks neither cap nor hook. At most PTRDIFF_MAX / 2 bytes. The object
 * is uninitialised. */
struct vm__object *vm__pool_place(struct vm *vm, struct vm__pool *pool, size_t size_bytes);
/* Takes the newest object of its kind (small or large) away again. */
void vm__pool_unplace(struct vm *vm, struct vm__pool *pool, struct vm__object *object);
/* Takes the page of a large object out of one pool and puts it last in the other. */
void vm__pool_relink(struct vm__pool *from, struct vm__pool *to, struct vm__page *page);
/* Gives the pool's pages back: those of small objects go to the VM's spare pages. */
void vm__pool_clear(struct vm *vm, struct vm__pool *pool);
/* Makes the pool's pages inaccessible, so that whoever still looks there dies at once; vm__pool_open gives them back.
 */
void vm__pool_shut(struct vm *vm, struct vm__pool *pool);
void vm__pool_open(struct vm *vm);
/* Frees spare pages until at most `keep_bytes` of them are left. */
void vm__pages_trim(struct vm *vm, size_t keep_bytes);

#endif
