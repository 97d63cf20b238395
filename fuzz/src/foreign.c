/* See foreign.h. */
#include "fuzz/foreign.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdalign.h>
#include <string.h>

static size_t at_least_one(size_t size) {
    return size == 0 ? 1 : size;
}

/* C promises malloc's blocks to suit any object that fits into them: 16 only from 16 bytes on. */
static bool suits_malloc(size_t size, size_t align) {
    return align <= alignof(max_align_t) && (align == 1 || at_least_one(size) >= align);
}

static struct cupel_foreign *self(struct cupel_allocator *allocator) {
    return (struct cupel_foreign *)(void *)allocator;
}

/* Alignments over malloc's own go to posix_memalign and aligned_alloc in turn, where the library has them; both want at
 * least that of a pointer. */
static void *aligned(struct cupel_foreign *foreign, size_t size, size_t align) {
    align = align < sizeof(void *) ? sizeof(void *) : align;
    bool by_posix = foreign->posix_memalign != NULL && (foreign->aligned_alloc == NULL || foreign->aligned_calls++ % 2);
    if (by_posix) {
        void *block = NULL;
        int status = foreign->posix_memalign(&block, align, size);
        errno = status; /* posix_memalign returns its error */
        return status == 0 ? block : NULL;
    }
    if (foreign->aligned_alloc == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    size_t rounded = (size + align - 1) & ~(align - 1);
    if (rounded < size) {
        errno = ENOMEM;
        return NULL;
    }
    return foreign->aligned_alloc(align, rounded);
}

static void *foreign_acquire(struct cupel_allocator *allocator, size_t size, size_t align, unsigned flags,
                             const void *site) {
    struct cupel_foreign *foreign = self(allocator);
    (void)site;
    if (!cupel_request_is_valid(size, align)) {
        return NULL;
    }
    bool is_plain = suits_malloc(size, align);
    size = at_least_one(size);
    errno = 0;
    void *block;
    if (!is_plain) {
        block = aligned(foreign, size, align);
        if (block != NULL && (flags & CUPEL_ZEROED) != 0) {
            memset(block, 0, size);
        }
    } else {
        block = (flags & CUPEL_ZEROED) != 0 ? foreign->calloc(1, size) : foreign->malloc(size);
    }
    if (block == NULL && errno != ENOMEM) {
        foreign->errno_findings++;
    }
    return block;
}

static bool foreign_resize(struct cupel_allocator *allocator, void *block, size_t size, size_t align, size_t new_size,
                           const void *site) {
    (void)allocator;
    (void)block;
    (void)align;
    (void)site;
    return new_size <= size;
}

static void *foreign_remap(struct cupel_allocator *allocator, void *block, size_t size, size_t align, size_t new_size,
                           unsigned flags, const void *site) {
    struct cupel_foreign *foreign = self(allocator);
    if (!cupel_request_is_valid(new_size, align)) {
        return NULL;
    }
    void *moved;
    if (!suits_malloc(new_size, align)) {
        moved = foreign_acquire(allocator, new_size, align, flags, site);
        if (moved != NULL) {
            memcpy(moved, block, size < new_size ? size : new_size);
            foreign->free(block);
        }
        return moved;
    }
    errno = 0;
    moved = foreign->realloc(block, at_least_one(new_size));
    if (moved == NULL) {
        foreign->errno_findings += errno != ENOMEM;
    } else if ((flags & CUPEL_ZEROED) != 0 && new_size > size) {
        memset((char *)moved + size, 0, new_size - size);
    }
    return moved;
}

static void foreign_release(struct cupel_allocator *allocator, void *block, size_t size, size_t align,
                            const void *site) {
    (void)size;
    (void)align;
    (void)site;
    self(allocator)->free(block);
}

static size_t foreign_usable(struct cupel_allocator *allocator, const void *block, size_t size, size_t align) {
    struct cupel_foreign *foreign = self(allocator);
    (void)align;
    return foreign->usable_size == NULL ? size : foreign->usable_size((void *)(uintptr_t)block);
}

static const struct cupel_allocator_ops foreign_ops = {
    .name = "foreign",
    .acquire = foreign_acquire,
    .resize = foreign_resize,
    .remap = foreign_remap,
    .release = foreign_release,
    .usable = foreign_usable,
};

/* The function of this name that the library itself defines; one that a dependency of it defines is not its own. */
static void *find(struct cupel_foreign *foreign, const char *name) {
    const struct link_map *map = NULL;
    Dl_info info;
    void *found = dlsym(foreign->handle, name);
    if (found == NULL || dlinfo(foreign->handle, RTLD_DI_LINKMAP, &map) != 0 || dladdr(found, &info) == 0) {
        return NULL;
    }
    return (uintptr_t)info.dli_fbase == map->l_addr ? found : NULL;
}

struct cupel_allocator *cupel_foreign_init(struct cupel_foreign *foreign, const char *library,
                                           struct cupel_error *error) {
    *foreign = (struct cupel_foreign){.base.ops = &foreign_ops};
    foreign->handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (foreign->handle == NULL) {
        const char *reason = dlerror();
        (void)cupel_error_set(error, 0, 0, "%s%s", reason == NULL ? "cannot be loaded" : reason,
                              reason != NULL && strstr(reason, "static TLS") != NULL
                                  ? " (GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536 makes room)"
                                  : "");
        return NULL;
    }
    /* POSIX's way from dlsym's object pointer to a function pointer. */
    *(void **)&foreign->malloc = find(foreign, "malloc");
    *(void **)&foreign->calloc = find(foreign, "calloc");
    *(void **)&foreign->realloc = find(foreign, "realloc");
    *(void **)&foreign->free = find(foreign, "free");
    *(void **)&foreign->aligned_alloc = find(foreign, "aligned_alloc");
    *(void **)&foreign->posix_memalign = find(foreign, "posix_memalign");
    *(void **)&foreign->usable_size = find(foreign, "malloc_usable_size");
    const char *lacks = foreign->malloc == NULL    ? "malloc"
                        : foreign->calloc == NULL  ? "calloc"
                        : foreign->realloc == NULL ? "realloc"
                        : foreign->free == NULL    ? "free"
                                                   : NULL;
    if (lacks != NULL) {
        (void)cupel_error_set(error, 0, 0, "%s defines no %s", library, lacks);
        cupel_foreign_deinit(foreign);
        return NULL;
    }
    return &foreign->base;
}

void cupel_foreign_deinit(struct cupel_foreign *foreign) {
    if (foreign->handle != NULL) {
        (void)dlclose(foreign->handle);
        foreign->handle = NULL;
    }
}
