/* The logging layer: see logging.h. */
#include "alloc/logging.h"

#include "alloc/base/message.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 256 }; /* seven numbers of at most 20 digits, and words */

static struct cupel_logging *from_base(struct cupel_allocator *self) {
    return (struct cupel_logging *)self;
}

bool cupel_logging_flush(struct cupel_logging *logging) {
    size_t done = 0;
    while (done < logging->buffered && logging->error == 0) {
        ssize_t written = write(logging->file, logging->text + done, logging->buffered - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            logging->error = written == 0 ? EIO : errno;
        }
    }
    logging->buffered = 0;
    return logging->error == 0;
}

/* A layer must not disturb errno: code under test may look at it after its request. */
static void line(struct cupel_logging *logging, const char *format, ...) CUPEL_PRINTF(2, 3);
static void line(struct cupel_logging *logging, const char *format, ...) {
    int saved = errno;
    logging->operations++;
    if (sizeof logging->text - logging->buffered < LINE_MAX_BYTES) {
        (void)cupel_logging_flush(logging);
    }
    char *start = logging->text + logging->buffered;
    int length = snprintf(start, LINE_MAX_BYTES, "%" PRIu64 " ", logging->operations);
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(start + length, (size_t)(LINE_MAX_BYTES - length), format, arguments);
    va_end(arguments);
    assert(length < LINE_MAX_BYTES); /* LCOV_EXCL_BR_LINE(the longest line is of the longest numbers) */
    logging->buffered += (size_t)length;
    if (logging->is_unbuffered) {
        (void)cupel_logging_flush(logging);
    }
    errno = saved;
}

/* The result of a request in words: an address, or "failed". */
struct result {
    char text[24];
};

static struct result result_of(const void *block) {
    struct result result = {"failed"};
    if (block != NULL) {
        (void)snprintf(result.text, sizeof result.text, "%p", block);
    }
    return result;
}

static void *logging_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                             const void *site) {
    struct cupel_logging *logging = from_base(self);
    void *block = logging->parent->ops->acquire(logging->parent, size, align, flags, site);
    line(logging, "acquire %zu %zu%s -> %s from %p\n", size, align, (flags & CUPEL_ZEROED) != 0 ? " zeroed" : "",
         result_of(block).text, site);
    return block;
}

static bool logging_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                           const void *site) {
    struct cupel_logging *logging = from_base(self);
    bool ok = logging->parent->ops->resize(logging->parent, block, size, align, new_size, site);
    line(logging, "resize %p %zu %zu to %zu -> %s from %p\n", block, size, align, new_size, ok ? "ok" : "failed", site);
    return ok;
}

static void *logging_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                           unsigned flags, const void *site) {
    struct cupel_logging *logging = from_base(self);
    struct result old = result_of(block); /* the address means nothing any more once it was moved */
    void *moved = logging->parent->ops->remap(logging->parent, block, size, align, new_size, flags, site);
    line(logging, "remap %s %zu %zu to %zu%s -> %s from %p\n", old.text, size, align, new_size,
         (flags & CUPEL_ZEROED) != 0 ? " zeroed" : "", result_of(moved).text, site);
    return moved;
}

static void logging_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct cupel_logging *logging = from_base(self);
    line(logging, "release %p %zu %zu from %p\n", block, size, align, site);
    logging->parent->ops->release(logging->parent, block, size, align, site);
}

static size_t logging_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    return cupel_usable(from_base(self)->parent, block, size, align);
}

static const struct cupel_allocator_ops logging_ops = {.name = "logging",
                                                       .acquire = logging_acquire,
                                                       .resize = logging_resize,
                                                       .remap = logging_remap,
                                                       .release = logging_release,
                                                       .usable = logging_usable};

struct cupel_allocator *cupel_logging_init(struct cupel_logging *logging, struct cupel_allocator *parent, int file) {
    memset(logging, 0, sizeof *logging);
    logging->base.ops = &logging_ops;
    logging->parent = parent;
    logging->file = file;
    return &logging->base;
}

bool cupel_logging_deinit(struct cupel_logging *logging) {
    return cupel_logging_flush(logging);
}
