/* The debug allocator: every memory error that it can find, with the stacks of all who were part of it.
 *
 *     struct cupel_debug debug;
 *     struct cupel_debug_options options;
 *     cupel_debug_defaults(&options);
 *     struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, &error);
 *     ...
 *     uint64_t findings = cupel_debug_deinit(&debug);
 *
 * How it works. Blocks up to 32 KiB are slots of spans: runs of pages that hold blocks of one class of sizes. A slot is
 * handed out once; when all that a span handed out is free again the span is retired: its addresses lose their
 * permissions for ever, so that whoever touches them faults, and its pages move to fresh addresses for the next span.
 * Larger blocks have pages of their own with guards on both sides. Around each block stand canaries, to the byte; freed
 * bytes are 0xdd until their span is retired, and both are checked then. What is known of a block (16 bytes: size,
 * alignment, state, who allocated it and who freed it) stands in a reservation of its own, far from the blocks.
 *
 * Pages of freed slots lose their permissions before that too, where a few live blocks keep a span: such moments cost
 * system calls, and are earned by requests that cost none.
 *
 * Addresses are reused only where there are no more: when the budget of addresses or of mappings is spent, or the
 * system refuses, the oldest retired span is handed out again, and where there is none, freed slots of the oldest
 * spans, each of which waits until every other span of its class had its turn; one warning says so. The same happens to
 * freed slots when more freed bytes than the quarantine allows lie in spans that live blocks keep from being retired.
 *
 * What is found is a record (alloc/report.h) that goes to the sink of the options; each combination of kind and traces
 * is told once. After a finding the allocator goes on (a wrong free has no effect, one of a wrong size frees the
 * block), or stops the program where the options say so.
 *
 * Locking: any number of threads; with is_single_thread no lock is taken, and use by a second thread is a finding. Not
 * for signal handlers: a request that interrupts another of the same thread fails, and is counted. A child of fork may
 * use it. Cost: some 25 ns a request and the price of a trace; 16 bytes of records and some 32 of canaries a block. */
#ifndef ALLOC_DEBUG_H
#define ALLOC_DEBUG_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"
#include "alloc/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_DEBUG_FRAMES_DEFAULT = 16, CUPEL_DEBUG_WRAPPERS_BYTES = 256 };

/* What the library may be built without: CUPEL_DEBUG_FRAMES_MAX is the most frames of a trace (0: no code for traces),
 * CUPEL_DEBUG_THREADS 0 makes every instance one for a single thread (no code for locks). CUPEL_DEBUG_SYSTEM 0, as
 * -ffreestanding has it, is for machines without an operating system and without a C library: see alloc/bare.cmake. */
#ifndef CUPEL_DEBUG_SYSTEM
#define CUPEL_DEBUG_SYSTEM __STDC_HOSTED__
#endif
#if CUPEL_DEBUG_SYSTEM
#include <stdio.h>
#endif
#ifndef CUPEL_DEBUG_FRAMES_MAX
#if CUPEL_DEBUG_SYSTEM
#define CUPEL_DEBUG_FRAMES_MAX 32
#else
#define CUPEL_DEBUG_FRAMES_MAX 1
#endif
#endif
#ifndef CUPEL_DEBUG_THREADS
#define CUPEL_DEBUG_THREADS CUPEL_DEBUG_SYSTEM
#endif

/* What is done after a finding was told. */
enum cupel_debug_reaction { CUPEL_DEBUG_CONTINUE, CUPEL_DEBUG_STOP /* abort */ };

/* When the records of blocks are write-protected. */
enum cupel_debug_seal {
    CUPEL_DEBUG_SEAL_NONE,
    CUPEL_DEBUG_SEAL_RETIRED, /* those of retired spans, for good */
    CUPEL_DEBUG_SEAL_ALWAYS   /* all, except inside a request; one thread at a time, some 10 us a request */
};

/* Which blocks are leaks when the allocator ends. */
enum cupel_debug_leaks {
    CUPEL_DEBUG_LEAKS_NONE,
    CUPEL_DEBUG_LEAKS_UNREACHABLE, /* to which no register, stack, data or reachable block points */
    CUPEL_DEBUG_LEAKS_ALL
};

/* Fill with cupel_debug_defaults first. */
struct cupel_debug_options {
    const char *name;              /* of the instance, for reports; borrowed. Default "debug" */
    bool is_single_thread;         /* default false */
    unsigned frames;               /* of a trace: 0 (none, and no cost) to 32. Default 16 */
    enum cupel_trace_mode traces;  /* how stacks are walked. Default CUPEL_TRACE_TABLES: exact through any code */
    bool has_canaries;             /* default true */
    unsigned canary_bytes;         /* before each block: a multiple of 16 up to 256. Default 16; half of it behind */
    bool fills_fresh, fills_freed; /* default true */
    unsigned char canary;          /* the bytes. Default 0xca */
    unsigned char fresh;           /* of new blocks. Default 0xaf */
    unsigned char freed;           /* of freed blocks. Default 0xdd */
    size_t fill_max_bytes;         /* of a block of more, this much of its front is filled; of a new one
                                      4 KiB at most. Default 32 KiB */
    unsigned guard_every;          /* one block in so many gets pages of its own and guards: 0 none, 1 all. Default 0 */
    size_t quarantine_bytes;       /* freed bytes that may lie among live ones before they are reused. Default 64 MiB */
    size_t address_bytes;          /* of address space; 0: as much as there is. Default 0 */
    size_t span_count_max;         /* of spans at once, each of which takes two mappings; 0: a third of the system's
                                      limit of mappings. Default 0 */
    size_t memory_limit_bytes;     /* of live blocks; what passes it fails. 0: none. Default 0 */
    size_t kept_metadata_bytes;    /* of records of retired spans. SIZE_MAX: all. Default 2 MiB */
    enum cupel_debug_seal seal;    /* default CUPEL_DEBUG_SEAL_NONE */
    bool records_in_backing;      /* the allocator's own records too come from the backing, where they cannot be sealed;
                                     without a system always. Default false */
    bool never_unmaps;            /* freed memory stays readable. Default false */
    bool moves_on_remap;          /* each remap moves the block, so that stale pointers are found. Default false */
    bool catches_faults;          /* SIGSEGV and SIGBUS in memory of ours become findings. Default true */
    enum cupel_debug_leaks leaks; /* default CUPEL_DEBUG_LEAKS_ALL */
    unsigned leak_groups_max;     /* groups of leaks that are told, those with most bytes first. Default 20 */
    /* Names of functions that wrap allocators, "xmalloc,*_alloc": leaks are grouped by who calls them, and that is the
     * site of their blocks (alloc/query.h); traces keep all frames. Functions that CUPEL_ALLOCATION_WRAPPER stands
     * before are known without it. Default "". */
    char wrappers[CUPEL_DEBUG_WRAPPERS_BYTES];
    bool prints_statistics;          /* at the end, to the sink's descriptor. Default false */
    int statistics_signal;           /* at each such signal too, of whichever instance asked last; 0: none. Default 0 */
    bool is_verbose;                 /* each request is a line on the sink's descriptor. Default false */
    enum cupel_debug_reaction react; /* default CUPEL_DEBUG_CONTINUE */
    const char *suppressions;        /* rules that were checked (alloc/suppressions.h); findings that they meet are
                                        neither told nor counted, but as `silenced`. Borrowed. Default NULL: none */
    uint32_t ignored;                /* kinds of findings that are neither told nor counted: bits, 1 << kind */
    struct cupel_sink sink;          /* default: text to descriptor 2 */
};

/* Declares in the source that a function of the program's own wraps an allocator:
 *
 *     CUPEL_ALLOCATION_WRAPPER void *xmalloc(size_t size) { ... }
 *
 * Its code goes to a section whose name is read at report time; nothing else changes, but that it is not inlined. */
#define CUPEL_ALLOCATION_WRAPPER __attribute__((noinline, section("cupel_wrappers")))

struct cupel__debug; /* private */

struct cupel_debug {
    struct cupel_allocator base;
    struct cupel__debug *state; /* NULL: not initialised */
};

/* Fills the defaults. */
void cupel_debug_defaults(struct cupel_debug_options *options);
/* Changes what the text says, in the style of ASAN_OPTIONS: "frames=8:canaries=0:ignore=wrong-size,leak". The names are
 * those of cupel_debug_help. `options->name` is left alone. False and a text with the column on a malformed text. */
bool cupel_debug_parse(struct cupel_debug_options *options, const char *text, struct cupel_error *error);
#if CUPEL_DEBUG_SYSTEM
/* Prints the names, a line each. */
void cupel_debug_help(FILE *out);
#endif

/* Starts with no block. `backing` (borrowed) is where spans come from: cupel_pages() for all that is said above; any
 * other allocator serves too, but its memory has no permissions to take away: retired spans are then held back, up to
 * quarantine_bytes, and go back to it; where it has no more, the oldest of them are handed out again. `options` NULL:
 * the defaults. NULL where not even the memory for the records can be had, or where options are out of their ranges;
 * `error` (NULL is allowed) says which. */
struct cupel_allocator *cupel_debug_init(struct cupel_debug *debug, struct cupel_allocator *backing,
                                         const struct cupel_debug_options *options, struct cupel_error *error);
/* Looks for damage and leaks, gives all memory back, live blocks too, and returns the number of findings there were. A
 * zeroed struct is allowed. No other thread may be inside. */
uint64_t cupel_debug_deinit(struct cupel_debug *debug);

/* Looks at the canaries of all live blocks and the fill of all freed ones, and tells what was damaged. Returns how many
 * blocks were. O(all memory). */
uint64_t cupel_debug_check(struct cupel_debug *debug);
/* Tells live blocks grouped by trace, most bytes first, at most options.leak_groups_max groups, as options.leaks says.
 * Returns the number of blocks that are leaked, without those of groups that are suppressed. */
uint64_t cupel_debug_tell_leaks(struct cupel_debug *debug);
/* Findings so far; those that were told already count each time, ignored ones never. */
uint64_t cupel_debug_findings(const struct cupel_debug *debug);

/* What is known of an address. */
struct cupel_debug_block {
    const char *allocator; /* name of the instance; lives as long as it */
    const char *wrappers;  /* options.wrappers; the same */
    const void *base;
    size_t size;
    size_t align;
    bool is_live;
    ptrdiff_t offset; /* of the address from base: negative in front of the block, over size behind it */
    enum cupel_family family;
    cupel_trace_id allocated, resized, freed;
    unsigned allocating_thread, freeing_thread;
};
/* The block of any debug allocator in whose slot (block, canaries and padding) the address lies; false where it lies in
 * none, or where nothing is remembered of it. Any address is allowed. Safe in signal handlers and at any time. */
bool cupel_debug_find(const void *address, struct cupel_debug_block *block);
/* Calls visit with each live block of this instance, in no order, until it returns false; returns how many it saw. What
 * the visitor asks of debug allocators meanwhile fails, and must not be a release. Blocks that other threads allocate
 * or release meanwhile may be seen or not. O(live blocks). */
uint64_t cupel_debug_walk(struct cupel_debug *debug, bool (*visit)(void *user, const struct cupel_debug_block *block),
                          void *user);
/* Says who asked for a live block: for who hands out memory on behalf of another, whose stack is not the one of the
 * moment. False where no live block of this instance begins there, or another thread is at work on it. */
bool cupel_debug_set_trace(struct cupel_debug *debug, const void *block, cupel_trace_id trace);
/* The size of the live block that begins there; false where none of this instance does. */
bool cupel_debug_size(const struct cupel_debug *debug, const void *block, size_t *size, size_t *align);
/* Releases a block of whatever size and alignment it has: free(3). `site` is the caller's return address. */
void cupel_debug_release(struct cupel_debug *debug, void *block, const void *site);
/* Resizes a block of whatever size and alignment it has, in its place or by moving it: realloc(3) of a block that is
 * there. NULL: the block is as it was, or it is none (a finding). */
void *cupel_debug_remap(struct cupel_debug *debug, void *block, size_t new_size, const void *site);

/* The same for who takes the place of malloc and of C++'s operators: what one family made and another is given back is
 * a finding, with both stacks, and the request is served. Where one of the two says CUPEL_FAMILY_ANY all is well. A
 * block keeps its family when it is resized. */
void *cupel_debug_acquire_as(struct cupel_debug *debug, enum cupel_family family, size_t size, size_t align,
                             unsigned flags, const void *site);
/* `size` SIZE_MAX, `align` 0: the caller does not know it. A sized delete says both. */
void cupel_debug_release_as(struct cupel_debug *debug, enum cupel_family family, void *block, size_t size, size_t align,
                            const void *site);
void *cupel_debug_remap_as(struct cupel_debug *debug, enum cupel_family family, void *block, size_t new_size,
                           const void *site);

/* Numbers at one moment. */
struct cupel_debug_statistics {
    uint64_t live_blocks, requested_bytes; /* of live blocks, as they were asked for */
    uint64_t acquired, released;           /* requests that succeeded, ever */
    uint64_t mapped_bytes;                 /* pages that hold blocks and can be touched; at least requested_bytes */
    uint64_t overhead_bytes;               /* the allocator's own records and state */
    uint64_t address_bytes;                /* that were handed out to spans, ever */
    uint64_t spans, full_spans, large_spans;
    uint64_t retired_spans; /* whose records are kept */
    uint64_t freed_bytes;   /* in spans that are not retired: the quarantine */
    uint64_t revocations;   /* spans that lost their permissions */
    uint64_t moves;         /* spans whose pages moved to fresh addresses */
    uint64_t trims;         /* times that pages of freed slots were given back while their span lived */
    uint64_t reused_spans, reused_slots;
    uint64_t kept_metadata_bytes, forgotten_spans;
    uint64_t findings, suppressed; /* suppressed: told before */
    uint64_t silenced;             /* that a rule of options.suppressions met, not counted as findings */
    uint64_t refused;              /* requests that gave NULL */
    uint64_t reentered;            /* requests from a signal handler inside another */
    uint64_t traces, trace_bytes;  /* of the whole process */
    /* Queries of any address, by how they were answered (alloc/query.h); of the whole process. */
    uint64_t queries_ok, queries_no_owner, queries_forgotten, queries_no_thread, queries_no_frame, queries_no_symbol,
        queries_no_map;
};
/* O(live blocks), for their sizes. */
void cupel_debug_statistics(const struct cupel_debug *debug, struct cupel_debug_statistics *statistics);
/* Prints them as lines "name value", or as one line of JSON. Takes memory from nobody, but locks: not for signal
 * handlers (options.statistics_signal is for that). */
void cupel_debug_print_statistics(const struct cupel_debug *debug, bool is_json, cupel_trace_put put, void *user);

#ifdef __cplusplus
}
#endif

#endif
