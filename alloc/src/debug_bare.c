/* The debug allocator's surroundings on a machine without an operating system and without a C library, in the place of
 * debug_host.c, debug_system.c, debug_map.c, debug_fault.c, debug_place.c, debug_reach.c, message.c and all of trace.h.
 *
 * Memory is the backing's, records and all. There is one thread, and nobody to ask for pages, handlers or mappings: no
 * fault becomes a finding, what is no block of ours is a wild pointer, and all live blocks are leaks. A trace is the
 * caller's address: its distance from a place in this file is the id, so that no store is needed. */
#include "alloc/query.h"
#include "alloc/src/debug_block.h"
#include "alloc/src/debug_fault.h"
#include "alloc/src/debug_map.h"
#include "alloc/src/debug_sweep.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/place_text.h"
#include "alloc/src/text.h"
#include "alloc/src/wrappers.h"

#include <stdarg.h>

#ifndef CUPEL_DEBUG_UNITS_MAX
#define CUPEL_DEBUG_UNITS_MAX 512 /* units of 4 KiB that all instances together may have; two pointers of data each */
#endif

const struct cupel__system cupel__system = {.protect = NULL};

void cupel__recursive_mutex_init(cupel__recursive_mutex *mutex) {
    *mutex = 0;
}

void cupel__recursive_mutex_destroy(cupel__recursive_mutex *mutex) {
    (void)mutex;
}

void cupel__recursive_mutex_lock(cupel__recursive_mutex *mutex) {
    (void)mutex;
}

void cupel__recursive_mutex_unlock(cupel__recursive_mutex *mutex) {
    (void)mutex;
}

void cupel__debug_stop(void) {
    __builtin_trap();
}

struct cupel_allocator *cupel__system_allocator(void) {
    return NULL;
}

size_t cupel__page_bytes(void) {
    enum { PAGES = 16 }; /* of a unit */
    return CUPEL__UNIT / PAGES;
}

size_t cupel__address_limit(void) {
    return SIZE_MAX;
}

void cupel__pages_discard(void *base, size_t length) {
    (void)base, (void)length;
}

void cupel__debug_register(struct cupel__debug *debug) {
    (void)debug;
}

void cupel__debug_unregister(struct cupel__debug *debug) {
    (void)debug;
}

void cupel__debug_altstack(void) {
}

size_t cupel__span_count_default(void) {
    return SIZE_MAX;
}

void cupel__debug_clear_stack(void) {
}

bool cupel__debug_mark_reachable(struct cupel__debug *debug, size_t count) {
    (void)debug, (void)count;
    return false;
}

bool cupel__finding_is_suppressed(const struct cupel__debug *debug, const struct cupel_finding *finding) {
    (void)debug, (void)finding; /* nobody knows functions by their names */
    return false;
}

enum cupel_finding_kind cupel__kind_of_place(uintptr_t address) {
    (void)address;
    return CUPEL_FINDING_WILD;
}

const char *cupel_trace_lack(void) {
    return NULL;
}

void cupel_query_count(uint64_t counts[CUPEL_QUERY_STATUSES]) {
    for (unsigned i = 0; i < CUPEL_QUERY_STATUSES; i++) {
        counts[i] = 0;
    }
}

struct cupel__wrappers *cupel__wrappers_open(const char *patterns) {
    (void)patterns;
    return NULL;
}

unsigned cupel__wrappers_count(struct cupel__wrappers *wrappers, cupel_trace_id trace) {
    (void)wrappers, (void)trace;
    return 0;
}

void cupel__wrappers_close(struct cupel__wrappers *wrappers) {
    (void)wrappers;
}

void cupel__place_text(const void *address, bool is_quick, char text[CUPEL__PLACE_TEXT]) {
    (void)address, (void)is_quick;
    text[0] = '\0';
}

/* The map is a table of units, found by their numbers; a place that is free ends the search. */
enum { PLACES = 2 * CUPEL_DEBUG_UNITS_MAX };

static struct {
    uintptr_t unit;
    struct cupel__span *span; /* NULL: free */
} places[PLACES];
static size_t used;

static size_t home_of(uintptr_t unit) {
    return (size_t)((uint32_t)unit * UINT32_C(0x9E3779B1) >> 8) % PLACES;
}

/* The place of a unit, or the free one where it would stand. */
static size_t place_of(uintptr_t unit) {
    size_t at = home_of(unit);
    while (places[at].span != NULL && places[at].unit != unit) {
        at = (at + 1) % PLACES;
    }
    return at;
}

struct cupel__span *cupel__map_find(uintptr_t address) {
    return places[place_of(address >> CUPEL__UNIT_SHIFT)].span;
}

/* Frees a place, and moves those behind it up that would no longer be found. */
static void remove_unit(uintptr_t unit) {
    size_t hole = place_of(unit);
    if (places[hole].span == NULL) {
        return;
    }
    used--;
    for (size_t at = (hole + 1) % PLACES; places[at].span != NULL; at = (at + 1) % PLACES) {
        size_t home = home_of(places[at].unit);
        if ((at + PLACES - home) % PLACES >= (at + PLACES - hole) % PLACES) {
            places[hole] = places[at];
            hole = at;
        }
    }
    places[hole].span = NULL;
}

bool cupel__map_set(const void *range, size_t range_bytes, struct cupel__span *span) {
    uintptr_t first = (uintptr_t)range >> CUPEL__UNIT_SHIFT;
    uintptr_t last = ((uintptr_t)range + range_bytes - 1) >> CUPEL__UNIT_SHIFT;
    if (span != NULL && last - first + 1 > CUPEL_DEBUG_UNITS_MAX - used) {
        return false;
    }
    for (uintptr_t unit = first; unit <= last; unit++) {
        if (span == NULL) {
            remove_unit(unit);
            continue;
        }
        size_t at = place_of(unit);
        used += places[at].span == NULL;
        places[at].unit = unit;
        places[at].span = span;
    }
    return true;
}

/* Records keep 24 bits of an id: eight megabytes of code on either side. */
enum { DISTANCE_MAX = (1 << 23) - 1 };

static uintptr_t anchor(void) {
    return (uintptr_t)cupel__map_set;
}

cupel_trace_id cupel_trace_take(enum cupel_trace_mode mode, const struct cupel_trace_start *start, const void *site,
                                unsigned max) {
    uintptr_t ip = site == NULL ? start->ip : (uintptr_t)site;
    intptr_t distance = (intptr_t)(ip - anchor());
    bool fits = distance >= -DISTANCE_MAX && distance <= DISTANCE_MAX;
    return mode == CUPEL_TRACE_NONE || max == 0 || !fits ? 0 : (cupel_trace_id)distance & 0xffffff;
}

unsigned cupel_trace_frames(cupel_trace_id id, const void *frames[], unsigned max) {
    if (id == 0 || max == 0) {
        return 0;
    }
    intptr_t distance = (intptr_t)id - (id > DISTANCE_MAX ? DISTANCE_MAX * 2 + 2 : 0);
    frames[0] = (const void *)(anchor() + (uintptr_t)distance);
    return 1;
}

void cupel_trace_print(cupel_trace_id id, bool is_quick, cupel_trace_put put, void *user) {
    const struct cupel__text text = {put, user};
    const void *frame;
    (void)is_quick;
    if (cupel_trace_frames(id, &frame, 1) > 0) {
        cupel__text_string(&text, "    #0 ");
        cupel__text_hex(&text, (uintptr_t)frame);
        cupel__text_string(&text, "\n");
    }
}

void cupel_trace_count(struct cupel_trace_counters *counters) {
    *counters = (struct cupel_trace_counters){.has_no_memo = true};
}

/* The format's first "%s" is the only directive that callers here use. */
bool cupel_error_set(struct cupel_error *error, unsigned line, unsigned column, const char *format, ...) {
    if (error == NULL) {
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    const char *word = NULL;
    size_t length = 0;
    while (length < sizeof error->text - 1 && (word == NULL ? *format : *word) != '\0') {
        if (word == NULL && format[0] == '%' && format[1] == 's') {
            word = va_arg(arguments, const char *);
            continue;
        }
        error->text[length++] = word == NULL ? *format++ : *word++;
    }
    va_end(arguments);
    error->text[length] = '\0';
    error->line = line;
    error->column = column;
    return false;
}
