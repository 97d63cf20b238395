/* The root over mmap: see pages.h. Fresh pages are zero, so CUPEL_ZEROED costs nothing but where a block keeps a used
 * tail of its last page. */
#include "alloc/pages.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define FORGET_OLD_SHADOW(block, size) __msan_unpoison((block), (size)) /* it does not see mremap */
#endif
#endif
#ifndef FORGET_OLD_SHADOW
#define FORGET_OLD_SHADOW(block, size) ((void)0)
#endif

size_t cupel_page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* A valid size is at most PTRDIFF_MAX, so that this cannot overflow. */
static size_t to_pages(size_t size) {
    size_t page = cupel_page_size();
    return size == 0 ? page : (size + page - 1) & ~(page - 1);
}

static unsigned char *map(size_t size) {
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

static void *pages_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    (void)flags;
    (void)site;
    if (!cupel_request_is_valid(size, align)) {
        return NULL;
    }
    size_t mapped = to_pages(size);
    size_t page = cupel_page_size();
    if (align <= page) {
        return map(mapped);
    }
    size_t spare = align - page;
    unsigned char *start = map(mapped + spare);
    if (start == NULL) {
        return NULL;
    }
    size_t before = (align - ((uintptr_t)start & (align - 1))) & (align - 1);
    size_t after = spare - before;
    if (before != 0 && munmap(start, before) != 0) {
        (void)munmap(start, mapped + spare);
        return NULL;
    }
    if (after != 0 && munmap(start + before + mapped, after) != 0) {
        (void)munmap(start + before, mapped + after);
        return NULL;
    }
    return start + before;
}

static bool pages_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    (void)self;
    (void)site;
    if (!cupel_request_is_valid(new_size, align)) {
        return false;
    }
    size_t mapped = to_pages(size);
    size_t wanted = to_pages(new_size);
    int errno_before = errno; /* where it has to move after all, nothing went wrong */
    bool is_resized = mapped == wanted || mremap(block, mapped, wanted, 0) != MAP_FAILED;
    errno = errno_before;
    return is_resized;
}

static void pages_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    (void)align;
    (void)site;
    (void)munmap(block, to_pages(size));
}

static void *pages_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         unsigned flags, const void *site) {
    if (!cupel_request_is_valid(new_size, align)) {
        return NULL;
    }
    size_t mapped = to_pages(size);
    size_t kept = size < new_size ? size : new_size;
    void *moved = block;
    if (!pages_resize(self, block, size, align, new_size, site)) {
        if (align <= cupel_page_size()) {
            moved = mremap(block, mapped, to_pages(new_size), MREMAP_MAYMOVE);
            if (moved == MAP_FAILED) {
                return NULL;
            }
            FORGET_OLD_SHADOW(moved, to_pages(new_size));
        } else {
            moved = pages_acquire(self, new_size, align, flags, site);
            if (moved == NULL) {
                return NULL;
            }
            memcpy(moved, block, kept);
            pages_release(self, block, size, align, site);
            return moved;
        }
    }
    if ((flags & CUPEL_ZEROED) != 0 && new_size > kept && mapped > kept) {
        size_t end = new_size < mapped ? new_size : mapped;
        memset((unsigned char *)moved + kept, 0, end - kept);
    }
    return moved;
}

static size_t pages_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    (void)self;
    (void)block;
    (void)align;
    return to_pages(size);
}

static const struct cupel_allocator_ops pages_ops = {.name = "pages",
                                                     .acquire = pages_acquire,
                                                     .resize = pages_resize,
                                                     .remap = pages_remap,
                                                     .release = pages_release,
                                                     .usable = pages_usable};

struct cupel_allocator *cupel_pages(void) {
    static struct cupel_allocator pages_allocator = {&pages_ops};
    return &pages_allocator;
}
