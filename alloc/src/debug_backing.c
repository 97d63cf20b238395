/* Spans from any allocator: its memory is simply there. Nothing can be taken away from it, so retired spans are held
 * back with their fill, and looked at again when they go back. */
#include "alloc/src/debug_state.h"

static bool do_nothing(void *base, size_t length) {
    (void)base, (void)length;
    return true;
}

static bool do_not_move(void *from, void *to, size_t length) {
    (void)from, (void)to, (void)length;
    return false;
}

const struct cupel__system cupel__backing_system = {
    .commit = do_nothing, .guard = do_nothing, .revoke = do_nothing, .move = do_not_move, .protect = NULL};
