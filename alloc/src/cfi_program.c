/* Runs the program of a record up to a code address: which rules hold there. See cfi.h for the format. */
#include "alloc/src/cfi.h"
#include "alloc/src/cfi_record.h"

#if defined(__x86_64__)

enum { REMEMBERED_MAX = 8 };

/* Opcodes (DWARF 5, 7.24): the first three in the top two bits, with an operand below. */
enum {
    ADVANCE = 1,
    OFFSET = 2,
    RESTORE = 3,
    NOP = 0x00,
    SET_LOCATION = 0x01,
    ADVANCE_1 = 0x02,
    ADVANCE_2 = 0x03,
    ADVANCE_4 = 0x04,
    OFFSET_EXTENDED = 0x05,
    RESTORE_EXTENDED = 0x06,
    UNDEFINED = 0x07,
    SAME_VALUE = 0x08,
    IN_REGISTER = 0x09,
    REMEMBER_STATE = 0x0a,
    RESTORE_STATE = 0x0b,
    FRAME = 0x0c,
    FRAME_REGISTER = 0x0d,
    FRAME_OFFSET = 0x0e,
    FRAME_EXPRESSION = 0x0f,
    EXPRESSION = 0x10,
    OFFSET_SIGNED = 0x11,
    FRAME_SIGNED = 0x12,
    FRAME_OFFSET_SIGNED = 0x13,
    VALUE_OFFSET = 0x14,
    VALUE_OFFSET_SIGNED = 0x15,
    VALUE_EXPRESSION = 0x16,
    GNU_ARGS_SIZE = 0x2e,
    GNU_NEGATIVE_OFFSET = 0x2f,
};

struct machine {
    const struct cupel__cfi_record *record;
    struct cupel__cfi_bytes bytes;
    uintptr_t location;
    struct cupel__cfi_row *row;
    const struct cupel__cfi_row *initial; /* after the common program */
    struct cupel__cfi_row remembered[REMEMBERED_MAX];
    unsigned depth;
    bool has_failed;
};

static void set(struct machine *machine, uint64_t column, enum cupel__cfi_how how, int64_t value) {
    if (column < CUPEL__CFI_REGISTERS) { /* rules for vector registers are of no use here */
        machine->row->how[column] = (uint8_t)how;
        machine->row->value[column] = value;
    }
}

static void restore(struct machine *machine, uint64_t column) {
    if (column < CUPEL__CFI_REGISTERS && machine->initial != NULL) {
        set(machine, column, machine->initial->how[column], machine->initial->value[column]);
    }
}

static void set_frame(struct machine *machine, uint64_t column, int64_t value) {
    machine->has_failed = column >= CUPEL__CFI_REGISTERS;
    machine->row->has_frame_address = false;
    machine->row->frame_register = (uint8_t)column;
    machine->row->frame_value = value;
}

/* The address of the block's length; the block is skipped. */
static int64_t take_block(struct machine *machine) {
    int64_t at = (int64_t)(intptr_t)machine->bytes.at;
    (void)cupel__cfi_block(&machine->bytes);
    return at;
}

static void run_state(struct machine *machine, uint8_t opcode) {
    if (opcode == REMEMBER_STATE && machine->depth < REMEMBERED_MAX) {
        machine->remembered[machine->depth++] = *machine->row;
    } else if (opcode == RESTORE_STATE && machine->depth > 0) {
        *machine->row = machine->remembered[--machine->depth];
    } else {
        machine->has_failed = true;
    }
}

static void run_frame(struct machine *machine, uint8_t opcode) {
    struct cupel__cfi_bytes *bytes = &machine->bytes;
    int64_t scale = machine->record->data_alignment;
    uint64_t column;
    switch (opcode) {
    case FRAME:
        column = cupel__cfi_unsigned(bytes);
        set_frame(machine, column, (int64_t)cupel__cfi_unsigned(bytes));
        break;
    case FRAME_SIGNED:
        column = cupel__cfi_unsigned(bytes);
        set_frame(machine, column, cupel__cfi_signed(bytes) * scale);
        break;
    case FRAME_REGISTER:
        set_frame(machine, cupel__cfi_unsigned(bytes), machine->row->frame_value);
        break;
    case FRAME_OFFSET:
        machine->row->frame_value = (int64_t)cupel__cfi_unsigned(bytes);
        break;
    case FRAME_OFFSET_SIGNED:
        machine->row->frame_value = cupel__cfi_signed(bytes) * scale;
        break;
    default: /* FRAME_EXPRESSION */
        machine->row->has_frame_address = true;
        machine->row->frame_value = take_block(machine);
    }
}

static void run_register(struct machine *machine, uint8_t opcode) {
    struct cupel__cfi_bytes *bytes = &machine->bytes;
    int64_t scale = machine->record->data_alignment;
    uint64_t column = cupel__cfi_unsigned(bytes);
    switch (opcode) {
    case OFFSET_EXTENDED:
        set(machine, column, CUPEL__CFI_OFFSET, (int64_t)cupel__cfi_unsigned(bytes) * scale);
        break;
    case OFFSET_SIGNED:
        set(machine, column, CUPEL__CFI_OFFSET, cupel__cfi_signed(bytes) * scale);
        break;
    case GNU_NEGATIVE_OFFSET:
        set(machine, column, CUPEL__CFI_OFFSET, -(int64_t)cupel__cfi_unsigned(bytes) * scale);
        break;
    case VALUE_OFFSET:
        set(machine, column, CUPEL__CFI_VALUE_OFFSET, (int64_t)cupel__cfi_unsigned(bytes) * scale);
        break;
    case VALUE_OFFSET_SIGNED:
        set(machine, column, CUPEL__CFI_VALUE_OFFSET, cupel__cfi_signed(bytes) * scale);
        break;
    case RESTORE_EXTENDED:
        restore(machine, column);
        break;
    case UNDEFINED:
        set(machine, column, CUPEL__CFI_UNDEFINED, 0);
        break;
    case SAME_VALUE:
        set(machine, column, CUPEL__CFI_SAME, 0);
        break;
    case IN_REGISTER:
        set(machine, column, CUPEL__CFI_REGISTER, (int64_t)cupel__cfi_unsigned(bytes));
        break;
    case EXPRESSION:
        set(machine, column, CUPEL__CFI_EXPRESSION, take_block(machine));
        break;
    default: /* VALUE_EXPRESSION */
        set(machine, column, CUPEL__CFI_VALUE_EXPRESSION, take_block(machine));
    }
}

static void run_location(struct machine *machine, uint8_t opcode) {
    bool is_known = true;
    switch (opcode) {
    case SET_LOCATION:
        machine->location = cupel__cfi_address(&machine->bytes, machine->record->encoding, NULL, &is_known);
        break;
    case ADVANCE_1:
    case ADVANCE_2:
    case ADVANCE_4:
        machine->location +=
            cupel__cfi_fixed(&machine->bytes, (size_t)1 << (opcode - ADVANCE_1)) * machine->record->code_alignment;
        break;
    case GNU_ARGS_SIZE:
        (void)cupel__cfi_unsigned(&machine->bytes);
        break;
    default:
        is_known = opcode == NOP;
    }
    machine->has_failed = !is_known;
}

static void run_one(struct machine *machine) {
    uint8_t opcode = cupel__cfi_byte(&machine->bytes);
    uint8_t operand = opcode & 0x3f;
    switch (opcode >> 6) {
    case ADVANCE:
        machine->location += operand * machine->record->code_alignment;
        return;
    case OFFSET:
        set(machine, operand, CUPEL__CFI_OFFSET,
            (int64_t)cupel__cfi_unsigned(&machine->bytes) * machine->record->data_alignment);
        return;
    case RESTORE:
        restore(machine, operand);
        return;
    default:
        break;
    }
    if (opcode == REMEMBER_STATE || opcode == RESTORE_STATE) {
        run_state(machine, opcode);
    } else if ((opcode >= FRAME && opcode <= FRAME_EXPRESSION) || opcode == FRAME_SIGNED ||
               opcode == FRAME_OFFSET_SIGNED) {
        run_frame(machine, opcode);
    } else if ((opcode >= OFFSET_EXTENDED && opcode <= VALUE_EXPRESSION) || opcode == GNU_NEGATIVE_OFFSET) {
        run_register(machine, opcode);
    } else {
        run_location(machine, opcode);
    }
}

/* Runs until the location passes `address`. */
static bool run(struct machine *machine, struct cupel__cfi_bytes bytes, uintptr_t address) {
    machine->bytes = bytes;
    while (machine->bytes.at < machine->bytes.end && machine->location <= address && !machine->has_failed) {
        run_one(machine);
    }
    return !machine->has_failed && !machine->bytes.has_failed;
}

bool cupel__cfi_find(const struct cupel__cfi_module *module, uintptr_t address, struct cupel__cfi_row *row) {
    struct cupel__cfi_record record;
    struct machine machine;
    if (!cupel__cfi_record_find(module, address, &record) || record.return_column != CUPEL__CFI_RIP) {
        return false;
    }
    *row = (struct cupel__cfi_row){.is_signal = record.is_signal};
    machine.record = &record;
    machine.location = record.start;
    machine.row = row;
    machine.initial = NULL;
    machine.depth = 0;
    machine.has_failed = false;
    if (!run(&machine, record.initial, UINTPTR_MAX)) {
        return false;
    }
    struct cupel__cfi_row initial = *row;
    machine.initial = &initial;
    return run(&machine, record.program, address);
}

#endif
