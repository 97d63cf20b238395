/* Allocator stacks from text: words, outermost first, each with an argument where it takes one, the last a root.
 *
 *     counting failing=alloc:3 tracking arena=page=64K libc
 *
 *     counting[=shared]      counts blocks and bytes; "shared" for many threads
 *     failing[=PLAN]         makes the requests fail that a fault plan names (alloc/failing.h)
 *     perturbing[=WORDS]     varies fill and placement: "seed:7", "fresh:0xff,placement:never" (alloc/perturbing.h)
 *     debug[=OPTIONS]        finds memory errors, best over pages: "frames=8:leaks=none" (alloc/debug.h)
 *     tracking               knows live blocks and where they came from
 *     logging[=DESCRIPTOR]   writes a line an operation to an open descriptor (default 2)
 *     arena[=KEY=SIZE,...]   cuts blocks from pages; keys: page, max, large, redzone (alloc/arena.h)
 *     facade                 knows sizes and takes one lock, so that many threads may use what stands below
 *     libc                   root: the C library
 *     pages                  root: whole pages from the kernel
 *     fixed[=SIZE]           root: a buffer in the storage (default and most: CUPEL_LAYERS_FIXED_BYTES)
 *     global                 root: the global allocator (alloc/mode.h)
 *
 * Words are separated by white space. SIZE is a number of bytes, or of K, M or G (1024 and so on). A layer may occur
 * any number of times, CUPEL_LAYERS_MAX layers in all. No heap is needed: layers live in storage of the caller's. */
#ifndef ALLOC_LAYERS_H
#define ALLOC_LAYERS_H

#include "alloc/alloc.h"
#include "alloc/arena.h"
#include "alloc/base/message.h"
#include "alloc/counting.h"
#include "alloc/debug.h"
#include "alloc/facade.h"
#include "alloc/failing.h"
#include "alloc/fixed.h"
#include "alloc/logging.h"
#include "alloc/perturbing.h"
#include "alloc/tracking.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_LAYERS_MAX = 8, CUPEL_LAYERS_ARGUMENT_MAX = 255, CUPEL_LAYERS_FIXED_BYTES = 64 << 10 };

struct cupel_layer_kind; /* private: a row of the table of words */

/* Some 100 KiB; its contents are private. Must stay where it is between cupel_layers and cupel_layers_deinit. */
struct cupel_layers_storage {
    unsigned count; /* layers, the root included; 0: nothing to give back */
    struct cupel_layer {
        const struct cupel_layer_kind *kind;
        union {
            struct cupel_counting counting;
            struct cupel_failing failing;
            struct cupel_perturbing perturbing;
            struct cupel_tracking tracking;
            struct cupel_debug debug;
            struct cupel_logging logging;
            struct cupel_arena arena;
            struct cupel_facade facade;
            struct cupel_fixed fixed;
        } as;
    } layers[CUPEL_LAYERS_MAX]; /* outermost first */
    CUPEL_MAX_ALIGNED unsigned char fixed_memory[CUPEL_LAYERS_FIXED_BYTES];
};

/* Builds the stack that `spec` says in `storage` (whose contents do not matter before) and returns its outermost layer.
 * NULL on a malformed spec, with nothing to give back; `error` (NULL is allowed) then names the word and its column,
 * counted in bytes from 1. One thread at a time, as the layers are. Give back with cupel_layers_deinit. */
struct cupel_allocator *cupel_layers(const char *spec, struct cupel_layers_storage *storage, struct cupel_error *error);
/* The same over an allocator of the caller's (borrowed) in place of a root: the spec names layers only, at least one.
 */
struct cupel_allocator *cupel_layers_over(const char *spec, struct cupel_allocator *below,
                                          struct cupel_layers_storage *storage, struct cupel_error *error);
/* Gives back what the layers hold of their own (arena pages, indexes; buffered lines go out), outermost first. Blocks
 * that are live in a root stay there. A zeroed storage is allowed. */
void cupel_layers_deinit(struct cupel_layers_storage *storage);

/* The layer of that kind, counted from 0 at the outermost; NULL where the stack has no more. Borrowed. */
struct cupel_counting *cupel_layers_counting(struct cupel_layers_storage *storage, unsigned index);
struct cupel_failing *cupel_layers_failing(struct cupel_layers_storage *storage, unsigned index);
struct cupel_perturbing *cupel_layers_perturbing(struct cupel_layers_storage *storage, unsigned index);
struct cupel_tracking *cupel_layers_tracking(struct cupel_layers_storage *storage, unsigned index);
struct cupel_debug *cupel_layers_debug(struct cupel_layers_storage *storage, unsigned index);
struct cupel_logging *cupel_layers_logging(struct cupel_layers_storage *storage, unsigned index);
struct cupel_arena *cupel_layers_arena(struct cupel_layers_storage *storage, unsigned index);
struct cupel_facade *cupel_layers_facade(struct cupel_layers_storage *storage, unsigned index);
struct cupel_fixed *cupel_layers_fixed(struct cupel_layers_storage *storage, unsigned index);

/* Prints the table of words, one a line, for --help. */
void cupel_layers_help(FILE *out);

#ifdef __cplusplus
}
#endif

#endif
