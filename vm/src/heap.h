/* The VM's state, as all of its parts see it, and the quick way to a new object. */
#ifndef VM_SRC_HEAP_H
#define VM_SRC_HEAP_H

#include "vm/src/object.h"

#include <stdatomic.h>

/* What a safepoint has to look at; 0: nothing. May be set from a signal handler or another thread. */
enum { VM__ATTENTION_FLIP = 1 /* a collection is due */ };

/* Values that the VM itself keeps alive; moved by every flip. */
enum vm__root {
    VM__ROOT_ERROR,         /* the pending error, or nil */
    VM__ROOT_OUT_OF_MEMORY, /* an error that is made with the VM, for when there is no memory for another */
    VM__ROOT_GLOBALS,       /* of the evaluator */
    VM__ROOT_COUNT = 8,     /* the others are spare */
};

/* Shows roots to whoever wants to see or change them: a flip, its undoing, the checker. */
struct vm__visitor {
    bool (*visit)(struct vm__visitor *visitor, tagged_value_t *values, size_t count);
};

/* Somebody who keeps values outside of the heap. `scan` must call the visitor for every such word exactly once, end
 * with false as soon as it says false, and always in the same way as long as nothing ran in between. Never allocates.
 */
struct vm__scanner {
    bool (*scan)(void *context, struct vm__visitor *visitor);
    void *context;
    struct vm__scanner *next;
};

struct vm__handles {
    tagged_value_t *slots; /* a free slot holds the next free index in a word with tag 7 */
    uint32_t capacity;
    uint32_t first_free; /* index, or capacity where none is free */
    uint32_t held;
};

/* Handles that a scope drops all at once. */
struct vm__locals {
    tagged_value_t *slots;
    uint32_t capacity;
    uint32_t count;
};

/* Weak: a symbol that nothing else refers to leaves with a flip. Open addressing, by the hash of the name. */
struct vm__symbols {
    tagged_value_t *slots; /* nil: free */
    uint32_t capacity;     /* 0, or a power of two */
    uint32_t count;
};

/* Native objects that own something, weak too. */
struct vm__owned {
    tagged_value_t *slots;
    uint32_t capacity;
    uint32_t count;
};

struct vm {
    struct vm__pool pool; /* where objects are made; the other pool exists only inside of a flip */
    _Atomic(unsigned) attention;
    unsigned native_depth;
    bool is_slow;    /* every allocation goes the slow way: somebody counts or watches them */
    bool is_watched; /* runs under valgrind */
    size_t redzone_bytes;
    struct cupel_allocator *allocator;
    struct vm_options options;
    struct vm__handles handles;
    struct vm__locals locals;
    struct vm__symbols symbols;
    struct vm__owned owned;
    struct vm__scanner *scanners;
    tagged_value_t roots[VM__ROOT_COUNT];
    struct vm__page *spare; /* pages for the next small objects */
    size_t spare_bytes;
    struct vm__pool shut;  /* under VM_STRESS_PROTECT: the pool of before the last flip */
    size_t bytes_at_start; /* that vm_create made: not counted against the cap */
    size_t bytes_after_flip;
    size_t bytes_allocated; /* before the last flip, ever */
    size_t due_bytes;       /* a flip is due once the pool has so many */
    uint32_t last_identity;
    struct vm_statistics statistics;
    void *evaluator; /* the evaluator's own state */
};

/* A new object of `slots` uninitialised slots, which the caller fills before anything else happens; NULL when out of
 * memory. For sizes that are known to be small (VM__LARGE_BYTES). */
struct vm__object *vm__allocate_slow(vm_t *vm, enum vm_type type, size_t slots);

static inline uint64_t vm__header(enum vm_type type, size_t slots) {
    return (uint64_t)(slots + 1) << VM__WORDS_SHIFT | (uint64_t)type << VM__TYPE_SHIFT | VM__FLAG_LIVE;
}

static inline struct vm__object *vm__allocate(vm_t *vm, enum vm_type type, size_t slots) {
    size_t size = (slots + 1) * VM__WORD_BYTES;
    if (__builtin_expect(size > (size_t)(vm->pool.limit - vm->pool.cursor), 0)) {
        return vm__allocate_slow(vm, type, slots);
    }
    struct vm__object *object = (struct vm__object *)(void *)vm->pool.cursor;
    vm->pool.cursor += size;
    object->header = vm__header(type, slots);
    return object;
}

/* The same of any number of slots, all zero: as tagged values they are the integer 0. */
struct vm__object *vm__object_new(vm_t *vm, enum vm_type type, size_t slots);

/* Undoes the newest allocation of a small object, or of a large one, for constructors of more than one object: where
 * the next one cannot be had, nothing has changed. NULL is allowed. */
void vm__object_unmake(vm_t *vm, struct vm__object *object);

/* The object's number among those that were ever asked for theirs; 0 where all numbers are used up. */
uint32_t vm__identity(vm_t *vm, struct vm__object *object);

/* Adds and removes a scanner of roots; the struct is the caller's and stays his. */
void vm__scanner_add(vm_t *vm, struct vm__scanner *scanner);
void vm__scanner_remove(vm_t *vm, struct vm__scanner *scanner);
/* Shows every strong root to the visitor. False as soon as it says so. */
bool vm__roots_visit(vm_t *vm, struct vm__visitor *visitor);

/* Copies all that is reachable into another pool and makes it the VM's. False when out of memory: all is as it was. */
bool vm__gc_flip(vm_t *vm);
/* Sets how far the quick way may go, from the cap, the bound for the next flip and the page; takes note of a flip that
 * is due. */
void vm__pool_limit(vm_t *vm);
/* Sets when the next flip is due, from what is in the pool, and lets go of pages that nobody needs until then. */
void vm__due_set(vm_t *vm);
/* The safepoint of a safe native that calls back: under VM_STRESS_CALLBACK it always flips. */
vm_status vm__callback_safepoint(vm_t *vm);

/* Gives all of the evaluator back; NULL is allowed. */
void vm__evaluator_free(void *state);

/* Of the weak tables, after a flip whose old pool is still readable. */
void vm__symbols_sweep(vm_t *vm);
void vm__owned_sweep(vm_t *vm);
void vm__symbols_free(vm_t *vm);
void vm__owned_free(vm_t *vm);
/* What became of a weak reference to the old pool: true where it lives, at its new place. */
bool vm__survived(tagged_value_t *value, uint64_t flip);

/* A proto with room for code, its fields nil and its sizes zero; a closure with captures, all nil. NULL when out of
 * memory. */
struct vm__object *vm__proto_new(vm_t *vm, size_t code_words);
struct vm__object *vm__closure_new(vm_t *vm, tagged_value_t proto, size_t captures);

static inline uint32_t *vm__proto_code(struct vm__object *proto) {
    return (uint32_t *)(void *)(proto->slots + VM__PROTO_CODE);
}

/* Makes room for so many entries in all; false when out of memory or over VM_TABLE_MAX. */
bool vm__table_reserve(vm_t *vm, struct vm__object *table, size_t expected);

/* The length of whatever has one; false where it has none. */
bool vm__length(tagged_value_t value, size_t *length);

#endif
