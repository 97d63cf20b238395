/* A strict total order over all values, and equality: two values are equal where neither is less. The way into data is
 * kept on a stack of our own; the last element of an object is compared in place of it, so that lists of any length
 * need one place. Data that refers to itself nests without end, or goes around in one place: both are found. */
#include "vm/src/order.h"

enum { FRAMES_AT_HAND = 24, NESTING_DEFAULT = 10000 };

struct frame {
    struct vm__elements_of a, b;
    enum vm__verdict tie; /* what it is where all elements that both have are equal */
    /* The pair of objects that stood here after so many steps in place; seen again, it goes around for ever. */
    const struct vm__object *seen_a, *seen_b;
    uint64_t steps, next_note;
};

struct comparison {
    vm_t *vm;
    struct frame *frames;
    size_t count, capacity;
    uint64_t descents_left;
    struct frame at_hand[FRAMES_AT_HAND];
};

static size_t nesting_max(const vm_t *vm) {
    return vm->options.nesting_max != 0 ? vm->options.nesting_max : NESTING_DEFAULT;
}

static vm_status grow(struct comparison *comparison) {
    vm_t *vm = comparison->vm;
    size_t most = nesting_max(vm), capacity = comparison->capacity * 2;
    capacity = capacity < most ? capacity : most;
    if (comparison->count >= capacity) {
        return VM_ERROR_DEPTH;
    }
    struct frame *frames = cupel_alloc(vm->allocator, capacity * sizeof *frames, _Alignof(struct frame));
    if (frames == NULL) {
        return VM_ERROR_OOM;
    }
    memcpy(frames, comparison->frames, comparison->count * sizeof *frames);
    if (comparison->frames != comparison->at_hand) {
        cupel_free(vm->allocator, comparison->frames, comparison->capacity * sizeof *frames, _Alignof(struct frame));
    }
    comparison->frames = frames;
    comparison->capacity = capacity;
    return VM_OK;
}

static void fill(struct frame *frame, tagged_value_t a, tagged_value_t b) {
    frame->a = vm__elements_begin(a);
    frame->b = vm__elements_begin(b);
    frame->tie = frame->a.left < frame->b.left ? VM__LESS : frame->a.left > frame->b.left ? VM__MORE : VM__SAME;
}

/* Goes into two objects of the same kind, in place of `frame` where nothing is left to do there. */
static vm_status descend(struct comparison *comparison, tagged_value_t a, tagged_value_t b) {
    if (comparison->descents_left-- == 0) {
        return VM_ERROR_DEPTH;
    }
    struct frame *frame = comparison->count == 0 ? NULL : &comparison->frames[comparison->count - 1];
    if (frame != NULL && frame->a.left == 0 && frame->b.left == 0) {
        if (vm__object(a) == frame->seen_a && vm__object(b) == frame->seen_b) {
            return VM_ERROR_DEPTH;
        }
        if (frame->steps++ == frame->next_note) {
            frame->next_note *= 2;
            frame->seen_a = vm__object(a);
            frame->seen_b = vm__object(b);
        }
        fill(frame, a, b);
        return VM_OK;
    }
    vm_status status = comparison->count < comparison->capacity ? VM_OK : grow(comparison);
    if (status == VM_OK) {
        assert(comparison->frames != NULL);
        frame = &comparison->frames[comparison->count++];
        *frame = (struct frame){.next_note = 1};
        fill(frame, a, b);
    }
    return status;
}

/* Until something differs, or nothing is left. */
static vm_status run(struct comparison *comparison, enum vm__verdict *verdict) {
    while (comparison->count > 0) {
        struct frame *frame = &comparison->frames[comparison->count - 1];
        if (frame->a.left == 0 || frame->b.left == 0) {
            *verdict = frame->tie;
            comparison->count--;
        } else {
            tagged_value_t a = vm__elements_next(&frame->a), b = vm__elements_next(&frame->b);
            *verdict = vm__compare_flat(comparison->vm, a, b);
            vm_status status = *verdict == VM__INSIDE ? descend(comparison, a, b) : VM_OK;
            if (status != VM_OK) {
                return status;
            }
            if (*verdict == VM__INSIDE) {
                continue;
            }
        }
        if (*verdict != VM__SAME) {
            return VM_OK;
        }
    }
    return VM_OK;
}

static vm_status compare_inside(vm_t *vm, tagged_value_t a, tagged_value_t b, enum vm__verdict *verdict) {
    struct comparison comparison = {.vm = vm};
    comparison.frames = comparison.at_hand;
    comparison.capacity = FRAMES_AT_HAND < nesting_max(vm) ? FRAMES_AT_HAND : nesting_max(vm);
    /* Each object is met once but for what is shared; sharing upon sharing would take for ever. */
    comparison.descents_left = (uint64_t)vm__pool_bytes(&vm->pool) + ((uint64_t)1 << 20);
    *verdict = VM__SAME;
    vm_status status = descend(&comparison, a, b);
    status = status == VM_OK ? run(&comparison, verdict) : status;
    if (comparison.frames != comparison.at_hand) {
        cupel_free(vm->allocator, comparison.frames, comparison.capacity * sizeof(struct frame),
                   _Alignof(struct frame));
    }
    return status;
}

vm_status vm_compare(vm_t *vm, tagged_value_t a, tagged_value_t b, int *order) {
    enum vm__verdict verdict = vm__compare_flat(vm, a, b);
    vm_status status = verdict == VM__INSIDE ? compare_inside(vm, a, b, &verdict) : VM_OK;
    if (verdict == VM__FAILED) {
        return VM_ERROR_RANGE;
    }
    if (status == VM_OK) {
        *order = verdict == VM__LESS ? -1 : verdict == VM__MORE ? 1 : 0;
    }
    return status;
}

vm_status vm_equal(vm_t *vm, tagged_value_t a, tagged_value_t b, bool *is_equal) {
    if (vm_is_same(a, b)) {
        *is_equal = true;
        return VM_OK;
    }
    /* What differs in kind, or is one word, has nothing to be compared. */
    if (!vm_is_reference(a) || !vm_is_reference(b)) {
        *is_equal = false;
        return VM_OK;
    }
    int order = 0;
    vm_status status = vm_compare(vm, a, b, &order);
    *is_equal = order == 0;
    return status;
}

int vm_compare_numbers(tagged_value_t a, tagged_value_t b) {
    assert(vm__is_number(a) && vm__is_number(b));
    return vm__compare_numbers(a, b);
}
