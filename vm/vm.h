/* The virtual machine: its heap, its objects, its collector.
 *
 * The heap is two pools, each an arena of linked pages that grows. Allocation never collects and nothing moves while C
 * runs: a reference that a constructor returned stays good until the next safepoint. At a safepoint (vm_safepoint,
 * which the evaluator calls) what is reachable is copied to the other pool and the old one is given back. Roots are the
 * handles.
 *
 * One thread at a time for each VM. Nothing here is for signal handlers. */
#ifndef VM_VM_H
#define VM_VM_H

#include "alloc/alloc.h"
#include "vm/value.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vm vm_t;

typedef enum {
    VM_OK,
    VM_ERROR_OOM,      /* the memory cap is reached, or the allocator gave nothing */
    VM_ERROR_DEFERRED, /* a collection was due, but a native that is not safe is active */
} vm_status;

enum vm_type { VM_TYPE_ARRAY = 1, VM_TYPE_PAIR, VM_TYPE_STRING, VM_TYPE_DOUBLE, VM_TYPE_BYTES };

enum vm_stress {
    VM_STRESS_FLIP = 1, /* collect at every safepoint */
};

struct vm_options {
    size_t memory_cap_bytes; /* most bytes of live and dead objects in one pool; 0: none */
    size_t
        flip_after_bytes; /* a collection is due after so many bytes; 0: 1 MiB, or as much as the last one left alive */
    unsigned stress;      /* enum vm_stress, or-ed */
};

struct vm_statistics {
    uint64_t flips;
    uint64_t objects_allocated;
    uint64_t bytes_allocated;  /* ever, by vm_alloc; not by copying */
    uint64_t bytes_in_pool;    /* live and dead objects now */
    uint64_t bytes_after_flip; /* live after the last flip */
    uint64_t objects_after_flip;
    uint64_t handles;
};

/* Creates a VM whose memory all comes from `allocator`, which must outlive it. Options NULL: defaults. NULL when out of
 * memory. */
vm_t *vm_create(struct cupel_allocator *allocator, const struct vm_options *options);
/* Gives all memory back; NULL is allowed. Every value and handle of the VM is dead then. */
void vm_destroy(vm_t *vm);
void vm_statistics(const vm_t *vm, struct vm_statistics *statistics);

/* Allocates a raw chunk, zeroed, 16-byte aligned: scratch memory for C code, which the VM frees by itself at the next
 * flip. NULL at the memory cap. Never collects. O(size). */
void *vm_alloc(vm_t *vm, size_t size_bytes);

/* Constructors: a reference to a new object, or VM_OOM_VALUE. Never collect. */
tagged_value_t vm_mk_array(vm_t *vm, size_t length); /* all nil; length up to VM_LENGTH_MAX */
tagged_value_t vm_mk_pair(vm_t *vm, tagged_value_t first, tagged_value_t second);
tagged_value_t vm_mk_string(vm_t *vm, const char *text,
                            size_t length_bytes);     /* copies; immutable; UTF-8 is not checked */
tagged_value_t vm_mk_double(vm_t *vm, double number); /* boxes only where it must; NaNs become one */

#define VM_LENGTH_MAX ((size_t)INT32_MAX)

/* True where the value is a reference to an object of that type. */
bool vm_is(tagged_value_t value, enum vm_type type);
/* Of arrays and strings: elements, or bytes. Anything else is a programmer error. */
size_t vm_length(tagged_value_t value);
/* Elements of arrays (index below the length) and pairs (0 and 1). */
tagged_value_t vm_get(tagged_value_t object, size_t index);
void vm_set(tagged_value_t object, size_t index, tagged_value_t element);
/* The bytes of a string, followed by a zero byte; good until the next safepoint. */
const char *vm_string_text(tagged_value_t string);
/* True where the value is a double, boxed or not; the number then. */
bool vm_is_double(tagged_value_t value);
double vm_double(tagged_value_t value);

/* A handle keeps a value alive and knows where it is after a flip. 0 is no handle: out of memory. */
typedef uint32_t vm_handle;
vm_handle vm_hold(vm_t *vm, tagged_value_t value);
tagged_value_t vm_held(const vm_t *vm, vm_handle handle);
void vm_replace(vm_t *vm, vm_handle handle, tagged_value_t value);
/* 0 is allowed. A handle that is not held is a programmer error. */
void vm_drop(vm_t *vm, vm_handle handle);

/* The place where the collector may run: collects if that is due. VM_OK also where nothing was due; VM_ERROR_OOM: the
 * other pool could not be filled and the heap is as it was; VM_ERROR_DEFERRED between vm_native_begin and
 * vm_native_end. */
vm_status vm_safepoint(vm_t *vm);
/* Brackets C code that keeps references in its own variables across safepoints: nothing moves inside. Nests. */
void vm_native_begin(vm_t *vm);
void vm_native_end(vm_t *vm);

/* Proves the heap's invariants: every reachable object lies in the current pool, has a known type and a sane size. True
 * where they hold; false also where there is no memory to look, and nothing was changed then. O(live), with half as
 * much memory as the pool has in use; for tests and debugging. */
bool vm_check_heap(vm_t *vm);

#ifdef __cplusplus
}
#endif

#endif
