/* Calls, what catches what is raised, and points where a run may be stopped. */
#include "vm/src/eval.h"

enum { SOFT_SLOTS = 4096 };

static const uint32_t halt_words[] = {VM__OP_HALT};
static const tagged_value_t no_name = {VM_TAG_IMMEDIATE}; /* nil */
const struct vm__routine vm__halt = {.words = halt_words, .word_count = 1, .name = &no_name, .file = &no_name};

/* Room for slots up to before `end`. */
bool vm__make_room(struct vm__evaluator *evaluator, const tagged_value_t *end) {
    if (end > evaluator->end) {
        return vm__trap(evaluator, 'S', "the stack has no more than %zu registers",
                        (size_t)(evaluator->end - evaluator->stack));
    }
    if (end > evaluator->soft_end) {
        tagged_value_t *soft_end = evaluator->soft_end;
        size_t wanted = (size_t)(end - soft_end) + SOFT_SLOTS;
        size_t left = (size_t)(evaluator->end - soft_end);
        wanted = wanted < left ? wanted : left;
        memset(soft_end, 0, wanted * sizeof *soft_end);
        evaluator->soft_end = soft_end + wanted;
    }
    return true;
}

static bool bad_count(struct vm__evaluator *evaluator, size_t least, size_t most, size_t count) {
    if (least == most) {
        return vm__trap(evaluator, 'A', "%zu arguments where %zu are wanted", count, least);
    }
    if (count < least) {
        return vm__trap(evaluator, 'A', "%zu arguments where at least %zu are wanted", count, least);
    }
    return vm__trap(evaluator, 'A', "%zu arguments where at most %zu are wanted", count, most);
}

bool vm__check_call(struct vm__evaluator *evaluator, tagged_value_t function, size_t count) {
    size_t least;
    size_t most;
    if (vm_is(function, VM_TYPE_CLOSURE)) {
        const struct vm__routine *routine = vm__routine(vm__object(function));
        least = routine->arity;
        most = routine->has_rest ? SIZE_MAX : least + routine->optional;
    } else if (vm_is(function, VM_TYPE_NATIVE)) {
        uint64_t arity = vm__raw(vm__object(function), VM__NATIVE_ARITY);
        least = (uint16_t)arity;
        most = (uint16_t)(arity >> 16) == UINT16_MAX ? SIZE_MAX : (uint16_t)(arity >> 16);
    } else {
        return vm__trap(evaluator, 'C', "not a function but %s is called", vm__kind_word(function));
    }
    return (count >= least && count <= most) || bad_count(evaluator, least, most, count);
}

bool vm__spread(struct vm__evaluator *evaluator, tagged_value_t *callee, tagged_value_t array, uint32_t *count) {
    size_t length;
    if (!vm__is_kind(array, VM__KIND_ARRAY) || !vm__length(array, &length)) {
        return vm__trap(evaluator, 'T', "apply: not an array but %s", vm__kind_word(array));
    }
    if (length > (size_t)(evaluator->end - callee - 1)) {
        return vm__trap(evaluator, 'S', "apply: %zu arguments do not fit on the stack", length);
    }
    if (!vm__make_room(evaluator, callee + 1 + length)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        callee[1 + i] = vm_get(array, i);
    }
    *count = (uint32_t)length;
    return true;
}

/* Arguments that may be missing become nil, those that are too many an array. */
static bool arrange(struct vm__evaluator *evaluator, const struct vm__routine *routine, tagged_value_t *base,
                    uint32_t count) {
    uint32_t places = (uint32_t)routine->arity + routine->optional;
    for (uint32_t i = count; i < places; i++) {
        base[i] = VM_NIL;
    }
    if (routine->has_rest) {
        uint32_t more = count > places ? count - places : 0;
        tagged_value_t rest = vm_mk_array(evaluator->vm, more);
        if (vm_is_oom(rest)) {
            return vm__trap(evaluator, 'M', "out of memory");
        }
        for (uint32_t i = 0; i < more; i++) {
            vm_set(rest, i, base[places + i]);
        }
        base[places] = rest;
    }
    return true;
}

static enum vm__entry enter_native(struct vm__evaluator *evaluator, tagged_value_t *callee, uint32_t count) {
    vm_t *vm = evaluator->vm;
    const struct vm__object *native = vm__object(*callee);
    vm_native_function *function = (vm_native_function *)(uintptr_t)vm__raw(native, VM__NATIVE_FUNCTION);
    bool is_safe = (vm__raw(native, VM__NATIVE_ARITY) >> 32 & VM_NATIVE_SAFE) != 0;
    const tagged_value_t *outer = evaluator->native;
    evaluator->native = callee;
    evaluator->top = callee + 1 + count;
    evaluator->raised = VM_UNDEFINED;
    if (!is_safe) {
        vm_native_begin(vm);
    }
    tagged_value_t result = VM_NIL;
    vm_status status = function(vm, callee + 1, count, &result);
    if (!is_safe) {
        vm_native_end(vm);
    }
    if (status == VM_OK && !vm_is_oom(result)) {
        evaluator->native = outer;
        evaluator->is_stopping = false;
        *callee = result;
        return VM__ENTERED_VALUE;
    }
    if (vm_is_same(evaluator->raised, VM_UNDEFINED)) {
        (void)vm__trap_status(evaluator, status == VM_OK ? VM_ERROR_OOM : status, "a native");
    }
    evaluator->native = outer;
    return VM__ENTERED_RAISED;
}

enum vm__entry vm__enter(struct vm__evaluator *evaluator, tagged_value_t *callee, uint32_t count) {
    if (!vm__check_call(evaluator, *callee, count)) {
        return VM__ENTERED_RAISED;
    }
    if (vm_is(*callee, VM_TYPE_NATIVE)) {
        return enter_native(evaluator, callee, count);
    }
    const struct vm__routine *routine = vm__routine(vm__object(*callee));
    uint32_t slots = routine->registers > count ? routine->registers : count;
    if (!vm__make_room(evaluator, callee + 1 + slots)) {
        return VM__ENTERED_RAISED;
    }
    if (evaluator->frame + 1 >= evaluator->frames_end) {
        (void)vm__trap(evaluator, 'S', "calls are nested deeper than %zu", evaluator->limits.frames);
        return VM__ENTERED_RAISED;
    }
    if (routine->exact_count != count && !arrange(evaluator, routine, callee + 1, count)) {
        return VM__ENTERED_RAISED;
    }
    struct vm__frame *frame = ++evaluator->frame;
    *frame = (struct vm__frame){.pc = routine->words, .base = callee + 1, .routine = routine};
    return VM__ENTERED_FRAME;
}

/* The innermost handler of a word: the last one in order that covers it. */
static const struct vm__handler *find_handler(const struct vm__routine *routine, uint32_t word) {
    for (uint32_t i = routine->handler_count; i-- > 0;) {
        if (routine->handlers[i].start <= word && word < routine->handlers[i].end) {
            return &routine->handlers[i];
        }
    }
    return NULL;
}

bool vm__unwind(struct vm__evaluator *evaluator) {
    for (;; evaluator->frame--) {
        struct vm__frame *frame = evaluator->frame;
        const struct vm__routine *routine = frame->routine;
        if (routine == &vm__halt) {
            return false;
        }
        uint32_t word = (uint32_t)(frame->pc - routine->words) - 1;
        const struct vm__handler *handler = evaluator->is_stopping ? NULL : find_handler(routine, word);
        if (handler != NULL) {
            frame->base[handler->reg] = evaluator->raised;
            frame->pc = routine->words + handler->target;
            vm_error_clear(evaluator->vm);
            return true;
        }
    }
}

/* A new slice of what fuel is left. */
static void begin_slice(struct vm__evaluator *evaluator) {
    uint64_t slice = evaluator->limits.slice - 1;
    slice = slice < evaluator->fuel ? slice : evaluator->fuel;
    evaluator->slice = evaluator->budget = (int64_t)slice;
}

void vm__refuel(struct vm__evaluator *evaluator, uint64_t fuel) {
    evaluator->fuel = fuel;
    begin_slice(evaluator);
}

enum vm__outcome vm__point(struct vm__evaluator *evaluator) {
    vm_t *vm = evaluator->vm;
    bool is_stop = false;
    evaluator->top = evaluator->frame->base + evaluator->frame->routine->registers;
    if (evaluator->fuel != UINT64_MAX) {
        uint64_t used = (uint64_t)(evaluator->slice - evaluator->budget);
        is_stop = used > evaluator->fuel;
        evaluator->fuel -= is_stop ? evaluator->fuel : used;
    }
    begin_slice(evaluator);
    if ((atomic_load(&vm->attention) & VM__ATTENTION_INTERRUPT) != 0) {
        atomic_fetch_and(&vm->attention, ~(unsigned)VM__ATTENTION_INTERRUPT);
        is_stop = true;
    }
    if (vm_safepoint(vm) == VM_ERROR_OOM) {
        (void)vm__trap(evaluator, 'M', "out of memory");
        return VM__RAISED;
    }
    if (is_stop && evaluator->nesting == 1) {
        return VM__STOPPED;
    }
    if (is_stop) {
        evaluator->is_stopping = true;
        (void)vm__trap(evaluator, 'I', "interrupted");
        return VM__RAISED;
    }
    return VM__RETURNED;
}

static int loop_trap(struct vm__evaluator *evaluator, const tagged_value_t *loop) {
    tagged_value_t wrong = !vm_is_integer(loop[0]) ? loop[0] : !vm_is_integer(loop[1]) ? loop[1] : loop[2];
    (void)vm__trap(evaluator, 'T', "a loop is over integers, not %s", vm__kind_word(wrong));
    return -1;
}

static bool are_integers(const tagged_value_t *loop) {
    return vm_is_integer(loop[0]) && vm_is_integer(loop[1]) && vm_is_integer(loop[2]);
}

/* Whether the loop's variable has not passed the limit. */
static int is_within(const tagged_value_t *loop) {
    int64_t at = vm_integer(loop[0]);
    int64_t limit = vm_integer(loop[1]);
    return vm_integer(loop[2]) > 0 ? at <= limit : at >= limit;
}

int vm__for_begin(struct vm__evaluator *evaluator, const tagged_value_t *base, uint32_t word) {
    const tagged_value_t *loop = base + vm__operand_bits(word, 1);
    if (!are_integers(loop)) {
        return loop_trap(evaluator, loop);
    }
    if (vm_integer(loop[2]) == 0) {
        (void)vm__trap(evaluator, 'Z', "a loop by steps of 0");
        return -1;
    }
    return is_within(loop);
}

int vm__for_next(struct vm__evaluator *evaluator, tagged_value_t *base, uint32_t word) {
    tagged_value_t *loop = base + vm__operand_bits(word, 1);
    if (!are_integers(loop)) {
        return loop_trap(evaluator, loop);
    }
    int64_t next = vm_integer(loop[0]) + vm_integer(loop[2]);
    if (!vm_integer_fits(next)) {
        return 0;
    }
    tagged_value_t after[] = {vm_mk_integer(next), loop[1], loop[2]};
    if (!is_within(after)) {
        return 0;
    }
    loop[0] = after[0];
    return 1;
}
