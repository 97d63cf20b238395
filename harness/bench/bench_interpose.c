/* What it costs that a test program's malloc is ours: a malloc and free pair outside bodies, where a request is only
 * passed on, and within a body, where it goes through a gate and a counting layer and is found again by its address;
 * each against the same pair asked of the C library itself. Rounds of all take turns; medians of CPU time. */
#include "harness/src/route.h"

#include "alloc/counting.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 31, PAIRS = 20000, LIVE = 64 };

typedef void *acquire_function(size_t size);
typedef void release_function(void *block);

static struct {
    acquire_function *acquire;
    release_function *release;
} ours = {malloc, free}, direct;

static double cpu_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds a pair; LIVE blocks of sizes to 500 bytes live at a time. */
static double round_ns(acquire_function *acquire, release_function *release) {
    static void *blocks[LIVE];
    double start_ns = cpu_ns();
    for (unsigned i = 0; i < PAIRS; i++) {
        void **block = &blocks[i * 7 % LIVE];
        release(*block);
        *block = acquire(16 + i % 31 * 16);
    }
    for (unsigned i = 0; i < LIVE; i++) {
        release(blocks[i]);
        blocks[i] = NULL;
    }
    return (cpu_ns() - start_ns) / PAIRS;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double times[ROUNDS]) {
    qsort(times, ROUNDS, sizeof times[0], compare);
    return times[ROUNDS / 2];
}

int main(void) {
    static double outside[ROUNDS], within[ROUNDS], itself[ROUNDS];
    struct cupel_counting counting;
    void *found[2] = {dlsym(RTLD_NEXT, "malloc"), dlsym(RTLD_NEXT, "free")};
    memcpy(&direct.acquire, &found[0], sizeof found[0]);
    memcpy(&direct.release, &found[1], sizeof found[1]);
    for (int round = -1; round < ROUNDS; round++) { /* the first is not counted */
        unsigned at = round < 0 ? 0 : (unsigned)round;
        itself[at] = round_ns(direct.acquire, direct.release);
        outside[at] = round_ns(ours.acquire, ours.release);
        (void)cupel__route_begin(cupel_counting_init(&counting, cupel__route_root()), CUPEL_PLACEMENT_PARENT);
        cupel__route_arm(true);
        within[at] = round_ns(ours.acquire, ours.release);
        cupel__route_arm(false);
        if (counting.counts.acquired != PAIRS || counting.counts.live_blocks != 0) {
            fprintf(stderr, "not routed: %llu requests counted\n", (unsigned long long)counting.counts.acquired);
            return 1;
        }
    }
    double own_ns = median(itself);
    double outside_ns = median(outside);
    double within_ns = median(within);
    printf("| malloc and free outside bodies, to the C library's own | %.1f ns | %.1f ns | %.2f | 1.5 ns more |\n",
           outside_ns, own_ns, outside_ns / own_ns);
    printf("| the same within a body, counted and found again | %.1f ns | %.1f ns | %.2f | - |\n", within_ns, own_ns,
           within_ns / own_ns);
    return fflush(stdout) == 0 ? 0 : 1;
}
