/* Queries: what any address of the process belongs to. A block of the heap, live or freed, and of whom; a thread's
 * stack, and which thread's; a symbol of a module; another mapping; or nothing.
 *
 *     struct cupel_query query;
 *     enum cupel_query_status status = cupel_query(pointer, &query);
 *     if (query.kind == CUPEL_ADDRESS_HEAP) { ... query.chain[0].base, .size, .site, .owner ... }
 *
 * Any address may be asked about, a wild one too: nothing is read there. Debug allocators answer by themselves; whoever
 * else hands out memory is made known with cupel_owner_add. Where allocators stand on each other a byte is in several
 * blocks: the chain names all of them, innermost first (an arena's block, the block of malloc that is the arena's
 * page).
 *
 * Takes no lock and no memory of its own; safe in signal handlers as far as the owners that were added are. A query
 * that an owner answers costs about as much as the owner's search; any other reads /proc/self/maps, some 100 us, and
 * one for a static address, or one on the own stack, the module's symbol table too, some milliseconds. */
#ifndef ALLOC_QUERY_H
#define ALLOC_QUERY_H

#include "alloc/index.h"
#include "alloc/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cupel_address_kind {
    CUPEL_ADDRESS_UNMAPPED, /* nothing is there */
    CUPEL_ADDRESS_MAPPED,   /* memory that nobody answers for: another malloc's, a file's, pages of one's own */
    CUPEL_ADDRESS_HEAP,     /* in a live block, or beside it in room that is the block's alone */
    CUPEL_ADDRESS_FREED,    /* the same of a block that was freed */
    CUPEL_ADDRESS_STACK,    /* of a thread, its thread-local memory included */
    CUPEL_ADDRESS_STATIC,   /* code or data of the program or of a shared object */
    CUPEL_ADDRESS_KINDS
};

enum cupel_query_status {
    CUPEL_QUERY_OK,
    CUPEL_QUERY_NO_OWNER,  /* MAPPED and private: a heap, or what looks like one, that no owner answers for */
    CUPEL_QUERY_FORGOTTEN, /* FREED: by a debug allocator that no longer knows what the block was */
    CUPEL_QUERY_NO_THREAD, /* STACK: of which thread is not known */
    CUPEL_QUERY_NO_FRAME,  /* STACK: whose frame is not known: another thread's, in none, or not to be walked to */
    CUPEL_QUERY_NO_SYMBOL, /* STATIC, STACK: no symbol holds the address or the function; maybe the module is known */
    CUPEL_QUERY_NO_MAP,    /* the mappings of the process cannot be read: UNMAPPED says nothing */
    CUPEL_QUERY_STATUSES
};

enum { CUPEL_OWNERS_MAX = 64, CUPEL_CHAIN_MAX = 8, CUPEL_QUERY_REGISTERS = 16 };

/* A block, as its owner knows it. What is not known is 0. */
struct cupel_owned {
    const char *owner; /* its name; lives as long as the owner */
    const void *base;
    size_t size;
    bool is_live;
    const void *site;                           /* the return address of the request */
    cupel_trace_id allocated, resized, freed;   /* traces of the latest of each */
    unsigned allocating_thread, freeing_thread; /* as the debug allocator numbers them */
};

/* A call's frame on a stack; all zero where it is not known. */
struct cupel_query_frame {
    uintptr_t ip;                               /* in the function: of the call that it is at */
    uintptr_t offset;                           /* of it, in the module's file */
    uintptr_t sp;                               /* where the frame begins */
    uintptr_t end;                              /* one past it: what debug info calls the frame's address */
    uintptr_t registers[CUPEL_QUERY_REGISTERS]; /* in it, by debug info's numbers; 0: not known */
};

struct cupel_query {
    const void *address;
    enum cupel_address_kind kind;
    /* The innermost thing that the address is in: block, symbol (else the module), variable (else frame), mapping.
     * Of a debug allocator's block the address may be in the room around it: before base, or size and more behind. */
    const void *base;
    size_t size;
    struct cupel_query_frame frame; /* STACK, of the thread that asks */
    int thread;                     /* STACK: the kernel's number (gdb's LWP); 0: not known */
    bool is_readable, is_writable;  /* MAPPED, STACK and STATIC */
    char mapping[64];               /* the beginning of the mapping's name, "[heap]" and the like; "" */
    char module[256];               /* STATIC, STACK: path; "" where it is not known */
    char symbol[128];               /* STATIC; STACK: the function whose frame it is; "" where none is known */
    char variable[64];              /* STACK: as cupel_query_variable filled it; "" */
    char declared[256];             /* the same: "file:line"; "" */
    unsigned chain_count;
    struct cupel_owned chain[CUPEL_CHAIN_MAX]; /* HEAP, FREED; innermost first */
};

/* Fills `query`, always; says what is lacking of the answer. */
enum cupel_query_status cupel_query(const void *address, struct cupel_query *query);
/* Adds to an answer of STACK, given by this thread in a call that did not return yet, which variable holds the address:
 * its name, where it is declared, and in base and size the whole of it; the function becomes the one whose variable it
 * is, though it was inlined. False, with nothing changed, where debug info does not say: no cupel-symbolise, a variable
 * whose place is computed, none. Starts a process (tens of milliseconds; some seconds are all that there is for this in
 * a process's life); one thread at a time: another one is told false. */
bool cupel_query_variable(struct cupel_query *query);
/* Prints the answer as a sentence, its traces not included: "0x5 is 3 bytes into a live block of 24 bytes at 0x2 of
 * 'debug'". Takes memory from nobody. */
void cupel_query_print(const struct cupel_query *query, cupel_trace_put put, void *user);

/* How long what is there stays. */
enum cupel_lifetime {
    CUPEL_LIFETIME_OVER,    /* it is no more, or never was */
    CUPEL_LIFETIME_RELEASE, /* until somebody releases the block */
    CUPEL_LIFETIME_CALL,    /* until the call returns */
    CUPEL_LIFETIME_THREAD,  /* as long as the thread, or a call on its stack: that is not known */
    CUPEL_LIFETIME_MODULE,  /* until the module is unloaded */
    CUPEL_LIFETIME_MAPPING  /* until somebody unmaps it */
};
enum cupel_lifetime cupel_query_lifetime(const struct cupel_query *query);

/* A single part of the answer, at the whole one's cost: for a debugger's prompt. */
const void *cupel_query_base(const void *address); /* of the innermost thing; NULL: nothing is there */
size_t cupel_query_size(const void *address);      /* of it; 0 */
const void *cupel_query_site(const void *address); /* of the innermost block; NULL: in none, or not known */
const char *cupel_query_owner(const void *address);
/* The answer as a sentence, with the variable where there is one, in `text` of `size` bytes, cut to fit. */
const char *cupel_query_name(const void *address, char *text, size_t size);

/* How often each status was the answer, ever; the statistics of debug allocators have them too, at any time, at a
 * signal and at the end. */
void cupel_query_count(uint64_t counts[CUPEL_QUERY_STATUSES]);
/* A word for a kind ("heap") and for a status ("no owner"). */
const char *cupel_address_kind_name(enum cupel_address_kind kind);
const char *cupel_query_status_name(enum cupel_query_status status);

/* Who hands out memory, and can say which block an address is in. */
struct cupel_owner {
    const char *name;
    /* True where the address is in a block, and fills what is known of it, `owner` aside. Called by any thread at any
     * time: takes what lock it needs, and where it cannot have it is false. Must not read at the address. */
    bool (*find)(void *user, const void *address, struct cupel_owned *block);
    void *user;
};

/* Makes an owner known (borrowed). False where there are CUPEL_OWNERS_MAX already. */
bool cupel_owner_add(const struct cupel_owner *owner);
/* Forgets it; one that is not known is passed over. No query may be under way in other threads. */
void cupel_owner_remove(const struct cupel_owner *owner);
/* A `find` for an index (`user`) of struct cupel_block, as of cupel_tracking and cupel_facade; while it is asked no
 * thread may change the index. */
bool cupel_owner_find_in_index(void *user, const void *address, struct cupel_owned *block);

#ifdef __cplusplus
}
#endif

#endif
