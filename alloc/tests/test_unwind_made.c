/* Goal: each instruction and encoding of unwinding tables means what the standards say, whether or not a compiler here
 * writes it. Method: tables made by hand, an instruction each, and what must hold behind it. */
#include "alloc/src/cfi.h"
#include "harness/harness.h"

#include <string.h>

#if defined(__x86_64__)

enum { RECORDS_AT = 64, CODE_AT = 400, CODE_SIZE = 80, SIZE = 512 };

static _Alignas(8) uint8_t table[SIZE];
static size_t used;

static void put(const void *bytes, size_t size) {
    REQUIRE(used + size <= CODE_AT);
    memcpy(table + used, bytes, size);
    used += size;
}

static void put_4(uint64_t value) {
    uint32_t word = (uint32_t)value;
    put(&word, sizeof word);
}

/* How a table is made; zero is what linkers write. */
struct making {
    const char *words;       /* the augmentation; NULL: "zR" */
    uint8_t augmentation[8]; /* its data; the first byte is the length */
    uint8_t version;         /* 0: 1 */
    uint8_t encoding;        /* of addresses in the function's entry; 0: relative, 4 bytes signed */
    uint8_t column;          /* of the return address; 0: 16 */
    bool is_long;            /* lengths of 12 bytes */
    const char *initial;     /* of two bytes, ends the common program */
};

static void open_record(const struct making *making, size_t *length_at) {
    if (making->is_long) {
        put_4(0xffffffff);
    }
    *length_at = used;
    put(&(uint64_t){0}, making->is_long ? 8 : 4);
}

static void close_record(const struct making *making, size_t length_at) {
    size_t length = used - length_at - (making->is_long ? 8 : 4);
    memcpy(table + length_at, &length, making->is_long ? 8 : 4);
}

static void put_common(const struct making *making) {
    static const uint8_t usual[] = {0x0c, 7, 8, 0x90, 1}; /* the frame is 8 above rsp, the return address below that */
    const char *words = making->words == NULL ? "zR" : making->words;
    uint8_t version = making->version == 0 ? 1 : making->version;
    uint8_t column = making->column == 0 ? 16 : making->column;
    size_t length_at;
    open_record(making, &length_at);
    put_4(0);
    put(&version, 1);
    put(words, strlen(words) + 1);
    if (version == 4) {
        put("\x08", 2);
    }
    put("\x01\x78", 2); /* alignments 1 and -8 */
    put(&column, 1);
    if (words[0] == 'z') {
        static const uint8_t relative[] = {1, 0x1b};
        const uint8_t *data = making->words == NULL && making->encoding == 0 ? relative : making->augmentation;
        put(data, 1U + data[0]);
    }
    put(usual, sizeof usual);
    if (making->initial != NULL) {
        put(making->initial, 2);
    }
    close_record(making, length_at);
}

static void put_address(uint8_t encoding, uintptr_t address) {
    uint64_t value = address - ((encoding & 0x70) == 0x10 ? (uintptr_t)(table + used) : 0);
    switch (encoding & 0x0f) {
    case 0x02:
    case 0x0a:
        put(&value, 2);
        break;
    case 0x03:
    case 0x0b:
        put(&value, 4);
        break;
    case 0x01:
        for (unsigned i = 0; i < 10; i++, value >>= 7) {
            put(&(uint8_t){(uint8_t)((value & 0x7f) | (i < 9 ? 0x80 : 0))}, 1);
        }
        break;
    default:
        put(&value, 8);
    }
}

/* A table with one function, which is at CODE_AT, and its program. */
static struct cupel__cfi_module make(const struct making *making, const uint8_t program[], size_t size) {
    size_t length_at;
    used = 0;
    memset(table, 0, sizeof table);
    put("\x01\x1b\x03\x3b", 4);
    put_4(RECORDS_AT - 4);
    put_4(1);
    put_4(CODE_AT);
    size_t entry_at = used;
    used = RECORDS_AT;
    put_common(making);
    uint32_t record_at = (uint32_t)used;
    memcpy(table + entry_at, &record_at, sizeof record_at);
    open_record(making, &length_at);
    put_4(used - RECORDS_AT);
    uint8_t encoding = making->encoding == 0 ? 0x1b : making->encoding;
    put_address(encoding, (uintptr_t)(table + CODE_AT));
    put_address(encoding & 0x0f, CODE_SIZE);
    if (making->words == NULL || making->words[0] == 'z') {
        put("", 1);
    }
    put(program, size);
    close_record(making, length_at);
    put_4(0);
    return (struct cupel__cfi_module){table, table, table + SIZE};
}

static bool find(const struct cupel__cfi_module *module, unsigned at, struct cupel__cfi_row *row) {
    return cupel__cfi_find(module, (uintptr_t)(table + CODE_AT + at), row);
}

/* A program, and the rule of a register at the tenth byte of the function; column 99 is the frame's address. */
static const struct {
    uint8_t program[12];
    uint8_t column, how;
    int64_t value;
} programs[] = {
    {{0}, 99, 7, 8},                                         /* as the common entry has it */
    {{0x83, 2}, 3, CUPEL__CFI_OFFSET, -16},                  /* offset of rbx */
    {{0x05, 12, 3}, 12, CUPEL__CFI_OFFSET, -24},             /* offset_extended */
    {{0x11, 12, 0x7e}, 12, CUPEL__CFI_OFFSET, 16},           /* offset_extended_sf */
    {{0x2f, 12, 2}, 12, CUPEL__CFI_OFFSET, 16},              /* GNU_negative_offset_extended */
    {{0x14, 7, 2}, 7, CUPEL__CFI_VALUE_OFFSET, -16},         /* val_offset */
    {{0x15, 7, 0x7f}, 7, CUPEL__CFI_VALUE_OFFSET, 8},        /* val_offset_sf */
    {{0x07, 16}, 16, CUPEL__CFI_UNDEFINED, 0},               /* undefined */
    {{0x83, 2, 0x08, 3}, 3, CUPEL__CFI_SAME, 0},             /* same_value */
    {{0x09, 16, 2}, 16, CUPEL__CFI_REGISTER, 2},             /* register */
    {{0x07, 16, 0xd0}, 16, CUPEL__CFI_OFFSET, -8},           /* restore */
    {{0x07, 16, 0x06, 16}, 16, CUPEL__CFI_OFFSET, -8},       /* restore_extended */
    {{0x0c, 6, 40}, 99, 6, 40},                              /* def_cfa */
    {{0x12, 6, 0x7e}, 99, 6, 16},                            /* def_cfa_sf */
    {{0x0d, 6}, 99, 6, 8},                                   /* def_cfa_register */
    {{0x0e, 64}, 99, 7, 64},                                 /* def_cfa_offset */
    {{0x13, 0x7d}, 99, 7, 24},                               /* def_cfa_offset_sf */
    {{0x2e, 8, 0x0e, 24}, 99, 7, 24},                        /* GNU_args_size is nothing */
    {{0x44, 0x0e, 16, 0x48, 0x0e, 32}, 99, 7, 16},           /* advance_loc by 4 and by 8: past 10 */
    {{0x02, 4, 0x0e, 16, 0x03, 6, 0, 0x0e, 32}, 99, 7, 32},  /* advance_loc1 and 2: at 10 */
    {{0x04, 11, 0, 0, 0, 0x0e, 32}, 99, 7, 8},               /* advance_loc4 past 10 */
    {{0x0a, 0x0e, 16, 0x0b}, 99, 7, 8},                      /* remember_state, restore_state */
    {{0x85, 1, 0x91, 2, 0xa0, 3}, 5, CUPEL__CFI_OFFSET, -8}, /* registers without interest */
    {{0xd1, 0x06, 40}, 99, 7, 8},                            /* nor when they are restored */
};

TEST(unwind_made, instructions) {
    for (unsigned i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct cupel__cfi_row row;
        struct cupel__cfi_module module = make(&(struct making){0}, programs[i].program, sizeof programs[i].program);
        REQUIRE(find(&module, 10, &row));
        if (programs[i].column == 99) {
            CHECK_UINT_EQ(row.frame_register, programs[i].how);
            CHECK_INT_EQ(row.frame_value, programs[i].value);
        } else {
            CHECK_UINT_EQ(row.how[programs[i].column], programs[i].how);
            CHECK_INT_EQ(row.value[programs[i].column], programs[i].value);
        }
        CHECK(!row.is_signal);
    }
}

TEST(unwind_made, expressions_are_kept_where_they_are) {
    static const uint8_t program[] = {0x0f, 2, 0x77, 8, 0x10, 3, 1, 0x30, 0x16, 12, 1, 0x31};
    struct cupel__cfi_row row;
    struct cupel__cfi_module module = make(&(struct making){0}, program, sizeof program);
    REQUIRE(find(&module, 0, &row));
    CHECK(row.has_frame_address);
    CHECK_MEM_EQ((const void *)(intptr_t)row.frame_value, "\x02\x77\x08", 3);
    CHECK_UINT_EQ(row.how[3], CUPEL__CFI_EXPRESSION);
    CHECK_MEM_EQ((const void *)(intptr_t)row.value[3], "\x01\x30", 2);
    CHECK_UINT_EQ(row.how[12], CUPEL__CFI_VALUE_EXPRESSION);
    CHECK_MEM_EQ((const void *)(intptr_t)row.value[12], "\x01\x31", 2);
}

TEST(unwind_made, set_loc_gives_an_address) {
    uint8_t program[12] = {0x01};
    struct cupel__cfi_row row;
    for (unsigned target = 10; target <= 11; target++) {
        struct cupel__cfi_module module = make(&(struct making){0}, program, sizeof program);
        size_t at = used - 4 - sizeof program + 1; /* of the operand, before the end of the table */
        int32_t distance = (int32_t)((size_t)CODE_AT + target - at);
        memcpy(table + at, &distance, sizeof distance);
        table[at + 4] = 0x0e; /* the frame is 32 above from there */
        table[at + 5] = 32;
        REQUIRE(find(&module, 10, &row));
        CHECK_INT_EQ(row.frame_value, target == 10 ? 32 : 8);
    }
}

TEST(unwind_made, programs_that_mean_nothing) {
    static const uint8_t wrong[][12] = {
        {0x0b},                                                       /* nothing was remembered */
        {0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a}, /* too much is */
        {0x3f},                                                       /* no instruction */
        {0x0c, 40, 8},                                                /* no register for an address */
        {0x0f, 100},                                                  /* longer than the record */
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0e},                      /* without its operand */
    };
    struct cupel__cfi_row row;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct cupel__cfi_module module = make(&(struct making){0}, wrong[i], sizeof wrong[i]);
        CHECK(!find(&module, 10, &row));
    }
}

static const struct making makings[] = {
    {.is_long = true},
    {.version = 3},
    {.version = 4},
    {.words = "", .encoding = 0x10},
    {.words = "zPLR", .augmentation = {7, 0x1b, 1, 2, 3, 4, 0x1b, 0x1b}},
    {.words = "zRB", .augmentation = {1, 0x1b}},
    {.initial = "\x06\x03"}, /* what is restored before there is anything is as it was */
    {.words = "zR", .augmentation = {1, 0x04}, .encoding = 0x04},
    {.words = "zR", .augmentation = {1, 0x0c}, .encoding = 0x0c},
    {.words = "zR", .augmentation = {1, 0x01}, .encoding = 0x01},
    {.words = "zR", .augmentation = {1, 0x13}, .encoding = 0x13},
    {.words = "zR", .augmentation = {1, 0x1a}, .encoding = 0x1a},
    {.words = "zR", .augmentation = {1, 0x12}, .encoding = 0x12},
};

TEST(unwind_made, encodings) {
    struct cupel__cfi_row row;
    for (unsigned i = 0; i < sizeof makings / sizeof makings[0]; i++) {
        struct making making = makings[i];
        if (making.encoding == 0x10) {
            making.encoding = 0x04; /* what holds where nothing is said: whole addresses */
        }
        struct cupel__cfi_module module = make(&making, (const uint8_t *)"\x0e\x18", 2);
        for (unsigned pass = 0; pass < 2; pass++) {
            REQUIRE(find(&module, 0, &row));
            CHECK_INT_EQ(row.frame_value, 24);
            CHECK(find(&module, CODE_SIZE - 1, &row));
            CHECK(!find(&module, CODE_SIZE, &row));
            CHECK(!cupel__cfi_find(&module, (uintptr_t)table + CODE_AT - 1, &row));
            table[2] = 0xff; /* and without the sorted index */
        }
    }
    struct cupel__cfi_module module =
        make(&(struct making){.words = "zRS", .augmentation = {1, 0x1b}}, (const uint8_t *)"", 1);
    REQUIRE(find(&module, 0, &row));
    CHECK(row.is_signal);
}

TEST(unwind_made, tables_that_mean_nothing) {
    static const struct making wrong[] = {
        {.version = 2},
        {.version = 5},
        {.column = 17},
        {.words = "eh"},
        {.words = "zQ", .augmentation = {1, 0x1b}},
        {.words = "zR", .augmentation = {1, 0x2b}},
        {.words = "zR", .augmentation = {1, 0x05}},
        {.words = "zP", .augmentation = {1, 0x05}},
        {.words = "zPR", .augmentation = {2, 0x05, 0x1b}}, /* what follows is not read */
        {.words = "zR", .augmentation = {0}},              /* nothing stands where the encoding should */
        {.initial = "\x3f\x3f"},                           /* no instruction */
        {.initial = "\x0c\x28"},                           /* no register */
    };
    struct cupel__cfi_row row;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct cupel__cfi_module module = make(&wrong[i], (const uint8_t *)"", 1);
        CHECK(!find(&module, 10, &row));
    }
    for (uint8_t end = 1; end < 12; end++) { /* the module ends within the header */
        struct cupel__cfi_module module = make(&(struct making){0}, (const uint8_t *)"", 1);
        module.end = table + end;
        CHECK(!find(&module, 10, &row));
    }
    static const struct {
        uint8_t at, byte;
    } bytes[] = {{0, 2},
                 {1, 0xff},
                 {1, 0x2b},
                 {2, 0x25},
                 {8, 0xff},
                 {11, 0xff},
                 {RECORDS_AT + 4, 1},    /* the common entry is none */
                 {RECORDS_AT + 8, 0},    /* of version 0 */
                 {RECORDS_AT, 5},        /* and ends in its version */
                 {RECORDS_AT + 3, 0x7f}, /* or behind the table */
                 {RECORDS_AT, 0}};
    for (unsigned i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        struct cupel__cfi_module module = make(&(struct making){0}, (const uint8_t *)"", 1);
        table[bytes[i].at] = bytes[i].byte;
        CHECK(!find(&module, 10, &row));
    }
}

#endif
