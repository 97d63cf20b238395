/* Numbers when they are asked for from outside. The handler takes locks only where it gets them at once: the thread
 * that it interrupted, or another, may hold them. */
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_statistics.h"
#include "alloc/src/debug_thread.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static struct cupel__debug *asked; /* whose numbers; NULL: nobody's */
static struct sigaction before;

/* Nobody is inside, as far as can be seen: all locks are free at this moment. */
static bool is_quiet(struct cupel__debug *debug) {
    bool is_free = !cupel__debug_thread.is_inside;
    for (unsigned i = 0; i <= CUPEL__SHARDS && is_free; i++) {
        is_free = cupel__mutex_is_free(i < CUPEL__SHARDS ? &debug->shards[i].lock : &debug->lock);
    }
    return is_free;
}

static void on_signal(int number) {
    static const char busy[] = "the allocator is at work: ask again\n";
    (void)number;
    int errno_before = errno;
    struct cupel__debug *debug = __atomic_load_n(&asked, __ATOMIC_ACQUIRE);
    if (debug != NULL && is_quiet(debug)) {
        cupel__debug_write_statistics(debug);
    } else if (debug != NULL) {
        (void)!write(debug->options.sink.file, busy, sizeof busy - 1);
    }
    errno = errno_before;
}

void cupel__debug_write_at_signal(struct cupel__debug *debug) {
    if (debug->options.statistics_signal != 0) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        (void)sigemptyset(&action.sa_mask);
        __atomic_store_n(&asked, debug, __ATOMIC_RELEASE);
        (void)sigaction(debug->options.statistics_signal, &action, &before);
    }
}

void cupel__debug_forget_signal(struct cupel__debug *debug) {
    struct cupel__debug *own = debug;
    if (debug->options.statistics_signal != 0 &&
        __atomic_compare_exchange_n(&asked, &own, NULL, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        (void)sigaction(debug->options.statistics_signal, &before, NULL);
    }
}
