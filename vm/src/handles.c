/* Handles, scopes and scanners: how those who stand outside of the heap keep values alive. */
#include "vm/src/heap.h"

enum { FREE_TAG = 7, FIRST_CAPACITY = 16 };
static const vm_handle is_local = (vm_handle)1 << 31;

/* Room for more slots; they are the caller's to fill. */
static bool grow(vm_t *vm, tagged_value_t **slots, uint32_t *capacity) {
    if (*capacity >= is_local / 2) {
        return false;
    }
    uint32_t wanted = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    tagged_value_t *grown = cupel_realloc(vm->allocator, *slots, *capacity * sizeof *grown, _Alignof(tagged_value_t),
                                          wanted * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    *slots = grown;
    *capacity = wanted;
    return true;
}

static bool grow_handles(struct vm__handles *handles, vm_t *vm) {
    uint32_t first = handles->capacity;
    if (!grow(vm, &handles->slots, &handles->capacity)) {
        return false;
    }
    for (uint32_t i = first; i < handles->capacity; i++) {
        handles->slots[i].bits = (uint64_t)(i + 1) << 3 | FREE_TAG;
    }
    handles->first_free = first;
    return true;
}

vm_handle vm_hold(vm_t *vm, tagged_value_t value) {
    struct vm__handles *handles = &vm->handles;
    if (handles->first_free == handles->capacity && !grow_handles(handles, vm)) {
        return 0;
    }
    uint32_t index = handles->first_free;
    handles->first_free = (uint32_t)(handles->slots[index].bits >> 3);
    handles->slots[index] = value;
    handles->held++;
    return index + 1;
}

static tagged_value_t *slot(const vm_t *vm, vm_handle handle) {
    if ((handle & is_local) != 0) {
        assert((handle & ~is_local) < vm->locals.count);
        return &vm->locals.slots[handle & ~is_local];
    }
    assert(handle != 0 && handle <= vm->handles.capacity);
    tagged_value_t *value = &vm->handles.slots[handle - 1];
    assert((value->bits & 7) != FREE_TAG);
    return value;
}

tagged_value_t vm_held(const vm_t *vm, vm_handle handle) {
    return *slot(vm, handle);
}

void vm_replace(vm_t *vm, vm_handle handle, tagged_value_t value) {
    *slot(vm, handle) = value;
}

void vm_drop(vm_t *vm, vm_handle handle) {
    if (handle == 0) {
        return;
    }
    assert((handle & is_local) == 0);
    slot(vm, handle)->bits = (uint64_t)vm->handles.first_free << 3 | FREE_TAG;
    vm->handles.first_free = handle - 1;
    vm->handles.held--;
}

vm_scope vm_scope_open(vm_t *vm) {
    return vm->locals.count;
}

vm_handle vm_local(vm_t *vm, tagged_value_t value) {
    struct vm__locals *locals = &vm->locals;
    if (locals->count == locals->capacity && !grow(vm, &locals->slots, &locals->capacity)) {
        return 0;
    }
    locals->slots[locals->count] = value;
    return locals->count++ | is_local;
}

void vm_scope_close(vm_t *vm, vm_scope scope) {
    assert(scope <= vm->locals.count);
    vm->locals.count = scope;
}

void vm__scanner_add(vm_t *vm, struct vm__scanner *scanner) {
    scanner->next = vm->scanners;
    vm->scanners = scanner;
}

void vm__scanner_remove(vm_t *vm, struct vm__scanner *scanner) {
    struct vm__scanner **link = &vm->scanners;
    while (*link != scanner) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = scanner->next;
}

bool vm__roots_visit(vm_t *vm, struct vm__visitor *visitor) {
    /* Free handles have a tag that is none of a reference's. */
    bool goes_on = visitor->visit(visitor, vm->roots, VM__ROOT_COUNT) &&
                   visitor->visit(visitor, vm->handles.slots, vm->handles.capacity) &&
                   visitor->visit(visitor, vm->locals.slots, vm->locals.count);
    for (const struct vm__scanner *scanner = vm->scanners; goes_on && scanner != NULL; scanner = scanner->next) {
        goes_on = scanner->scan(scanner->context, visitor);
    }
    return goes_on;
}
