/* The bounded walk over frame pointers: see frames.h.
 *
 * A register that is no frame pointer may hold anything, so a step is taken only within the bounds of the stack, only
 * upwards, and the walk counts for nothing unless it meets the site that the caller gave. The bounds are looked up once
 * a thread in /proc/self/maps, through open and read: what libc offers for it (pthread_getattr_np) calls malloc. */
#include "alloc/src/frames.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__clang__)
#define UNSANITIZED __attribute__((no_sanitize("address", "memory", "thread", "undefined")))
#else
#define UNSANITIZED __attribute__((no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))
#endif

/* A frame begins with the caller's frame pointer and the return address on these machines. */
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
#define FRAMES_ARE_CHAINED 1
#else
#define FRAMES_ARE_CHAINED 0
#endif

enum {
    STEPS_MAX = 64,                     /* frames between the walk and the site, and those taken */
    LOOKUPS_MAX = 32,                   /* a thread that changes stacks more often than this gets sites alone */
    STACK_GROWTH_MAX = 64 * 1024 * 1024 /* of the main stack, where its limit is higher */
};

struct bounds {
    uintptr_t low, high;
};

static _Thread_local struct bounds known;
static _Thread_local unsigned lookups;

/* Reads one line of maps a character at a time: "low-high perms offset device inode    path". */
struct map_reader {
    struct bounds line;
    unsigned field; /* 0: low, 1: high, 2: the rest */
    char name[8];   /* the beginning of "[stack]", where the line has it */
    unsigned name_length;
};

static bool read_map_character(struct map_reader *reader, char c) {
    if (c == '\n') {
        return true;
    }
    if (reader->field < 2) {
        uintptr_t *number = reader->field == 0 ? &reader->line.low : &reader->line.high;
        if (c == '-' || c == ' ') {
            reader->field++;
        } else {
            *number = *number * 16 + (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
    } else if (c == '[' || (reader->name_length > 0 && reader->name_length < sizeof reader->name)) {
        reader->name[reader->name_length++] = c;
    }
    return false;
}

/* The kernel grows the main stack down to its limit and keeps other mappings out of that room. */
static void widen_main_stack(struct bounds *stack) {
    struct rlimit limit;
    uintptr_t room = STACK_GROWTH_MAX;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < room) {
        room = (uintptr_t)limit.rlim_cur;
    }
    if (stack->high - stack->low < room) {
        stack->low = stack->high - room;
    }
}

static void find_bounds(uintptr_t address) {
    known = (struct bounds){0, 0};
    if (lookups++ >= LOOKUPS_MAX) {
        return;
    }
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    char text[4096];
    struct map_reader reader = {{0, 0}, 0, "", 0};
    ssize_t length;
    while (known.high == 0 && (length = read(file, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < length && known.high == 0; i++) {
            if (!read_map_character(&reader, text[i])) {
                continue;
            }
            if (address >= reader.line.low && address < reader.line.high) {
                known = reader.line;
                if (reader.name_length == 7 && memcmp(reader.name, "[stack]", 7) == 0) {
                    widen_main_stack(&known);
                }
            }
            reader = (struct map_reader){{0, 0}, 0, "", 0};
        }
    }
    (void)close(file);
}

UNSANITIZED unsigned cupel__frames_collect(const void *site, const void *frames[], unsigned max) {
    const uintptr_t *frame = __builtin_frame_address(0);
    frames[0] = site;
    unsigned count = 1;
    if (max < 2 || !FRAMES_ARE_CHAINED) {
        return count;
    }
    if ((uintptr_t)frame < known.low || (uintptr_t)frame >= known.high) {
        find_bounds((uintptr_t)frame);
        if (known.high == 0) {
            return count;
        }
    }
    bool has_met_site = false;
    for (unsigned step = 0; step < STEPS_MAX && count < max; step++) {
        uintptr_t address = (uintptr_t)frame;
        if (address < known.low || address > known.high - 2 * sizeof *frame || address % sizeof *frame != 0) {
            break;
        }
        const void *caller = (const void *)frame[1];
        if (caller == NULL) {
            break;
        }
        if (has_met_site) {
            frames[count++] = caller;
        }
        has_met_site = has_met_site || caller == site;
        if (frame[0] <= address) {
            break;
        }
        frame = (const uintptr_t *)frame[0];
    }
    return count;
}
