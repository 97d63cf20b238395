/* Which live blocks can be reached: a conservative scan. Whatever looks like an address inside a live block is one.
 *
 * Roots are the registers, the calling thread's stack from here on, and every private mapping of the process that can
 * be written: other threads' stacks, modules' data, thread-local memory, the heaps of others; but not what this
 * instance keeps for itself, wherever that came from, and nothing in mappings over LARGE_MAPPING, which are the shadows
 * of sanitizers. Memory is read through the kernel, so that a page that cannot be read is passed over. */
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_meta.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_sweep.h"
#include "alloc/src/maps.h"
#include "alloc/src/unsanitized.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CHUNK = 16 << 10, RANGES = 256, CLEARED = 8 << 10, SPARSE = 16 << 20 };
static const uintptr_t large_mapping = (uintptr_t)1 << (sizeof(void *) == 8 ? 35 : 31);

struct marked {
    struct cupel__span *span;
    uint32_t index;
};

struct search {
    struct cupel__debug *debug;
    struct marked *pending; /* marked, and not yet looked through */
    size_t count, capacity;
    uintptr_t here; /* the stack begins here */
    int pagemap;    /* /proc/self/pagemap, or -1 */
    pid_t self;
    uintptr_t low, length; /* addresses outside are in no block */
};

/* Where blocks may be. */
static void set_bounds(struct search *search) {
    const struct cupel__address_supply *addresses = &search->debug->addresses;
    uintptr_t low = UINTPTR_MAX;
    uintptr_t high = 0;
    for (unsigned i = 0; i < addresses->count; i++) {
        uintptr_t base = (uintptr_t)addresses->reservations[i].base;
        low = base < low ? base : low;
        high = base + addresses->reservations[i].length > high ? base + addresses->reservations[i].length : high;
    }
    bool is_known = search->debug->backing == NULL && low < high;
    search->low = is_known ? low : 0;
    search->length = is_known ? high - low : UINTPTR_MAX;
}

static void mark(struct search *search, uintptr_t value) {
    struct cupel__target target;
    if (value - search->low >= search->length || !cupel__slot_locate(value, &target) ||
        target.span->home != search->debug || target.slot == NULL ||
        cupel__slot_state(target.word) != CUPEL__SLOT_LIVE || (target.word & CUPEL__SLOT_MARK) != 0 ||
        search->count == search->capacity) {
        return;
    }
    uintptr_t base = (uintptr_t)cupel__slot_block(target.span, target.index, cupel__slot_align_log(target.word));
    size_t size = cupel__slot_size(target.span, target.word);
    if (value < base || value - base >= (size == 0 ? 1 : size)) {
        return;
    }
    uint32_t word = cupel__slot_with(target.slot, target.word | CUPEL__SLOT_MARK, CUPEL__SLOT_LIVE);
    if (cupel__slot_claim(target.slot, target.word, word)) { /* LCOV_EXCL_BR_LINE(threads rarely meet here) */
        search->pending[search->count++] = (struct marked){target.span, target.index};
    }
}

static void scan(struct search *search, uintptr_t low, uintptr_t high) {
    uintptr_t words[CHUNK / sizeof(uintptr_t)];
    words[0] = 0;
    low = (low + sizeof low - 1) & ~(uintptr_t)(sizeof low - 1);
    while (low < high && high - low >= sizeof low) {
        size_t length = high - low < CHUNK ? high - low : CHUNK;
        struct iovec to = {words, length};
        struct iovec from = {(void *)low, length}; // NOLINT(performance-no-int-to-ptr): what the kernel is asked for
        ssize_t got = process_vm_readv(search->self, &to, 1, &from, 1, 0);
        for (size_t i = 0; got > 0 && i < (size_t)got / sizeof words[0]; i++) {
            mark(search, words[i]);
        }
        /* What cannot be read is passed over a page at a time. */
        low = got > 0 ? low + (size_t)got : (low + search->debug->page_bytes) & ~(search->debug->page_bytes - 1);
    }
}

/* The pending blocks, many at a time: most are small, and the kernel is asked once for all. What cannot be read at once
 * is read alone. */
static void scan_pending(struct search *search) {
    uintptr_t words[CHUNK / sizeof(uintptr_t)];
    struct iovec from[RANGES];
    unsigned count = 0;
    size_t length = 0;
    words[0] = 0;
    while (search->count > 0 && count < RANGES) {
        struct marked marked = search->pending[search->count - 1];
        uint32_t word = cupel__slot_load(&marked.span->slots[marked.index]);
        unsigned char *block = cupel__slot_block(marked.span, marked.index, cupel__slot_align_log(word));
        size_t before = -(uintptr_t)block & (sizeof words[0] - 1);
        size_t size = cupel__slot_size(marked.span, word);
        size = size > before ? (size - before) & ~(sizeof words[0] - 1) : 0;
        if (length + size > CHUNK && count > 0) {
            break;
        }
        search->count--;
        if (size > CHUNK) {
            scan(search, (uintptr_t)block, (uintptr_t)block + before + size);
        } else if (size > 0) {
            from[count++] = (struct iovec){block + before, size};
            length += size;
        }
    }
    struct iovec to = {words, length};
    ssize_t got = count == 0 ? 0 : process_vm_readv(search->self, &to, 1, from, count, 0);
    bool is_whole = got == (ssize_t)length;
    for (size_t i = 0; is_whole && i < length / sizeof words[0]; i++) {
        mark(search, words[i]);
    }
    for (unsigned i = 0; !is_whole && i < count; i++) {
        scan(search, (uintptr_t)from[i].iov_base, (uintptr_t)from[i].iov_base + from[i].iov_len);
    }
}

/* As `scan` where the memory is of the backing of this instance: what the instance has of it holds no roots. */
static void scan_root(struct search *search, uintptr_t low, uintptr_t high) {
    while (search->debug->backing != NULL && low < high) {
        uintptr_t unit_end = (low | (CUPEL__UNIT - 1)) + 1;
        uintptr_t end = unit_end < high ? unit_end : high;
        const struct cupel__span *span = cupel__map_find(low);
        if ((span == NULL || span->home != search->debug) && !cupel__meta_holds(search->debug, low)) {
            scan(search, low, end);
        }
        low = end;
    }
    scan(search, low, high);
}

static bool is_own(const struct cupel__debug *debug, uintptr_t low) {
    for (unsigned i = 0; i < debug->addresses.count; i++) {
        uintptr_t base = (uintptr_t)debug->addresses.reservations[i].base;
        if (low >= base && low - base < debug->addresses.reservations[i].length) {
            return true;
        }
    }
    return cupel__meta_holds(debug, low);
}

/* Scans of a large mapping only the parts that have pages: the kernel says which, eight bytes a page. */
static void scan_sparse(struct search *search, uintptr_t low, uintptr_t high) {
    uint64_t pages[512] = {0};
    size_t step = search->debug->page_bytes * (sizeof pages / sizeof pages[0]);
    for (; low < high; low += step) {
        size_t part = high - low < step ? high - low : step;
        off_t place = (off_t)(low / search->debug->page_bytes * sizeof pages[0]);
        ssize_t got = pread(search->pagemap, pages, sizeof pages, place);
        bool has_any = got <= 0; /* not told: looked at */
        for (size_t i = 0; got > 0 && i < (size_t)got / sizeof pages[0]; i++) {
            has_any = has_any || pages[i] >> 62 != 0; /* present, or swapped out */
        }
        if (has_any) {
            scan_root(search, low, low + part);
        }
    }
}

static bool scan_mapping(void *user, const struct cupel__mapping *mapping) {
    struct search *search = user;
    uintptr_t low = mapping->low;
    if (!mapping->is_readable || !mapping->is_writable || !mapping->is_private || is_own(search->debug, low) ||
        mapping->high - low > large_mapping || low == (uintptr_t)search->pending) {
        return true;
    }
    if (search->here >= low && search->here < mapping->high) {
        low = search->here;
    }
    if (mapping->high - low > SPARSE) {
        scan_sparse(search, low, mapping->high);
    } else {
        scan_root(search, low, mapping->high);
    }
    return true;
}

/* The frame of this function ends the stack: all above it counts, the registers that the caller spilled too. */
__attribute__((noinline)) static bool scan_roots(struct search *search) {
    search->here = (uintptr_t)__builtin_frame_address(0);
    return cupel__maps_walk(scan_mapping, search);
}

/* Without red zones, which would stay as they are. */
__attribute__((noinline)) CUPEL__UNSANITIZED void cupel__debug_clear_stack(void) {
    volatile unsigned char stack[CLEARED];
    for (size_t i = 0; i < sizeof stack; i++) {
        stack[i] = 0;
    }
}

CUPEL__UNSANITIZED bool cupel__debug_mark_reachable(struct cupel__debug *debug, size_t count) {
    __builtin_unwind_init(); /* registers that outlive a call are now in this frame */
    size_t bytes = count * sizeof(struct marked);
    void *memory = cupel__scratch_take(debug, bytes);
    if (memory == NULL) {
        return false;
    }
    struct search search = {debug,    memory, 0, count, 0, open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
                            getpid(), 0,      0};
    set_bounds(&search);
    bool is_complete = scan_roots(&search);
    while (search.count > 0) {
        scan_pending(&search);
    }
    if (search.pagemap >= 0) {
        (void)close(search.pagemap);
    }
    cupel__scratch_give_back(debug, memory, bytes);
    return is_complete;
}
