/* Preloaded into a compiler by bench_index: keeps an index of all blocks of malloc, as INDEX_BENCH says.
 *
 *     none                     hooks that do nothing
 *     hash, memtable, pages    every block goes in when it is allocated, and out when it is freed
 *     starts                   the same with start bits, and trailers for site and size
 *     log:FILE                 every call is written down: see index_log.h
 *
 * The program's own malloc does the work, under the names by which the C library knows it itself. Compilers have one
 * thread; what more there are wait for each other. */
#include "alloc/bench/index_log.h"
#include "alloc/index.h"
#include "alloc/pages.h"
#include "alloc/starts.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *block);

enum mode { MODE_NONE, MODE_STARTS, MODE_INDEX, MODE_LOG };
enum { LOG_ROOM = 1 << 16 };

/* What every call reads stands together. */
static struct {
    enum mode mode;
    unsigned trailer_bytes;
    struct cupel_starts starts;
    struct cupel_index index;
} live __attribute__((aligned(64)));
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct index_log_entry *entries; /* LOG_ROOM of them */
static unsigned entry_count;
static int log_file = -1;

static void write_log(void) {
    const char *from = (const char *)entries;
    size_t left = entry_count * sizeof *entries;
    while (left > 0) {
        ssize_t length = write(log_file, from, left);
        if (length <= 0) {
            _exit(86); /* a short log would be taken for a whole one */
        }
        from += length;
        left -= (size_t)length;
    }
    entry_count = 0;
}

/* What malloc_usable_size says, without the call: glibc keeps the length of a chunk in the word before its block, and
 * in a bit of it that the chunk is a mapping of its own. Held against that function at the start. */
static inline size_t usable_of(const void *block) {
    size_t chunk = ((const size_t *)block)[-1];
    return (chunk & ~(size_t)7) - ((chunk & 2) != 0 ? 2 : 1) * sizeof(size_t);
}

static void check_usable(size_t size) {
    void *block = __libc_malloc(size);
    if (block == NULL || usable_of(block) != malloc_usable_size(block)) {
        _exit(86);
    }
    __libc_free(block);
}

__attribute__((constructor)) static void start(void) {
    const char *text = getenv("INDEX_BENCH");
    struct cupel_index_options options = {.record_bytes = sizeof(struct index_record)};
    if (text == NULL || strcmp(text, "none") == 0) {
        return;
    }
    if (strncmp(text, "log:", 4) == 0) {
        log_file = open(text + 4, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        entries = cupel_alloc(cupel_pages(), LOG_ROOM * sizeof *entries, _Alignof(max_align_t));
        if (log_file < 0 || entries == NULL) {
            _exit(86);
        }
        live.mode = MODE_LOG;
        return;
    }
    if (strcmp(text, "starts") == 0) {
        if (cupel_starts_init(&live.starts, &(struct cupel_starts_options){.memory = NULL}) != CUPEL_INDEX_OK) {
            _exit(86);
        }
        check_usable(24);
        check_usable(1 << 20);
        live.trailer_bytes = CUPEL_TRAILER_BYTES;
        live.mode = MODE_STARTS;
        return;
    }
    for (unsigned kind = 0; kind < CUPEL_INDEX_KINDS; kind++) {
        options.kind = (enum cupel_index_kind)kind;
        if (strcmp(text, cupel_index_kind_name(options.kind)) == 0) {
            if (cupel_index_init_with(&live.index, &options) != CUPEL_INDEX_OK) {
                _exit(86);
            }
            live.mode = MODE_INDEX;
            return;
        }
    }
    _exit(86);
}

__attribute__((destructor)) static void end(void) {
    if (live.mode == MODE_LOG) {
        write_log();
    }
}

static void note(void *base, size_t size) {
    if (entry_count == LOG_ROOM) {
        write_log();
    }
    entries[entry_count++] = (struct index_log_entry){(uintptr_t)base, size};
}

__attribute__((noinline)) static bool put_elsewhere(void *base, size_t size, const void *site) {
    struct index_record record = {{base, size}, site};
    if (live.mode == MODE_INDEX) {
        return cupel_index_insert(&live.index, &record) == CUPEL_INDEX_OK;
    }
    note(base, size);
    return true;
}

/* One thread at a time. */
static inline __attribute__((always_inline)) void put(void *base, size_t size, const void *site) {
    bool is_put;
    if (live.mode == MODE_STARTS) {
        cupel_trailer_write(base, usable_of(base), size, site);
        is_put = cupel_starts_add(&live.starts, base) == CUPEL_INDEX_OK;
    } else {
        is_put = put_elsewhere(base, size, site);
    }
    if (!is_put) {
        _exit(86); /* the figures would be of something else */
    }
}

static inline __attribute__((always_inline)) void take(void *base) {
    if (live.mode == MODE_STARTS) {
        (void)cupel_starts_remove(&live.starts, base); /* false: from before the start */
    } else if (live.mode == MODE_INDEX) {
        (void)cupel_index_remove(&live.index, base);
    } else {
        note(base, INDEX_LOG_FREED);
    }
}

__attribute__((noinline)) static void put_locked(void *base, size_t size, const void *site) {
    (void)pthread_mutex_lock(&lock);
    put(base, size, site);
    (void)pthread_mutex_unlock(&lock);
}

__attribute__((noinline)) static void take_locked(void *base) {
    (void)pthread_mutex_lock(&lock);
    take(base);
    (void)pthread_mutex_unlock(&lock);
}

static inline __attribute__((always_inline)) void *added(void *base, size_t size, const void *site) {
    if (live.mode != MODE_NONE && base != NULL) {
        if (__libc_single_threaded) {
            put(base, size, site);
        } else {
            put_locked(base, size, site);
        }
    }
    return base;
}

static inline __attribute__((always_inline)) void removed(void *base) {
    if (live.mode != MODE_NONE && base != NULL) {
        if (__libc_single_threaded) {
            take(base);
        } else {
            take_locked(base);
        }
    }
}

/* With room for the trailer. */
static inline size_t wanted(size_t size) {
    return size > PTRDIFF_MAX ? size : size + live.trailer_bytes;
}

void *malloc(size_t size) {
    return added(__libc_malloc(wanted(size)), size, CUPEL_SITE());
}

void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        bytes = SIZE_MAX;
    }
    return added(__libc_calloc(1, wanted(bytes)), bytes, CUPEL_SITE());
}

void *realloc(void *block, size_t size) {
    if (block == NULL) {
        return malloc(size);
    }
    removed(block); /* before its address can be another's */
    void *moved = __libc_realloc(block, wanted(size));
    return added(moved, size, CUPEL_SITE());
}

void free(void *block) {
    removed(block);
    __libc_free(block);
}

void *memalign(size_t align, size_t size) {
    return added(__libc_memalign(align, wanted(size)), size, CUPEL_SITE());
}

void *aligned_alloc(size_t align, size_t size) {
    return added(__libc_memalign(align, wanted(size)), size, CUPEL_SITE());
}

int posix_memalign(void **block, size_t align, size_t size) {
    void *base = added(__libc_memalign(align, wanted(size)), size, CUPEL_SITE());
    if (base != NULL) {
        *block = base;
    }
    return base == NULL ? ENOMEM : 0;
}
