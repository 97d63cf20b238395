/* Allocation sites: every place in the code under test that asked for memory, with how often it was seen to
 * ask (in runs without a fault, after one as far as that was looked at, and where it was refused), and how often its
 * request was refused. A site that was asked and
 * never failed is an error path that no test went. */
#ifndef HARNESS_SRC_SITES_H
#define HARNESS_SRC_SITES_H

#include "alloc/failing.h"
#include "harness/result.h"

#include <stdbool.h>
#include <stdint.h>

/* From here on this process and those forked from it count. False where there is no memory to share. */
bool cupel__sites_begin(void);
void cupel__sites_end(void);
/* True between these two. */
bool cupel__sites_are_on(void);
/* A request from `address`. Nothing where it is off. Any thread; some nanoseconds. */
void cupel__sites_note(const void *address, bool is_refused);
/* The first fault of a layer, where it was a request for memory. */
void cupel__sites_first(const struct cupel_failing *failing);
/* As hooks of the failing layer: all requests, or the refused ones. Of these the first of a run is left to those who
 * take the layer's first fault. */
void cupel__sites_refused_again(const struct cupel_failing *failing, const struct cupel_failing_event *event);
void cupel__sites_hook(const struct cupel_failing *failing, const struct cupel_failing_event *event);

/* Writes them as JSON lines, complete or not at all: see cupel-sites(5). Asks a tool for files and lines. False and a
 * text where the file cannot be written. */
bool cupel__sites_write(const char *path, struct cupel_error *error);
/* "sites: 12 asked, 9 failed at least once", and with `lists` a line for each that never did. After a write it knows
 * files and lines. */
void cupel__sites_summary(bool lists, struct cupel_text *text);

#endif
