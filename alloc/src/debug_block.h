/* Blocks: given, taken back, resized and moved. A request's thread, trace and flags are known by then. */
#ifndef ALLOC_SRC_DEBUG_BLOCK_H
#define ALLOC_SRC_DEBUG_BLOCK_H

#include "alloc/src/debug_state.h"

/* What an address outside all spans is: of a stack, static, or wild. */
enum cupel_finding_kind cupel__kind_of_place(uintptr_t address);
/* A new block, or NULL. */
void *cupel__block_acquire(struct cupel__request *request, size_t size, size_t align);
/* Makes the slot of the request's block BUSY; false, with a finding told, where it is no live block, or where is_strict
 * and its size or alignment are not those that the request says. */
bool cupel__block_claim(struct cupel__request *request, bool is_strict, struct cupel__target *target);
/* Gives a claimed slot back as it was, with another size. */
void cupel__block_unclaim(struct cupel__target *target, size_t size);
/* Frees a claimed block. */
void cupel__block_release(struct cupel__request *request, struct cupel__target *target);
/* Resizes a claimed block in its place and gives the slot back; false, with the slot still claimed, where it would have
 * to move. */
bool cupel__block_resize(struct cupel__request *request, struct cupel__target *target, size_t new_size);
/* Moves a claimed block, which is freed. NULL, with the slot still claimed, where there is no room. */
void *cupel__block_move(struct cupel__request *request, struct cupel__target *target, size_t new_size);

/* Large blocks: see debug_large.c. */
bool cupel__is_large(struct cupel__debug *debug, size_t size, size_t align, bool *is_guarded);
void *cupel__large_acquire(struct cupel__request *request, size_t size, size_t align, bool is_guarded);
bool cupel__large_resize(struct cupel__request *request, struct cupel__target *target, size_t new_size);
void *cupel__large_move(struct cupel__request *request, struct cupel__target *target, size_t new_size);
/* Tells what is wrong with an address that is no live block of the instance. */
void cupel__block_explain(struct cupel__request *request);

#endif
