/* Errors: how they are made, what they say, and where they were raised. */
#include "vm/src/eval.h"
#include "vm/src/text.h"

#include <stdarg.h>
#include <stdio.h>

enum { BACKTRACE_MAX = 48, BACKTRACE_COLUMNS = 3 };

static const char *kind_of(char letter) {
    static const struct {
        char letter;
        const char *kind;
    } kinds[] = {{'T', "type"},      {'O', "overflow"},      {'Z', "division-by-zero"}, {'R', "range"},
                 {'A', "arguments"}, {'U', "unbound"},       {'C', "not-callable"},     {'S', "stack-overflow"},
                 {'F', "frozen"},    {'M', "out-of-memory"}, {'I', "interrupt"},        {'D', "depth"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].letter == letter) {
            return kinds[i].kind;
        }
    }
    return "error";
}

bool vm__is_kind(tagged_value_t value, enum vm__kind kind) {
    switch (kind) {
    case VM__KIND_NIL:
        return vm_is_same(value, VM_NIL);
    case VM__KIND_BOOLEAN:
        return vm_is_same(value, VM_TRUE) || vm_is_same(value, VM_FALSE);
    case VM__KIND_UNDEFINED:
        return vm_is_same(value, VM_UNDEFINED);
    case VM__KIND_INTEGER:
        return vm_is_int64(value);
    case VM__KIND_DOUBLE:
        return vm_is_double(value);
    case VM__KIND_NUMBER:
        return vm_is_int64(value) || vm_is_double(value);
    case VM__KIND_STRING:
        return vm_is_text(value);
    case VM__KIND_SYMBOL:
        return vm_is(value, VM_TYPE_SYMBOL);
    case VM__KIND_PAIR:
        return vm_is(value, VM_TYPE_PAIR);
    case VM__KIND_ARRAY:
        return vm_is(value, VM_TYPE_ARRAY) || vm_is(value, VM_TYPE_ARRAY_SLICE);
    case VM__KIND_BYTES:
        return vm_is(value, VM_TYPE_BYTES) || vm_is(value, VM_TYPE_BYTES_SLICE);
    case VM__KIND_TABLE:
        return vm_is(value, VM_TYPE_TABLE);
    case VM__KIND_FUNCTION:
        return vm_is(value, VM_TYPE_CLOSURE) || vm_is(value, VM_TYPE_NATIVE);
    case VM__KIND_BOX:
        return vm_is(value, VM_TYPE_BOX);
    case VM__KIND_ERROR:
        return vm_is(value, VM_TYPE_ERROR);
    case VM__KIND_RECORD:
        return vm_is(value, VM_TYPE_RECORD);
    case VM__KIND_COUNT:
        break;
    }
    return false;
}

const char *vm__kind_word(tagged_value_t value) {
    for (int kind = 0; kind < VM__KIND_COUNT; kind++) {
        if (vm__is_kind(value, (enum vm__kind)kind)) {
            return vm__kind_names[kind];
        }
    }
    return "something else";
}

/* The source line of a word; 0 where nobody said. The last entry that does not lie behind it. */
static uint32_t line_of(const struct vm__routine *routine, uint32_t word) {
    uint32_t low = 0;
    uint32_t high = routine->line_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (routine->lines[middle].word <= word) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? 0 : routine->lines[low - 1].line;
}

/* Name, file and line of every call that has not returned, the innermost first; nil where there is no memory. Of very
 * many the outermost are left out. */
static tagged_value_t take_backtrace(struct vm__evaluator *evaluator) {
    tagged_value_t rows[BACKTRACE_MAX * BACKTRACE_COLUMNS];
    size_t count = 0;
    if (evaluator->native != NULL) {
        tagged_value_t name = vm__object(*evaluator->native)->slots[VM__NATIVE_NAME];
        rows[count++] = vm_symbol_name(name);
        rows[count++] = VM_NIL;
        rows[count++] = VM_NIL;
    }
    for (const struct vm__frame *frame = evaluator->frame;
         frame > evaluator->frames && count < BACKTRACE_MAX * BACKTRACE_COLUMNS; frame--) {
        const struct vm__routine *routine = frame->routine;
        if (routine == &vm__halt) {
            continue;
        }
        uint32_t line = line_of(routine, (uint32_t)(frame->pc - routine->words) - 1);
        rows[count++] = *routine->name;
        rows[count++] = *routine->file;
        rows[count++] = line == 0 ? VM_NIL : vm_mk_integer(line);
    }
    tagged_value_t array = vm_mk_array(evaluator->vm, count);
    if (vm_is_oom(array)) {
        return VM_NIL;
    }
    for (size_t i = 0; i < count; i++) {
        vm_set(array, i, rows[i]);
    }
    return array;
}

/* What is raised and where from. An error that was raised before keeps its backtrace. */
static void raise(struct vm__evaluator *evaluator, tagged_value_t value) {
    evaluator->raised = value;
    bool has_slot = vm_is(value, VM_TYPE_ERROR) && !vm__has(vm__object(value), VM__FLAG_FROZEN) &&
                    !vm_is_same(value, evaluator->vm->roots[VM__ROOT_OUT_OF_MEMORY]);
    if (has_slot && !vm_is_same(vm__object(value)->slots[VM__ERROR_BACKTRACE], VM_NIL)) {
        evaluator->backtrace = vm__object(value)->slots[VM__ERROR_BACKTRACE];
        return;
    }
    evaluator->backtrace = take_backtrace(evaluator);
    if (has_slot) {
        vm__object(value)->slots[VM__ERROR_BACKTRACE] = evaluator->backtrace;
    }
}

static vm_status raise_words(struct vm__evaluator *evaluator, const char *kind, const char *words) {
    vm_t *vm = evaluator->vm;
    tagged_value_t symbol = vm_mk_symbol(vm, kind, strlen(kind));
    size_t length = strlen(words);
    while (length > 0 && !vm__is_utf8(words, length)) {
        length--; /* cut in the middle of a character */
    }
    tagged_value_t message = vm_mk_string(vm, words, length);
    tagged_value_t error = VM_OOM_VALUE;
    if (vm_is_reference(symbol) && vm_is_reference(message)) {
        error = vm_mk_error(vm, symbol, message, VM_NIL);
    }
    if (vm_is_oom(error)) {
        raise(evaluator, vm->roots[VM__ROOT_OUT_OF_MEMORY]);
        return VM_ERROR_OOM;
    }
    raise(evaluator, error);
    return VM_ERROR;
}

bool vm__trap(struct vm__evaluator *evaluator, char kind, const char *format, ...) {
    if (kind == 'M') {
        raise(evaluator, evaluator->vm->roots[VM__ROOT_OUT_OF_MEMORY]);
        return false;
    }
    char words[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    (void)raise_words(evaluator, kind_of(kind), words);
    return false;
}

bool vm__trap_status(struct vm__evaluator *evaluator, vm_status status, const char *what) {
    switch (status) {
    case VM_ERROR_OOM:
    case VM_ERROR_DEFERRED:
        return vm__trap(evaluator, 'M', "out of memory");
    case VM_ERROR_TYPE:
        return vm__trap(evaluator, 'T', "%s: a value of a kind that is not allowed here", what);
    case VM_ERROR_RANGE:
        return vm__trap(evaluator, 'R', "%s: out of range", what);
    case VM_ERROR_FROZEN:
        return vm__trap(evaluator, 'F', "%s: it cannot be changed", what);
    case VM_ERROR_DEPTH:
        return vm__trap(evaluator, 'D', "%s: nested too deep", what);
    default:
        return vm__trap(evaluator, 'E', "%s: failed", what);
    }
}

vm_status vm_fail(vm_t *vm, const char *kind, const char *format, ...) {
    struct vm__evaluator *evaluator = vm__evaluator_make(vm);
    if (evaluator == NULL) {
        return VM_ERROR_OOM;
    }
    char words[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return raise_words(evaluator, kind, words);
}

vm_status vm_raise(vm_t *vm, tagged_value_t value) {
    struct vm__evaluator *evaluator = vm__evaluator_make(vm);
    if (evaluator == NULL) {
        return VM_ERROR_OOM;
    }
    raise(evaluator, vm_is_oom(value) ? vm->roots[VM__ROOT_OUT_OF_MEMORY] : value);
    return VM_ERROR;
}

tagged_value_t vm_error(const vm_t *vm) {
    const struct vm__evaluator *evaluator = vm__evaluator(vm);
    return evaluator == NULL || vm_is_same(evaluator->raised, VM_UNDEFINED) ? VM_NIL : evaluator->raised;
}

void vm_error_clear(vm_t *vm) {
    struct vm__evaluator *evaluator = vm__evaluator(vm);
    if (evaluator != NULL) {
        evaluator->raised = VM_UNDEFINED;
        evaluator->backtrace = VM_NIL;
    }
}

/* Text that is cut where it does not fit. */
struct cut {
    char *text;
    size_t size, length;
};

static void add(struct cut *cut, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++, cut->length++) {
        if (cut->length + 1 < cut->size) {
            cut->text[cut->length] = bytes[i];
        }
    }
}

static void add_text(struct cut *cut, tagged_value_t value) {
    char digits[40];
    if (vm_is(value, VM_TYPE_SYMBOL)) {
        value = vm_symbol_name(value);
    }
    if (vm_is_text(value)) {
        struct vm__text text = vm__text(value);
        add(cut, text.bytes, text.length);
    } else if (vm_is_integer(value)) {
        add(cut, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)vm_integer(value)));
    } else if (vm_is_double(value)) {
        add(cut, digits, (size_t)snprintf(digits, sizeof digits, "%.17g", vm_double(value)));
    } else {
        const char *word = vm__kind_word(value);
        add(cut, "a value of kind ", 16);
        add(cut, word, strlen(word));
    }
}

static void add_backtrace(struct cut *cut, tagged_value_t backtrace) {
    size_t count = vm_is(backtrace, VM_TYPE_ARRAY) ? vm_length(backtrace) / BACKTRACE_COLUMNS : 0;
    for (size_t i = 0; i < count; i++) {
        tagged_value_t name = vm_get(backtrace, i * BACKTRACE_COLUMNS);
        tagged_value_t file = vm_get(backtrace, i * BACKTRACE_COLUMNS + 1);
        tagged_value_t line = vm_get(backtrace, i * BACKTRACE_COLUMNS + 2);
        add(cut, "\n  at ", 6);
        if (vm_is_same(name, VM_NIL)) {
            add(cut, "(no name)", 9);
        } else {
            add_text(cut, name);
        }
        if (vm_is_same(file, VM_NIL) && vm_is_same(line, VM_NIL)) {
            continue;
        }
        add(cut, " (", 2);
        if (!vm_is_same(file, VM_NIL)) {
            add_text(cut, file);
        }
        if (!vm_is_same(line, VM_NIL)) {
            add(cut, ":", 1);
            add_text(cut, line);
        }
        add(cut, ")", 1);
    }
}

size_t vm_error_text(vm_t *vm, char *text, size_t size) {
    struct cut cut = {.text = text, .size = size};
    tagged_value_t error = vm_error(vm);
    if (vm_is(error, VM_TYPE_ERROR)) {
        const struct vm__object *object = vm__object(error);
        add_text(&cut, object->slots[VM__ERROR_KIND]);
        add(&cut, ": ", 2);
        add_text(&cut, object->slots[VM__ERROR_MESSAGE]);
    } else {
        add(&cut, "raised: ", 8);
        add_text(&cut, error);
    }
    if (vm->evaluator != NULL) {
        add_backtrace(&cut, vm__evaluator(vm)->backtrace);
    }
    if (size > 0) {
        text[cut.length < size ? cut.length : size - 1] = '\0';
    }
    return cut.length + 1;
}
