/* The global allocator: one object whose modes are tables of functions, copied in when the mode is set, so that a call
 * costs one indirection that the processor predicts.
 *
 *     fast       the C library's malloc family, or the functions set below, called directly
 *     counting   beside it a number of live blocks and a sum of their addresses
 *     tracking   every live block with its size and the stack of its allocation, under one lock
 *     debug      the debug allocator (alloc/debug.h) over pages of the system; the functions set below have no part in
 * it
 *
 * Two doors lead to the same blocks: the cupel_global_ entry points in the shape of malloc, for code that has always
 * called malloc, and cupel_global(), the same as an allocator, which takes size and alignment back. A block may go back
 * through either, except that one aligned over _Alignof(max_align_t) goes back through cupel_global().
 *
 * A mode is left only when none of its blocks is live; otherwise the switch is refused and the message says how many
 * are. Fast mode counts nothing, which is what makes it fast: it is left only before its first allocation, which costs
 * nothing to know (until then the table holds functions that put the real ones in).
 *
 * Thread-safe, but for the functions that set something: call those while no other thread allocates. Not for signal
 * handlers. In tracking mode a child of a program with threads must not use the global allocator before exec. */
#ifndef ALLOC_MODE_H
#define ALLOC_MODE_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"
#include "alloc/debug.h"
#include "alloc/tracking.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cupel_alloc_mode { CUPEL_MODE_FAST, CUPEL_MODE_COUNTING, CUPEL_MODE_TRACKING, CUPEL_MODE_DEBUG };

typedef void *(*cupel_malloc_function)(void *user, size_t size);
typedef void *(*cupel_realloc_function)(void *user, void *block, size_t size);
typedef void (*cupel_free_function)(void *user, void *block);

/* Sets the mode; the first is fast. False, with nothing changed, where blocks of the present one are (or, in fast mode,
 * may be) live, or debug mode gets no memory for its records; `error` (NULL is allowed) says which and how many. */
bool cupel_set_alloc_mode(enum cupel_alloc_mode mode, struct cupel_error *error);
/* As CUPEL_ALLOC says: "mode=counting", or "mode=debug:frames=8" with any options of cupel_debug_parse; absent or empty
 * changes nothing. Nothing reads the variable unless this is called. False with the column in the variable's text for a
 * word that is not understood, else as above. */
bool cupel_set_alloc_mode_from_environment(struct cupel_error *error);
enum cupel_alloc_mode cupel_alloc_mode(void);
const char *cupel_alloc_mode_name(enum cupel_alloc_mode mode);

/* What all modes stand on from now on: three functions that keep the contract of malloc, realloc and free (but are
 * never given size 0) and get `user` back. All NULL: the C library's. False, with nothing changed, where blocks are (or
 * may be) live as above, or only some are NULL. They must be as thread-safe as the program is. */
bool cupel_set_alloc_functions(cupel_malloc_function malloc_function, cupel_realloc_function realloc_function,
                               cupel_free_function free_function, void *user, struct cupel_error *error);

/* The global allocator as an allocator. */
struct cupel_allocator *cupel_global(void);

/* The number of live blocks; false in fast mode, which does not know. */
bool cupel_global_live_blocks(uint64_t *blocks);
/* True when nothing is live and, in counting mode, the addresses agree too: then no leak hides behind a double free.
 * False in fast mode once it allocated. */
bool cupel_global_is_balanced(void);
/* In tracking mode the layer that knows the blocks, to print them and to set its callback (which is called under the
 * lock and must not allocate here); else NULL. Borrowed until the mode changes. */
struct cupel_tracking *cupel_global_tracking(void);
/* In debug mode the debug allocator, else NULL. Borrowed until the mode changes. */
struct cupel_debug *cupel_global_debug(void);
/* What debug mode is made of when it is entered next; a copy. The first is cupel_debug_defaults. Its findings and leaks
 * are told when it is left, and at the exit of the program. */
void cupel_set_global_debug_options(const struct cupel_debug_options *options);

/* The table of the present mode. Read by the entry points below; written only by setting a mode. */
struct cupel_global_table {
    void *(*malloc_block)(size_t size);
    void *(*calloc_block)(size_t count, size_t size);
    void *(*realloc_block)(void *block, size_t size);
    void (*free_block)(void *block);
};
extern struct cupel_global_table cupel__global_table;

#define CUPEL__GLOBAL(member) __atomic_load_n(&cupel__global_table.member, __ATOMIC_RELAXED)
#define CUPEL__ENTRY          static inline __attribute__((always_inline))

/* As malloc, calloc, realloc and free of C: aligned for every type; NULL, with nothing changed, when out of memory;
 * size 0 gives a block that must be freed, and realloc to size 0 gives one too; free(NULL) does nothing. They are
 * inline so that the caller's own address is what tracking sees. */
CUPEL__ENTRY void *cupel_global_malloc(size_t size) {
    return CUPEL__GLOBAL(malloc_block)(size);
}
CUPEL__ENTRY void *cupel_global_calloc(size_t count, size_t size) {
    return CUPEL__GLOBAL(calloc_block)(count, size);
}
CUPEL__ENTRY void *cupel_global_realloc(void *block, size_t size) {
    return CUPEL__GLOBAL(realloc_block)(block, size);
}
CUPEL__ENTRY void cupel_global_free(void *block) {
    CUPEL__GLOBAL(free_block)(block);
}

#ifdef __cplusplus
}
#endif

#endif
