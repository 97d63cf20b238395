/* Goal: whatever the bytes are, what the verifier takes runs without harm, comes to an end under fuel, and does the
 * same on every evaluator and wherever the collector runs; text and image are two forms of one thing. Method: functions
 * of random instructions, well-formed by the table and mostly accepted; images and texts as they come from an engine.
 */
#include "harness/harness.h"
#include "vm/image.h"
#include "vm/tests/build.h"
#include "vm/tests/host.h"
#include "vm/tests/starve.h"
#include "vm/text.h"

#include <stdlib.h>

enum { REGISTERS = 6, WORDS_MAX = 48, FUEL = 300, IMAGE_MAX = 8192 };

/* What the last run of an image came to. */
struct run {
    struct transcript transcript;
    uint64_t fuel;
};

static vm_t *create_host(struct cupel_allocator *a, enum vm_evaluator evaluator, unsigned stress,
                         struct transcript *transcript) {
    vm_t *vm = create_in(a, &(struct vm_options){.stress = stress, .memory_cap_bytes = (size_t)1 << 20});
    struct vm_limits limits = {.evaluator = evaluator, .fuel = FUEL, .stack_slots = 2000, .frames = 100, .nesting = 20};
    end_where(vm, vm_set_limits(vm, &limits) != VM_OK || !host_define(vm, transcript));
    return vm;
}

static void run_image(struct cupel_allocator *a, const unsigned char *image, size_t length, enum vm_evaluator evaluator,
                      unsigned stress, struct run *run) {
    run->transcript.length = 0;
    run->transcript.text[0] = '\0';
    vm_t *vm = create_host(a, evaluator, stress, &run->transcript);
    tagged_value_t result = VM_NIL;
    vm_status status = vm_load(vm, image, length, &result, NULL);
    end_where(vm, status == VM_ERROR_OOM && vm_is_same(vm_error(vm), VM_NIL));
    transcript_end(&run->transcript, vm, status, result);
    run->fuel = vm_fuel(vm);
    check_heap(vm);
    vm_destroy(vm);
}

/* The same on three evaluators, and with the collector at every point. */
static void run_everywhere(struct cupel_allocator *a, const unsigned char *image, size_t length) {
    static struct run first;
    static struct run other;
    static const struct {
        enum vm_evaluator evaluator;
        unsigned stress;
    } others[] = {{VM_EVALUATOR_SWITCH, 0},
                  {VM_EVALUATOR_REFERENCE, 0},
                  {VM_EVALUATOR_FASTEST, VM_STRESS_FLIP | VM_STRESS_CALLBACK | VM_STRESS_MOVE}};
    /* A program may catch what an injected fault raises, and go on. */
    cupel_benign_begin();
    run_image(a, image, length, VM_EVALUATOR_FASTEST, 0, &first);
    /* What the cap stops depends on when the collector ran. */
    bool is_memory = strstr(first.transcript.text, "out of memory") != NULL;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        run_image(a, image, length, others[i].evaluator, others[i].stress, &other);
        if (!is_memory && strstr(other.transcript.text, "out of memory") == NULL) {
            CHECK_STR_EQ(other.transcript.text, first.transcript.text);
            CHECK_UINT_EQ(other.fuel, first.fuel);
        }
    }
    cupel_benign_end();
}

/* Text of the image gives the image. */
static void check_round_trip(struct cupel_allocator *a, const unsigned char *image, size_t length) {
    vm_t *vm = create_in(a, NULL);
    unsigned char *text = NULL;
    unsigned char *again = NULL;
    size_t text_length = 0;
    size_t again_length = 0;
    struct cupel_error error = {""};
    vm_status status = vm_disassemble(vm, image, length, &text, &text_length, &error);
    end_where(vm, status == VM_ERROR_OOM);
    REQUIRE_INT_EQ(status, VM_OK);
    status = vm_assemble(vm, (const char *)text, text_length, NULL, &again, &again_length, &error);
    if (status == VM_ERROR_OOM) {
        vm_bytes_free(vm, text, text_length + 1);
    }
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_STR_EQ(error.text, "");
    REQUIRE_UINT_EQ(again_length, length);
    CHECK_MEM_EQ(again, image, length);
    vm_bytes_free(vm, text, text_length + 1);
    vm_bytes_free(vm, again, again_length);
    vm_destroy(vm);
}

/* A function that grows. */
struct body {
    uint32_t words[WORDS_MAX + 32];
    size_t count;
    size_t starts[WORDS_MAX + 32]; /* where instructions begin */
    size_t start_count;
};

static uint32_t draw_operand(struct cupel_bytes *bytes, enum vm__operand kind) {
    switch (kind) {
    case VM__READ:
    case VM__WRITE:
        return (uint32_t)cupel_draw_uint(bytes, "register", 0, REGISTERS - 1);
    case VM__SPAN_FIRST:
        return (uint32_t)cupel_draw_uint(bytes, "first register", 0, 3);
    case VM__COUNT:
        return (uint32_t)cupel_draw_uint(bytes, "count", 0, 2);
    case VM__NUMBER8:
        return (uint32_t)cupel_draw_uint(bytes, "number", 0, 3);
    case VM__FLAG:
        return cupel_draw_bool(bytes, "flag");
    case VM__PRIMITIVE:
        return (uint32_t)cupel_draw_uint(bytes, "primitive", 0, VM__PRIMITIVE_COUNT - 1);
    case VM__KIND:
        return (uint32_t)cupel_draw_uint(bytes, "kind", 0, VM__KIND_COUNT - 1);
    case VM__INTEGER8:
        return (uint8_t)cupel_draw_int(bytes, "small integer", -3, 3);
    case VM__INTEGER16:
        return (uint16_t)cupel_draw_int(bytes, "integer", -40, 40);
    case VM__CONSTANT16:
        return (uint32_t)cupel_draw_uint(bytes, "constant", 0, 4);
    case VM__GLOBAL16:
        return (uint32_t)cupel_draw_uint(bytes, "global", 0, 3);
    case VM__FUNCTION16:
        return 1;
    case VM__JUMP16:
    case VM__JUMP24:
    case VM__CAPTURE:
    case VM__EMPTY:
        break;
    }
    return 0;
}

static void add_word(struct body *body, uint32_t word, bool is_start) {
    if (is_start) {
        body->starts[body->start_count++] = body->count;
    }
    body->words[body->count++] = word;
}

/* An instruction of the table; jumps go to the next one, for now. */
static void draw_instruction(struct cupel_bytes *bytes, struct body *body) {
    enum vm__opcode op = (enum vm__opcode)cupel_draw_uint(bytes, "instruction", 1, VM__OP_COUNT - 2);
    const struct vm__opcode_info *info = &vm__opcodes[op];
    uint32_t word = op;
    if (op == VM__OP_GETUP) {
        return; /* the first function has no captures */
    }
    for (unsigned i = 0; i < 3; i++) {
        enum vm__operand kind = (enum vm__operand)info->operands[i];
        uint32_t bits = draw_operand(bytes, kind);
        if (kind >= VM__INTEGER16) {
            word |= bits << 16;
            break;
        }
        word |= bits << 8 * (i + 1);
    }
    if ((info->traits & VM__END) != 0) {
        /* Something must lead past it. */
        add_word(body, W(TEST, draw_operand(bytes, VM__READ), draw_operand(bytes, VM__FLAG), 0), true);
        add_word(body, WJ(1), false);
    }
    add_word(body, word, true);
    if ((info->traits & VM__PAIR) != 0) {
        add_word(body, WJ(0), false);
    }
    for (uint32_t i = vm__operand_bits(word, 1) + 1; (info->traits & VM__CALLS) != 0 && i < REGISTERS; i++) {
        add_word(body, WX(LOADI, i, i), true); /* a call loses them */
    }
}

/* Jumps lead to the beginnings of instructions; those that skip an END stay as they are. */
static void draw_jumps(struct cupel_bytes *bytes, struct body *body) {
    for (size_t i = 0; i < body->start_count; i++) {
        size_t at = body->starts[i];
        const struct vm__opcode_info *info = &vm__opcodes[vm__op(body->words[at])];
        bool is_pair = (info->traits & VM__PAIR) != 0;
        bool is_jump = info->operands[0] == VM__JUMP24 || info->operands[1] == VM__JUMP16;
        if ((!is_pair || body->words[at + 1] != WJ(0)) && !is_jump) {
            continue;
        }
        bool is_forward = vm__op(body->words[at]) == VM__OP_FORPREP;
        size_t to = body->starts[cupel_draw_uint(bytes, "target", is_forward ? i + 1 : 0, body->start_count - 1)];
        uint32_t offset = (uint32_t)((int64_t)to - (int64_t)at - (is_pair ? 2 : 1));
        if (info->operands[1] == VM__JUMP16) {
            body->words[at] |= offset << 16;
        } else {
            body->words[is_pair ? at + 1 : at] = WJ(offset);
        }
    }
}

/* A body: registers that hold something of every kind, then what is drawn, then a return. */
static void draw_body(struct cupel_bytes *bytes, struct body *body) {
    static const uint32_t first[] = {WX(LOADI, 0, 3),  WX(LOADK, 1, 1), WX(LOADK, 2, 4),  WX(GETG, 3, 1),
                                     W(CONS, 4, 0, 2), WX(LOADI, 5, 1), WX(CLOSURE, 6, 1)};
    memset(body, 0, sizeof *body);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        add_word(body, first[i], true);
    }
    while (body->count < WORDS_MAX && cupel_draw_more(bytes, "instruction")) {
        draw_instruction(bytes, body);
    }
    add_word(body, W(RET, 0, 0, 0), true);
    draw_jumps(bytes, body);
}

/* The pools that the drawn operands speak of, whether used or not: what is not is taken out again. */
static size_t build_image(struct cupel_bytes *bytes, unsigned char *into) {
    static const struct vm__string strings[] = {{"identity", 8}, {"map", 3}, {"own", 3}, {"print", 5}, {"text", 4}};
    static const struct vm__constant constants[] = {{VM__CONSTANT_INTEGER, 0, 0, (uint64_t)VM_INTEGER_MAX},
                                                    {VM__CONSTANT_DOUBLE, 0, 0, 0x3ff8000000000000},
                                                    {VM__CONSTANT_STRING, 0, 0, 4},
                                                    {VM__CONSTANT_SYMBOL, 0, 0, 4},
                                                    {VM__CONSTANT_ARRAY, 0, 2, 0}};
    static const uint32_t keep[] = {WX(LOADK, 0, 0), WX(LOADK, 0, 1),   WX(LOADK, 0, 2), WX(LOADK, 0, 3),
                                    WX(GETG, 0, 0),  WX(GETG, 0, 1),    WX(DEFG, 0, 2),  WX(GETG, 0, 3),
                                    WX(LOADK, 0, 4), WX(CLOSURE, 0, 2), W(RET, 0, 0, 0), 0};
    static const uint32_t nothing[] = {W(RETP, 0, 0, 0), 0};
    struct body body;
    struct vm__buffer image = {.allocator = build_allocator()};
    struct vm__program storage;
    struct vm__program *program = &storage;
    build_begin();
    vm__program_init(program, build_allocator());
    build_end_where(!vm__list_reserve(&program->strings, program->allocator, sizeof strings[0], 5) ||
                    !vm__list_reserve(&program->constants, program->allocator, sizeof constants[0], 5) ||
                    !vm__list_reserve(&program->elements, program->allocator, sizeof(uint32_t), 2) ||
                    !vm__list_reserve(&program->imports, program->allocator, sizeof(uint32_t), 4));
    memcpy(program->strings.items, strings, sizeof strings);
    memcpy(program->constants.items, constants, sizeof constants);
    memcpy(program->elements.items, (uint32_t[]){0, 2}, 2 * sizeof(uint32_t));
    memcpy(program->imports.items, (uint32_t[]){0, 1, 2, 3}, 4 * sizeof(uint32_t));
    program->strings.count = program->constants.count = 5;
    program->elements.count = 2;
    program->imports.count = 4;
    draw_body(bytes, &body);
    (void)build_function(program, VM__NO_FUNCTION, REGISTERS + 1, body.words);
    /* The nested function uses all of the pools, and is there whether the first one makes it or not. */
    struct vm__function *function = build_function(program, 0, 2, keep);
    function->arity = 1;
    (void)build_function(program, 1, 0, nothing);
    bool is_written = vm__image_write(program, &image) && image.length <= IMAGE_MAX;
    size_t length = is_written ? image.length : 0;
    if (is_written) {
        memcpy(into, image.data, length);
    }
    build_end_where(!is_written);
    build_end();
    return length;
}

PROPERTY(vm_code, random_instructions_are_refused_or_safe, .longest = 1024, .tags = "slow") {
    static unsigned char image[IMAGE_MAX];
    size_t length = build_image(bytes, image);
    struct cupel_error error = {""};
    if (vm_verify(a, image, length, &error)) {
        run_everywhere(a, image, length);
        check_round_trip(a, image, length);
    }
    STARVED(strstr(error.text, "out of memory") != NULL);
}

PROPERTY(vm_code, image_bytes_are_refused_or_safe, .longest = 4096) {
    struct cupel_view view = cupel_draw_rest(bytes, "image");
    static unsigned char image[IMAGE_MAX];
    size_t length = view.length < IMAGE_MAX ? view.length : IMAGE_MAX;
    struct cupel_error error = {""};
    if (length > 0) {
        memcpy(image, view.data, length);
    }
    /* The check is made right, so that an engine need not find it. */
    if (length > 12) {
        uint32_t crc = vm__crc32c(image, length - 6);
        for (unsigned i = 0; i < 4; i++) {
            image[length - 4 + i] = (unsigned char)(crc >> 8 * i);
        }
    }
    if (length > 0 && vm_verify(a, image, length, &error)) {
        run_everywhere(a, image, length);
        check_round_trip(a, image, length);
    }
    STARVED(strstr(error.text, "out of memory") != NULL);
}

PROPERTY(vm_code, text_is_refused_with_its_place_or_runs, .longest = 4096, .dictionary = "vm_text.dict") {
    struct cupel_view view = cupel_draw_rest(bytes, "text");
    vm_t *vm = create_in(a, &(struct vm_options){.stress = VM_STRESS_FLIP});
    unsigned char *image = NULL;
    size_t length = 0;
    struct cupel_error error = {""};
    vm_status status = vm_assemble(vm, (const char *)view.data, view.length, "text", &image, &length, &error);
    end_where(vm, status == VM_ERROR_OOM);
    if (status == VM_OK) {
        CHECK(vm_verify(a, image, length, NULL));
    } else {
        CHECK_INT_EQ(status, VM_ERROR_IMAGE);
        CHECK(error.text[0] != '\0');
    }
    vm_bytes_free(vm, image, length);
    vm_destroy(vm);
}
