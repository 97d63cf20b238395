/* Goal: jobs run once each, in order, on no more threads than asked. Method: a counter a job. */
#include "alloc/base/workers.h"
#include "harness/harness.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS = 1000 };

static atomic_uint runs[JOBS];
static atomic_uint workers_seen[CUPEL_WORKERS_MAX];

static void count_run(void *user, size_t index, unsigned worker) {
    atomic_fetch_add(&runs[index], *(const unsigned *)user);
    atomic_fetch_add(&workers_seen[worker], 1);
}

static void check_every_job_ran_once(unsigned threads, size_t count) {
    unsigned one = 1;
    memset(runs, 0, sizeof runs);
    memset(workers_seen, 0, sizeof workers_seen);
    unsigned took_part = cupel_workers_run(threads, count, count_run, &one);
    REQUIRE(took_part >= 1 && (threads == 0 || took_part <= threads));
    for (size_t i = 0; i < JOBS; i++) {
        REQUIRE_UINT_EQ(atomic_load(&runs[i]), i < count);
    }
    for (size_t i = took_part; i < CUPEL_WORKERS_MAX; i++) {
        REQUIRE_UINT_EQ(atomic_load(&workers_seen[i]), 0);
    }
}

TEST(base, workers_run_every_job_once, .tags = "slow") {
    check_every_job_ran_once(1, JOBS);
    check_every_job_ran_once(4, JOBS);
    check_every_job_ran_once(0, JOBS);
    check_every_job_ran_once(4, 2);
    check_every_job_ran_once(1000, JOBS);
}

TEST(base, workers_with_no_jobs_start_no_thread) {
    unsigned one = 1;
    CHECK_UINT_EQ(cupel_workers_run(8, 0, count_run, &one), 1);
    CHECK(cupel_core_count() >= 1);
}

static size_t order[JOBS];
static size_t order_count;

static void note_order(void *user, size_t index, unsigned worker) {
    (void)user;
    (void)worker;
    order[order_count++] = index;
}

TEST(base, workers_start_jobs_in_order, .tags = "slow") {
    order_count = 0;
    CHECK_UINT_EQ(cupel_workers_run(1, JOBS, note_order, NULL), 1);
    for (size_t i = 0; i < JOBS; i++) {
        REQUIRE_UINT_EQ(order[i], i);
    }
}
