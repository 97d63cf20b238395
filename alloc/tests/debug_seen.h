/* For tests of the debug allocator: an instance whose findings are collected, and text that is printed. */
#ifndef ALLOC_TESTS_DEBUG_SEEN_H
#define ALLOC_TESTS_DEBUG_SEEN_H

#include "alloc/debug.h"
#include "alloc/pages.h"
#include "harness/harness.h"

#include <string.h>

enum { SEEN = 16 };

struct seen {
    unsigned count;
    struct cupel_finding all[SEEN];
};

static inline void seen_note(void *user, const struct cupel_finding *finding) {
    struct seen *seen = user;
    if (seen->count < SEEN) {
        seen->all[seen->count] = *finding;
    }
    seen->count++;
}

/* The defaults, with findings to `seen`. Faults are left to the runner's handlers. */
static inline struct cupel_debug_options seen_options(struct seen *seen) {
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    seen->count = 0;
    options.catches_faults = false;
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_CALL, .call = seen_note, .user = seen};
    return options;
}

struct seen_text {
    size_t length;
    char text[8192];
};

/* A cupel_trace_put into one. */
static inline void seen_text_put(void *user, const char *text, size_t length) {
    struct seen_text *to = user;
    REQUIRE(length < sizeof to->text - to->length);
    memcpy(to->text + to->length, text, length);
    to->length += length;
    to->text[to->length] = '\0';
}

#endif
