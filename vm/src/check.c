/* The heap checker: walks from the handles over all that is reachable, marks as it goes, and unmarks behind itself. */
#include "vm/src/object.h"

struct walk {
    vm_t *vm;
    struct vm__object **stack; /* has room for every object of the pool, each of which is pushed once */
    size_t count, capacity;
};

/* Alignment, place, header, type and length of one object. */
static bool is_sound(const struct walk *walk, const struct vm__object *object) {
    if ((uintptr_t)object % VM__OBJECT_ALIGN != 0 ||
        !cupel_arena_contains(&walk->vm->pools[walk->vm->current], object) || vm__is_forwarded(object)) {
        return false;
    }
    size_t payload = vm__size_bytes(object) - sizeof *object;
    switch (vm__type(object)) {
    case VM_TYPE_ARRAY:
        return object->second <= payload / sizeof(tagged_value_t);
    case VM_TYPE_PAIR:
        return payload == 2 * sizeof(tagged_value_t);
    case VM_TYPE_STRING:
        return object->second < payload && ((const char *)object->elements)[object->second] == '\0';
    case VM_TYPE_DOUBLE:
        return payload == 0;
    case VM_TYPE_BYTES:
        return object->second <= payload;
    }
    return false;
}

/* Visits what one word refers to where its mark is not `mark` yet, and sets it so. */
static bool visit(struct walk *walk, tagged_value_t value, bool mark) {
    if (!vm_is_reference(value)) {
        return !vm_is_oom(value);
    }
    struct vm__object *object = vm__object(value);
    if (mark && !is_sound(walk, object)) {
        return false;
    }
    if (((object->header & VM__FLAG_MARKED) != 0) == mark) {
        return true;
    }
    if (walk->count == walk->capacity) {
        return false; /* more objects than the pool has bytes for: some overlap */
    }
    object->header ^= VM__FLAG_MARKED;
    walk->stack[walk->count++] = object;
    return true;
}

static bool walk_all(struct walk *walk, bool mark) {
    bool sound = true;
    for (uint32_t i = 0; i < walk->vm->handles.capacity; i++) {
        if (vm_is_reference(walk->vm->handles.slots[i])) {
            sound = visit(walk, walk->vm->handles.slots[i], mark) && sound;
        }
        while (sound && walk->count > 0) {
            const struct vm__object *object = walk->stack[--walk->count];
            size_t count = vm__element_count(object);
            for (size_t j = 0; sound && j < count; j++) {
                sound = visit(walk, object->elements[j], mark);
            }
        }
    }
    return sound;
}

bool vm_check_heap(vm_t *vm) {
    struct walk walk = {.vm = vm, .capacity = vm->pool_bytes / sizeof(struct vm__object) + 1};
    /* All at once, before anything is marked: a walk that stopped for want of memory would leave its marks behind. */
    walk.stack = CUPEL_NEW_ARRAY(vm->allocator, struct vm__object *, walk.capacity);
    if (walk.stack == NULL) {
        return false;
    }
    bool sound = walk_all(&walk, true);
    if (sound) {
        sound = walk_all(&walk, false);
    }
    CUPEL_FREE_ARRAY(vm->allocator, struct vm__object *, walk.stack, walk.capacity);
    return sound;
}
