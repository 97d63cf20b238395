/* Traces as text: see trace.h. */
#include "alloc/src/frames_print.h"
#include "alloc/src/symbols.h"
#include "alloc/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void cupel_trace_print(cupel_trace_id id, bool is_quick, cupel_trace_put put, void *user) {
    (void)is_quick;
    const void *frames[CUPEL_TRACE_FRAMES_MAX];
    unsigned count = cupel_trace_frames(id, frames, CUPEL_TRACE_FRAMES_MAX);
    for (unsigned i = 0; i < count; i++) {
        struct cupel__place place;
        char line[512];
        (void)cupel__place_find((const char *)frames[i] - 1, &place);
        int length;
        if (place.function[0] != '\0') {
            length = snprintf(line, sizeof line, "    #%u %s+0x%" PRIxPTR " (%s+0x%" PRIxPTR ")\n", i, place.function,
                              place.function_offset, place.module, place.offset);
        } else if (place.module[0] != '\0') {
            length = snprintf(line, sizeof line, "    #%u (%s+0x%" PRIxPTR ")\n", i, place.module, place.offset);
        } else {
            length = snprintf(line, sizeof line, "    #%u %p\n", i, frames[i]);
        }
        put(user, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    }
}

const char *cupel_trace_lack(void) {
#if !defined(__x86_64__)
    return "on this machine stacks are walked by frame pointers only: code built without them ends a trace";
#elif !defined(CUPEL_HAS_DL_FIND_OBJECT)
    return "this C library has no _dl_find_object (glibc 2.35): stacks are walked by frame pointers only";
#else
    return NULL;
#endif
}
