/* The malloc family of a test program. Linked as an object, never from an archive, and compiled without any
 * instrumentation: the linker then takes these for malloc in the whole program, shared libraries included, and behind
 * them stands whatever was malloc before: a sanitizer's interceptor, a preloaded allocator, the C library. See route.h
 * for what becomes of a request.
 *
 * Requests that the C library, the dynamic loader, the sanitizer or the C++ runtime make for themselves are known by
 * their return address and left alone. Requests before the real malloc is found are served from a small arena. */
#include "harness/src/route.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALIGN alignof(max_align_t)
#define SLOW  __attribute__((noinline))

/* The real family. */

#define INTERCEPTOR(name_, type_, ...) extern type_ __interceptor_##name_(__VA_ARGS__) __attribute__((weak))
INTERCEPTOR(malloc, void *, size_t);
INTERCEPTOR(calloc, void *, size_t, size_t);
INTERCEPTOR(realloc, void *, void *, size_t);
INTERCEPTOR(free, void, void *);
INTERCEPTOR(memalign, void *, size_t, size_t);
INTERCEPTOR(aligned_alloc, void *, size_t, size_t);
INTERCEPTOR(posix_memalign, int, void **, size_t, size_t);
INTERCEPTOR(malloc_usable_size, size_t, void *);

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*memalign)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    size_t (*malloc_usable_size)(void *);
} real;

/* What comes while the real family is looked up: never many, never given back. */
static struct {
    alignas(64) unsigned char bytes[16384];
    size_t used;
    bool is_looking;
} boot;

static void *boot_acquire(size_t size) {
    size_t start = __atomic_fetch_add(&boot.used, (size + 2 * ALIGN - 1) / ALIGN * ALIGN, __ATOMIC_RELAXED) + ALIGN;
    if (size > sizeof boot.bytes || start > sizeof boot.bytes - size) {
        return NULL;
    }
    *(size_t *)(void *)(boot.bytes + start - sizeof(size_t)) = size;
    return boot.bytes + start;
}

static bool is_boot(const void *block) {
    return (uintptr_t)block - (uintptr_t)boot.bytes < sizeof boot.bytes;
}

static size_t boot_size(const void *block) {
    return *(const size_t *)(const void *)((const unsigned char *)block - sizeof(size_t));
}

/* A function pointer that dlsym gave. */
#define FIND(name_)                                                                                                    \
    do {                                                                                                               \
        void *found_ = (void *)(uintptr_t)__interceptor_##name_;                                                       \
        if (found_ == NULL) {                                                                                          \
            found_ = dlsym(RTLD_NEXT, #name_);                                                                         \
        }                                                                                                              \
        memcpy(&real.name_, &found_, sizeof found_);                                                                   \
    } while (0)

/* False where this is a request of the search itself. */
static bool find_real(void) {
    if (boot.is_looking) {
        return false;
    }
    boot.is_looking = true;
    FIND(calloc);
    FIND(realloc);
    FIND(free);
    FIND(memalign);
    FIND(aligned_alloc);
    FIND(posix_memalign);
    FIND(malloc_usable_size);
    FIND(malloc); /* the last: the others are there where this one is */
    boot.is_looking = false;
    return true;
}

static inline bool has_real(void) {
    return real.malloc != NULL || find_real();
}

/* The quick question before each request: nothing to route, and the real family is known. */
static inline bool is_direct(void) {
    return __builtin_expect(__atomic_load_n(&cupel__route.armed, __ATOMIC_RELAXED) == CUPEL__ROUTE_OFF, 1) &&
           __builtin_expect(real.malloc != NULL, 1);
}

static bool is_routed(const void *site) {
    int armed = __atomic_load_n(&cupel__route.armed, __ATOMIC_RELAXED);
    if (armed == CUPEL__ROUTE_PROBE) {
        cupel__route_thread.probes++;
    }
    return armed == CUPEL__ROUTE_ON && cupel__route_thread.depth == 0 && !cupel__route_leaves_alone(site);
}

static void *or_no_memory(void *block) {
    if (block == NULL) {
        errno = ENOMEM;
    }
    return block;
}

static void *ask(size_t size, size_t align, unsigned flags, const void *site) {
    return or_no_memory(cupel__route_acquire(size, align, flags, site));
}

SLOW static void *malloc_slowly(size_t size, const void *site) {
    if (is_routed(site)) {
        return ask(size, ALIGN, 0, site);
    }
    return has_real() ? real.malloc(size) : boot_acquire(size);
}

void *malloc(size_t size) {
    return is_direct() ? real.malloc(size) : malloc_slowly(size, CUPEL_SITE());
}

SLOW static void *calloc_slowly(size_t count, size_t size, const void *site) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return has_real() ? real.calloc(count, size) : NULL; /* a sanitizer has a word on it */
    }
    if (is_routed(site)) {
        return ask(bytes, ALIGN, CUPEL_ZEROED, site);
    }
    return has_real() ? real.calloc(count, size) : boot_acquire(bytes);
}

void *calloc(size_t count, size_t size) {
    return is_direct() ? real.calloc(count, size) : calloc_slowly(count, size, CUPEL_SITE());
}

/* True where some block of some run is live, and this is not a request of the layers. */
static inline bool may_be_known(void) {
    return __builtin_expect(__atomic_load_n(&cupel__route.live, __ATOMIC_RELAXED) != 0, 0) &&
           cupel__route_thread.depth == 0;
}

SLOW static void free_slowly(void *block, const void *site) {
    if (!is_boot(block) && block != NULL && !(may_be_known() && cupel__route_release(block, site))) {
        real.free(block);
    }
}

void free(void *block) {
    if (may_be_known() || is_boot(block) || real.free == NULL) {
        free_slowly(block, CUPEL_SITE());
    } else {
        real.free(block);
    }
}

static void *realloc_boot(void *block, size_t size, const void *site) {
    void *moved = malloc_slowly(size, site);
    if (moved != NULL) {
        memcpy(moved, block, size < boot_size(block) ? size : boot_size(block));
    }
    return moved;
}

SLOW static void *realloc_slowly(void *block, size_t size, const void *site) {
    void *moved;
    if (block == NULL) {
        return malloc_slowly(size, site);
    }
    if (is_boot(block)) {
        return realloc_boot(block, size, site);
    }
    if (size == 0 && may_be_known() && cupel__route_release(block, site)) {
        return NULL;
    }
    if (size != 0 && is_routed(site)) {
        return or_no_memory(cupel__route_remap(block, size, site));
    }
    if (size != 0 && may_be_known() && cupel__route_remap_out(block, size, site, &moved)) {
        return or_no_memory(moved);
    }
    return has_real() ? real.realloc(block, size) : NULL;
}

void *realloc(void *block, size_t size) {
    return is_direct() && !may_be_known() && !is_boot(block) ? real.realloc(block, size)
                                                             : realloc_slowly(block, size, CUPEL_SITE());
}

void *reallocarray(void *block, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return or_no_memory(NULL);
    }
    return realloc_slowly(block, bytes, CUPEL_SITE());
}

/* What is no alignment for the layers is left to the real family to judge. */
static bool is_aligned_request(size_t align, const void *site) {
    return align != 0 && (align & (align - 1)) == 0 && align <= CUPEL_ALIGN_MAX && is_routed(site);
}

void *memalign(size_t align, size_t size) {
    if (is_aligned_request(align, CUPEL_SITE())) {
        return ask(size, align, 0, CUPEL_SITE());
    }
    return has_real() ? real.memalign(align, size) : NULL;
}

void *aligned_alloc(size_t align, size_t size) {
    /* A sanitizer reports sizes that are no multiple of the alignment. */
    if (is_aligned_request(align, CUPEL_SITE()) && (size % align == 0 || !__interceptor_aligned_alloc)) {
        return ask(size, align, 0, CUPEL_SITE());
    }
    return has_real() ? real.aligned_alloc(align, size) : NULL;
}

int posix_memalign(void **block, size_t align, size_t size) {
    if (align % sizeof(void *) == 0 && is_aligned_request(align, CUPEL_SITE())) {
        int errno_before = errno;
        void *asked = cupel__route_acquire(size, align, 0, CUPEL_SITE());
        errno = errno_before;
        if (asked == NULL) {
            return ENOMEM;
        }
        *block = asked;
        return 0;
    }
    return has_real() ? real.posix_memalign(block, align, size) : ENOMEM;
}

static size_t page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void *pages_for(size_t size, const void *site) {
    if (is_routed(site)) {
        return ask(size, page_size(), 0, site);
    }
    return has_real() ? real.memalign(page_size(), size) : NULL;
}

void *valloc(size_t size) {
    return pages_for(size, CUPEL_SITE());
}

void *pvalloc(size_t size) {
    size_t page = page_size();
    size_t rounded = size > SIZE_MAX - page ? size : (size + page - 1) / page * page;
    return pages_for(rounded == 0 ? page : rounded, CUPEL_SITE());
}

size_t malloc_usable_size(void *block) {
    if (block == NULL) {
        return 0;
    }
    size_t size;
    if (__atomic_load_n(&cupel__route.live, __ATOMIC_RELAXED) != 0 && cupel__route_thread.depth == 0 &&
        cupel__route_usable(block, &size)) {
        return size;
    }
    return is_boot(block) ? boot_size(block) : real.malloc_usable_size(block);
}

/* A sanitizer's strdup goes round malloc. These are made of functions that it checks all the same, which is why this
 * file is compiled without the compiler's own idea of them. */
static char *copy_text(const char *text, size_t length, const void *site) {
    char *copy = malloc_slowly(length + 1, site);
    if (copy != NULL) {
        memcpy(copy, text, length);
        memset(copy + length, 0, 1);
    }
    return copy;
}

char *strdup(const char *text) {
    return copy_text(text, strlen(text), CUPEL_SITE());
}

char *strndup(const char *text, size_t max) {
    return copy_text(text, strnlen(text, max), CUPEL_SITE());
}

bool cupel__interpose_check(struct cupel_error *error) {
    void *(*volatile ask_for)(size_t) = malloc;
    void (*volatile give_back)(void *) = free;
    unsigned before = cupel__route_thread.probes;
    int armed = __atomic_exchange_n(&cupel__route.armed, CUPEL__ROUTE_PROBE, __ATOMIC_RELAXED);
    void *block = ask_for(1);
    __atomic_store_n(&cupel__route.armed, armed, __ATOMIC_RELAXED);
    give_back(block);
    if (cupel__route_thread.probes == before) {
        return cupel_error_set(error, 0, 0,
                               "this program's malloc is replaced by a tool, so that no request of the code under test "
                               "is seen; valgrind leaves it with --soname-synonyms=somalloc=nouserintercepts");
    }
    void *first = dlsym(RTLD_DEFAULT, "malloc");
    if (first != (void *)(uintptr_t)malloc) {
        return cupel_error_set(error, 0, 0,
                               "shared libraries of this program do not see its malloc (linked with another one, or "
                               "with its symbols hidden), so that their requests are not seen");
    }
    return true;
}
