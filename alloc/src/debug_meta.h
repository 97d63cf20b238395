/* Memory for spans' headers and slots' records: a reservation of its own with guards on both sides, committed from its
 * front. Under the instance's lock. */
#ifndef ALLOC_SRC_DEBUG_META_H
#define ALLOC_SRC_DEBUG_META_H

#include "alloc/src/debug_state.h"

/* Reserves the memory and puts the instance's state at its front, all zero; NULL where the system refuses. */
struct cupel__debug *cupel__meta_begin(const struct cupel__system *system);
/* Gives it back, the state included. */
void cupel__meta_end(struct cupel__debug *debug);
/* A header, all zero; NULL where there is no more memory. */
struct cupel__span *cupel__meta_span(struct cupel__debug *debug);
void cupel__meta_release_span(struct cupel__debug *debug, struct cupel__span *span);
/* Records for a span of that class, all zero. */
struct cupel__block_record *cupel__meta_records(struct cupel__debug *debug, unsigned size_class);
void cupel__meta_release_records(struct cupel__debug *debug, unsigned size_class, struct cupel__block_record *records);
/* Bytes of the records of one span. */
size_t cupel__meta_records_bytes(unsigned size_class);
/* Bytes that are committed. */
size_t cupel__meta_bytes(const struct cupel__debug *debug);
/* Takes or gives back the permission to write to all of it, but for the locks. */
void cupel__meta_protect(struct cupel__debug *debug, bool is_writable);

#endif
