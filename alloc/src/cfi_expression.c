/* Evaluates the expressions of unwinding tables: PLT entries, frames on aligned stacks and signal frames have them. See
 * cfi.h for the format. */
#include "alloc/src/cfi.h"
#include "alloc/src/cfi_bytes.h"

#if defined(__x86_64__)

enum { DEPTH_MAX = 32, STEPS_MAX = 1000 };

/* Opcodes (DWARF 5, 7.7.1). */
enum {
    ADDRESS = 0x03,
    DEREF = 0x06,
    CONST_1U = 0x08, /* then 1s, 2u, 2s, 4u, 4s, 8u, 8s */
    CONST_8S = 0x0f,
    CONST_U = 0x10,
    CONST_S = 0x11,
    DUP = 0x12,
    DROP = 0x13,
    OVER = 0x14,
    PICK = 0x15,
    SWAP = 0x16,
    ROT = 0x17,
    ABS = 0x19,
    AND = 0x1a,
    DIV = 0x1b,
    MINUS = 0x1c,
    MOD = 0x1d,
    MUL = 0x1e,
    NEG = 0x1f,
    NOT = 0x20,
    OR = 0x21,
    PLUS = 0x22,
    PLUS_CONST = 0x23,
    SHL = 0x24,
    SHR = 0x25,
    SHRA = 0x26,
    XOR = 0x27,
    BRANCH = 0x28,
    EQ = 0x29,
    GE = 0x2a,
    GT = 0x2b,
    LE = 0x2c,
    LT = 0x2d,
    NE = 0x2e,
    SKIP = 0x2f,
    LIT_0 = 0x30,
    LIT_31 = 0x4f,
    REGISTER_0 = 0x50,
    REGISTER_31 = 0x6f,
    BASE_0 = 0x70,
    BASE_31 = 0x8f,
    BASE_X = 0x92,
    DEREF_SIZE = 0x94,
    NOP = 0x96,
};

struct machine {
    const struct cupel__cfi_frame *frame;
    const struct cupel__cfi_memory *memory;
    struct cupel__cfi_bytes bytes;
    const uint8_t *start;
    uint64_t stack[DEPTH_MAX];
    unsigned depth;
    bool has_failed;
};

static void push(struct machine *machine, uint64_t value) {
    if (machine->depth == DEPTH_MAX) {
        machine->has_failed = true;
    } else {
        machine->stack[machine->depth++] = value;
    }
}

static uint64_t pop(struct machine *machine) {
    if (machine->depth == 0) {
        machine->has_failed = true;
        return 0;
    }
    return machine->stack[--machine->depth];
}

/* The value `below` places under the top. */
static uint64_t peek(struct machine *machine, unsigned below) {
    if (below >= machine->depth) {
        machine->has_failed = true;
        return 0;
    }
    return machine->stack[machine->depth - 1 - below];
}

static void push_register(struct machine *machine, uint64_t number, int64_t offset) {
    if (number >= CUPEL__CFI_REGISTERS) {
        machine->has_failed = true;
        return;
    }
    push(machine, machine->frame->registers[number] + (uint64_t)offset);
}

static void run_deref(struct machine *machine, size_t size) {
    uint64_t value = 0;
    uint64_t address = pop(machine);
    bool is_read = size >= 1 && size <= 8 && cupel__cfi_memory_read(machine->memory, address, &value);
    machine->has_failed = machine->has_failed || !is_read;
    push(machine, size < 8 ? value & (((uint64_t)1 << (8 * size)) - 1) : value);
}

static void run_constant(struct machine *machine, uint8_t opcode) {
    size_t size = (size_t)1 << ((opcode - CONST_1U) / 2);
    uint64_t value = cupel__cfi_fixed(&machine->bytes, size);
    if ((opcode - CONST_1U) % 2 != 0 && size < 8) {
        uint64_t sign = (uint64_t)1 << (8 * size - 1);
        value = (value ^ sign) - sign;
    }
    push(machine, value);
}

static void run_stack(struct machine *machine, uint8_t opcode) {
    uint64_t top;
    uint64_t second;
    uint64_t third;
    switch (opcode) {
    case DUP:
        push(machine, peek(machine, 0));
        break;
    case DROP:
        (void)pop(machine);
        break;
    case OVER:
        push(machine, peek(machine, 1));
        break;
    case PICK:
        push(machine, peek(machine, cupel__cfi_byte(&machine->bytes)));
        break;
    case SWAP:
        top = pop(machine);
        second = pop(machine);
        push(machine, top);
        push(machine, second);
        break;
    default: /* ROT */
        top = pop(machine);
        second = pop(machine);
        third = pop(machine);
        push(machine, top);
        push(machine, third);
        push(machine, second);
    }
}

static void run_unary(struct machine *machine, uint8_t opcode) {
    uint64_t value = pop(machine);
    switch (opcode) {
    case ABS:
        push(machine, (int64_t)value < 0 ? 0 - value : value);
        break;
    case NEG:
        push(machine, 0 - value);
        break;
    case NOT:
        push(machine, ~value);
        break;
    default: /* PLUS_CONST */
        push(machine, value + cupel__cfi_unsigned(&machine->bytes));
    }
}

static uint64_t shift_right_signed(uint64_t value, uint64_t by) {
    uint64_t sign = (int64_t)value < 0 ? ~(uint64_t)0 : 0;
    return by >= 64 ? sign : by == 0 ? value : value >> by | (sign << (64 - by));
}

static void run_binary(struct machine *machine, uint8_t opcode) {
    uint64_t right = pop(machine);
    uint64_t left = pop(machine);
    bool is_division = opcode == DIV || opcode == MOD;
    if (is_division && (right == 0 || right == ~(uint64_t)0)) {
        machine->has_failed = true;
        return;
    }
    switch (opcode) {
    case AND:
        push(machine, left & right);
        break;
    case OR:
        push(machine, left | right);
        break;
    case XOR:
        push(machine, left ^ right);
        break;
    case PLUS:
        push(machine, left + right);
        break;
    case MINUS:
        push(machine, left - right);
        break;
    case MUL:
        push(machine, left * right);
        break;
    case DIV:
        push(machine, (uint64_t)((int64_t)left / (int64_t)right));
        break;
    case MOD:
        push(machine, left % right);
        break;
    case SHL:
        push(machine, right < 64 ? left << right : 0);
        break;
    case SHR:
        push(machine, right < 64 ? left >> right : 0);
        break;
    default: /* SHRA */
        push(machine, shift_right_signed(left, right));
    }
}

static void run_comparison(struct machine *machine, uint8_t opcode) {
    int64_t right = (int64_t)pop(machine);
    int64_t left = (int64_t)pop(machine);
    bool is_true = opcode == EQ   ? left == right
                   : opcode == NE ? left != right
                   : opcode == GE ? left >= right
                   : opcode == GT ? left > right
                   : opcode == LE ? left <= right
                                  : left < right;
    push(machine, is_true);
}

/* A branch stays within the expression. */
static void run_jump(struct machine *machine, uint8_t opcode) {
    int16_t distance = (int16_t)cupel__cfi_fixed(&machine->bytes, 2);
    if (opcode == BRANCH && pop(machine) == 0) {
        return;
    }
    ptrdiff_t to = machine->bytes.at - machine->start + distance;
    if (to < 0 || to > machine->bytes.end - machine->start) {
        machine->has_failed = true;
        return;
    }
    machine->bytes.at = machine->start + to;
}

static void run_other(struct machine *machine, uint8_t opcode) {
    uint64_t number;
    switch (opcode) {
    case ADDRESS:
        push(machine, cupel__cfi_fixed(&machine->bytes, 8));
        break;
    case DEREF:
        run_deref(machine, 8);
        break;
    case DEREF_SIZE:
        run_deref(machine, cupel__cfi_byte(&machine->bytes));
        break;
    case CONST_U:
        push(machine, cupel__cfi_unsigned(&machine->bytes));
        break;
    case CONST_S:
        push(machine, (uint64_t)cupel__cfi_signed(&machine->bytes));
        break;
    case BASE_X:
        number = cupel__cfi_unsigned(&machine->bytes);
        push_register(machine, number, cupel__cfi_signed(&machine->bytes));
        break;
    case NOP:
        break;
    default:
        machine->has_failed = true;
    }
}

static void run_one(struct machine *machine) {
    uint8_t opcode = cupel__cfi_byte(&machine->bytes);
    if (opcode >= LIT_0 && opcode <= LIT_31) {
        push(machine, opcode - (unsigned)LIT_0);
    } else if (opcode >= BASE_0 && opcode <= BASE_31) {
        push_register(machine, opcode - (unsigned)BASE_0, cupel__cfi_signed(&machine->bytes));
    } else if (opcode >= REGISTER_0 && opcode <= REGISTER_31) {
        push_register(machine, opcode - (unsigned)REGISTER_0, 0);
    } else if (opcode >= CONST_1U && opcode <= CONST_8S) {
        run_constant(machine, opcode);
    } else if (opcode >= DUP && opcode <= ROT) {
        run_stack(machine, opcode);
    } else if (opcode == ABS || opcode == NEG || opcode == NOT || opcode == PLUS_CONST) {
        run_unary(machine, opcode);
    } else if (opcode >= AND && opcode <= XOR) {
        run_binary(machine, opcode);
    } else if (opcode == BRANCH || opcode == SKIP) {
        run_jump(machine, opcode);
    } else if (opcode >= EQ && opcode <= NE) {
        run_comparison(machine, opcode);
    } else {
        run_other(machine, opcode);
    }
}

bool cupel__cfi_evaluate(const struct cupel__cfi_module *module, const struct cupel__cfi_frame *frame,
                         const struct cupel__cfi_memory *memory, const uint8_t *expression, const uint64_t *initial,
                         uint64_t *result) {
    struct cupel__cfi_bytes all = {expression, module->end, false};
    struct machine machine;
    machine.frame = frame;
    machine.memory = memory;
    machine.bytes = cupel__cfi_block(&all);
    machine.start = machine.bytes.at;
    machine.depth = 0;
    machine.has_failed = false;
    if (initial != NULL) {
        push(&machine, *initial);
    }
    for (unsigned i = 0; i < STEPS_MAX && machine.bytes.at < machine.bytes.end && !machine.has_failed; i++) {
        run_one(&machine);
    }
    *result = pop(&machine);
    return !machine.has_failed && !machine.bytes.has_failed && machine.bytes.at == machine.bytes.end;
}

#endif
