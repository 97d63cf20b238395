/* libcupel-exec.so: preloaded into a program that knows nothing of cupel, it defines the malloc family, and refuses
 * what the fault plan says. Behind it stands whatever malloc was: the C library's, or a sanitizer's. See library.h. */
#include "harness/exec/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT  __attribute__((visibility("default"), noinline))
#define SITE()  __builtin_return_address(0)
#define ACQUIRE (1u << CUPEL_FAULT_ALLOC)
#define REMAP   (1u << CUPEL_FAULT_ALLOC | 1u << CUPEL_FAULT_GROW)
#define ALIGN   alignof(max_align_t)

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*memalign)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
} real;

/* What comes while the real family is looked up: never many, never given back. */
static struct {
    alignas(64) unsigned char bytes[16384];
    size_t used;
    bool is_looking;
} boot;

static void *boot_acquire(size_t size) {
    size_t start = (boot.used + 2 * ALIGN - 1) / ALIGN * ALIGN;
    if (size > sizeof boot.bytes || start > sizeof boot.bytes - size) {
        return NULL;
    }
    memcpy(boot.bytes + start - sizeof size, &size, sizeof size);
    boot.used = start + size;
    return boot.bytes + start;
}

static bool is_boot(const void *block) {
    return (uintptr_t)block - (uintptr_t)boot.bytes < sizeof boot.bytes;
}

#define FIND(name_)                                                                                                    \
    do {                                                                                                               \
        void *found_ = dlsym(RTLD_NEXT, #name_);                                                                       \
        memcpy(&real.name_, &found_, sizeof found_);                                                                   \
    } while (0)

/* False where this is a request of the search itself. */
static bool has_real(void) {
    if (real.malloc != NULL) {
        return true;
    }
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
    FIND(malloc); /* the last: the others are there where this one is */
    boot.is_looking = false;
    return true;
}

/* Whether the program's malloc is another than ours: it may bring one, which stands before all libraries. */
static bool is_hidden(void) {
    Dl_info first, own;
    void *found = dlsym(RTLD_DEFAULT, "malloc");
    return dladdr(found, &first) == 0 || dladdr(&boot, &own) == 0 || first.dli_fbase != own.dli_fbase;
}

__attribute__((constructor)) static void begin(void) {
    (void)has_real();
    cupel__exec_begin(is_hidden());
}

static size_t usable(void *block) {
    return block == NULL || is_boot(block) ? 0 : malloc_usable_size(block);
}

static void *granted(void *block) {
    if (block != NULL && cupel__exec_is_on) {
        cupel__exec_live((int64_t)usable(block));
    }
    return block;
}

/* Of large blocks the beginning only, and not what the list pointers of malloc lie over in blocks that are free: a
 * block that is released twice shall be found by malloc as ever. */
enum { FILL_MAX = 1 << 20, LINKS = 2 * sizeof(void *) };

static void fill(void *block, size_t from, size_t end, uint32_t byte) {
    if (byte != 0 && from < end) {
        size_t size = end - from;
        memset((unsigned char *)block + from, (int)(byte - 1), size < FILL_MAX ? size : FILL_MAX);
    }
}

/* Memory that was not asked for zeroed. */
static void *fresh(void *block, size_t had, size_t size) {
    if (block != NULL && cupel__exec_is_on) {
        fill(block, had, size, cupel__exec_note->fresh);
    }
    return granted(block);
}

static void give_back(void *block) {
    if (cupel__exec_is_on) {
        size_t size = usable(block);
        cupel__exec_live(-(int64_t)size);
        fill(block, LINKS, size, cupel__exec_note->freed);
    }
    real.free(block);
}

static bool is_refused(unsigned calls, size_t size, const void *site) {
    const struct cupel_fault_rule *rule = cupel__exec_decide(calls, size, site);
    if (rule == NULL || rule->how[0] == 'm') { /* a rule that moves has no other word here */
        return false;
    }
    int number = cupel_fault_errno(rule);
    errno = number == 0 ? ENOMEM : number;
    return true;
}

static void *malloc_for(size_t size, const void *site) {
    if (!has_real()) {
        return boot_acquire(size);
    }
    return is_refused(ACQUIRE, size, site) ? NULL : fresh(real.malloc(size), 0, size);
}

EXPORT void *malloc(size_t size) {
    return malloc_for(size, SITE());
}

EXPORT void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (!has_real()) { /* fresh there */
        return __builtin_mul_overflow(count, size, &bytes) ? NULL : boot_acquire(bytes);
    }
    bool is_sane = !__builtin_mul_overflow(count, size, &bytes);
    return is_sane && is_refused(ACQUIRE, bytes, SITE()) ? NULL : granted(real.calloc(count, size));
}

EXPORT void free(void *block) {
    if (block == NULL || is_boot(block) || !has_real()) {
        return;
    }
    give_back(block);
}

/* Growth that always moves finds those who keep the old address. */
static void *moved(void *block, size_t size) {
    void *copy = real.malloc(size);
    if (copy != NULL) {
        size_t had = malloc_usable_size(block);
        memcpy(copy, block, had < size ? had : size);
        real.free(block);
    }
    return copy;
}

static void *realloc_for(void *block, size_t size, const void *site) {
    if (block == NULL) {
        return malloc_for(size, site);
    }
    if (is_boot(block)) {
        size_t had;
        void *copy = malloc_for(size, site);
        memcpy(&had, (unsigned char *)block - sizeof had, sizeof had);
        return copy == NULL ? NULL : memcpy(copy, block, had < size ? had : size);
    }
    const struct cupel_fault_rule *rule = size == 0 ? NULL : cupel__exec_decide(REMAP, size, site);
    bool moves = rule != NULL && rule->how[0] == 'm';
    if (rule != NULL && !moves) {
        int number = cupel_fault_errno(rule);
        errno = number == 0 ? ENOMEM : number;
        return NULL;
    }
    size_t had = cupel__exec_is_on ? usable(block) : 0;
    void *result = moves ? moved(block, size) : real.realloc(block, size);
    if (result != NULL || size == 0) {
        cupel__exec_live(-(int64_t)had);
    }
    return fresh(result, had, size);
}

EXPORT void *realloc(void *block, size_t size) {
    return realloc_for(block, size, SITE());
}

EXPORT void *reallocarray(void *block, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc_for(block, bytes, SITE());
}

EXPORT void *memalign(size_t align, size_t size) {
    return !has_real() || is_refused(ACQUIRE, size, SITE()) ? NULL : fresh(real.memalign(align, size), 0, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size) {
    return !has_real() || is_refused(ACQUIRE, size, SITE()) ? NULL : fresh(real.aligned_alloc(align, size), 0, size);
}

EXPORT int posix_memalign(void **block, size_t align, size_t size) {
    int errno_before = errno;
    if (!has_real() || is_refused(ACQUIRE, size, SITE())) {
        errno = errno_before;
        return ENOMEM;
    }
    int status = real.posix_memalign(block, align, size);
    if (status == 0) {
        (void)fresh(*block, 0, size);
    }
    return status;
}

static size_t page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

EXPORT void *valloc(size_t size) {
    return !has_real() || is_refused(ACQUIRE, size, SITE()) ? NULL : fresh(real.memalign(page_size(), size), 0, size);
}

EXPORT void *pvalloc(size_t size) {
    size_t rounded = size > SIZE_MAX - page_size() ? size : (size + page_size() - 1) / page_size() * page_size();
    return !has_real() || is_refused(ACQUIRE, size, SITE()) ? NULL
                                                            : fresh(real.memalign(page_size(), rounded), 0, rounded);
}

/* libc's own ask from within libc, where they would not be the program's. */
static char *copy_text(const char *text, size_t length, const void *site) {
    char *copy = malloc_for(length + 1, site);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

EXPORT char *strdup(const char *text) {
    return copy_text(text, strlen(text), SITE());
}

EXPORT char *strndup(const char *text, size_t max) {
    return copy_text(text, strnlen(text, max), SITE());
}
