/* See growth.h. */
#include "harness/src/growth.h"
#include "harness/src/perturb.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <unistd.h>

enum { LOOKED_AT = 128, WARM_UP = 8, COUNTED = 4096 };

/* The sanitizers' own malloc counts for itself. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static int64_t live_bytes(void) {
    if (__sanitizer_get_current_allocated_bytes != NULL) {
        return (int64_t)__sanitizer_get_current_allocated_bytes();
    }
    struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
}

/* One system call for many descriptors: poll tells which of them are none. */
static int64_t open_descriptors(void) {
    struct pollfd polls[LOOKED_AT];
    int64_t count = 0;
    int begin = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0); /* the lowest free one; below it all are open */
    if (begin < 0) {
        return 0;
    }
    (void)close(begin);
    for (int i = 0; i < LOOKED_AT; i++) {
        polls[i] = (struct pollfd){.fd = begin + i};
    }
    if (poll(polls, LOOKED_AT, 0) < 0) {
        return 0; /* more than the limit allows */
    }
    for (int i = 0; i < LOOKED_AT; i++) {
        count += (polls[i].revents & POLLNVAL) == 0;
    }
    return begin + count;
}

struct cupel__growth cupel__growth_measure(void) {
    return (struct cupel__growth){.bytes = live_bytes(), .descriptors = open_descriptors()};
}

bool cupel__growth_has_settled(const struct cupel__plan_item *item) {
    /* Where blocks are placed another way each time, the caches of malloc fill for long. */
    const uint32_t memory =
        1u << CUPEL__DIMENSION_FRESH | 1u << CUPEL__DIMENSION_FREED | 1u << CUPEL__DIMENSION_PLACEMENT;
    static uint8_t runs[COUNTED]; /* two tests that share one settle a little early */
    uint8_t *count = &runs[cupel__mix((uintptr_t)item->test, item->row) % COUNTED];
    bool has_settled = *count >= WARM_UP;
    *count = has_settled ? *count : (uint8_t)(*count + 1);
    return has_settled && (item->perturb & memory) == 0;
}
