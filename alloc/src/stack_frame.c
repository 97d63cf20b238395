/* The frame of an address: see stack_frame.h. A walk from here outwards passes each frame's beginning and end; those of
 * a signal handler's frame may be of two stacks, and count for nothing. */
#include "alloc/src/stack_frame.h"

#include "alloc/src/cfi.h"
#include "alloc/src/stack.h"
#include "alloc/src/unsanitized.h"

#if defined(__x86_64__)

struct search {
    uintptr_t address;
    struct cupel_query_frame frame; /* the one before; sp 0: none */
    bool is_found;
};

static bool look_at(void *user, const struct cupel__cfi_frame *caller) {
    struct search *search = user;
    struct cupel_query_frame *frame = &search->frame;
    frame->end = caller->registers[CUPEL__CFI_RSP];
    if (frame->sp != 0 && !caller->was_interrupted && search->address >= frame->sp && search->address < frame->end) {
        search->is_found = true;
        return false;
    }
    frame->ip = caller->registers[CUPEL__CFI_RIP] - !caller->was_interrupted;
    frame->sp = caller->registers[CUPEL__CFI_RSP];
    /* Those that calls preserve: others are no longer what they were. */
    static const uint8_t preserved[] = {CUPEL__CFI_RBX, CUPEL__CFI_RBP, CUPEL__CFI_RSP, 12, 13, 14, 15};
    for (unsigned i = 0; i < sizeof preserved; i++) {
        frame->registers[preserved[i]] = caller->registers[preserved[i]];
    }
    return true;
}

bool cupel__stack_frame_find(uintptr_t address, struct cupel_query_frame *frame) {
    struct search search = {.address = address};
    cupel__cfi_walk(look_at, &search);
    *frame = search.frame;
    return search.is_found;
}

#elif defined(__i386__)

CUPEL__UNSANITIZED bool cupel__stack_frame_find(uintptr_t address, struct cupel_query_frame *frame) {
    enum { STEPS_MAX = 512, WORD = sizeof(uintptr_t), SP = 4, FP = 5 };
    struct cupel__stack stack;
    uintptr_t fp = (uintptr_t)__builtin_frame_address(0);
    if (!cupel__stack_find(fp, &stack)) {
        return false;
    }
    *frame = (struct cupel_query_frame){.sp = 0};
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        if (fp < stack.low || fp > stack.high - 2 * WORD || fp % WORD != 0) {
            return false;
        }
        frame->end = fp + 2 * WORD;
        frame->registers[FP] = fp;
        if (frame->sp != 0 && address >= frame->sp && address < frame->end) {
            return true;
        }
        const uintptr_t *words = (const uintptr_t *)fp; /* the frame pointer above, the return address */
        uintptr_t above = words[0];
        if (above <= fp) {
            return false;
        }
        frame->ip = words[1] - 1;
        frame->sp = frame->end;
        frame->registers[SP] = frame->end;
        fp = above;
    }
    return false;
}

#else

bool cupel__stack_frame_find(uintptr_t address, struct cupel_query_frame *frame) {
    (void)address, (void)frame;
    return false;
}

#endif
