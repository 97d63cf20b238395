/* The virtual machine: its heap and its collector. The objects in it are made and looked at through vm/objects.h, which
 * this includes.
 *
 * The heap is two pools, each a list of linked pages that grows. Allocation never collects and nothing moves while C
 * runs: a reference that a constructor returned stays good until the next safepoint. At a safepoint (vm_safepoint,
 * which the evaluator calls) what is reachable is copied to the other pool and the old one is given back. Roots are the
 * handles, and what the evaluator holds in registers.
 *
 * One thread at a time for each VM. Nothing here is for signal handlers. */
#ifndef VM_VM_H
#define VM_VM_H

#include "alloc/alloc.h"
#include "vm/objects.h"
#include "vm/value.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vm_stress {
    VM_STRESS_FLIP = 1,     /* collect at every safepoint */
    VM_STRESS_CALLBACK = 2, /* collect whenever a safe native calls back into the VM */
    VM_STRESS_MOVE = 4,     /* large objects are copied too, so that every object moves with every flip */
    VM_STRESS_PROTECT = 8,  /* the old pool stays inaccessible until the next flip: whoever looks there dies at once */
};

struct vm_options {
    size_t memory_cap_bytes; /* most bytes of live and dead objects in one pool, beyond those of a new VM; 0: none.
                                During a flip both pools exist, so that at most twice as much is in use. */
    size_t
        flip_after_bytes; /* a collection is due after so many bytes; 0: 1 MiB, or as much as the last one left alive */
    unsigned stress;      /* enum vm_stress, or-ed */
    unsigned nesting_max; /* how deep vm_compare, vm_hash, vm_print follow data into data; 0: 10000 */
    uint64_t hash_seed;   /* of all hashes: the same seed gives the same hashes in every run */
    /* Asked before each allocation of an object in the heap, with its size in bytes; false: it fails, as for want of
     * memory. For those who try what happens then. NULL: all are granted. Must not use the VM. */
    bool (*may_allocate)(void *context, size_t size_bytes);
    void *may_allocate_context;
};

struct vm_statistics {
    uint64_t flips;
    uint64_t bytes_allocated;  /* ever, by making objects; not by copying */
    uint64_t bytes_in_pool;    /* live and dead objects now */
    uint64_t bytes_at_start;   /* in the pool of a VM that was just created */
    uint64_t bytes_after_flip; /* live after the last flip */
    uint64_t objects_after_flip;
    uint64_t native_bytes_peak; /* the most that was in the pool when a native ended that is not safe */
    uint64_t handles;           /* held, without those of scopes */
};

/* Creates a VM whose memory all comes from `allocator`, which must outlive it. Options NULL: defaults; they are copied.
 * NULL when out of memory. */
vm_t *vm_create(struct cupel_allocator *allocator, const struct vm_options *options);
/* Gives all memory back, and frees what native objects own; NULL is allowed. Every value and handle of the VM is dead
 * then. */
void vm_destroy(vm_t *vm);
void vm_statistics(const vm_t *vm, struct vm_statistics *statistics);

/* Allocates a raw chunk, zeroed, 16-byte aligned: scratch memory for C code, which the VM frees by itself at the next
 * flip. NULL at the memory cap. Never collects. O(size). */
void *vm_alloc(vm_t *vm, size_t size_bytes);

/* A handle keeps a value alive and knows where it is after a flip. 0 is no handle: out of memory. */
typedef uint32_t vm_handle;
vm_handle vm_hold(vm_t *vm, tagged_value_t value);
tagged_value_t vm_held(const vm_t *vm, vm_handle handle);
void vm_replace(vm_t *vm, vm_handle handle, tagged_value_t value);
/* 0 is allowed. A handle that is not held, or that is a scope's, is a programmer error. */
void vm_drop(vm_t *vm, vm_handle handle);

/* Handles that need not be dropped one by one: all that vm_local gave since vm_scope_open are gone with vm_scope_close.
 * Scopes nest, and close in the reverse of their order. vm_local gives 0 when out of memory. */
typedef uint32_t vm_scope;
vm_scope vm_scope_open(vm_t *vm);
vm_handle vm_local(vm_t *vm, tagged_value_t value);
void vm_scope_close(vm_t *vm, vm_scope scope);

/* The place where the collector may run: collects if that is due. VM_OK also where nothing was due; VM_ERROR_OOM: the
 * other pool could not be filled and the heap is as it was; VM_ERROR_DEFERRED between vm_native_begin and
 * vm_native_end. */
vm_status vm_safepoint(vm_t *vm);
/* Brackets C code that keeps references in its own variables across safepoints: nothing moves inside. Nests. */
void vm_native_begin(vm_t *vm);
void vm_native_end(vm_t *vm);

/* Proves the heap's invariants: every object in the pool is of a known type and a sane size, every reachable one begins
 * where an object does, and nothing refers to outside of the pool. True where they hold; false also where there is no
 * memory to look, and nothing was changed then. O(pool log pool); for tests and debugging. */
bool vm_check_heap(vm_t *vm);

#ifdef __cplusplus
}
#endif

#endif
