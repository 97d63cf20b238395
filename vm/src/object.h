/* Objects in the heap, as the collector sees them.
 *
 *     word 0   header: units:32 | unused:16 | type:8 | flags:7, 1      units are of 16 bytes, the header included
 *              after the object was copied: the copy's address, whose bit 0 is 0
 *     word 1   length, or the bits of a double: never a tagged value. After copying: the next copied object (see gc.c)
 *     word 2.. elements (arrays, pairs) or bytes (strings, bytes)
 *
 * Invariants: an object is 16-byte aligned and at least 16 bytes; every tagged word of a live object is initialised; a
 * header is live or a forwarding address, nothing else. */
#ifndef VM_SRC_OBJECT_H
#define VM_SRC_OBJECT_H

#include "alloc/arena.h"
#include "vm/vm.h"

enum { VM__UNIT_BYTES = 16, VM__OBJECT_ALIGN = 16, VM__FLAG_LIVE = 1, VM__FLAG_MARKED = 2 };

struct vm__object {
    uint64_t header;
    uint64_t second;
    tagged_value_t elements[];
};

struct vm__handles {
    tagged_value_t *slots; /* a free slot holds the next free index in a word with tag 7 */
    uint32_t capacity;
    uint32_t first_free; /* index, or capacity where none is free */
    uint32_t held;
};

struct vm {
    struct cupel_allocator *allocator;
    struct cupel_arena pools[2];
    unsigned current; /* which pool is allocated from; the other one is empty outside of a flip */
    struct vm_options options;
    struct vm__handles handles;
    size_t allocated_since_flip;
    size_t pool_bytes;
    unsigned native_depth;
    struct vm_statistics statistics;
};

static inline enum vm_type vm__type(const struct vm__object *object) {
    return (enum vm_type)(object->header >> 8 & 0xff);
}

static inline size_t vm__size_bytes(const struct vm__object *object) {
    return (size_t)(object->header >> 32) * VM__UNIT_BYTES;
}

static inline bool vm__is_forwarded(const struct vm__object *object) {
    return (object->header & VM__FLAG_LIVE) == 0;
}

static inline struct vm__object *vm__object(tagged_value_t value) {
    return (struct vm__object *)(uintptr_t)(value.bits - VM_TAG_REFERENCE);
}

static inline tagged_value_t vm__reference(const struct vm__object *object) {
    return (tagged_value_t){(uint64_t)(uintptr_t)object + VM_TAG_REFERENCE};
}

/* The number of tagged elements behind the two first words. */
static inline size_t vm__element_count(const struct vm__object *object) {
    enum vm_type type = vm__type(object);
    return type == VM_TYPE_ARRAY ? (size_t)object->second : type == VM_TYPE_PAIR ? 2 : 0;
}

/* A new object with `payload_bytes` behind its two first words, all zero; NULL at the cap. */
struct vm__object *vm__object_new(vm_t *vm, enum vm_type type, size_t payload_bytes);
/* Copies all that is reachable into the other pool and makes it current. False when out of memory: all is as it was. */
bool vm__gc_flip(vm_t *vm);

#endif
