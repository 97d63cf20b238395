/* See growth.h. */
#include "harness/src/growth.h"
#include "harness/src/left_behind.h"
#include "harness/src/settings.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <unistd.h>

enum { LOOKED_AT = 128, COUNTED = 4096 };

/* The sanitizers' own malloc counts for itself. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static int64_t live_bytes(void) {
    if (__sanitizer_get_current_allocated_bytes != NULL) {
        return (int64_t)__sanitizer_get_current_allocated_bytes();
    }
    struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
}

/* Where the kernel does not count them: one system call for many, poll tells which of them are none. */
static int64_t open_descriptors(void) {
    struct pollfd polls[LOOKED_AT];
    int64_t count = cupel__left_behind_descriptor_count();
    if (count >= 0) {
        return count;
    }
    count = 0;
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

static int64_t lesser(int64_t a, int64_t b) {
    return a < b ? a : b;
}

bool cupel__growth_is_rough(const struct cupel__settings *settings, uint32_t perturb) {
    return settings->shuffle || perturb != 0;
}

void cupel__growth_note(const struct cupel__plan_item *item, struct cupel__growth before, struct cupel_result *result) {
    static struct { /* two tests that share one settle a little early, and hide each other's growth */
        uint64_t runs;
        struct cupel__growth last;
    } tests[COUNTED];
    size_t at = (size_t)(cupel__mix((uintptr_t)item->test, item->row) % COUNTED);
    struct cupel__growth now = cupel__growth_measure();
    bool is_rough = cupel__growth_is_rough(&cupel__settings, item->perturb);
    result->has_settled = tests[at].runs++ >= (is_rough ? 1 : CUPEL__GROWTH_WARM_UP);
    result->grown_bytes = now.bytes - before.bytes;
    result->grown_descriptors = now.descriptors - before.descriptors;
    if (!is_rough) {
        result->grown_bytes = lesser(result->grown_bytes, now.bytes - tests[at].last.bytes);
        result->grown_descriptors = lesser(result->grown_descriptors, now.descriptors - tests[at].last.descriptors);
    }
    tests[at].last = now;
}
