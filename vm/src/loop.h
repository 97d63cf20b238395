/* The fast evaluator, once for computed goto and once for a switch: the file that includes this says which
 * (VM__LOOP_GOTO 1 or 0) and calls run(). Here stand control flow and the short ways of what is frequent: small
 * integers, self-tagged doubles, plain arrays, closures with just their arguments. All else is left to
 * vm/src/operations.c and vm/src/call.c, which also say what every short way must come to. */
#ifndef VM_SRC_LOOP_H
#define VM_SRC_LOOP_H

#include "vm/src/eval.h"

#define LIKELY(condition)   __builtin_expect((condition), 1)
#define UNLIKELY(condition) __builtin_expect((condition), 0)

#define OPERAND_A (word >> 8 & 0xff)
#define OPERAND_B (word >> 16 & 0xff)
#define OPERAND_C (word >> 24)
#define A         base[OPERAND_A]
#define B         base[OPERAND_B]
#define C         base[OPERAND_C]
/* A signed operand as a tagged integer. */
#define SMALL_B ((uint64_t)((int64_t)(int8_t)OPERAND_B * 8))
#define SMALL_C ((uint64_t)((int64_t)(int8_t)OPERAND_C * 8))

/* clang-format off */
#if VM__LOOP_GOTO
#define CASE(NAME) label_##NAME:
#define NEXT       do { word = *pc++; goto *labels[word & 0xff]; } while (0)
#else
#define CASE(NAME) case VM__OP_##NAME:
#define NEXT       goto dispatch
#endif
/* clang-format on */

/* What the frame must know before anything outside of the loop looks at it. */
#define SAVE                                                                                                           \
    do {                                                                                                               \
        frame->pc = pc;                                                                                                \
        evaluator->frame = frame;                                                                                      \
    } while (0)
#define LOAD                                                                                                           \
    do {                                                                                                               \
        frame = evaluator->frame;                                                                                      \
        pc = frame->pc;                                                                                                \
        base = frame->base;                                                                                            \
        routine = frame->routine;                                                                                      \
    } while (0)
#define POINT                                                                                                          \
    do {                                                                                                               \
        if (UNLIKELY(--evaluator->budget < 0) ||                                                                       \
            UNLIKELY(atomic_load_explicit(attention, memory_order_relaxed) != 0)) {                                    \
            goto point;                                                                                                \
        }                                                                                                              \
    } while (0)
/* The jump that belongs to the condition before it. */
#define BRANCH(truth, flag)                                                                                            \
    do {                                                                                                               \
        if ((truth) == (flag)) {                                                                                       \
            int32_t offset = vm__jump(*pc);                                                                            \
            pc += offset + 1;                                                                                          \
            if (offset < 0) {                                                                                          \
                POINT;                                                                                                 \
            }                                                                                                          \
        } else {                                                                                                       \
            pc++;                                                                                                      \
        }                                                                                                              \
        NEXT;                                                                                                          \
    } while (0)

static inline bool is_integers(uint64_t a, uint64_t b) {
    return ((a | b) & 7) == 0;
}

/* Self-tagged doubles, without the zeros: see vm/value.h. */
static inline bool is_doubles(uint64_t a, uint64_t b) {
    return ((a - 3) & 7) < 2 && ((b - 3) & 7) < 2;
}

static inline double real(uint64_t bits) {
    bits = bits >> 4 | bits << 60;
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* False where the double needs more than a word. */
static inline bool store_real(tagged_value_t *target, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits = bits << 4 | bits >> 60;
    if (UNLIKELY(((bits - 3) & 7) >= 2)) {
        return false;
    }
    target->bits = bits;
    return true;
}

static inline bool is_type(tagged_value_t value, enum vm_type type) {
    return vm_is_reference(value) && vm__type(vm__object(value)) == type;
}

#define ARITHMETIC(overflows, b_, c_, operator_)                                                                       \
    do {                                                                                                               \
        uint64_t b = B.bits, c = C.bits;                                                                               \
        int64_t result;                                                                                                \
        if (LIKELY(is_integers(b, c))) {                                                                               \
            if (LIKELY(!overflows((b_), (c_), &result))) {                                                             \
                A.bits = (uint64_t)result;                                                                             \
                NEXT;                                                                                                  \
            }                                                                                                          \
        } else if (is_doubles(b, c) && store_real(&A, real(b) operator_ real(c))) {                                    \
            NEXT;                                                                                                      \
        }                                                                                                              \
        goto slowly;                                                                                                   \
    } while (0)

#define COMPARE(operator_)                                                                                             \
    do {                                                                                                               \
        uint64_t a = A.bits, b = B.bits;                                                                               \
        if (LIKELY(is_integers(a, b))) {                                                                               \
            BRANCH((int64_t)a operator_(int64_t) b, OPERAND_C);                                                        \
        }                                                                                                              \
        if (is_doubles(a, b)) {                                                                                        \
            BRANCH(real(a) operator_ real(b), OPERAND_C);                                                              \
        }                                                                                                              \
        goto condition;                                                                                                \
    } while (0)

/* NOLINTNEXTLINE(readability-function-size): one loop, whose registers the compiler shall see at once */
static enum vm__outcome run(struct vm__evaluator *evaluator) {
    /* lint: allow function-length: one loop, whose registers the compiler shall see at once */
#if VM__LOOP_GOTO
    static const void *const labels[VM__OP_COUNT] = {
        &&label_HALT,
#define VM_OPCODE(NAME, ...) &&label_##NAME,
#include "vm/opcodes.def"
#undef VM_OPCODE
    };
#endif
    struct vm__frame *frame;
    const uint32_t *pc;
    tagged_value_t *base;
    const struct vm__routine *routine;
    tagged_value_t *callee;
    uint32_t count, word;
    int truth;
    _Atomic(unsigned) *const attention = &evaluator->vm->attention;
    LOAD;
    NEXT;
#if !VM__LOOP_GOTO
dispatch:
    word = *pc++;
    switch (vm__op(word)) {
    case VM__OP_NONE:
    case VM__OP_COUNT:
#endif
        CASE(HALT) {
            SAVE;
            return VM__RETURNED;
        }
        CASE(MOVE) {
            A = B;
            NEXT;
        }
        CASE(LOADI) {
            A = vm_mk_integer(vm__wide_signed(word));
            NEXT;
        }
        CASE(LOADK) {
            A = routine->constants[vm__wide(word)];
            NEXT;
        }
        CASE(LOADP) {
            A = vm__primitive(OPERAND_B);
            NEXT;
        }
        CASE(GETUP) {
            A = vm__object(base[-1])->slots[VM__CLOSURE_CAPTURES + OPERAND_B];
            NEXT;
        }
        CASE(UNBOX) {
            if (LIKELY(is_type(B, VM_TYPE_BOX))) {
                A = vm__object(B)->slots[0];
                NEXT;
            }
            goto slowly;
        }
        CASE(GETG) {
            tagged_value_t value = routine->globals[vm__wide(word)]->value;
            if (LIKELY(!vm_is_same(value, VM_UNDEFINED))) {
                A = value;
                NEXT;
            }
            goto slowly;
        }
        CASE(ADD) ARITHMETIC(__builtin_add_overflow, (int64_t)b, (int64_t)c, +);
        CASE(SUB) ARITHMETIC(__builtin_sub_overflow, (int64_t)b, (int64_t)c, -);
        CASE(MUL) ARITHMETIC(__builtin_mul_overflow, (int64_t)b >> 3, (int64_t)c, *);
        CASE(DIV) {
            uint64_t b = B.bits, c = C.bits;
            if (is_doubles(b, c) && store_real(&A, real(b) / real(c))) {
                NEXT;
            }
            goto slowly;
        }
        CASE(REM) {
            uint64_t b = B.bits, c = C.bits;
            if (LIKELY(is_integers(b, c)) && LIKELY(c != 0)) {
                /* Both are eight times their number, and so is the rest. */
                A.bits = (uint64_t)((int64_t)b % (int64_t)c);
                NEXT;
            }
            goto slowly;
        }
        CASE(MOD) {
            uint64_t b = B.bits, c = C.bits;
            if (LIKELY(is_integers(b, c)) && LIKELY(c != 0)) {
                int64_t rest = (int64_t)b % (int64_t)c;
                A.bits = (uint64_t)(rest != 0 && (rest < 0) != ((int64_t)c < 0) ? rest + (int64_t)c : rest);
                NEXT;
            }
            goto slowly;
        }
        CASE(ADDI) {
            uint64_t b = B.bits;
            int64_t result;
            if (LIKELY((b & 7) == 0) && LIKELY(!__builtin_add_overflow((int64_t)b, (int64_t)SMALL_C, &result))) {
                A.bits = (uint64_t)result;
                NEXT;
            }
            goto slowly;
        }
        CASE(LT) COMPARE(<);
        CASE(LE) COMPARE(<=);
        CASE(NUMEQ) COMPARE(==);
        CASE(EQ) BRANCH(A.bits == B.bits, OPERAND_C);
        CASE(LTI) {
            if (LIKELY(vm_is_integer(A))) {
                BRANCH((int64_t)A.bits < (int64_t)SMALL_B, OPERAND_C);
            }
            goto condition;
        }
        CASE(GTI) {
            if (LIKELY(vm_is_integer(A))) {
                BRANCH((int64_t)A.bits > (int64_t)SMALL_B, OPERAND_C);
            }
            goto condition;
        }
        CASE(EQI) BRANCH(A.bits == SMALL_B, OPERAND_C);
        CASE(TEST) BRANCH((uint32_t)vm__is_true(A), OPERAND_B);
        CASE(ISTYPE) BRANCH((uint32_t)vm__is_kind(A, (enum vm__kind)OPERAND_B), OPERAND_C);
        CASE(JMP) {
            int32_t offset = vm__jump(word);
            pc += offset;
            if (offset < 0) {
                POINT;
            }
            NEXT;
        }
        CASE(FORPREP) {
            SAVE;
            truth = vm__for_begin(evaluator, base, word);
            if (truth < 0) {
                goto raised;
            }
            pc += truth == 0 ? vm__wide_signed(word) : 0;
            NEXT;
        }
        CASE(FORLOOP) {
            tagged_value_t *loop = &A;
            uint64_t step = loop[2].bits;
            int64_t next;
            if (UNLIKELY(!is_integers(loop[0].bits | loop[1].bits, step)) || UNLIKELY((int64_t)step < 0) ||
                UNLIKELY(__builtin_add_overflow((int64_t)loop[0].bits, (int64_t)step, &next))) {
                SAVE;
                truth = vm__for_next(evaluator, base, word);
                if (truth < 0) {
                    goto raised;
                }
            } else {
                truth = next <= (int64_t)loop[1].bits;
                if (truth) {
                    loop[0].bits = (uint64_t)next;
                }
            }
            if (truth) {
                pc += vm__wide_signed(word);
                POINT;
            }
            NEXT;
        }
        CASE(CALL) {
            callee = &A;
            count = OPERAND_B;
        call:
            frame->pc = pc;
            if (LIKELY(is_type(*callee, VM_TYPE_CLOSURE))) {
                const struct vm__routine *next = vm__routine(vm__object(*callee));
                if (LIKELY(next->exact_count == count) && LIKELY(callee + 1 + next->registers <= evaluator->soft_end) &&
                    LIKELY(frame + 1 < evaluator->frames_end)) {
                    frame++;
                    frame->base = base = callee + 1;
                    frame->routine = routine = next;
                    pc = next->words;
                    POINT;
                    NEXT;
                }
            }
            evaluator->frame = frame;
            switch (vm__enter(evaluator, callee, count)) {
            case VM__ENTERED_RAISED:
                goto raised;
            case VM__ENTERED_FRAME:
            case VM__ENTERED_VALUE:
                LOAD;
                POINT;
                NEXT;
            }
            NEXT;
        }
        CASE(TAILCALL) {
            callee = &A;
            count = OPERAND_B;
            SAVE;
            if (!vm__check_call(evaluator, *callee, count)) {
                goto raised;
            }
            memmove(base - 1, callee, ((size_t)count + 1) * sizeof *callee);
            callee = base - 1;
            evaluator->frame = --frame;
            LOAD;
            goto call;
        }
        CASE(APPLY) {
            callee = &A;
            SAVE;
            if (!vm__spread(evaluator, callee, B, &count)) {
                goto raised;
            }
            goto call;
        }
        CASE(RET) {
            base[-1] = A;
        ret:
            frame--;
            pc = frame->pc;
            base = frame->base;
            routine = frame->routine;
            NEXT;
        }
        CASE(RETP) {
            base[-1] = vm__primitive(OPERAND_A);
            goto ret;
        }
        CASE(THROW) {
            SAVE;
            (void)vm_raise(evaluator->vm, A);
            goto raised;
        }
        CASE(CAR) {
            if (LIKELY(is_type(B, VM_TYPE_PAIR))) {
                A = vm__object(B)->slots[0];
                NEXT;
            }
            goto slowly;
        }
        CASE(CDR) {
            if (LIKELY(is_type(B, VM_TYPE_PAIR))) {
                A = vm__object(B)->slots[1];
                NEXT;
            }
            goto slowly;
        }
        CASE(CONS) {
            struct vm__object *pair = vm__allocate(evaluator->vm, VM_TYPE_PAIR, 2);
            if (LIKELY(pair != NULL)) {
                pair->slots[0] = B;
                pair->slots[1] = C;
                A = vm__reference(pair);
                NEXT;
            }
            goto slowly;
        }
        CASE(GETI) {
            if (LIKELY(is_type(B, VM_TYPE_ARRAY)) && LIKELY(vm_is_integer(C))) {
                const struct vm__object *array = vm__object(B);
                uint64_t index = C.bits >> 3;
                if (LIKELY(index < vm__raw(array, VM__ARRAY_LENGTH))) {
                    A = vm__elements(array)[index];
                    NEXT;
                }
            }
            goto slowly;
        }
        CASE(SETI) {
            if (LIKELY(is_type(A, VM_TYPE_ARRAY)) && LIKELY(vm_is_integer(B))) {
                struct vm__object *array = vm__object(A);
                uint64_t index = B.bits >> 3;
                if (LIKELY(index < vm__raw(array, VM__ARRAY_LENGTH)) && LIKELY(!vm__has(array, VM__FLAG_FROZEN))) {
                    vm__elements(array)[index] = C;
                    NEXT;
                }
            }
            goto slowly;
        }
        CASE(GETII) {
            if (LIKELY(is_type(B, VM_TYPE_ARRAY)) && LIKELY(OPERAND_C < vm__raw(vm__object(B), VM__ARRAY_LENGTH))) {
                A = vm__elements(vm__object(B))[OPERAND_C];
                NEXT;
            }
            goto slowly;
        }
        CASE(BOX)
        CASE(SETBOX)
        CASE(CLOSURE)
        CASE(SETG)
        CASE(DEFG)
        CASE(QUO)
        CASE(NEG)
        CASE(BAND)
        CASE(BOR)
        CASE(BXOR)
        CASE(BNOT)
        CASE(SHL)
        CASE(SHR)
        CASE(SETCAR)
        CASE(SETCDR)
        CASE(NEWARR)
        CASE(PACK)
        CASE(LEN)
        CASE(PUSH)
        CASE(POP)
        CASE(CONCAT)
        CASE(SLICE)
        CASE(CHECK) {
        slowly:
            SAVE;
            if (LIKELY(vm__operations[vm__op(word)](evaluator, base, word))) {
                NEXT;
            }
            goto raised;
        }
#if !VM__LOOP_GOTO
    }
#endif
condition:
    SAVE;
    truth = vm__condition(evaluator, base, word);
    if (truth < 0) {
        goto raised;
    }
    BRANCH((uint32_t)truth, OPERAND_C);
raised:
    if (!vm__unwind(evaluator)) {
        return VM__RAISED;
    }
    LOAD;
    POINT;
    NEXT;
point:
    SAVE;
    switch (vm__point(evaluator)) {
    case VM__RETURNED:
        NEXT;
    case VM__RAISED:
        goto raised;
    case VM__STOPPED:
        return VM__STOPPED;
    }
    NEXT;
}

#endif
