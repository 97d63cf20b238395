/* Goal: unwinding tables are read as they are meant, and whatever stands in them nothing beyond them is read. Method: a
 * copy of this program's own tables gives the same rules at the moved addresses, with and without its sorted index;
 * then bytes of the copy are changed. Expressions are random bytes, and some with known values. */
#include "alloc/src/cfi.h"
#include "harness/harness.h"

#include <string.h>

#if defined(__x86_64__)

static uint8_t *copy;
static size_t copy_size;
static struct cupel__cfi_module here, moved;

/* The tables to the end of their segment: the sorted index and behind it the records. */
static bool make_copy(struct cupel_allocator *a) {
    if (!cupel__cfi_module_of((uintptr_t)&make_copy, &here)) {
        return false;
    }
    int32_t distance; /* of .eh_frame, from the fourth byte of its header */
    memcpy(&distance, here.header + 4, sizeof distance);
    const uint8_t *records = here.header + 4 + distance;
    copy_size = 0;
    for (const uint8_t *at = records; at < here.end;) {
        uint32_t length;
        memcpy(&length, at, sizeof length);
        at += 4 + length;
        copy_size = (size_t)(at - here.header);
        if (length == 0) {
            break;
        }
    }
    copy = cupel_alloc(a, copy_size, 16);
    STARVED(copy == NULL);
    if (copy == NULL || records < here.header) {
        return false;
    }
    memcpy(copy, here.header, copy_size);
    moved = (struct cupel__cfi_module){copy, copy, copy + copy_size};
    return true;
}

static void free_copy(struct cupel_allocator *a) {
    cupel_free(a, copy, copy_size, 16);
}

static const uintptr_t places[] = {
    (uintptr_t)&make_copy + 4,           (uintptr_t)&free_copy + 1,         (uintptr_t)&cupel__cfi_find + 60,
    (uintptr_t)&cupel__cfi_evaluate + 9, (uintptr_t)&cupel__cfi_step + 200,
};
enum { PLACES = sizeof places / sizeof places[0] };

static void check_same_rules(void) {
    for (unsigned i = 0; i < PLACES; i++) {
        struct cupel__cfi_row row;
        struct cupel__cfi_row other;
        uintptr_t address = places[i] - (uintptr_t)here.header + (uintptr_t)copy;
        REQUIRE(cupel__cfi_find(&here, places[i], &row));
        REQUIRE(cupel__cfi_find(&moved, address, &other));
        CHECK_INT_EQ(row.frame_register, other.frame_register);
        CHECK_INT_EQ(row.frame_value, other.frame_value);
        CHECK_MEM_EQ(row.how, other.how, sizeof row.how);
        CHECK_MEM_EQ(row.value, other.value, sizeof row.value);
    }
}

TEST(unwind_tables, are_found_with_and_without_an_index) {
    struct cupel_allocator *a = test_allocator();
    if (!make_copy(a)) {
        cupel_test_skip("this program's tables are laid out in another way");
    }
    check_same_rules();
    copy[2] = 0xff; /* the number of entries is left out: there is no index */
    check_same_rules();
    struct cupel__cfi_row row;
    CHECK(!cupel__cfi_find(&moved, (uintptr_t)copy + 1, &row)); /* no code */
    free_copy(a);
}

PROPERTY(unwind_tables, survive_any_change, .longest = 256) {
    if (!make_copy(a)) {
        return;
    }
    while (cupel_draw_more(bytes, "another change")) {
        size_t near = copy_size < 4096 || cupel_draw_bool(bytes, "anywhere") ? copy_size : 64;
        size_t at = cupel_draw_size(bytes, "at", 0, near - 1);
        copy[at] = (uint8_t)cupel_draw_uint(bytes, "byte", 0, 255);
    }
    for (unsigned i = 0; i < PLACES; i++) {
        struct cupel__cfi_row row;
        uintptr_t address = places[i] - (uintptr_t)here.header + (uintptr_t)copy;
        if (cupel__cfi_find(&moved, address, &row)) {
            CHECK(row.has_frame_address || row.frame_register < CUPEL__CFI_REGISTERS);
        }
    }
    free_copy(a);
}

static uint64_t stack_words[8] = {11, 22, 33, 44, 55, 66, 77, 88};

static bool evaluate(const uint8_t *expression, size_t size, uint64_t *result) {
    struct cupel__cfi_module module = {expression, expression, expression + size};
    struct cupel__cfi_memory memory = {.count = 1};
    struct cupel__cfi_frame frame = {.was_interrupted = false};
    memory.stacks[0].low = (uintptr_t)stack_words;
    memory.stacks[0].high = (uintptr_t)(stack_words + 8);
    for (unsigned i = 0; i < CUPEL__CFI_REGISTERS; i++) {
        frame.registers[i] = 100 + i;
    }
    frame.registers[CUPEL__CFI_RBP] = (uintptr_t)stack_words;
    return cupel__cfi_evaluate(&module, &frame, &memory, expression, NULL, result);
}

TEST(unwind_tables, expressions_have_known_values) {
    static const struct {
        uint8_t bytes[16]; /* the length first */
        uint64_t value;
    } rows[] = {
        {{1, 0x35}, 5},                                          /* lit5 */
        {{2, 0x08, 200}, 200},                                   /* const1u */
        {{2, 0x09, 200}, (uint64_t)-56},                         /* const1s */
        {{3, 0x0b, 0xfe, 0xff}, (uint64_t)-2},                   /* const2s */
        {{3, 0x76, 0x08, 0x06}, 22},                             /* breg6 8; deref */
        {{3, 0x35, 0x33, 0x1c}, 2},                              /* 5 - 3 */
        {{3, 0x33, 0x35, 0x1c}, (uint64_t)-2},                   /* 3 - 5 */
        {{4, 0x33, 0x35, 0x16, 0x1c}, 2},                        /* swapped */
        {{5, 0x31, 0x32, 0x33, 0x17, 0x1c}, (uint64_t)-1},       /* rot: 3 1 2; 1 - 2 */
        {{3, 0x31, 0x34, 0x24}, 16},                             /* shl */
        {{4, 0x34, 0x1f, 0x31, 0x26}, (uint64_t)-2},             /* -4 shra 1 */
        {{3, 0x34, 0x35, 0x2a}, 0},                              /* 4 >= 5 */
        {{3, 0x35, 0x35, 0x2a}, 1},                              /* 5 >= 5 */
        {{3, 0x35, 0x23, 0x07}, 12},                             /* plus_uconst */
        {{6, 0x31, 0x28, 0x01, 0x00, 0x37, 0x39}, 9},            /* a branch over lit7 */
        {{3, 0x35, 0x12, 0x22}, 10},                             /* dup */
        {{3, 0x35, 0x33, 0x13}, 5},                              /* drop */
        {{4, 0x35, 0x33, 0x14, 0x1c}, (uint64_t)-2},             /* over: 3 - 5 */
        {{5, 0x35, 0x33, 0x15, 0x01, 0x1c}, (uint64_t)-2},       /* pick 1 */
        {{3, 0x35, 0x1f, 0x19}, 5},                              /* abs of -5 */
        {{3, 0x35, 0x19, 0x20}, ~(uint64_t)5},                   /* not */
        {{3, 0x35, 0x32, 0x21}, 7},                              /* or */
        {{3, 0x35, 0x36, 0x27}, 3},                              /* xor */
        {{3, 0x35, 0x36, 0x1e}, 30},                             /* mul */
        {{4, 0x39, 0x1f, 0x32, 0x1b}, (uint64_t)-4},             /* -9 / 2 */
        {{3, 0x39, 0x34, 0x1d}, 1},                              /* 9 mod 4 */
        {{4, 0x31, 0x1f, 0x33, 0x25}, ~(uint64_t)0 >> 3},        /* -1 shr 3 */
        {{4, 0x31, 0x08, 64, 0x24}, 0},                          /* shl by 64 */
        {{4, 0x31, 0x08, 64, 0x25}, 0},                          /* shr by 64 */
        {{5, 0x31, 0x1f, 0x08, 64, 0x26}, ~(uint64_t)0},         /* shra by 64 */
        {{4, 0x31, 0x1f, 0x30, 0x26}, ~(uint64_t)0},             /* shra by 0 */
        {{9, 0x03, 1, 2, 3, 4, 5, 6, 7, 8}, 0x0807060504030201}, /* addr */
        {{4, 0x76, 0x09, 0x94, 0x01}, 0},                        /* deref_size 1 */
        {{3, 0x10, 0x80, 0x01}, 128},                            /* constu */
        {{13, 0x10, 0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, 5}, /* in too many bytes */
        {{13, 0x11, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, (uint64_t)-3},
        {{2, 0x11, 0x7f}, (uint64_t)-1},                              /* consts */
        {{3, 0x92, 0x03, 0x05}, 108},                                 /* bregx rbx 5 */
        {{2, 0x53, 0x96}, 103},                                       /* reg3, nop */
        {{5, 0x0c, 1, 0, 0, 0x80}, 0x80000001},                       /* const4u */
        {{5, 0x0d, 1, 0, 0, 0x80}, 0xffffffff80000001},               /* const4s */
        {{9, 0x0f, 1, 0, 0, 0, 0, 0, 0, 0x80}, 0x8000000000000001},   /* const8s */
        {{3, 0x34, 0x35, 0x29}, 0},                                   /* eq */
        {{3, 0x34, 0x35, 0x2b}, 0},                                   /* gt */
        {{3, 0x34, 0x35, 0x2c}, 1},                                   /* le */
        {{3, 0x34, 0x35, 0x2d}, 1},                                   /* lt */
        {{3, 0x34, 0x35, 0x2e}, 1},                                   /* ne */
        {{8, 0x39, 0x30, 0x28, 0x01, 0x00, 0x12, 0x35, 0x22}, 5 + 9}, /* a branch over dup that is not taken */
        {{11, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22},
         107 + 8}, /* a PLT entry, before its push */
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 0;
        CHECK(evaluate(rows[i].bytes, sizeof rows[i].bytes, &value));
        CHECK_UINT_EQ(value, rows[i].value);
    }
}

TEST(unwind_tables, expressions_that_mean_nothing) {
    static const uint8_t rows[][8] = {
        {0},                               /* nothing on the stack */
        {1, 0x22},                         /* plus of nothing */
        {1, 0xff},                         /* no opcode */
        {2, 0x30, 0x06},                   /* a load from 0 */
        {3, 0x31, 0x30, 0x1b},             /* a division by 0 */
        {3, 0x2f, 0xfd, 0xff},             /* a loop */
        {3, 0x2f, 0xf0, 0xff},             /* a jump before the beginning */
        {9, 0x31},                         /* longer than the table */
        {0xff, 0xff, 0xff, 0xff, 0xff, 1}, /* much longer */
        {2, 0x92, 99},                     /* no register */
        {1, 0x68},                         /* nor this */
        {1, 0x12},                         /* dup of nothing */
        {3, 0x30, 0x94, 9},                /* a load of nine bytes */
        {3, 0x31, 0x30, 0x1d},             /* a remainder by 0 */
        {2, 0x76, 0x80},                   /* a number without an end */
        {4, 0x31, 0x31, 0x1f, 0x1b},       /* a division by -1, which may trap */
        {4, 0x31, 0x2f, 0xfd, 0xff},       /* a loop with something on the stack */
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value;
        CHECK(!evaluate(rows[i], sizeof rows[i], &value));
    }
}

PROPERTY(unwind_tables, survive_any_expression, .longest = 200) {
    uint64_t value;
    struct cupel_view view = cupel_draw_rest(bytes, "expression");
    uint8_t *expression = cupel_alloc(a, view.length + 1, 1);
    STARVED(expression == NULL);
    if (expression == NULL) {
        return;
    }
    memcpy(expression + 1, view.data, view.length);
    expression[0] = (uint8_t)(view.length & 0x7f);
    (void)evaluate(expression, view.length + 1, &value);
    cupel_free(a, expression, view.length + 1, 1);
}

#endif
