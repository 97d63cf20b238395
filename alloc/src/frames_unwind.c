/* The call stack through code without frame pointers: see frames.h. The compiler's own run-time library (libgcc_s, or
 * LLVM's libunwind) reads the unwinding tables that such code carries on most machines. */
#include "alloc/src/frames.h"

#include "alloc/src/unsanitized.h"

#include <stddef.h>
#include <stdint.h>
#include <unwind.h>

enum { STEPS_MAX = 128 }; /* frames between the walk and the site, and those taken */

struct walk {
    const void *site;
    const void **frames;
    unsigned max, count, steps;
};

CUPEL__UNSANITIZED static _Unwind_Reason_Code take(struct _Unwind_Context *context, void *user) {
    struct walk *walk = user;
    /* Code addresses are numbers to the unwinder. */
    const void *address = (const void *)(uintptr_t)_Unwind_GetIP(context); // NOLINT(performance-no-int-to-ptr)
    if (address == NULL) {
        return _URC_NORMAL_STOP;
    }
    if (walk->count > 0 || address == walk->site) {
        walk->frames[walk->count++] = address;
    }
    return walk->count < walk->max && ++walk->steps < STEPS_MAX ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

unsigned cupel__frames_unwind(const void *site, const void *frames[], unsigned max) {
    struct walk walk = {.site = site, .frames = frames, .max = max};
    if (max > 1) {
        (void)_Unwind_Backtrace(take, &walk);
    }
    return walk.count > 0 ? walk.count : cupel__frames_collect(site, frames, max);
}
