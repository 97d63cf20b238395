/* The bounds of stacks: see stack.h. They are looked up in /proc/self/maps, through open and read: what libc offers for
 * it (pthread_getattr_np) calls malloc. */
#include "alloc/src/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    REMEMBERED = 4,
    LOOKUPS_MAX = 4096,                 /* of one thread; one that changes stacks more often gets no bounds */
    STACK_GROWTH_MAX = 64 * 1024 * 1024 /* of the main stack, where its limit is higher */
};

static _Thread_local struct cupel__stack known[REMEMBERED];
static _Thread_local unsigned next_known;
static _Thread_local unsigned lookups;

/* Reads one line of maps a character at a time: "low-high perms offset device inode    path". */
struct map_reader {
    struct cupel__stack line;
    unsigned field; /* 0: low, 1: high, 2: permissions, 3: the rest */
    bool is_readable;
    char name[8]; /* the beginning of "[stack]", where the line has it */
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
    } else if (reader->field == 2) {
        reader->is_readable = c == 'r';
        reader->field++;
    } else if (c == '[' || (reader->name_length > 0 && reader->name_length < sizeof reader->name)) {
        reader->name[reader->name_length++] = c;
    }
    return false;
}

/* The kernel grows the main stack down to its limit and keeps other mappings out of that room. */
static void widen_main_stack(struct cupel__stack *stack) {
    struct rlimit limit;
    uintptr_t room = STACK_GROWTH_MAX;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < room) {
        room = (uintptr_t)limit.rlim_cur;
    }
    if (stack->high - stack->low < room) {
        stack->low = stack->high - room;
    }
}

/* A thread's stack and what lies above it may be one mapping; the C library keeps the thread's own record at the end of
 * the stack, and that is what pthread_self points to. */
static void cut_at_thread(struct cupel__stack *stack, uintptr_t address) {
#if defined(__GLIBC__)
    uintptr_t record = (uintptr_t)pthread_self();
    if (record > address && record < stack->high) {
        stack->high = record & ~(uintptr_t)(sizeof(uintptr_t) - 1);
    }
#else
    (void)stack;
    (void)address;
#endif
}

static bool look_up(uintptr_t address, struct cupel__stack *stack) {
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    char text[4096];
    struct map_reader reader = {.field = 0};
    ssize_t length;
    stack->high = 0;
    while (stack->high == 0 && (length = read(file, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < length && stack->high == 0; i++) {
            if (!read_map_character(&reader, text[i])) {
                continue;
            }
            if (address >= reader.line.low && address < reader.line.high && reader.is_readable) {
                *stack = reader.line;
                if (memcmp(reader.name, "[stack]", sizeof reader.name) == 0) {
                    widen_main_stack(stack);
                } else {
                    cut_at_thread(stack, address);
                }
            }
            reader = (struct map_reader){.field = 0};
        }
    }
    (void)close(file);
    return stack->high != 0;
}

bool cupel__stack_find(uintptr_t address, struct cupel__stack *stack) {
    for (unsigned i = 0; i < REMEMBERED; i++) {
        if (address >= known[i].low && address < known[i].high) {
            *stack = known[i];
            return true;
        }
    }
    if (lookups >= LOOKUPS_MAX) {
        return false;
    }
    lookups++;
    int error = errno;
    bool is_found = look_up(address, stack);
    errno = error;
    if (is_found) {
        known[next_known++ % REMEMBERED] = *stack;
    }
    return is_found;
}
