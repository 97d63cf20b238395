/* A program becomes a module: code that the evaluator runs, with its constants as values and its globals found. */
#include "vm/src/eval.h"

static uint32_t hash_name(const char *name, size_t length) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    }
    return hash;
}

static bool grow_buckets(struct vm__evaluator *evaluator) {
    struct cupel_allocator *a = evaluator->vm->allocator;
    uint32_t count = evaluator->bucket_count == 0 ? 64 : evaluator->bucket_count * 2;
    struct vm__global **buckets = CUPEL_NEW_ARRAY(a, struct vm__global *, count);
    if (buckets == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < evaluator->bucket_count; i++) {
        for (struct vm__global *global = evaluator->buckets[i], *next; global != NULL; global = next) {
            next = global->next;
            uint32_t place = hash_name(global->name, global->length) & (count - 1);
            global->next = buckets[place];
            buckets[place] = global;
        }
    }
    CUPEL_FREE_ARRAY(a, struct vm__global *, evaluator->buckets, evaluator->bucket_count);
    evaluator->buckets = buckets;
    evaluator->bucket_count = count;
    return true;
}

struct vm__global *vm__global_find(const struct vm__evaluator *evaluator, const char *name, size_t length) {
    if (evaluator->bucket_count == 0) {
        return NULL;
    }
    struct vm__global *global = evaluator->buckets[hash_name(name, length) & (evaluator->bucket_count - 1)];
    while (global != NULL && (global->length != length || memcmp(global->name, name, length) != 0)) {
        global = global->next;
    }
    return global;
}

struct vm__global *vm__global(struct vm__evaluator *evaluator, const char *name, size_t length) {
    struct vm__global *global = vm__global_find(evaluator, name, length);
    if (global != NULL || length > INT32_MAX) {
        return length > INT32_MAX ? NULL : global;
    }
    if (evaluator->global_count >= evaluator->bucket_count && !grow_buckets(evaluator)) {
        return NULL;
    }
    global = cupel_alloc(evaluator->vm->allocator, sizeof *global + length, _Alignof(struct vm__global));
    if (global == NULL) {
        return NULL;
    }
    struct vm__global **bucket = &evaluator->buckets[hash_name(name, length) & (evaluator->bucket_count - 1)];
    *global = (struct vm__global){.value = VM_UNDEFINED, .next = *bucket, .length = (uint32_t)length};
    memcpy(global->name, name, length);
    *bucket = global;
    evaluator->global_count++;
    return global;
}

/* What is being loaded. */
struct loader {
    struct vm__evaluator *evaluator;
    const struct vm__program *program;
    struct vm__module *module;
    struct vm__global **globals;
};

/* A copy in the module's arena; distinct from NULL also where it is empty. */
static void *copy(struct loader *loader, const void *items, size_t count, size_t size) {
    void *block = cupel_arena_alloc(&loader->module->arena, count * size + 1, _Alignof(max_align_t));
    if (block != NULL && count > 0) {
        memcpy(block, items, count * size);
    }
    return block;
}

static tagged_value_t make_array(struct loader *loader, const struct vm__constant *constant) {
    tagged_value_t array = vm_mk_array(loader->evaluator->vm, constant->count);
    for (uint32_t i = 0; vm_is_reference(array) && i < constant->count; i++) {
        uint32_t element = *VM__AT(uint32_t, &loader->program->elements, constant->bits + i);
        vm_set(array, i, loader->module->values[element]);
    }
    return array;
}

static tagged_value_t make_constant(struct loader *loader, const struct vm__constant *constant) {
    vm_t *vm = loader->evaluator->vm;
    if (constant->kind == VM__CONSTANT_INTEGER) {
        return vm_mk_integer((int64_t)constant->bits);
    }
    if (constant->kind == VM__CONSTANT_DOUBLE) {
        double number;
        memcpy(&number, &constant->bits, sizeof number);
        return vm_mk_double(vm, number);
    }
    if (constant->kind == VM__CONSTANT_ARRAY) {
        return make_array(loader, constant);
    }
    const struct vm__string *string = VM__AT(struct vm__string, &loader->program->strings, constant->bits);
    return constant->kind == VM__CONSTANT_STRING ? vm_mk_string(vm, string->text, string->length)
                                                 : vm_mk_symbol(vm, string->text, string->length);
}

/* Constants, then every string as a name that functions may have; nil for the first of them: no name. */
static bool make_values(struct loader *loader) {
    const struct vm__program *program = loader->program;
    uint32_t constants = program->constants.count;
    size_t count = (size_t)constants + 1 + program->strings.count;
    tagged_value_t *values =
        cupel_arena_alloc(&loader->module->arena, count * sizeof *values, _Alignof(tagged_value_t));
    if (values == NULL) {
        return false;
    }
    loader->module->values = values;
    for (uint32_t i = 0; i < count; i++) {
        tagged_value_t value = VM_NIL;
        if (i < constants) {
            value = make_constant(loader, VM__AT(struct vm__constant, &program->constants, i));
        } else if (i > constants) {
            const struct vm__string *string = VM__AT(struct vm__string, &program->strings, i - constants - 1);
            value = vm_mk_string(loader->evaluator->vm, string->text, string->length);
        }
        if (vm_is_oom(value)) {
            return false;
        }
        values[i] = value;
        loader->module->value_count = i + 1;
    }
    return true;
}

static bool find_globals(struct loader *loader) {
    const struct vm__list *imports = &loader->program->imports;
    loader->globals = CUPEL_NEW_ARRAY(&loader->module->arena.base, struct vm__global *, (size_t)imports->count + 1);
    for (uint32_t i = 0; loader->globals != NULL && i < imports->count; i++) {
        const struct vm__string *name =
            VM__AT(struct vm__string, &loader->program->strings, *VM__AT(uint32_t, imports, i));
        loader->globals[i] = vm__global(loader->evaluator, name->text, name->length);
        if (loader->globals[i] == NULL) {
            return false;
        }
    }
    return loader->globals != NULL;
}

static bool make_routine(struct loader *loader, const struct vm__function *function, struct vm__routine *routine) {
    const struct vm__program *program = loader->program;
    const struct vm__module *module = loader->module;
    const tagged_value_t *names = module->values + program->constants.count;
    bool is_exact = function->optional == 0 && !function->has_rest;
    *routine = (struct vm__routine){
        .words = copy(loader, vm__code(program, function), function->code.count, sizeof(uint32_t)),
        .constants = module->values,
        .globals = loader->globals,
        .routines = module->routines,
        .exact_count = is_exact ? function->arity : UINT32_MAX,
        .registers = function->registers,
        .word_count = function->code.count,
        .handler_count = function->handlers.count,
        .line_count = function->lines.count,
        .capture_count = function->captures.count,
        .handlers = copy(loader, VM__AT(struct vm__handler, &program->handlers, function->handlers.first),
                         function->handlers.count, sizeof(struct vm__handler)),
        .lines = copy(loader, VM__AT(struct vm__line, &program->lines, function->lines.first), function->lines.count,
                      sizeof(struct vm__line)),
        .captures = copy(loader, VM__AT(struct vm__capture, &program->captures, function->captures.first),
                         function->captures.count, sizeof(struct vm__capture)),
        .name = names + function->name,
        .file = names + function->file,
        .arity = function->arity,
        .optional = function->optional,
        .has_rest = function->has_rest,
    };
    return routine->words != NULL && routine->handlers != NULL && routine->lines != NULL && routine->captures != NULL;
}

static bool fill(struct loader *loader) {
    const struct vm__list *functions = &loader->program->functions;
    if (!make_values(loader) || !find_globals(loader)) {
        return false;
    }
    loader->module->routines = cupel_arena_alloc(&loader->module->arena, functions->count * sizeof(struct vm__routine),
                                                 _Alignof(struct vm__routine));
    if (loader->module->routines == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < functions->count; i++) {
        if (!make_routine(loader, VM__AT(struct vm__function, functions, i), &loader->module->routines[i])) {
            return false;
        }
    }
    return true;
}

struct vm__module *vm__module_make(struct vm__evaluator *evaluator, const struct vm__program *program) {
    struct vm__module *module = CUPEL_NEW(evaluator->vm->allocator, struct vm__module);
    if (module == NULL) {
        return NULL;
    }
    (void)cupel_arena_init(&module->arena, evaluator->vm->allocator, NULL);
    struct loader loader = {.evaluator = evaluator, .program = program, .module = module};
    if (!fill(&loader)) {
        vm__module_free(evaluator, module);
        return NULL;
    }
    return module;
}

void vm__module_free(struct vm__evaluator *evaluator, struct vm__module *module) {
    cupel_arena_deinit(&module->arena);
    CUPEL_FREE(evaluator->vm->allocator, struct vm__module, module);
}
