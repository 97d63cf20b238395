/* Goal: an image is what it was written from, and bytes that are no image are refused without harm. Method: a program
 * with something in every table is written, read and written again; every bit of it is turned over; and single rules
 * are broken in images whose check is then made right again. */
#include "vm/image.h"

#include "harness/harness.h"
#include "vm/tests/build.h"
#include "vm/value.h"

/* Two functions with constants of every kind, a global, captures, a handler and lines. */
static void build(struct vm__program *program) {
    static const uint32_t outer[] = {WX(LOADI, 0, -7), WX(LOADK, 1, 4), WX(LOADK, 1, 3), WX(CLOSURE, 1, 1),
                                     W(CALL, 1, 0, 0), WX(SETG, 1, 0),  W(RET, 1, 0, 0), 0};
    static const uint32_t inner[] = {W(GETUP, 1, 0, 0), WX(LOADK, 0, 1), W(ADD, 0, 0, 1), W(RET, 0, 0, 0), 0};
    static const struct vm__string strings[] = {{"", 0}, {"f", 1}, {"f.vma", 5}, {"\xc3\xa9", 2}};
    static const struct vm__constant constants[] = {{VM__CONSTANT_INTEGER, 0, 0, (uint64_t)VM_INTEGER_MIN},
                                                    {VM__CONSTANT_DOUBLE, 0, 0, 0x3ff8000000000000},
                                                    {VM__CONSTANT_STRING, 0, 0, 0},
                                                    {VM__CONSTANT_SYMBOL, 0, 0, 3},
                                                    {VM__CONSTANT_ARRAY, 0, 3, 0}};
    vm__program_init(program, build_allocator());
    STARVED(!vm__list_reserve(&program->strings, program->allocator, sizeof strings[0], 4) ||
            !vm__list_reserve(&program->constants, program->allocator, sizeof constants[0], 5) ||
            !vm__list_reserve(&program->elements, program->allocator, sizeof(uint32_t), 3) ||
            !vm__list_reserve(&program->imports, program->allocator, sizeof(uint32_t), 1) ||
            !vm__list_reserve(&program->captures, program->allocator, sizeof(struct vm__capture), 1) ||
            !vm__list_reserve(&program->handlers, program->allocator, sizeof(struct vm__handler), 1) ||
            !vm__list_reserve(&program->lines, program->allocator, sizeof(struct vm__line), 2));
    memcpy(program->strings.items, strings, sizeof strings);
    memcpy(program->constants.items, constants, sizeof constants);
    memcpy(program->elements.items, (uint32_t[]){2, 0, 0}, 3 * sizeof(uint32_t));
    *VM__AT(uint32_t, &program->imports, 0) = 1;
    *VM__AT(struct vm__capture, &program->captures, 0) = (struct vm__capture){0, 0};
    *VM__AT(struct vm__handler, &program->handlers, 0) = (struct vm__handler){2, 3, 3, 1};
    *VM__AT(struct vm__line, &program->lines, 0) = (struct vm__line){0, 100};
    *VM__AT(struct vm__line, &program->lines, 1) = (struct vm__line){2, 7};
    program->strings.count = 4;
    program->constants.count = 5;
    program->elements.count = 3;
    program->imports.count = program->captures.count = program->handlers.count = 1;
    program->lines.count = 2;
    (void)build_function(program, VM__NO_FUNCTION, 3, outer);
    struct vm__function *function = build_function(program, 0, 2, inner);
    function->name = 2;
    function->file = 3;
    function->captures.count = function->handlers.count = 1;
    function->lines.count = 2;
}

/* The image of that program. */
static struct vm__buffer write_image(void) {
    struct vm__program program;
    struct vm__buffer image = {.allocator = build_allocator()};
    build(&program);
    STARVED(!vm__image_write(&program, &image));
    return image;
}

static bool is_refused(const unsigned char *image, size_t length, struct cupel_error *error) {
    *error = (struct cupel_error){""};
    bool is_refused = !vm_verify(test_allocator(), image, length, error);
    STARVED(strstr(error->text, "out of memory") != NULL);
    return is_refused;
}

TEST(vm_image, is_read_as_it_was_written, BUILDS) {
    struct vm__buffer image = write_image();
    struct vm__program program;
    struct cupel_error error = {""};
    vm__program_init(&program, test_allocator());
    bool is_read = vm__image_read(&program, image.data, image.length, &error) && vm__verify(&program, &error);
    if (!is_read) {
        vm__program_deinit(&program);
    }
    STARVED(!is_read && strstr(error.text, "out of memory") != NULL);
    CHECK_STR_EQ(error.text, "");
    struct vm__buffer again = {.allocator = build_allocator()};
    bool is_written = vm__image_write(&program, &again);
    if (!is_written) {
        vm__program_deinit(&program);
    }
    STARVED(!is_written);
    REQUIRE_UINT_EQ(again.length, image.length);
    CHECK_MEM_EQ(again.data, image.data, image.length);
    const struct vm__function *inner = VM__AT(struct vm__function, &program.functions, 1);
    CHECK_INT_EQ(inner->parent, 0);
    CHECK_INT_EQ(VM__AT(struct vm__line, &program.lines, inner->lines.first + 1)->line, 7);
    CHECK_INT_EQ((int64_t)VM__AT(struct vm__constant, &program.constants, 0)->bits, VM_INTEGER_MIN);
    vm__program_deinit(&program);
}

TEST(vm_image, is_refused_with_any_bit_turned_or_cut_short, BUILDS, .tags = "slow",
     .no_sweep = "the same reads over and over") {
    struct vm__buffer image = write_image();
    struct cupel_error error;
    CHECK(!is_refused(image.data, image.length, &error));
    for (size_t i = 0; i < image.length * 8; i++) {
        image.data[i / 8] ^= (unsigned char)(1u << i % 8);
        CHECK(is_refused(image.data, image.length, &error));
        image.data[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    for (size_t i = 0; i < image.length; i++) {
        CHECK(is_refused(image.data, i, &error));
    }
}

TEST(vm_image, check_is_crc32c) {
    CHECK_UINT_EQ(vm__crc32c("123456789", 9), 0xe3069283); /* as RFC 3720 and the catalogues of CRCs have it */
}

/* What is spoilt in a sound program before it is written: one rule of the form a row. */
static struct vm__constant *constant_of(struct vm__program *program, uint32_t number) {
    return VM__AT(struct vm__constant, &program->constants, number);
}
static struct vm__function *function_of(struct vm__program *program, uint32_t number) {
    return VM__AT(struct vm__function, &program->functions, number);
}
static struct vm__string *string_of(struct vm__program *program, uint32_t number) {
    return VM__AT(struct vm__string, &program->strings, number);
}
static void swap_strings(struct vm__program *program) {
    string_of(program, 1)->text = "g.";
}
static void strings_alike(struct vm__program *program) {
    string_of(program, 1)->length = 0;
}
static void wild_string(struct vm__program *program) {
    string_of(program, 3)->text = "\xc3(";
}
static void long_string(struct vm__program *program) {
    *string_of(program, 3) = (struct vm__string){"\xe0\x80\xa9", 3};
}
static void surrogate_string(struct vm__program *program) {
    *string_of(program, 3) = (struct vm__string){"\xed\xa0\x80", 3};
}
static void unused_string(struct vm__program *program) {
    function_of(program, 1)->file = 0;
}
static void constants_alike(struct vm__program *program) {
    *constant_of(program, 1) = *constant_of(program, 0);
}
static void wild_kind(struct vm__program *program) {
    constant_of(program, 4)->kind = VM__CONSTANT_KINDS;
}
static void wide_integer(struct vm__program *program) {
    constant_of(program, 0)->bits = (uint64_t)(VM_INTEGER_MIN - 1);
}
static void other_nan(struct vm__program *program) {
    constant_of(program, 1)->bits = 0x7ff8000000000001;
}
static void constant_without_string(struct vm__program *program) {
    constant_of(program, 3)->bits = 4;
}
static void element_of_itself(struct vm__program *program) {
    *VM__AT(uint32_t, &program->elements, 2) = 4;
}
static void unused_constant(struct vm__program *program) {
    *VM__AT(uint32_t, &program->code, 1) = WX(LOADK, 1, 3);
}
static void import_without_string(struct vm__program *program) {
    *VM__AT(uint32_t, &program->imports, 0) = 4;
}
static void unused_import(struct vm__program *program) {
    *VM__AT(uint32_t, &program->code, 5) = WX(LOADI, 1, 0);
}
static void unused_function(struct vm__program *program) {
    *VM__AT(uint32_t, &program->code, 3) = WX(LOADI, 1, 0);
}
static void first_has_arguments(struct vm__program *program) {
    function_of(program, 0)->arity = 1;
}
static void first_has_rest(struct vm__program *program) {
    function_of(program, 0)->has_rest = true;
}
static void parent_is_itself(struct vm__program *program) {
    function_of(program, 1)->parent = 1;
}
static void parent_is_none(struct vm__program *program) {
    function_of(program, 1)->parent = VM__NO_FUNCTION;
}
static void name_without_string(struct vm__program *program) {
    function_of(program, 1)->name = 5;
}
static void too_many_registers(struct vm__program *program) {
    function_of(program, 0)->registers = VM__REGISTERS_MAX + 1;
}
static void too_many_arguments(struct vm__program *program) {
    function_of(program, 1)->arity = 3;
}
static void capture_of_no_register(struct vm__program *program) {
    VM__AT(struct vm__capture, &program->captures, 0)->index = 3;
}
static void capture_of_no_capture(struct vm__program *program) {
    VM__AT(struct vm__capture, &program->captures, 0)->is_capture = 1;
}
static void capture_of_unwritten(struct vm__program *program) {
    VM__AT(struct vm__capture, &program->captures, 0)->index = 2;
}
static void lines_stand_still(struct vm__program *program) {
    VM__AT(struct vm__line, &program->lines, 1)->word = 0;
}
static void lines_say_the_same(struct vm__program *program) {
    VM__AT(struct vm__line, &program->lines, 1)->line = 100;
}

static const struct damage {
    const char *why;
    void (*spoil)(struct vm__program *program);
} damages[] = {
    {"strings are not sorted, or two are alike", swap_strings},
    {"strings are not sorted, or two are alike", strings_alike},
    {"a string is not UTF-8", wild_string},
    {"a string is not UTF-8", long_string},
    {"a string is not UTF-8", surrogate_string},
    {"string 2 is used by nothing", unused_string},
    {"constants are not sorted, or two are alike", constants_alike},
    {"a byte is too large for what it says", wild_kind},
    {"a number is too large for what it says", wide_integer},
    {"a NaN other than the one", other_nan},
    {"a constant is of a string that is not there", constant_without_string},
    {"an element that does not stand before it", element_of_itself},
    {"constant 4 is used by nothing", unused_constant},
    {"an import is of a string that is not there", import_without_string},
    {"import 0 is used by nothing", unused_import},
    {"function 1 is used by nothing", unused_function},
    {"has a parent, arguments or captures", first_has_arguments},
    {"has a parent, arguments or captures", first_has_rest},
    {"the parent is not one that encloses", parent_is_itself},
    {"the parent is not one that encloses", parent_is_none},
    {"a number is too large for what it says", name_without_string},
    {"a number is too large for what it says", too_many_registers},
    {"3 arguments do not fit into 2 registers", too_many_arguments},
    {"capture 0 is of something that is not there", capture_of_no_register},
    {"capture 0 is of something that is not there", capture_of_no_capture},
    {"register 2 is read, but may not have been written", capture_of_unwritten},
    {"lines do not go on", lines_stand_still},
    {"lines do not go on", lines_say_the_same},
};

TEST(vm_image, is_refused_where_it_breaks_a_rule, BUILDS, CUPEL_TABLE(damages)) {
    const struct damage *damage = test_row();
    struct vm__program program;
    struct vm__buffer image = {.allocator = build_allocator()};
    struct cupel_error error;
    build(&program);
    damage->spoil(&program);
    STARVED(!vm__image_write(&program, &image));
    CHECK(is_refused(image.data, image.length, &error));
    CHECK_STR_CONTAINS(error.text, damage->why);
}

/* What is spoilt in the bytes, whose check is made right again: bytes that stand there once, and what replaces them. */
static const struct patch {
    const char *why;
    const char *find, *put;
    size_t find_length, put_length;
} patches[] = {
#define PATCH(why_, find_, put_)                                                                                       \
    { why_, find_, put_, sizeof(find_) - 1, sizeof(put_) - 1 }
    PATCH("no image, or one of another version", "VMB\x01", "VMB\x02"),
    PATCH("no image, or one of another version", "VMB\x01\x00", "VMB\x01\x01"),
    PATCH("a section is missing", "B\x01\x00\x01", "B\x01\x00\x02"),
    PATCH("not in its shortest form",
          "\x01"
          "f\x05",
          "\x81\x00"
          "f\x05"),
    PATCH("a string is longer than the image",
          "\x05"
          "f.vma",
          "\x50"
          "f.vma"),
    PATCH("a number is too large", "\x00\x01\x0d\x04", "\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04"),
    PATCH("more than 64 bits", "\x00\x01\x0d\x04", "\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x04"),
    PATCH("longer than what it holds", "\x03\x02\x01\x01", "\x03\x03\x01\x01\x00"),
    PATCH("fewer items than the count says", "\x03\x02\x01\x01", "\x03\x02\x02\x01"),
};

/* The place of the bytes `find` in the image; its length where they are not there. */
static size_t place_of(const struct vm__buffer *image, const struct patch *patch) {
    size_t at = 0;
    while (at + patch->find_length <= image->length && memcmp(image->data + at, patch->find, patch->find_length) != 0) {
        at++;
    }
    return at;
}

TEST(vm_image, is_refused_where_bytes_are_not_as_they_must_be, BUILDS, CUPEL_TABLE(patches)) {
    const struct patch *patch = test_row();
    struct vm__buffer image = write_image();
    struct vm__buffer spoilt = {.allocator = build_allocator()};
    struct cupel_error error;
    size_t at = place_of(&image, patch);
    REQUIRE(at < image.length);
    vm__buffer_add(&spoilt, image.data, at);
    vm__buffer_add(&spoilt, patch->put, patch->put_length);
    vm__buffer_add(&spoilt, image.data + at + patch->find_length, image.length - at - patch->find_length);
    STARVED(spoilt.is_starved);
    uint32_t crc = vm__crc32c(spoilt.data, spoilt.length - 6);
    for (unsigned i = 0; i < 4; i++) {
        spoilt.data[spoilt.length - 4 + i] = (unsigned char)(crc >> 8 * i);
    }
    CHECK(is_refused(spoilt.data, spoilt.length, &error));
    CHECK_STR_CONTAINS(error.text, patch->why);
}
