/* New objects, their numbers, and what all types have in common. Nothing here collects. */
#include "vm/src/heap.h"

#define VM_ALL UINT32_MAX
#define VM_TYPE(name_, word_, first_, count_, minimum_, order_, freeze_, sentence_)                                    \
    [VM_TYPE_##name_] = {.word = (word_),                                                                              \
                         .count = (count_),                                                                            \
                         .first = (first_),                                                                            \
                         .minimum = (minimum_),                                                                        \
                         .order = VM__ORDER_##order_,                                                                  \
                         .freeze = VM__FREEZE_##freeze_},
const struct vm__layout vm__layouts[VM_TYPE_COUNT] = {
#include "vm/types.def"
};
#undef VM_ALL

const char *vm_type_word(enum vm_type type) {
    return vm__layouts[type].word;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Bytes that the cap still leaves. */
static size_t room(const vm_t *vm) {
    size_t cap = vm->options.memory_cap_bytes, bytes = vm__pool_bytes(&vm->pool);
    if (cap == 0 || cap > SIZE_MAX - vm->bytes_at_start || vm->bytes_at_start == 0) {
        return SIZE_MAX;
    }
    cap += vm->bytes_at_start;
    return bytes < cap ? cap - bytes : 0;
}

void vm__pool_limit(vm_t *vm) {
    struct vm__pool *pool = &vm->pool;
    size_t bytes = vm__pool_bytes(pool);
    size_t until_due = bytes < vm->due_bytes ? vm->due_bytes - bytes : 0;
    if (until_due == 0) {
        (void)atomic_fetch_or_explicit(&vm->attention, VM__ATTENTION_FLIP, memory_order_relaxed);
        until_due = SIZE_MAX;
    }
    size_t free_bytes = smaller(smaller(until_due, room(vm)), (size_t)(pool->end - pool->cursor));
    pool->limit = vm->is_slow ? pool->cursor : pool->cursor + free_bytes;
}

static bool is_granted(vm_t *vm, size_t size) {
    return size <= room(vm) &&
           (vm->options.may_allocate == NULL || vm->options.may_allocate(vm->options.may_allocate_context, size));
}

/* The header is not written yet. */
static struct vm__object *place(vm_t *vm, size_t size) {
    struct vm__object *object = is_granted(vm, size) ? vm__pool_place(vm, &vm->pool, size) : NULL;
    if (object != NULL) {
        vm__pool_limit(vm);
    }
    return object;
}

struct vm__object *vm__allocate_slow(vm_t *vm, enum vm_type type, size_t slots) {
    struct vm__object *object = place(vm, (slots + 1) * VM__WORD_BYTES);
    if (object != NULL) {
        object->header = vm__header(type, slots);
    }
    return object;
}

struct vm__object *vm__object_new(vm_t *vm, enum vm_type type, size_t slots) {
    if (slots > PTRDIFF_MAX / VM__WORD_BYTES / 2) {
        return NULL;
    }
    size_t size = (slots + 1) * VM__WORD_BYTES;
    struct vm__object *object;
    if (size <= VM__LARGE_BYTES) {
        object = vm__allocate(vm, type, slots);
    } else {
        object = place(vm, size);
        if (object != NULL) {
            object->header = (uint64_t)type << VM__TYPE_SHIFT | VM__FLAG_LIVE | VM__FLAG_LARGE;
        }
    }
    if (object != NULL) {
        memset(object->slots, 0, size - VM__WORD_BYTES);
    }
    return object;
}

void vm__object_unmake(vm_t *vm, struct vm__object *object) {
    if (object != NULL) {
        vm__pool_unplace(vm, &vm->pool, object);
        vm__pool_limit(vm);
    }
}

void *vm_alloc(vm_t *vm, size_t size_bytes) {
    /* One word more than is needed: objects are aligned to 8 bytes, scratch memory to 16. */
    struct vm__object *object = vm__object_new(vm, VM_TYPE_BLOB, size_bytes / VM__WORD_BYTES + 2);
    if (object == NULL) {
        return NULL;
    }
    return (void *)(((uintptr_t)object->slots + 15) & ~(uintptr_t)15);
}

uint32_t vm__identity(vm_t *vm, struct vm__object *object) {
    if (vm__aux(object) == 0 && vm->last_identity < UINT32_MAX) {
        vm__set_aux(object, ++vm->last_identity);
    }
    return vm__aux(object);
}

bool vm_is(tagged_value_t value, enum vm_type type) {
    return vm_is_reference(value) && vm__type(vm__object(value)) == type;
}
