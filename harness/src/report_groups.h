/* Records of a report by a name, for formats that say the counts of a group before its members: each group's members
 * are kept in memory until the end. */
#ifndef HARNESS_SRC_REPORT_GROUPS_H
#define HARNESS_SRC_REPORT_GROUPS_H

#include "harness/src/report.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cupel__group {
    char *name; /* owned, as all here */
    char *text; /* what its members came to; never NULL */
    size_t size_bytes, capacity_bytes;
    uint64_t count, failed, errors, skipped, disabled; /* failed: those that are no errors */
    int64_t duration_ns;
    int64_t start_ms; /* since 1970, of the first record */
};

struct cupel__groups {
    struct cupel__group *all;
    size_t count, capacity, last;
    FILE *member; /* what cupel__groups_begin gave */
    char *member_text;
    size_t member_bytes;
};

/* Counts the record into the group of that name, made where it is new; what is written to the stream until
 * cupel__groups_end is its text. NULL when out of memory: the report is then said to be lost (cupel__reports_lose). */
FILE *cupel__groups_begin(struct cupel__groups *groups, const char *name, const struct cupel_result *result);
void cupel__groups_end(struct cupel__groups *groups);
/* The sums of all; name and text are NULL. */
struct cupel__group cupel__groups_sum(const struct cupel__groups *groups);
void cupel__groups_deinit(struct cupel__groups *groups);

/* True where a test was left out for its name, which GoogleTest does not call skipped. */
bool cupel__result_is_disabled(const struct cupel_result *result);
/* True where the test did not fail by its own word: it crashed, hung, or gave up. JUnit calls that an error. */
bool cupel__result_is_error(const struct cupel_result *result);
/* Now, in ms since 1970; with a record: when it began. */
int64_t cupel__report_time_ms(const struct cupel_result *result);
/* "2026-11-20T08:57:17" in UTC, with ".971" where `has_fraction`. `text` has at least 32 bytes. */
void cupel__report_timestamp(int64_t time_ms, bool has_fraction, char *text);

#endif
