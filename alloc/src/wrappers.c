/* Which frames are of wrappers: see wrappers.h. Of each module that a frame is in the wrappers' code is looked up once,
 * as ranges; a frame's answer is kept by its index. */
#include "alloc/src/wrappers.h"

#include "alloc/src/glob.h"
#include "alloc/src/symbols.h"
#include "alloc/src/trace_modules.h"
#include "alloc/src/trace_store.h"

#include <string.h>
#include <sys/mman.h>

enum { RANGES = 4096, KNOWN = 16384, NUMBER_BITS = 64 };

struct range {
    uint32_t module;
    uintptr_t low, high; /* in the module's file; high is one past the last byte */
};

struct cupel__wrappers {
    const char *patterns;
    uint32_t module;                                           /* that is being read */
    uint64_t seen[CUPEL__TRACE_MODULES_MAX / NUMBER_BITS + 1]; /* modules that were: a bit each */
    uint32_t known[KNOWN];                                     /* frame indices twice, and 1 more for wrappers */
    unsigned count;
    struct range ranges[RANGES];
};

/* Modules in which nothing is declared, by their numbers: files are not looked into again for that. */
static _Atomic unsigned char declares_nothing[CUPEL__TRACE_MODULES_MAX + 1];

static void add_range(struct cupel__wrappers *wrappers, uintptr_t low, uintptr_t high) {
    if (wrappers->count < RANGES && high > low) {
        wrappers->ranges[wrappers->count++] = (struct range){wrappers->module, low, high};
    }
}

/* What compilers make of a function has a name behind its own: "xmalloc.part.0". */
static size_t length_of(const char *name) {
    size_t length = strcspn(name + (name[0] == '.'), ".");
    return length + (name[0] == '.');
}

static void look_at_function(void *user, const char *name, uintptr_t low, uintptr_t high) {
    struct cupel__wrappers *wrappers = user;
    for (const char *pattern = wrappers->patterns; *pattern != '\0';) {
        size_t length = strcspn(pattern, ",");
        if (length != 0 && cupel__glob(pattern, length, name, length_of(name), false)) {
            add_range(wrappers, low, high);
            return;
        }
        pattern += length + (pattern[length] == ',');
    }
}

static void read_module(struct cupel__wrappers *wrappers, uint32_t number, const struct cupel__trace_module *module) {
    uintptr_t low;
    uintptr_t high;
    if (module->name[0] != '/') {
        return; /* the kernel's own */
    }
    wrappers->module = number;
    if (wrappers->patterns[0] != '\0') {
        cupel__symbols_walk(module->name, look_at_function, wrappers);
    }
    if (declares_nothing[number] == 0) {
        if (cupel__section_in_file(module->name, "cupel_wrappers", &low, &high)) {
            add_range(wrappers, low, high);
        } else {
            declares_nothing[number] = 1;
        }
    }
}

static bool is_wrapper(struct cupel__wrappers *wrappers, const struct cupel__trace_frame *frame) {
    uint32_t number = frame->module;
    const struct cupel__trace_module *module = number == 0 ? NULL : cupel__trace_module_at(number);
    if (module == NULL) {
        return false;
    }
    uint64_t *seen = &wrappers->seen[number / NUMBER_BITS];
    uint64_t bit = UINT64_C(1) << number % NUMBER_BITS;
    if ((*seen & bit) == 0) {
        *seen |= bit;
        read_module(wrappers, number, module);
    }
    uintptr_t offset = (uintptr_t)frame->ip - 1 - module->bias; /* the call stands before its return address */
    for (unsigned i = 0; i < wrappers->count; i++) {
        const struct range *range = &wrappers->ranges[i];
        if (range->module == number && offset >= range->low && offset < range->high) {
            return true;
        }
    }
    return false;
}

unsigned cupel__wrappers_count(struct cupel__wrappers *wrappers, cupel_trace_id trace) {
    uint32_t indices[CUPEL_TRACE_FRAMES_MAX];
    unsigned frames = cupel__trace_store_read(cupel__trace_store_of_all, trace, indices);
    unsigned count = 0;
    while (count + 1 < frames) {
        uint32_t index = indices[count];
        uint32_t *known = &wrappers->known[index % KNOWN];
        if (*known >> 1 != index) {
            bool is_one = is_wrapper(wrappers, cupel__trace_frame_at(cupel__trace_store_of_all, index));
            *known = index << 1 | is_one;
        }
        if ((*known & 1) == 0) {
            break;
        }
        count++;
    }
    return count;
}

struct cupel__wrappers *cupel__wrappers_open(const char *patterns) {
    /* Not on this stack, which may be a small one. */
    struct cupel__wrappers *wrappers =
        mmap(NULL, sizeof *wrappers, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)wrappers == MAP_FAILED) {
        return NULL;
    }
    wrappers->patterns = patterns;
    return wrappers;
}

void cupel__wrappers_close(struct cupel__wrappers *wrappers) {
    if (wrappers != NULL) {
        (void)munmap(wrappers, sizeof *wrappers);
    }
}

/* What is known without a look into files: in the module of the innermost frame nothing is declared. */
static bool begins_without(cupel_trace_id trace) {
    uint32_t indices[CUPEL_TRACE_FRAMES_MAX];
    unsigned frames = cupel__trace_store_read(cupel__trace_store_of_all, trace, indices);
    return frames == 0 || declares_nothing[cupel__trace_frame_at(cupel__trace_store_of_all, indices[0])->module] != 0;
}

unsigned cupel__wrappers_of(const char *patterns, cupel_trace_id trace) {
    if (patterns[0] == '\0' && begins_without(trace)) {
        return 0;
    }
    struct cupel__wrappers *wrappers = cupel__wrappers_open(patterns);
    unsigned count = wrappers == NULL ? 0 : cupel__wrappers_count(wrappers, trace);
    cupel__wrappers_close(wrappers);
    return count;
}
