/* A few threads that share out numbered jobs. */
#ifndef ALLOC_BASE_WORKERS_H
#define ALLOC_BASE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_WORKERS_MAX = 256 }; /* more threads than this are never started */

/* Runs work(user, index, worker) for each index in 0..count-1 on at most `threads` threads (0: one a core), the
 * caller's included, and returns when all are done. Jobs start in order. A thread that cannot be started is done
 * without. `worker` is 0..threads-1, for scratch space. Returns the number of threads that took part. */
unsigned cupel_workers_run(unsigned threads, size_t count, void (*work)(void *user, size_t index, unsigned worker),
                           void *user);
/* Cores this process may use, at least 1. */
unsigned cupel_core_count(void);

#ifdef __cplusplus
}
#endif

#endif
