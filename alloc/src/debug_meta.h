/* Memory for spans' headers and slots' records: a reservation of its own with guards on both sides, committed from its
 * front. Under the instance's lock. */
#ifndef ALLOC_SRC_DEBUG_META_H
#define ALLOC_SRC_DEBUG_META_H

#include "alloc/src/debug_state.h"

/* Reserves the memory and puts the instance's state at its front, all zero; NULL where the system refuses. With
 * `backing` all of it comes from there: it is the caller's to note it in the state before anything else is taken. */
struct cupel__debug *cupel__meta_begin(const struct cupel__system *system, struct cupel_allocator *backing);
/* Gives it back, the state included. */
void cupel__meta_end(struct cupel__debug *debug);
/* A header, all zero; NULL where there is no more memory. What is found on the way to it is pending. */
struct cupel__span *cupel__meta_span(struct cupel__debug *debug, struct cupel__pending *pending);
void cupel__meta_release_span(struct cupel__debug *debug, struct cupel__span *span);
/* Records for a span of that class, all zero. */
struct cupel__block_record *cupel__meta_records(struct cupel__debug *debug, unsigned size_class,
                                                struct cupel__pending *pending);
void cupel__meta_release_records(struct cupel__debug *debug, unsigned size_class, struct cupel__block_record *records);
/* Bytes of the records of one span. */
size_t cupel__meta_records_bytes(unsigned size_class);
/* True where an address lies in memory for records. */
bool cupel__meta_holds(const struct cupel__debug *debug, uintptr_t address);
/* Memory for a moment, all zero, from where the records come from; NULL where there is none. */
void *cupel__scratch_take(struct cupel__debug *debug, size_t bytes);
void cupel__scratch_give_back(struct cupel__debug *debug, void *memory, size_t bytes);
/* Bytes that are committed. */
size_t cupel__meta_bytes(const struct cupel__debug *debug);
/* Takes or gives back the permission to write to all of it, but for the locks. */
void cupel__meta_protect(struct cupel__debug *debug, bool is_writable);

#endif
