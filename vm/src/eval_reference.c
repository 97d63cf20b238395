/* The slow evaluator: what every instruction means, with no short ways, for the fast ones to be held against. */
#include "vm/src/eval.h"

/* How the loop goes on after an instruction. */
enum next { NEXT, NEXT_POINT, NEXT_RAISED, NEXT_HALT };

static enum next jump(struct vm__frame *frame, int64_t offset) {
    frame->pc += offset;
    return offset < 0 ? NEXT_POINT : NEXT;
}

static enum next condition(struct vm__evaluator *evaluator, struct vm__frame *frame, uint32_t word) {
    int truth = vm__condition(evaluator, frame->base, word);
    if (truth < 0) {
        return NEXT_RAISED;
    }
    uint32_t flag = vm__operand_bits(word, vm__op(word) == VM__OP_TEST ? 2 : 3);
    uint32_t pair = *frame->pc++;
    return (uint32_t)truth == flag ? jump(frame, vm__jump(pair)) : NEXT;
}

static enum next call(struct vm__evaluator *evaluator, tagged_value_t *callee, uint32_t count) {
    return vm__enter(evaluator, callee, count) == VM__ENTERED_RAISED ? NEXT_RAISED : NEXT_POINT;
}

static enum next tail_call(struct vm__evaluator *evaluator, tagged_value_t *callee, uint32_t count) {
    tagged_value_t *base = evaluator->frame->base;
    if (!vm__check_call(evaluator, *callee, count)) {
        return NEXT_RAISED;
    }
    memmove(base - 1, callee, ((size_t)count + 1) * sizeof *callee);
    evaluator->frame--;
    return call(evaluator, base - 1, count);
}

static enum next ret(struct vm__evaluator *evaluator, tagged_value_t value) {
    evaluator->frame->base[-1] = value;
    evaluator->frame--;
    return NEXT;
}

static enum next loop(struct vm__evaluator *evaluator, struct vm__frame *frame, uint32_t word) {
    bool is_first = vm__op(word) == VM__OP_FORPREP;
    int truth = is_first ? vm__for_begin(evaluator, frame->base, word) : vm__for_next(evaluator, frame->base, word);
    if (truth < 0) {
        return NEXT_RAISED;
    }
    if ((truth != 0) == is_first) {
        return NEXT;
    }
    (void)jump(frame, vm__wide_signed(word));
    return is_first ? NEXT : NEXT_POINT;
}

static enum next step(struct vm__evaluator *evaluator) {
    struct vm__frame *frame = evaluator->frame;
    tagged_value_t *base = frame->base;
    uint32_t word = *frame->pc++;
    tagged_value_t *a = base + vm__operand_bits(word, 1);
    uint32_t b = vm__operand_bits(word, 2);
    uint32_t count;
    switch (vm__op(word)) {
    case VM__OP_HALT:
        return NEXT_HALT;
    case VM__OP_JMP:
        return jump(frame, vm__jump(word));
    case VM__OP_FORPREP:
    case VM__OP_FORLOOP:
        return loop(evaluator, frame, word);
    case VM__OP_CALL:
        return call(evaluator, a, b);
    case VM__OP_TAILCALL:
        return tail_call(evaluator, a, b);
    case VM__OP_APPLY:
        return vm__spread(evaluator, a, base[b], &count) ? call(evaluator, a, count) : NEXT_RAISED;
    case VM__OP_RET:
        return ret(evaluator, *a);
    case VM__OP_RETP:
        return ret(evaluator, vm__primitive(vm__operand_bits(word, 1)));
    case VM__OP_THROW:
        (void)vm_raise(evaluator->vm, *a);
        return NEXT_RAISED;
    default:
        if ((vm__opcodes[vm__op(word)].traits & VM__PAIR) != 0) {
            return condition(evaluator, frame, word);
        }
        return vm__operations[vm__op(word)](evaluator, base, word) ? NEXT : NEXT_RAISED;
    }
}

enum vm__outcome vm__run_reference(struct vm__evaluator *evaluator) {
    for (;;) {
        enum next next = step(evaluator);
        if (next == NEXT_HALT) {
            return VM__RETURNED;
        }
        if (next == NEXT_POINT && --evaluator->budget >= 0 && atomic_load(&evaluator->vm->attention) == 0) {
            next = NEXT;
        }
        while (next == NEXT_RAISED || next == NEXT_POINT) {
            if (next == NEXT_RAISED) {
                if (!vm__unwind(evaluator)) {
                    return VM__RAISED;
                }
                evaluator->budget--;
            }
            bool is_due = evaluator->budget < 0 || atomic_load(&evaluator->vm->attention) != 0;
            enum vm__outcome outcome = is_due ? vm__point(evaluator) : VM__RETURNED;
            if (outcome == VM__STOPPED) {
                return VM__STOPPED;
            }
            next = outcome == VM__RAISED ? NEXT_RAISED : NEXT;
        }
    }
}
