/* The operators new and delete of C++ in a test program: see interpose.c, of which this is the other half. Where a
 * sanitizer has operators of its own, in a library of its own, memory comes from these, so that it still tells who
 * frees what new gave; else from malloc. Written in C, so that a program needs no C++ compiler: the functions have
 * their names as the linker knows them, and what C++ must do at the end of memory is called where it is linked in. */
#include "harness/src/route.h"

#include <dlfcn.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if SIZE_MAX > UINT32_MAX
#define S "m"
#else
#define S "j"
#endif
#define ALIGN alignof(max_align_t)

extern void *__interceptor_malloc(size_t size) __attribute__((weak));
_Noreturn void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));
void (*get_new_handler(void))(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));

/* std::nothrow, an empty object: what it holds is never read. */
static const char nothrow;

/* The sanitizer's, or NULL. */
static struct {
    bool is_known;
    void *(*acquire[2])(size_t, const void *);
    void *(*acquire_aligned[2])(size_t, size_t, const void *);
    void (*release[2])(void *);
    void (*release_sized[2])(void *, size_t);
    void (*release_aligned[2])(void *, size_t);
} real;

/* LCOV_EXCL_START(a sanitizer's operators: no variant has them and counters) */
/* A function of the sanitizer's own library. */
static void find(const char *name, void *function) {
    Dl_info own;
    Dl_info found;
    void *address = dlsym(RTLD_NEXT, name);
    if (address == NULL || dladdr((void *)(uintptr_t)__interceptor_malloc, &own) == 0 || dladdr(address, &found) == 0 ||
        own.dli_fbase != found.dli_fbase) {
        address = NULL;
    }
    memcpy(function, &address, sizeof address);
}
/* LCOV_EXCL_STOP */

static bool has_real(void) {
    if (!real.is_known) {
        if (__interceptor_malloc) {
            /* LCOV_EXCL_START(a sanitizer's operators: no variant has them and counters) */
            find("_Znw" S "RKSt9nothrow_t", &real.acquire[0]);
            find("_Zna" S "RKSt9nothrow_t", &real.acquire[1]);
            find("_Znw" S "St11align_val_tRKSt9nothrow_t", &real.acquire_aligned[0]);
            find("_Zna" S "St11align_val_tRKSt9nothrow_t", &real.acquire_aligned[1]);
            find("_ZdlPv", &real.release[0]);
            find("_ZdaPv", &real.release[1]);
            find("_ZdlPv" S, &real.release_sized[0]);
            find("_ZdaPv" S, &real.release_sized[1]);
            find("_ZdlPvSt11align_val_t", &real.release_aligned[0]);
            find("_ZdaPvSt11align_val_t", &real.release_aligned[1]);
            /* LCOV_EXCL_STOP */
        }
        real.is_known = true;
    }
    return real.acquire[0] != NULL && real.acquire_aligned[0] != NULL && real.release[0] != NULL &&
           real.release_sized[0] != NULL && real.release_aligned[0] != NULL;
}

bool cupel__interpose_new(const struct cupel__route_operator *form, size_t size, size_t align, void **block) {
    if (!has_real()) {
        return false;
    }
    /* LCOV_EXCL_START(a sanitizer's operators: no variant has them and counters) */
    *block = align > ALIGN ? real.acquire_aligned[form->is_array](size, align, &nothrow)
                           : real.acquire[form->is_array](size, &nothrow);
    return true;
    /* LCOV_EXCL_STOP */
}

bool cupel__interpose_delete(const struct cupel__route_operator *form, void *block, size_t align) {
    if (!has_real()) {
        return false;
    }
    /* LCOV_EXCL_START(a sanitizer's operators: no variant has them and counters) */
    if (align > ALIGN) {
        real.release_aligned[form->is_array](block, align);
    } else if (form->is_sized) {
        real.release_sized[form->is_array](block, form->size);
    } else {
        real.release[form->is_array](block);
    }
    return true;
    /* LCOV_EXCL_STOP */
}

/* One attempt. */
static void *acquire(const struct cupel__route_operator *form, size_t size, size_t align, const void *site) {
    void *block;
    if (__atomic_load_n(&cupel__route.armed, __ATOMIC_RELAXED) == CUPEL__ROUTE_ON && cupel__route_thread.depth == 0) {
        return cupel__route_acquire_by(form, size, align, site);
    }
    if (!cupel__interpose_new(form, size, align, &block)) {
        size = size == 0 ? 1 : size;
        if (align <= ALIGN) {
            block = malloc(size);
        } else if (posix_memalign(&block, align, size) != 0) {
            block = NULL;
        }
    }
    return block;
}

/* As C++ has it: the program's handler may make room, as often as it is there. */
static void *acquire_or_throw(const struct cupel__route_operator *form, size_t size, size_t align, const void *site) {
    void *block;
    while ((block = acquire(form, size, align, site)) == NULL) {
        void (*handler)(void) = get_new_handler ? get_new_handler() : NULL;
        if (handler == NULL && throw_bad_alloc) {
            throw_bad_alloc();
        }
        if (handler == NULL) {
            abort();
        }
        handler();
    }
    return block;
}

/* A handler may throw, which this form must not let out: it is not called. */
static void *acquire_or_null(const struct cupel__route_operator *form, size_t size, size_t align, const void *site) {
    return acquire(form, size, align, site);
}

static void release(const struct cupel__route_operator *form, void *block, size_t align, const void *site) {
    if (block == NULL) {
        return;
    }
    if (__atomic_load_n(&cupel__route.live, __ATOMIC_RELAXED) != 0 && cupel__route_thread.depth == 0 &&
        cupel__route_release_by(form, block, site)) {
        return;
    }
    if (!cupel__interpose_delete(form, block, align)) {
        free(block);
    }
}

static const struct cupel__route_operator one = {.is_array = false}, many = {.is_array = true};

/* One function of the family, by its linker name. */
#define NEW(name_, symbol_, operator_, how_)                                                                           \
    void *name_(size_t size) __asm__(symbol_);                                                                         \
    void *name_(size_t size) {                                                                                         \
        return how_(&operator_, size, ALIGN, CUPEL_SITE());                                                            \
    }
#define NEW_NOTHROW(name_, symbol_, operator_)                                                                         \
    void *name_(size_t size, const void *tag) __asm__(symbol_);                                                        \
    void *name_(size_t size, const void *tag) {                                                                        \
        (void)tag;                                                                                                     \
        return acquire_or_null(&operator_, size, ALIGN, CUPEL_SITE());                                                 \
    }
#define NEW_ALIGNED(name_, symbol_, operator_)                                                                         \
    void *name_(size_t size, size_t align) __asm__(symbol_);                                                           \
    void *name_(size_t size, size_t align) {                                                                           \
        return acquire_or_throw(&operator_, size, align, CUPEL_SITE());                                                \
    }
#define NEW_ALIGNED_NOTHROW(name_, symbol_, operator_)                                                                 \
    void *name_(size_t size, size_t align, const void *tag) __asm__(symbol_);                                          \
    void *name_(size_t size, size_t align, const void *tag) {                                                          \
        (void)tag;                                                                                                     \
        return acquire_or_null(&operator_, size, align, CUPEL_SITE());                                                 \
    }

NEW(operator_new, "_Znw" S, one, acquire_or_throw)
NEW(operator_new_array, "_Zna" S, many, acquire_or_throw)
NEW_NOTHROW(operator_new_nothrow, "_Znw" S "RKSt9nothrow_t", one)
NEW_NOTHROW(operator_new_array_nothrow, "_Zna" S "RKSt9nothrow_t", many)
NEW_ALIGNED(operator_new_aligned, "_Znw" S "St11align_val_t", one)
NEW_ALIGNED(operator_new_array_aligned, "_Zna" S "St11align_val_t", many)
NEW_ALIGNED_NOTHROW(operator_new_aligned_nothrow, "_Znw" S "St11align_val_tRKSt9nothrow_t", one)
NEW_ALIGNED_NOTHROW(operator_new_array_aligned_nothrow, "_Zna" S "St11align_val_tRKSt9nothrow_t", many)

#define DELETE(name_, symbol_, operator_)                                                                              \
    void name_(void *block) __asm__(symbol_);                                                                          \
    void name_(void *block) {                                                                                          \
        release(&operator_, block, ALIGN, CUPEL_SITE());                                                               \
    }
#define DELETE_SIZED(name_, symbol_, is_array_)                                                                        \
    void name_(void *block, size_t size) __asm__(symbol_);                                                             \
    void name_(void *block, size_t size) {                                                                             \
        const struct cupel__route_operator sized = {.is_array = is_array_, .is_sized = true, .size = size};            \
        release(&sized, block, ALIGN, CUPEL_SITE());                                                                   \
    }
#define DELETE_ALIGNED(name_, symbol_, operator_)                                                                      \
    void name_(void *block, size_t align) __asm__(symbol_);                                                            \
    void name_(void *block, size_t align) {                                                                            \
        release(&operator_, block, align, CUPEL_SITE());                                                               \
    }
#define DELETE_SIZED_ALIGNED(name_, symbol_, operator_)                                                                \
    void name_(void *block, size_t size, size_t align) __asm__(symbol_);                                               \
    void name_(void *block, size_t size, size_t align) {                                                               \
        (void)size;                                                                                                    \
        release(&operator_, block, align, CUPEL_SITE());                                                               \
    }
#define DELETE_NOTHROW(name_, symbol_, operator_)                                                                      \
    void name_(void *block, const void *tag) __asm__(symbol_);                                                         \
    void name_(void *block, const void *tag) {                                                                         \
        (void)tag;                                                                                                     \
        release(&operator_, block, ALIGN, CUPEL_SITE());                                                               \
    }
#define DELETE_ALIGNED_NOTHROW(name_, symbol_, operator_)                                                              \
    void name_(void *block, size_t align, const void *tag) __asm__(symbol_);                                           \
    void name_(void *block, size_t align, const void *tag) {                                                           \
        (void)tag;                                                                                                     \
        release(&operator_, block, align, CUPEL_SITE());                                                               \
    }

DELETE(operator_delete, "_ZdlPv", one)
DELETE(operator_delete_array, "_ZdaPv", many)
DELETE_SIZED(operator_delete_sized, "_ZdlPv" S, false)
DELETE_SIZED(operator_delete_array_sized, "_ZdaPv" S, true)
DELETE_ALIGNED(operator_delete_aligned, "_ZdlPvSt11align_val_t", one)
DELETE_ALIGNED(operator_delete_array_aligned, "_ZdaPvSt11align_val_t", many)
DELETE_SIZED_ALIGNED(operator_delete_sized_aligned, "_ZdlPv" S "St11align_val_t", one)
DELETE_SIZED_ALIGNED(operator_delete_array_sized_aligned, "_ZdaPv" S "St11align_val_t", many)
DELETE_NOTHROW(operator_delete_nothrow, "_ZdlPvRKSt9nothrow_t", one)
DELETE_NOTHROW(operator_delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", many)
DELETE_ALIGNED_NOTHROW(operator_delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t", one)
DELETE_ALIGNED_NOTHROW(operator_delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t", many)
