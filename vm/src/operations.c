/* What each instruction means that neither jumps nor calls, with no thought of speed: the slow evaluator runs these
 * alone, the fast ones where their short ways do not lead. */
#include "vm/src/eval.h"
#include "vm/src/text.h"

#include <math.h>

/* The word's operands as registers. */
#define A base[vm__operand_bits(word, 1)]
#define B base[vm__operand_bits(word, 2)]
#define C base[vm__operand_bits(word, 3)]

#define OPERATION(name)                                                                                                \
    static bool name(struct vm__evaluator *evaluator __attribute__((unused)),                                          \
                     tagged_value_t *base __attribute__((unused)), uint32_t word __attribute__((unused)))

/* Stores what a constructor gave. */
static bool store(struct vm__evaluator *evaluator, tagged_value_t *target, tagged_value_t value) {
    if (vm_is_oom(value)) {
        return vm__trap(evaluator, 'M', "out of memory");
    }
    *target = value;
    return true;
}

OPERATION(move) {
    A = B;
    return true;
}

OPERATION(loadi) {
    A = vm_mk_integer(vm__wide_signed(word));
    return true;
}

OPERATION(loadk) {
    A = evaluator->frame->routine->constants[vm__wide(word)];
    return true;
}

OPERATION(loadp) {
    A = vm__primitive(vm__operand_bits(word, 2));
    return true;
}

OPERATION(getup) {
    A = vm__object(base[-1])->slots[VM__CLOSURE_CAPTURES + vm__operand_bits(word, 2)];
    return true;
}

OPERATION(box) {
    return store(evaluator, &A, vm_mk_box(evaluator->vm, B));
}

OPERATION(unbox) {
    if (!vm_is(B, VM_TYPE_BOX)) {
        return vm__trap(evaluator, 'T', "unbox: not a box but %s", vm__kind_word(B));
    }
    A = vm__object(B)->slots[0];
    return true;
}

OPERATION(setbox) {
    if (!vm_is(A, VM_TYPE_BOX)) {
        return vm__trap(evaluator, 'T', "setbox: not a box but %s", vm__kind_word(A));
    }
    if (vm__has(vm__object(A), VM__FLAG_FROZEN)) {
        return vm__trap(evaluator, 'F', "setbox: the box is frozen");
    }
    vm__object(A)->slots[0] = B;
    return true;
}

OPERATION(closure) {
    const struct vm__routine *routine = &evaluator->frame->routine->routines[vm__wide(word)];
    /* An address is a multiple of 8, so that it looks like an integer to the collector. */
    tagged_value_t proto = {(uint64_t)(uintptr_t)routine};
    struct vm__object *object = vm__closure_new(evaluator->vm, proto, routine->capture_count);
    if (object == NULL) {
        return vm__trap(evaluator, 'M', "out of memory");
    }
    for (uint32_t i = 0; i < routine->capture_count; i++) {
        const struct vm__capture *capture = &routine->captures[i];
        object->slots[VM__CLOSURE_CAPTURES + i] =
            capture->is_capture ? vm__object(base[-1])->slots[VM__CLOSURE_CAPTURES + capture->index]
                                : base[capture->index];
    }
    A = vm__reference(object);
    return true;
}

static bool unbound(struct vm__evaluator *evaluator, const struct vm__global *global) {
    return vm__trap(evaluator, 'U', "there is no global '%.*s'", (int)(global->length < 60 ? global->length : 60),
                    global->name);
}

OPERATION(getg) {
    const struct vm__global *global = evaluator->frame->routine->globals[vm__wide(word)];
    if (vm_is_same(global->value, VM_UNDEFINED)) {
        return unbound(evaluator, global);
    }
    A = global->value;
    return true;
}

OPERATION(setg) {
    struct vm__global *global = evaluator->frame->routine->globals[vm__wide(word)];
    if (vm_is_same(global->value, VM_UNDEFINED)) {
        return unbound(evaluator, global);
    }
    global->value = A;
    return true;
}

OPERATION(defg) {
    evaluator->frame->routine->globals[vm__wide(word)]->value = A;
    return true;
}

static bool is_number(tagged_value_t value) {
    return vm_is_integer(value) || vm_is_double(value);
}

static double number(tagged_value_t value) {
    return vm_is_integer(value) ? (double)vm_integer(value) : vm_double(value);
}

static bool no_number(struct vm__evaluator *evaluator, const char *name, tagged_value_t b, tagged_value_t c) {
    return vm__trap(evaluator, 'T', "%s: not a number but %s", name, vm__kind_word(is_number(b) ? c : b));
}

static bool store_integer(struct vm__evaluator *evaluator, tagged_value_t *target, int64_t value, bool is_over,
                          const char *name) {
    if (is_over || !vm_integer_fits(value)) {
        return vm__trap(evaluator, 'O', "%s: the result does not fit into 61 bits", name);
    }
    *target = vm_mk_integer(value);
    return true;
}

static bool arithmetic(struct vm__evaluator *evaluator, enum vm__opcode op, tagged_value_t *target, tagged_value_t b,
                       tagged_value_t c) {
    const char *name = vm__opcodes[op].name;
    if (!is_number(b) || !is_number(c)) {
        return no_number(evaluator, name, b, c);
    }
    bool are_integers = vm_is_integer(b) && vm_is_integer(c);
    int64_t x = are_integers ? vm_integer(b) : 0;
    int64_t y = are_integers ? vm_integer(c) : 0;
    int64_t result = 0;
    double sum = 0;
    bool is_over = false;
    switch (op) {
    case VM__OP_SUB:
        is_over = __builtin_sub_overflow(x, y, &result);
        sum = number(b) - number(c);
        break;
    case VM__OP_MUL:
        is_over = __builtin_mul_overflow(x, y, &result);
        sum = number(b) * number(c);
        break;
    default:
        is_over = __builtin_add_overflow(x, y, &result);
        sum = number(b) + number(c);
        break;
    }
    if (are_integers) {
        return store_integer(evaluator, target, result, is_over, name);
    }
    return store(evaluator, target, vm_mk_double(evaluator->vm, sum));
}

OPERATION(add) {
    return arithmetic(evaluator, vm__op(word), &A, B, C);
}

OPERATION(addi) {
    return arithmetic(evaluator, VM__OP_ADDI, &A, B, vm_mk_integer((int8_t)vm__operand_bits(word, 3)));
}

OPERATION(neg) {
    if (vm_is_integer(B)) {
        return store_integer(evaluator, &A, -vm_integer(B), false, "neg");
    }
    if (!vm_is_double(B)) {
        return no_number(evaluator, "neg", B, B);
    }
    return store(evaluator, &A, vm_mk_double(evaluator->vm, -vm_double(B)));
}

OPERATION(divide) {
    if (!is_number(B) || !is_number(C)) {
        return no_number(evaluator, "div", B, C);
    }
    if (vm_is_same(C, vm_mk_integer(0))) {
        return vm__trap(evaluator, 'Z', "div: by zero");
    }
    return store(evaluator, &A, vm_mk_double(evaluator->vm, number(B) / number(C)));
}

static bool are_integers(struct vm__evaluator *evaluator, uint32_t word, tagged_value_t b, tagged_value_t c) {
    if (vm_is_integer(b) && vm_is_integer(c)) {
        return true;
    }
    return vm__trap(evaluator, 'T', "%s: not an integer but %s", vm__opcodes[vm__op(word)].name,
                    vm__kind_word(vm_is_integer(b) ? c : b));
}

OPERATION(integer_divide) {
    const char *name = vm__opcodes[vm__op(word)].name;
    if (!are_integers(evaluator, word, B, C)) {
        return false;
    }
    int64_t x = vm_integer(B);
    int64_t y = vm_integer(C);
    if (y == 0) {
        return vm__trap(evaluator, 'Z', "%s: by zero", name);
    }
    if (vm__op(word) == VM__OP_QUO) {
        return store_integer(evaluator, &A, x / y, false, name);
    }
    int64_t rest = x % y;
    if (vm__op(word) == VM__OP_MOD && rest != 0 && (rest < 0) != (y < 0)) {
        rest += y;
    }
    A = vm_mk_integer(rest);
    return true;
}

OPERATION(bits) {
    if (!are_integers(evaluator, word, B, C)) {
        return false;
    }
    uint64_t x = B.bits;
    uint64_t y = C.bits;
    A.bits = vm__op(word) == VM__OP_BAND ? x & y : vm__op(word) == VM__OP_BOR ? x | y : x ^ y;
    return true;
}

OPERATION(bnot) {
    if (!are_integers(evaluator, word, B, B)) {
        return false;
    }
    A = vm_mk_integer(~vm_integer(B));
    return true;
}

OPERATION(shift) {
    const char *name = vm__opcodes[vm__op(word)].name;
    if (!are_integers(evaluator, word, B, C)) {
        return false;
    }
    int64_t count = vm_integer(C);
    int64_t x = vm_integer(B);
    if (count < 0 || count > 60) {
        return vm__trap(evaluator, 'R', "%s: by %lld, not 0 to 60", name, (long long)count);
    }
    if (vm__op(word) == VM__OP_SHR) {
        A = vm_mk_integer(x >> count);
        return true;
    }
    int64_t result = (int64_t)((uint64_t)x << count);
    return store_integer(evaluator, &A, result, result >> count != x, name);
}

/* -1, 0, 1: a is less, equal, greater; 2: neither (a NaN). Exact also between integers and doubles. */
static int compare(tagged_value_t a, tagged_value_t b) {
    if (vm_is_integer(a) && vm_is_integer(b)) {
        return ((int64_t)a.bits > (int64_t)b.bits) - ((int64_t)a.bits < (int64_t)b.bits);
    }
    if (vm_is_integer(a) || vm_is_integer(b)) {
        bool is_first = vm_is_integer(a);
        double real = vm_double(is_first ? b : a);
        if (isnan(real)) {
            return 2;
        }
        int order; /* of the integer to the double */
        if (fabs(real) >= 0x1p62) {
            order = real > 0 ? -1 : 1;
        } else {
            int64_t whole = (int64_t)real;
            int64_t integer = vm_integer(is_first ? a : b);
            double rest = real - (double)whole;
            order = integer != whole ? (integer > whole) - (integer < whole) : (rest < 0) - (rest > 0);
        }
        return is_first ? order : -order;
    }
    double x = vm_double(a);
    double y = vm_double(b);
    return isnan(x) || isnan(y) ? 2 : (x > y) - (x < y);
}

int vm__condition(struct vm__evaluator *evaluator, const tagged_value_t *base, uint32_t word) {
    enum vm__opcode op = vm__op(word);
    tagged_value_t small = vm_mk_integer((int8_t)vm__operand_bits(word, 2));
    tagged_value_t other = op == VM__OP_LTI || op == VM__OP_GTI ? small : VM_NIL;
    switch (op) {
    case VM__OP_EQ:
        return vm_is_same(A, B);
    case VM__OP_EQI:
        return vm_is_same(A, small);
    case VM__OP_TEST:
        return vm__is_true(A);
    case VM__OP_ISTYPE:
        return vm__is_kind(A, (enum vm__kind)vm__operand_bits(word, 2));
    default:
        break;
    }
    if (op == VM__OP_LT || op == VM__OP_LE || op == VM__OP_NUMEQ) {
        other = B;
    }
    if (!is_number(A) || !is_number(other)) {
        (void)no_number(evaluator, vm__opcodes[op].name, A, other);
        return -1;
    }
    int order = compare(A, other);
    switch (op) {
    case VM__OP_LE:
        return order == -1 || order == 0;
    case VM__OP_NUMEQ:
        return order == 0;
    case VM__OP_GTI:
        return order == 1;
    default:
        return order == -1;
    }
}

OPERATION(cons) {
    return store(evaluator, &A, vm_mk_pair(evaluator->vm, B, C));
}

static bool no_pair(struct vm__evaluator *evaluator, uint32_t word, tagged_value_t value) {
    return vm__trap(evaluator, 'T', "%s: not a pair but %s", vm__opcodes[vm__op(word)].name, vm__kind_word(value));
}

OPERATION(car) {
    if (!vm_is(B, VM_TYPE_PAIR)) {
        return no_pair(evaluator, word, B);
    }
    A = vm__object(B)->slots[vm__op(word) == VM__OP_CDR];
    return true;
}

OPERATION(setcar) {
    if (!vm_is(A, VM_TYPE_PAIR)) {
        return no_pair(evaluator, word, A);
    }
    vm_status status = vm_put(A, vm__op(word) == VM__OP_SETCDR, B);
    return status == VM_OK || vm__trap_status(evaluator, status, vm__opcodes[vm__op(word)].name);
}

OPERATION(newarr) {
    if (!vm_is_integer(B)) {
        return vm__trap(evaluator, 'T', "newarr: the length is not an integer but %s", vm__kind_word(B));
    }
    if (vm_integer(B) < 0 || vm_integer(B) > (int64_t)VM_LENGTH_MAX) {
        return vm__trap(evaluator, 'R', "newarr: no array has %lld elements", (long long)vm_integer(B));
    }
    size_t length = (size_t)vm_integer(B);
    tagged_value_t array = vm_mk_array(evaluator->vm, length);
    if (vm_is_reference(array)) {
        tagged_value_t *elements = vm__elements(vm__object(array));
        for (size_t i = 0; i < length; i++) {
            elements[i] = C;
        }
    }
    return store(evaluator, &A, array);
}

OPERATION(pack) {
    size_t length = vm__operand_bits(word, 3);
    tagged_value_t array = vm_mk_array(evaluator->vm, length);
    if (vm_is_reference(array) && length > 0) {
        memcpy(vm__elements(vm__object(array)), &B, length * sizeof(tagged_value_t));
    }
    return store(evaluator, &A, array);
}

/* Whether a value can be an index; where it is negative the index is too large for anything. */
static bool is_index(struct vm__evaluator *evaluator, uint32_t word, tagged_value_t value, size_t *index) {
    if (!vm_is_integer(value)) {
        return vm__trap(evaluator, 'T', "%s: the index is not an integer but %s", vm__opcodes[vm__op(word)].name,
                        vm__kind_word(value));
    }
    *index = (size_t)vm_integer(value);
    return true;
}

static bool element_trap(struct vm__evaluator *evaluator, uint32_t word, vm_status status, tagged_value_t object,
                         size_t index) {
    const char *name = vm__opcodes[vm__op(word)].name;
    if (status == VM_ERROR_TYPE) {
        return vm__trap(evaluator, 'T', "%s: no elements in %s", name, vm__kind_word(object));
    }
    if (status == VM_ERROR_RANGE) {
        return vm__trap(evaluator, 'R', "%s: index %lld, or the element, is out of range", name, (long long)index);
    }
    return vm__trap_status(evaluator, status, name);
}

OPERATION(geti) {
    size_t index = vm__operand_bits(word, 3);
    if (vm__op(word) == VM__OP_GETI && !is_index(evaluator, word, C, &index)) {
        return false;
    }
    tagged_value_t element;
    vm_status status = vm_at(B, index, &element);
    if (status != VM_OK) {
        return element_trap(evaluator, word, status, B, index);
    }
    A = element;
    return true;
}

OPERATION(seti) {
    size_t index = 0;
    if (!is_index(evaluator, word, B, &index)) {
        return false;
    }
    vm_status status = vm_put(A, index, C);
    return status == VM_OK || element_trap(evaluator, word, status, A, index);
}

OPERATION(len) {
    size_t length;
    if (!vm__length(B, &length)) {
        return vm__trap(evaluator, 'T', "len: no length has %s", vm__kind_word(B));
    }
    A = vm_mk_integer((int64_t)length);
    return true;
}

OPERATION(push) {
    if (!vm_is(A, VM_TYPE_ARRAY)) {
        return vm__trap(evaluator, 'T', "push: not an array but %s", vm__kind_word(A));
    }
    vm_status status = vm_array_push(evaluator->vm, A, B);
    return status == VM_OK || vm__trap_status(evaluator, status, "push");
}

OPERATION(pop) {
    if (!vm_is(B, VM_TYPE_ARRAY)) {
        return vm__trap(evaluator, 'T', "pop: not an array but %s", vm__kind_word(B));
    }
    tagged_value_t element;
    vm_status status = vm_array_pop(B, &element);
    if (status != VM_OK) {
        return vm__trap_status(evaluator, status, "pop");
    }
    A = element;
    return true;
}

OPERATION(concat) {
    size_t count = vm__operand_bits(word, 3);
    for (size_t i = 0; i < count; i++) {
        if (!vm_is_text((&B)[i])) {
            return vm__trap(evaluator, 'T', "concat: not a string but %s", vm__kind_word((&B)[i]));
        }
    }
    return store(evaluator, &A, vm_concat(evaluator->vm, &B, count));
}

OPERATION(slice) {
    size_t first = 0;
    size_t end = 0;
    if (!is_index(evaluator, word, C, &first) || !is_index(evaluator, word, (&C)[1], &end)) {
        return false;
    }
    tagged_value_t part;
    vm_status status = vm_slice(evaluator->vm, B, first, end, &part);
    if (status != VM_OK) {
        return element_trap(evaluator, word, status, B, first);
    }
    A = part;
    return true;
}

OPERATION(check) {
    enum vm__kind kind = (enum vm__kind)vm__operand_bits(word, 2);
    return vm__is_kind(A, kind) ||
           vm__trap(evaluator, 'T', "check: not %s but %s", vm__kind_names[kind], vm__kind_word(A));
}

vm__operation *const vm__operations[VM__OP_COUNT] = {
    [VM__OP_MOVE] = move,
    [VM__OP_LOADI] = loadi,
    [VM__OP_LOADK] = loadk,
    [VM__OP_LOADP] = loadp,
    [VM__OP_GETUP] = getup,
    [VM__OP_BOX] = box,
    [VM__OP_UNBOX] = unbox,
    [VM__OP_SETBOX] = setbox,
    [VM__OP_CLOSURE] = closure,
    [VM__OP_GETG] = getg,
    [VM__OP_SETG] = setg,
    [VM__OP_DEFG] = defg,
    [VM__OP_ADD] = add,
    [VM__OP_SUB] = add,
    [VM__OP_MUL] = add,
    [VM__OP_DIV] = divide,
    [VM__OP_QUO] = integer_divide,
    [VM__OP_REM] = integer_divide,
    [VM__OP_MOD] = integer_divide,
    [VM__OP_NEG] = neg,
    [VM__OP_ADDI] = addi,
    [VM__OP_BAND] = bits,
    [VM__OP_BOR] = bits,
    [VM__OP_BXOR] = bits,
    [VM__OP_BNOT] = bnot,
    [VM__OP_SHL] = shift,
    [VM__OP_SHR] = shift,
    [VM__OP_CONS] = cons,
    [VM__OP_CAR] = car,
    [VM__OP_CDR] = car,
    [VM__OP_SETCAR] = setcar,
    [VM__OP_SETCDR] = setcar,
    [VM__OP_NEWARR] = newarr,
    [VM__OP_PACK] = pack,
    [VM__OP_GETI] = geti,
    [VM__OP_SETI] = seti,
    [VM__OP_GETII] = geti,
    [VM__OP_LEN] = len,
    [VM__OP_PUSH] = push,
    [VM__OP_POP] = pop,
    [VM__OP_CONCAT] = concat,
    [VM__OP_SLICE] = slice,
    [VM__OP_CHECK] = check,
};
