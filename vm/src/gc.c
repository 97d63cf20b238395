/* One collection: copies what is reachable from the current pool to the other one, without recursion.
 *
 * The copied objects form a queue that is threaded through their corpses: a corpse's header is the address of its copy,
 * its second word the next corpse. Second words are never tagged values, and nothing else of a corpse is written, so
 * that a flip which runs out of memory is undone from the copies. Breadth first, as in C. J. Cheney, "A nonrecursive
 * list compacting algorithm", 1970. */
#include "vm/src/object.h"

#include <assert.h>
#include <string.h>

struct flip {
    vm_t *vm;
    struct cupel_arena *target;
    struct vm__object *first; /* corpses, in the order of copying */
    struct vm__object *last;
    uint64_t objects;
    size_t bytes;
};

static struct vm__object *copy_of(const struct vm__object *corpse) {
    return (struct vm__object *)(uintptr_t)corpse->header;
}

static struct vm__object *next_corpse(const struct vm__object *corpse) {
    return (struct vm__object *)(uintptr_t)corpse->second;
}

/* Makes `value` refer to the copy, copying now where that was not done; false when out of memory. */
static bool forward(struct flip *flip, tagged_value_t *value) {
    if (!vm_is_reference(*value)) {
        return true;
    }
    struct vm__object *object = vm__object(*value);
    if (!vm__is_forwarded(object)) {
        size_t size = vm__size_bytes(object);
        struct vm__object *copy = cupel_alloc(&flip->target->base, size, VM__OBJECT_ALIGN);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, object, size);
        object->header = (uint64_t)(uintptr_t)copy;
        object->second = 0;
        if (flip->last == NULL) {
            flip->first = object;
        } else {
            flip->last->second = (uint64_t)(uintptr_t)object;
        }
        flip->last = object;
        flip->objects++;
        flip->bytes += size;
    }
    *value = vm__reference(copy_of(object));
    return true;
}

/* Copies from the handles, then from the copies; the handles themselves are not changed. */
static bool copy_reachable(struct flip *flip) {
    struct vm__handles *handles = &flip->vm->handles;
    for (uint32_t i = 0; i < handles->capacity; i++) {
        tagged_value_t root = handles->slots[i];
        if (!forward(flip, &root)) {
            return false;
        }
    }
    for (struct vm__object *corpse = flip->first; corpse != NULL; corpse = next_corpse(corpse)) {
        struct vm__object *copy = copy_of(corpse);
        size_t count = vm__element_count(copy);
        for (size_t i = 0; i < count; i++) {
            if (!forward(flip, &copy->elements[i])) {
                return false;
            }
        }
    }
    return true;
}

static void undo(struct flip *flip) {
    for (struct vm__object *corpse = flip->first; corpse != NULL;) {
        struct vm__object *next = next_corpse(corpse);
        const struct vm__object *copy = copy_of(corpse);
        corpse->second = copy->second;
        corpse->header = copy->header;
        corpse = next;
    }
    cupel_arena_reset(flip->target, 0);
}

bool vm__gc_flip(vm_t *vm) {
    assert(vm->native_depth == 0);
    struct flip flip = {.vm = vm, .target = &vm->pools[1 - vm->current]};
    if (!copy_reachable(&flip)) {
        undo(&flip);
        return false;
    }
    for (uint32_t i = 0; i < vm->handles.capacity; i++) {
        if (vm_is_reference(vm->handles.slots[i])) {
            vm->handles.slots[i] = vm__reference(copy_of(vm__object(vm->handles.slots[i])));
        }
    }
    /* The old pool keeps as much as lives now: enough for the next flip, and a burst of garbage is given back. */
    cupel_arena_reset(&vm->pools[vm->current], flip.bytes);
    vm->current = 1 - vm->current;
    vm->pool_bytes = flip.bytes;
    vm->allocated_since_flip = 0;
    vm->statistics.flips++;
    vm->statistics.bytes_after_flip = flip.bytes;
    vm->statistics.objects_after_flip = flip.objects;
    return true;
}
