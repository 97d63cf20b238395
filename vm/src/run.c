/* The doorway to the evaluator: its life, loading, calls from C, globals. */
#include "vm/run.h"

#include "vm/src/eval.h"

static const struct vm_limits defaults = {
    .stack_slots = (size_t)1 << 20, .frames = 200000, .nesting = 2000, .fuel = UINT64_MAX, .slice = 65536};

/* The collector sees registers, globals, constants, what is raised; slots above the top become good values again. */
static bool scan(void *context, struct vm__visitor *visitor) {
    struct vm__evaluator *evaluator = context;
    size_t live = (size_t)(evaluator->top - evaluator->stack);
    memset(evaluator->top, 0, (size_t)(evaluator->soft_end - evaluator->top) * sizeof *evaluator->top);
    if (!visitor->visit(visitor, evaluator->stack, live) || !visitor->visit(visitor, &evaluator->raised, 1) ||
        !visitor->visit(visitor, &evaluator->backtrace, 1)) {
        return false;
    }
    for (uint32_t i = 0; i < evaluator->bucket_count; i++) {
        for (struct vm__global *global = evaluator->buckets[i]; global != NULL; global = global->next) {
            if (!visitor->visit(visitor, &global->value, 1)) {
                return false;
            }
        }
    }
    for (struct vm__module *module = evaluator->modules; module != NULL; module = module->next) {
        if (!visitor->visit(visitor, module->values, module->value_count)) {
            return false;
        }
    }
    return true;
}

static bool make_stacks(struct vm__evaluator *evaluator) {
    struct cupel_allocator *a = evaluator->vm->allocator;
    size_t slots = evaluator->limits.stack_slots;
    size_t frames = evaluator->limits.frames + 1;
    evaluator->stack = cupel_alloc(a, slots * sizeof *evaluator->stack, _Alignof(tagged_value_t));
    evaluator->frames = cupel_alloc(a, frames * sizeof *evaluator->frames, _Alignof(struct vm__frame));
    if (evaluator->stack == NULL || evaluator->frames == NULL) {
        return false;
    }
    evaluator->top = evaluator->soft_end = evaluator->stack;
    evaluator->end = evaluator->stack + slots;
    evaluator->frame = evaluator->frames;
    evaluator->frames_end = evaluator->frames + frames;
    *evaluator->frame = (struct vm__frame){.pc = vm__halt.words, .base = evaluator->stack, .routine = &vm__halt};
    return true;
}

static struct vm__evaluator *make(vm_t *vm, const struct vm_limits *limits) {
    struct vm__evaluator *evaluator = CUPEL_NEW(vm->allocator, struct vm__evaluator);
    if (evaluator == NULL) {
        return NULL;
    }
    evaluator->vm = vm;
    evaluator->limits = *limits;
    struct vm_limits *own = &evaluator->limits;
    own->stack_slots = own->stack_slots == 0 ? defaults.stack_slots : own->stack_slots;
    own->frames = own->frames == 0 ? defaults.frames : own->frames;
    own->nesting = own->nesting == 0 ? defaults.nesting : own->nesting;
    own->fuel = own->fuel == 0 ? defaults.fuel : own->fuel;
    own->slice = own->slice == 0 ? defaults.slice : own->slice;
    if ((vm->options.stress & VM_STRESS_FLIP) != 0) {
        own->slice = 1;
    }
    evaluator->raised = VM_UNDEFINED;
    evaluator->backtrace = VM_NIL;
    vm__refuel(evaluator, own->fuel);
    evaluator->scanner = (struct vm__scanner){.scan = scan, .context = evaluator};
    if (!make_stacks(evaluator)) {
        vm__evaluator_free(evaluator);
        return NULL;
    }
    vm__scanner_add(vm, &evaluator->scanner);
    vm->evaluator = evaluator;
    return evaluator;
}

struct vm__evaluator *vm__evaluator_make(vm_t *vm) {
    return vm->evaluator != NULL ? vm->evaluator : make(vm, &defaults);
}

void vm__evaluator_free(void *state) {
    struct vm__evaluator *evaluator = state;
    if (evaluator == NULL) {
        return;
    }
    struct cupel_allocator *a = evaluator->vm->allocator;
    if (evaluator->vm->evaluator == evaluator) {
        vm__scanner_remove(evaluator->vm, &evaluator->scanner);
        evaluator->vm->evaluator = NULL;
    }
    for (struct vm__module *module = evaluator->modules, *next; module != NULL; module = next) {
        next = module->next;
        vm__module_free(evaluator, module);
    }
    for (uint32_t i = 0; i < evaluator->bucket_count; i++) {
        for (struct vm__global *global = evaluator->buckets[i], *next; global != NULL; global = next) {
            next = global->next;
            cupel_free(a, global, sizeof *global + global->length, _Alignof(struct vm__global));
        }
    }
    CUPEL_FREE_ARRAY(a, struct vm__global *, evaluator->buckets, evaluator->bucket_count);
    CUPEL_FREE_ARRAY(a, tagged_value_t, evaluator->stack, evaluator->limits.stack_slots);
    CUPEL_FREE_ARRAY(a, struct vm__frame, evaluator->frames, evaluator->limits.frames + 1);
    CUPEL_FREE(a, struct vm__evaluator, evaluator);
}

vm_status vm_set_limits(vm_t *vm, const struct vm_limits *limits) {
    assert(vm->evaluator == NULL);
    return make(vm, limits) == NULL ? VM_ERROR_OOM : VM_OK;
}

vm_status vm_link(vm_t *vm, const void *image, size_t length_bytes, tagged_value_t *function,
                  struct cupel_error *error) {
    struct vm__evaluator *evaluator = vm__evaluator_make(vm);
    if (evaluator == NULL) {
        return VM_ERROR_OOM;
    }
    struct vm__program program;
    struct vm__module *module = NULL;
    vm__program_init(&program, vm->allocator);
    vm_status status = vm__image_open(&program, image, length_bytes, error);
    if (status == VM_OK) {
        module = vm__module_make(evaluator, &program);
    }
    vm__program_deinit(&program);
    if (module == NULL) {
        return status == VM_OK ? VM_ERROR_OOM : status;
    }
    struct vm__object *closure = vm__closure_new(vm, (tagged_value_t){(uint64_t)(uintptr_t)&module->routines[0]}, 0);
    if (closure == NULL) {
        vm__module_free(evaluator, module);
        return VM_ERROR_OOM;
    }
    module->next = evaluator->modules;
    evaluator->modules = module;
    *function = vm__reference(closure);
    return VM_OK;
}

vm_status vm_load(vm_t *vm, const void *image, size_t length_bytes, tagged_value_t *result, struct cupel_error *error) {
    tagged_value_t function;
    vm_status status = vm_link(vm, image, length_bytes, &function, error);
    return status == VM_OK ? vm_call(vm, function, NULL, 0, result) : status;
}

static enum vm__outcome run(struct vm__evaluator *evaluator) {
    switch (evaluator->limits.evaluator) {
    case VM_EVALUATOR_REFERENCE:
        return vm__run_reference(evaluator);
    case VM_EVALUATOR_SWITCH:
        return vm__run_switch(evaluator);
    case VM_EVALUATOR_FASTEST:
        break;
    }
    return vm__run_goto(evaluator);
}

/* The status of an error that nobody caught. */
static vm_status raised_status(const struct vm__evaluator *evaluator) {
    if (evaluator->is_stopping) {
        return VM_INTERRUPTED;
    }
    bool is_memory = vm_is_same(evaluator->raised, evaluator->vm->roots[VM__ROOT_OUT_OF_MEMORY]);
    return is_memory ? VM_ERROR_OOM : VM_ERROR;
}

/* After a run that began above the frame `halt`: that frame goes, and its result is handed out. */
static vm_status finish(struct vm__evaluator *evaluator, enum vm__outcome outcome, struct vm__frame *halt,
                        tagged_value_t *result) {
    if (outcome == VM__STOPPED) {
        evaluator->is_suspended = true;
        return VM_INTERRUPTED;
    }
    tagged_value_t *callee = halt->base - 1;
    vm_status status = VM_OK;
    evaluator->nesting--;
    evaluator->frame = halt - 1;
    evaluator->top = callee;
    if (outcome == VM__RAISED) {
        status = raised_status(evaluator);
        evaluator->is_stopping = evaluator->is_stopping && evaluator->nesting > 0;
    } else if (result != NULL) {
        *result = *callee;
    }
    return status;
}

/* Whatever an interrupted call left is dropped by the next one. */
static void drop_suspended(struct vm__evaluator *evaluator) {
    if (evaluator->is_suspended) {
        evaluator->is_suspended = false;
        evaluator->nesting = 0;
        evaluator->frame = evaluator->frames;
        evaluator->top = evaluator->stack;
    }
}

vm_status vm_call(vm_t *vm, tagged_value_t function, const tagged_value_t *arguments, size_t count,
                  tagged_value_t *result) {
    struct vm__evaluator *evaluator = vm__evaluator_make(vm);
    if (evaluator == NULL) {
        return VM_ERROR_OOM;
    }
    drop_suspended(evaluator);
    vm_error_clear(vm);
    tagged_value_t *callee = evaluator->top;
    if (evaluator->nesting >= evaluator->limits.nesting || evaluator->frame + 1 >= evaluator->frames_end ||
        count >= (size_t)(evaluator->end - callee)) {
        (void)vm__trap(evaluator, 'S', "calls from C are nested too deep");
        return raised_status(evaluator);
    }
    if (!vm__make_room(evaluator, callee + 1 + count)) {
        return raised_status(evaluator);
    }
    callee[0] = function;
    if (count > 0) {
        memmove(callee + 1, arguments, count * sizeof *arguments);
    }
    struct vm__frame *halt = ++evaluator->frame;
    *halt = (struct vm__frame){.pc = vm__halt.words, .base = callee + 1, .routine = &vm__halt};
    evaluator->nesting++;
    evaluator->top = callee + 1 + count;
    if (evaluator->nesting > 1 && vm__callback_safepoint(vm) == VM_ERROR_OOM) {
        (void)vm__trap(evaluator, 'M', "out of memory");
        return finish(evaluator, VM__RAISED, halt, NULL);
    }
    switch (vm__enter(evaluator, callee, (uint32_t)count)) {
    case VM__ENTERED_FRAME:
        return finish(evaluator, run(evaluator), halt, result);
    case VM__ENTERED_VALUE:
        return finish(evaluator, VM__RETURNED, halt, result);
    default:
        return finish(evaluator, VM__RAISED, halt, NULL);
    }
}

vm_status vm_resume(vm_t *vm, tagged_value_t *result) {
    struct vm__evaluator *evaluator = vm__evaluator(vm);
    if (evaluator == NULL || !evaluator->is_suspended) {
        return vm_fail(vm, "resume", "there is no interrupted call");
    }
    evaluator->is_suspended = false;
    return finish(evaluator, run(evaluator), evaluator->frames + 1, result);
}

void vm_interrupt(vm_t *vm) {
    atomic_fetch_or(&vm->attention, VM__ATTENTION_INTERRUPT);
}

void vm_refuel(vm_t *vm, uint64_t fuel) {
    struct vm__evaluator *evaluator = vm__evaluator_make(vm);
    if (evaluator != NULL) {
        vm__refuel(evaluator, fuel);
    }
}

uint64_t vm_fuel(const vm_t *vm) {
    const struct vm__evaluator *evaluator = vm__evaluator(vm);
    if (evaluator == NULL || evaluator->fuel == UINT64_MAX) {
        return UINT64_MAX;
    }
    uint64_t used = (uint64_t)(evaluator->slice - evaluator->budget);
    return used > evaluator->fuel ? 0 : evaluator->fuel - used;
}

vm_status vm_define(vm_t *vm, const char *name, tagged_value_t value) {
    struct vm__evaluator *evaluator = vm__evaluator_make(vm);
    struct vm__global *global =
        evaluator == NULL || vm_is_oom(value) ? NULL : vm__global(evaluator, name, strlen(name));
    if (global == NULL) {
        return VM_ERROR_OOM;
    }
    global->value = value;
    return VM_OK;
}

tagged_value_t vm_global(vm_t *vm, const char *name) {
    const struct vm__evaluator *evaluator = vm__evaluator(vm);
    const struct vm__global *global = evaluator == NULL ? NULL : vm__global_find(evaluator, name, strlen(name));
    return global == NULL ? VM_UNDEFINED : global->value;
}

vm_status vm_define_natives(vm_t *vm, const struct vm_native *natives, size_t count) {
    for (size_t i = 0; i < count; i++) {
        vm_status status = vm_define(vm, natives[i].name, vm_mk_native(vm, &natives[i]));
        if (status != VM_OK) {
            return status;
        }
    }
    return VM_OK;
}

void *vm_native_data(const vm_t *vm) {
    const struct vm__evaluator *evaluator = vm__evaluator(vm);
    assert(evaluator != NULL && evaluator->native != NULL);
    return (void *)(uintptr_t)vm__raw(vm__object(*evaluator->native), VM__NATIVE_DATA);
}
