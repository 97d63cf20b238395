/* One collection: copies what is reachable from the VM's pool to a new one, without recursion.
 *
 * A copy's place is written into the header of the original, and nothing else of the original is. The new pool's pages
 * are the queue: a scan pointer runs after the cursor (C. J. Cheney, "A nonrecursive list compacting algorithm", 1970).
 * Large objects are not copied but change lists, and the end of the new list is a queue too.
 *
 * A flip that runs out of memory is undone: each original gets its header back from its copy, the copy gets the
 * original's address in exchange, and every word that was already changed (in large objects and in roots) goes back by
 * that address. */
#include "vm/src/heap.h"

struct flip {
    struct vm__visitor visitor;
    vm_t *vm;
    struct vm__pool from;
    struct vm__pool *to;
    struct vm__page *scanned_large; /* the last large object whose slots were forwarded; NULL: none yet */
    uint64_t number;
    uint64_t objects;
};

static struct vm__object *other_end(const struct vm__object *object) {
    return (struct vm__object *)(uintptr_t)object->header;
}

/* Large objects stay where they are, but where a stress mode wants all that can move to move. */
static bool is_copied(const struct flip *flip, const struct vm__object *object) {
    return !vm__has(object, VM__FLAG_LARGE) || (flip->vm->options.stress & VM_STRESS_MOVE) != 0;
}

/* A large object joins the new pool once: a second reference finds it there. */
static void relink(struct flip *flip, const struct vm__object *object) {
    struct vm__page *page = vm__page_of_large(object);
    if (page->moved_by != flip->number) {
        page->moved_by = flip->number;
        vm__pool_relink(&flip->from, flip->to, page);
        flip->objects++;
    }
}

static bool copy(struct flip *flip, struct vm__object *object) {
    size_t size = vm__size_bytes(object);
    struct vm__object *target = vm__pool_place(flip->vm, flip->to, size);
    if (target == NULL) {
        return false;
    }
    memcpy(target, object, size);
    if (vm__has(object, VM__FLAG_LARGE)) {
        vm__page_of_large(target)->moved_by = flip->number;
    }
    object->header = (uint64_t)(uintptr_t)target;
    flip->objects++;
    return true;
}

/* Makes each value refer to the new pool, copying what was not copied yet; false when out of memory. */
static bool forward(struct flip *flip, tagged_value_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!vm_is_reference(values[i])) {
            continue;
        }
        struct vm__object *object = vm__object(values[i]);
        if (!vm__is_forwarded(object)) {
            if (!is_copied(flip, object)) {
                relink(flip, object);
                continue;
            }
            if (!copy(flip, object)) {
                return false;
            }
        }
        values[i] = vm__reference(other_end(object));
    }
    return true;
}

static bool forward_roots(struct vm__visitor *visitor, tagged_value_t *values, size_t count) {
    return forward((struct flip *)visitor, values, count);
}

static bool forward_slots(struct flip *flip, struct vm__object *object) {
    size_t count;
    tagged_value_t *slots = vm__tagged(object, &count);
    return forward(flip, slots, count);
}

static bool forward_large(struct flip *flip) {
    struct vm__page *page;
    while ((page = flip->scanned_large == NULL ? flip->to->large_first : flip->scanned_large->next) != NULL) {
        flip->scanned_large = page;
        if (!forward_slots(flip, (struct vm__object *)(void *)vm__page_data(page))) {
            return false;
        }
    }
    return true;
}

/* Runs after the cursor until nothing new comes. The VM's own values are small: there is a page. */
static bool forward_copies(struct flip *flip) {
    struct vm__pool *to = flip->to;
    struct vm__page *page = to->first;
    unsigned char *at = vm__page_data(page);
    while (true) {
        while (at != vm__page_used(to, page)) {
            struct vm__object *object = (struct vm__object *)(void *)at;
            at += vm__size_bytes(object) + flip->vm->redzone_bytes;
            if (!forward_slots(flip, object)) {
                return false;
            }
        }
        if (page != to->last) {
            page = page->next;
            at = vm__page_data(page);
            continue;
        }
        if (!forward_large(flip)) {
            return false;
        }
        if (at == to->cursor && page == to->last) {
            return true;
        }
    }
}

/* Gives an original its header back; its copy knows the original from then on. Returns the original's size. */
static size_t restore(struct vm__object *object) {
    if (vm__is_forwarded(object)) {
        struct vm__object *target = other_end(object);
        object->header = target->header;
        target->header = (uint64_t)(uintptr_t)object;
    }
    return vm__size_bytes(object);
}

static bool take_back(struct vm__visitor *visitor, tagged_value_t *values, size_t count) {
    (void)visitor;
    for (size_t i = 0; i < count; i++) {
        if (vm_is_reference(values[i]) && vm__is_forwarded(vm__object(values[i]))) {
            values[i] = vm__reference(other_end(vm__object(values[i])));
        }
    }
    return true;
}

static void undo(struct flip *flip) {
    vm_t *vm = flip->vm;
    for (struct vm__page *page = flip->from.first; page != NULL; page = page->next) {
        for (unsigned char *at = vm__page_data(page); at != vm__page_used(&flip->from, page);) {
            at += restore((struct vm__object *)(void *)at) + vm->redzone_bytes;
        }
    }
    for (struct vm__page *page = flip->from.large_first; page != NULL; page = page->next) {
        (void)restore((struct vm__object *)(void *)vm__page_data(page));
    }
    for (struct vm__page *page = flip->to->large_first, *next; page != NULL; page = next) {
        next = page->next;
        struct vm__object *object = (struct vm__object *)(void *)vm__page_data(page);
        if (!vm__is_forwarded(object)) { /* relinked; a copy has the original's address now */
            size_t count;
            tagged_value_t *slots = vm__tagged(object, &count);
            (void)take_back(NULL, slots, count);
            page->moved_by = 0;
            vm__pool_relink(flip->to, &flip->from, page);
        }
    }
    struct vm__visitor visitor = {.visit = take_back};
    (void)vm__roots_visit(vm, &visitor);
    vm__pool_clear(vm, flip->to);
    vm->pool = flip->from;
    vm__pages_trim(vm, 0);
}

bool vm__survived(tagged_value_t *value, uint64_t flip) {
    struct vm__object *object = vm__object(*value);
    if (vm__is_forwarded(object)) {
        *value = vm__reference(other_end(object));
        return true;
    }
    return vm__has(object, VM__FLAG_LARGE) && vm__page_of_large(object)->moved_by == flip;
}

/* A flip is due when the pool has grown by as much as lived on, but not in small steps; and in time before the cap. */
void vm__due_set(vm_t *vm) {
    size_t live = vm__pool_bytes(&vm->pool);
    static const size_t least = (size_t)1 << 20;
    size_t step = vm->options.flip_after_bytes;
    if (step == 0) {
        step = live > least ? live : least;
    }
    size_t cap = vm->options.memory_cap_bytes;
    if (cap != 0 && cap <= SIZE_MAX - vm->bytes_at_start) {
        size_t left = cap + vm->bytes_at_start > live ? cap + vm->bytes_at_start - live : 0;
        step = step < left - left / 8 ? step : left - left / 8;
    }
    vm->due_bytes = live + step;
    vm__pages_trim(vm, live + step + VM__PAGE_BYTES);
}

bool vm__gc_flip(vm_t *vm) {
    assert(vm->native_depth == 0);
    vm__pool_open(vm);
    struct flip flip = {.visitor = {.visit = forward_roots},
                        .vm = vm,
                        .from = vm->pool,
                        .to = &vm->pool,
                        .number = vm->statistics.flips + 1};
    vm->pool = (struct vm__pool){0};
    size_t before = vm__pool_bytes(&flip.from);
    if (!vm__roots_visit(vm, &flip.visitor) || !forward_copies(&flip)) {
        undo(&flip);
        /* Not at every safepoint from here on. */
        vm->due_bytes = vm__pool_bytes(&vm->pool) + VM__PAGE_BYTES;
        (void)atomic_fetch_and_explicit(&vm->attention, ~(unsigned)VM__ATTENTION_FLIP, memory_order_relaxed);
        vm__pool_limit(vm);
        return false;
    }
    vm->statistics.flips = flip.number;
    vm__symbols_sweep(vm);
    vm__owned_sweep(vm);
    if ((vm->options.stress & VM_STRESS_PROTECT) != 0) {
        vm__pool_shut(vm, &flip.from);
    } else {
        vm__pool_clear(vm, &flip.from);
    }
    vm->bytes_allocated += before - vm->bytes_after_flip;
    vm->bytes_after_flip = vm__pool_bytes(&vm->pool);
    vm->statistics.objects_after_flip = flip.objects;
    vm__due_set(vm);
    (void)atomic_fetch_and_explicit(&vm->attention, ~(unsigned)VM__ATTENTION_FLIP, memory_order_relaxed);
    vm__pool_limit(vm);
    return true;
}
