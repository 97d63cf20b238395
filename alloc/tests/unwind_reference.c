/* Comparing with libgcc: see unwind_reference.h. */
#include "alloc/tests/unwind_reference.h"

#include "harness/harness.h"

#include <stdio.h>
#include <string.h>
#include <unwind.h>

unsigned unwind_checks, unwind_frames;

struct walk {
    struct cupel_trace_start start;
    bool has_started;
    unsigned count, max;
    const void **frames;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *user) {
    struct walk *walk = user;
    uintptr_t ip = _Unwind_GetIP(context);
    walk->has_started = walk->has_started || (ip == walk->start.ip && _Unwind_GetCFA(context) == walk->start.sp);
    if (walk->has_started && ip != 0) {
        walk->frames[walk->count++] = (const void *)ip;
    }
    return walk->count < walk->max ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

unsigned unwind_reference(const struct cupel_trace_start *start, const void *frames[], unsigned max) {
    struct walk walk = {.start = *start, .max = max, .frames = frames};
    (void)_Unwind_Backtrace(visit, &walk);
    return walk.count;
}

static void add_line(void *user, const char *text, size_t length) {
    char *all = user;
    strncat(all, text, length < 3000 - strlen(all) ? length : 0);
}

static bool check(const char *what, const char *way, const void *const ours[], unsigned count,
                  const void *const theirs[], unsigned their_count) {
    bool is_same = count == their_count && memcmp(ours, theirs, count * sizeof ours[0]) == 0;
    if (!is_same) {
        char text[3072] = "";
        cupel_trace_print(cupel_trace_intern(ours, count), true, add_line, text);
        (void)fprintf(stderr, "%s, %s, ours:\n%s", what, way, text);
        text[0] = '\0';
        cupel_trace_print(cupel_trace_intern(theirs, their_count), true, add_line, text);
        (void)fprintf(stderr, "libgcc's:\n%s", text);
    }
    return CHECK(is_same);
}

__attribute__((noinline)) void unwind_check_here(const char *what) {
    struct cupel_trace_start start = cupel_trace_start_here();
    for (unsigned max = 16; max <= CUPEL_TRACE_FRAMES_MAX; max *= 2) {
        const void *theirs[CUPEL_TRACE_FRAMES_MAX];
        const void *ours[CUPEL_TRACE_FRAMES_MAX];
        unsigned their_count = unwind_reference(&start, theirs, max);
        unsigned count = cupel_trace_collect(CUPEL_TRACE_TABLES, &start, NULL, ours, max);
        (void)check(what, "walk", ours, count, theirs, their_count);
        for (unsigned time = 0; time < 2; time++) {
            cupel_trace_id id = cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, max);
            count = cupel_trace_frames(id, ours, max);
            (void)check(what, time == 0 ? "first" : "again", ours, count, theirs, their_count);
        }
        unwind_frames += their_count;
    }
    unwind_checks++;
}
