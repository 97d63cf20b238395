/* Threads that take the next number until there are none. No queue: one atomic counter is the order. */
#include "alloc/base/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

struct jobs {
    atomic_size_t next;
    size_t count;
    void (*work)(void *user, size_t index, unsigned worker);
    void *user;
};

struct worker {
    struct jobs *jobs;
    pthread_t thread;
    unsigned number;
};

static void *run_worker(void *argument) {
    struct worker *worker = argument;
    struct jobs *jobs = worker->jobs;
    for (;;) {
        size_t index = atomic_fetch_add(&jobs->next, 1);
        if (index >= jobs->count) {
            return NULL;
        }
        jobs->work(jobs->user, index, worker->number);
    }
}

unsigned cupel_core_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than the set has bits */
    return online > 0 ? (unsigned)online : 1;    /* LCOV_EXCL_BR_LINE(there is a processor) */
}

unsigned cupel_workers_run(unsigned threads, size_t count, void (*work)(void *user, size_t index, unsigned worker),
                           void *user) {
    struct worker workers[CUPEL_WORKERS_MAX];
    struct jobs jobs = {.count = count, .work = work, .user = user};
    size_t wanted = threads != 0 ? threads : cupel_core_count();
    wanted = wanted < count ? wanted : count;
    wanted = wanted < CUPEL_WORKERS_MAX ? wanted : CUPEL_WORKERS_MAX;
    unsigned started = 1; /* worker 0 is the caller */
    for (; started < wanted; started++) {
        workers[started] = (struct worker){.jobs = &jobs, .number = started};
        if (pthread_create(&workers[started].thread, NULL, run_worker, &workers[started]) != 0) {
            break;
        }
    }
    workers[0] = (struct worker){.jobs = &jobs, .number = 0};
    (void)run_worker(&workers[0]);
    for (unsigned i = 1; i < started; i++) {
        (void)pthread_join(workers[i].thread, NULL);
    }
    return started;
}
