/* The part of the process that an address is in: see region.h.
 *
 * Which thread a stack is of is known without any thread's help. Where the C library is glibc every thread tells the
 * kernel of its list of robust locks, whose head is in the thread's own record, and that lies at the upper end of the
 * thread's stack: the thread whose head is the next above an address, in the same mapping, is the one whose stack (or
 * thread-local memory) the address is in. The first thread's record is elsewhere; its stack has a name. Elsewhere the
 * stacks are known that were seen in use by the debug allocator. */
#include "alloc/src/region.h"

#include "alloc/src/debug_thread.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What getdents64 writes. */
struct entry {
    uint64_t inode;
    int64_t next;
    uint16_t length;
    uint8_t type;
    char name[];
};

struct search {
    uintptr_t address;
    struct cupel__region *region;
    uintptr_t module_end; /* of the file's mapping just before; its zeroed data follow without a name */
};

/* 0 where it is not known. */
static uintptr_t record_of(pid_t thread) {
    void *head = NULL;
    size_t length = 0;
    return syscall(SYS_get_robust_list, (long)thread, &head, &length) == 0 ? (uintptr_t)head : 0;
}

/* A number in decimal; 0 for what is none, as "." and "..". */
static pid_t number_of(const char *name) {
    pid_t number = 0;
    for (; *name >= '0' && *name <= '9'; name++) {
        number = number * 10 + (*name - '0');
    }
    return number;
}

struct nearest {
    uintptr_t address, high, record;
    pid_t thread;
};

static void look_at_thread(struct nearest *nearest, pid_t thread) {
    uintptr_t record = thread == 0 || thread == getpid() ? 0 : record_of(thread);
    if (record >= nearest->address && record < nearest->high && (nearest->thread == 0 || record < nearest->record)) {
        nearest->record = record;
        nearest->thread = thread;
    }
}

/* The thread whose record is the next above the address, in its mapping; 0 where there is none. */
static pid_t thread_above(uintptr_t address, const struct cupel__mapping *mapping) {
    struct nearest nearest = {address, mapping->high, 0, 0};
    union {
        char bytes[4096];
        struct entry first;
    } list;
    memset(&list, 0, sizeof list);
    int folder = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return 0;
    }
    long length;
    while ((length = syscall(SYS_getdents64, folder, &list, sizeof list)) > 0) {
        for (long at = 0; at < length;) {
            const struct entry *entry = (const struct entry *)(const void *)(list.bytes + at);
            look_at_thread(&nearest, number_of(entry->name));
            at += entry->length;
        }
    }
    (void)close(folder);
    return nearest.thread;
}

static bool is_in(const struct cupel__mapping *mapping, uintptr_t address) {
    return address >= mapping->low && address < mapping->high;
}

/* Whether a thread was seen with its stack there. */
static bool was_a_stack(const struct cupel__mapping *mapping) {
    enum { THREADS = 256 };
    unsigned last = cupel__debug_thread_last();
    for (unsigned i = 0; i < THREADS && i < last; i++) {
        if (is_in(mapping, cupel__debug_thread_stack(last - i))) {
            return true;
        }
    }
    return false;
}

static bool is_stack(struct search *search, const struct cupel__mapping *mapping) {
    if (strncmp(mapping->name, "[stack", 6) == 0) {
        search->region->thread = getpid();
        return true;
    }
    if (!mapping->is_readable || !mapping->is_writable || mapping->name[0] == '/') {
        return false;
    }
    search->region->thread = thread_above(search->address, mapping);
    if (search->region->thread != 0) {
        return true;
    }
    /* One that was switched to: a signal's, a coroutine's. */
    if (is_in(mapping, (uintptr_t)__builtin_frame_address(0))) {
        search->region->thread = (pid_t)syscall(SYS_gettid);
        return true;
    }
    return was_a_stack(mapping);
}

static bool look_at_mapping(void *user, const struct cupel__mapping *mapping) {
    struct search *search = user;
    struct cupel__region *region = search->region;
    bool is_file = mapping->name[0] == '/';
    if (!is_in(mapping, search->address)) {
        bool is_behind = mapping->low > search->address;
        search->module_end = is_file ? mapping->high : 0;
        return !is_behind;
    }
    region->mapping = *mapping;
#if defined(DLFO_STRUCT_HAS_EH_DBASE)
    bool is_module = region->module != NULL;
#else
    bool is_module = is_file || (mapping->name[0] == '\0' && mapping->low == search->module_end);
#endif
    region->kind = is_module                   ? CUPEL__REGION_STATIC
                   : is_stack(search, mapping) ? CUPEL__REGION_STACK
                                               : CUPEL__REGION_OTHER;
    return false;
}

bool cupel__region_find(uintptr_t address, struct cupel__region *region) {
    *region = (struct cupel__region){.kind = CUPEL__REGION_NONE};
    struct search search = {address, region, 0};
    (void)cupel__trace_module_of(address, &region->module);
    bool is_known = cupel__maps_walk(look_at_mapping, &search);
    if (!is_known && region->module != NULL) {
        region->kind = CUPEL__REGION_STATIC;
    }
    return is_known;
}
