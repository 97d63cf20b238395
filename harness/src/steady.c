/* Blocks cut one after another from a region at a fixed place: see steady.h. Not the arena of alloc, which is code
 * under test: an engine would see its paths in every target. */
#include "harness/src/steady.h"

#include "alloc/libc.h"

#include <string.h>
#include <sys/mman.h>

/* From AFL++'s and the sanitizers' runtimes, where they are linked in. */
extern unsigned char *__afl_area_ptr __attribute__((weak));
extern void __asan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));

enum {
    REGION_BYTES = 256 << 20, /* of addresses; memory is taken at the first touch */
    KEPT_BYTES = 4 << 20,     /* memory that stays from input to input */
    GRANULE = 16,
};

/* Far from where the kernel puts anything by itself on machines of 64 bits; elsewhere it is a hint that is not taken.
 */
static const uintptr_t wanted_place = (uintptr_t)(UINT64_C(0x200000000000) & UINTPTR_MAX);

static struct {
    struct cupel_allocator base;
    struct cupel_allocator *beyond; /* for what does not fit */
    unsigned char *start;
    unsigned char *cursor;
    unsigned char *end;
    unsigned char *peak; /* how far the cursor came since memory was last given back */
} steady;

static size_t footprint(size_t size) {
    return size == 0 ? GRANULE : (size + GRANULE - 1) & ~(size_t)(GRANULE - 1);
}

static bool is_inside(const void *block) {
    return (uintptr_t)block - (uintptr_t)steady.start < (uintptr_t)(steady.end - steady.start);
}

static bool is_newest(const unsigned char *block, size_t size) {
    return block + footprint(size) == steady.cursor;
}

static void move_cursor(unsigned char *cursor) {
    steady.cursor = cursor;
    steady.peak = cursor > steady.peak ? cursor : steady.peak;
}

static void *steady_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    if (!cupel_request_is_valid(size, align)) {
        return NULL;
    }
    size_t least = align < GRANULE ? GRANULE : align;
    size_t padding = (size_t)(-(uintptr_t)steady.cursor & (least - 1));
    size_t room = (size_t)(steady.end - steady.cursor);
    if (size > REGION_BYTES || padding > room || footprint(size) > room - padding) {
        return steady.beyond->ops->acquire(steady.beyond, size, align, flags, site);
    }
    unsigned char *block = steady.cursor + padding;
    move_cursor(block + footprint(size));
    if ((flags & CUPEL_ZEROED) != 0) {
        memset(block, 0, size);
    }
    return block;
}

static bool steady_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          const void *site) {
    (void)self;
    if (!is_inside(block)) {
        return steady.beyond->ops->resize(steady.beyond, block, size, align, new_size, site);
    }
    if (!cupel_request_is_valid(new_size, align)) {
        return false;
    }
    unsigned char *start = block;
    if (!is_newest(start, size)) {
        return footprint(new_size) <= footprint(size);
    }
    if (new_size > REGION_BYTES || footprint(new_size) > (size_t)(steady.end - start)) {
        return false;
    }
    move_cursor(start + footprint(new_size));
    return true;
}

static void steady_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    if (!is_inside(block)) {
        steady.beyond->ops->release(steady.beyond, block, size, align, site);
    } else if (is_newest(block, size)) {
        steady.cursor = block;
    }
}

static void *steady_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                          unsigned flags, const void *site) {
    if (!is_inside(block)) {
        return steady.beyond->ops->remap(steady.beyond, block, size, align, new_size, flags, site);
    }
    unsigned char *moved = block;
    if (!steady_resize(self, block, size, align, new_size, site)) {
        moved = steady_acquire(self, new_size, align, 0, site);
        if (moved == NULL) {
            return NULL;
        }
        memcpy(moved, block, size < new_size ? size : new_size);
        steady_release(self, block, size, align, site);
    }
    if ((flags & CUPEL_ZEROED) != 0 && new_size > size) {
        memset(moved + size, 0, new_size - size);
    }
    return moved;
}

static size_t steady_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    (void)self;
    return is_inside(block) ? footprint(size) : cupel_usable(steady.beyond, block, size, align);
}

static const struct cupel_allocator_ops steady_ops = {.name = "steady",
                                                      .acquire = steady_acquire,
                                                      .resize = steady_resize,
                                                      .remap = steady_remap,
                                                      .release = steady_release,
                                                      .usable = steady_usable};

bool cupel__steady_is_wanted(void) {
    return &__afl_area_ptr != NULL && __asan_init == NULL && __msan_init == NULL;
}

/* Where no region is to be had, all comes from the C library: the targets run, and are only less steady. */
static void map_region(void) {
    void *region = mmap((void *)wanted_place, REGION_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region != MAP_FAILED) {
        steady.start = steady.cursor = steady.peak = region;
        steady.end = steady.start + REGION_BYTES;
    }
}

struct cupel_allocator *cupel__steady(void) {
    if (steady.base.ops == NULL) {
        steady.base.ops = &steady_ops;
        steady.beyond = cupel_libc();
        map_region();
    }
    return &steady.base;
}

void cupel__steady_reset(void) {
    size_t touched = (size_t)(steady.peak - steady.start);
    if (touched > KEPT_BYTES) {
        (void)madvise(steady.start + KEPT_BYTES, touched - KEPT_BYTES, MADV_DONTNEED);
        steady.peak = steady.start + KEPT_BYTES;
    }
    steady.cursor = steady.start;
}
