/* Limits of a running test on memory and descriptors. (Time and output are the supervisor's own.)
 *
 * Memory is what the test's process, or one that it started, has resident beyond what it had when the test began: the
 * supervisor looks from time to time and kills it, and a test with a limit of its own is asked for its peak at its end,
 * so that none passes that was quick about it. Resident memory, since the limits of the kernel are no use here: one on
 * the address space is more than sanitizers reserve, and one on data makes malloc fail, which is another test. Under a
 * sanitizer its shadow counts.
 *
 * Descriptors are limited by the kernel: opening fails with EMFILE. A check that fails then says so. */
#ifndef HARNESS_SRC_LIMITS_H
#define HARNESS_SRC_LIMITS_H

#include "harness/result.h"
#include "harness/src/plan.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/* Of the running item, in memory shared with the supervisor. */
struct cupel__limits {
    _Atomic int64_t memory_bytes; /* 0: none */
    _Atomic int64_t base_bytes;   /* resident where the item began */
    _Atomic bool is_own;          /* asked for: looked at often, and at the end */
    int64_t descriptors;          /* 0: none; below: what the process had */
    uint64_t descriptors_before;
};

/* In the process that runs the item: before and after it. */
void cupel__limits_begin(const struct cupel__plan_item *item, struct cupel__limits *limits);
void cupel__limits_end(const struct cupel__plan_item *item, struct cupel__limits *limits, struct cupel_result *result);
/* In the supervisor: bytes by which that process, or one that it started, is beyond where it began, if more than it
 * may be; else 0. */
int64_t cupel__limits_exceeded(pid_t process, const struct cupel__limits *limits);
/* "its limit of 20 descriptors is used up" where it is, in the process that runs the item; else NULL. Good until the
 * next call. */
const char *cupel__limits_lack(void);

/* Descriptors that the running item of this process may have; 0: as many as the process. */
int64_t cupel__limits_descriptors(void);

/* Half of the machine's memory. */
int64_t cupel__limits_default_bytes(void);

#endif
