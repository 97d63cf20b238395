/* Goal: each program in vm/tests/programs prints, returns or raises what its comments say, on every evaluator, and also
 * where the collector runs at every point. Method: lines of its text that begin with "; > " are the whole transcript;
 * "; fuel N" in the first line limits it. */
#include "harness/harness.h"
#include "vm/tests/host.h"
#include "vm/tests/starve.h"
#include "vm/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of the programs: `program_names`. */
#include CUPEL_VM_PROGRAM_LIST

enum { TEXT_MAX = 65536 };

struct variant {
    const char *name;
    struct vm_options options;
    struct vm_limits limits;
};

static const struct variant variants[] = {
    {"fastest", {0}, {.evaluator = VM_EVALUATOR_FASTEST}},
    {"switch", {0}, {.evaluator = VM_EVALUATOR_SWITCH}},
    {"reference", {0}, {.evaluator = VM_EVALUATOR_REFERENCE}},
    {"fastest, flipping", {.stress = VM_STRESS_FLIP | VM_STRESS_CALLBACK | VM_STRESS_MOVE}, {0}},
    {"reference, flipping", {.stress = VM_STRESS_FLIP | VM_STRESS_MOVE}, {.evaluator = VM_EVALUATOR_REFERENCE}},
};

static size_t read_program(const char *name, char *text, size_t size) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", CUPEL_VM_PROGRAMS, name);
    FILE *file = fopen(path, "rb");
    REQUIRE(file != NULL);
    size_t length = fread(text, 1, size - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    return length;
}

/* The lines that begin with "; > ", without that. */
static void expected_of(const char *text, struct transcript *expected) {
    char line[512];
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        if (strncmp(at, "; > ", 4) == 0 && length - 4 < sizeof line) {
            memcpy(line, at + 4, length - 4);
            line[length - 4] = '\0';
            transcript_add(expected, line);
        }
        at += length + (at[length] == '\n');
    }
}

/* Assembles, checks that the disassembler's text gives the same bytes, and returns the image. */
static unsigned char *assemble(vm_t *vm, const char *name, const char *text, size_t length, size_t *image_length) {
    struct cupel_error error = {""};
    unsigned char *image;
    unsigned char *back;
    unsigned char *again;
    size_t back_length;
    size_t again_length;
    vm_status status = vm_assemble(vm, text, length, name, &image, image_length, &error);
    end_where(vm, status == VM_ERROR_OOM);
    if (status != VM_OK) {
        REQUIRE_FAIL("%s:%u:%u: %s", name, error.line, error.column, error.text);
    }
    status = vm_disassemble(vm, image, *image_length, &back, &back_length, &error);
    REQUIRE_INT_EQ(status, VM_OK);
    status = vm_assemble(vm, (const char *)back, back_length, "another name", &again, &again_length, &error);
    if (status != VM_OK) {
        REQUIRE_FAIL("%s, disassembled:%u:%u: %s\n%s", name, error.line, error.column, error.text, (char *)back);
    }
    CHECK_UINT_EQ(again_length, *image_length);
    CHECK_MEM_EQ(again, image, again_length < *image_length ? again_length : *image_length);
    vm_bytes_free(vm, back, back_length + 1);
    vm_bytes_free(vm, again, again_length);
    return image;
}

static void run(const struct variant *variant, const char *name, const char *text, size_t length,
                struct transcript *transcript) {
    vm_t *vm = create(&variant->options);
    struct vm_limits limits = variant->limits;
    if (strncmp(text, "; fuel ", 7) == 0) {
        limits.fuel = strtoull(text + 7, NULL, 10);
    }
    limits.stack_slots = 10000;
    limits.frames = 2000;
    end_where(vm, vm_set_limits(vm, &limits) != VM_OK || !host_define(vm, transcript));
    size_t image_length;
    unsigned char *image = assemble(vm, name, text, length, &image_length);
    struct cupel_error error = {""};
    tagged_value_t result = VM_NIL;
    vm_status status = vm_load(vm, image, image_length, &result, &error);
    vm_bytes_free(vm, image, image_length);
    CHECK_STR_EQ(error.text, "");
    transcript_end(transcript, vm, status, result);
    check_heap(vm);
    vm_destroy(vm);
}

static const char *name_of_row(void) {
    const char *const *row = test_row();
    return *row;
}

TEST(vm_programs, say_what_they_promise, .tags = "slow", .no_sweep = "swept one by one elsewhere",
     CUPEL_TABLE(program_names)) {
    static char text[TEXT_MAX];
    static struct transcript expected;
    static struct transcript actual;
    size_t length = read_program(name_of_row(), text, sizeof text);
    expected.length = 0;
    expected.text[0] = '\0';
    expected_of(text, &expected);
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        actual.length = 0;
        actual.text[0] = '\0';
        run(&variants[i], name_of_row(), text, length, &actual);
        if (strcmp(actual.text, expected.text) != 0) {
            CHECK_STR_EQ(actual.text, expected.text);
            REQUIRE_FAIL("%s, %s", name_of_row(), variants[i].name);
        }
    }
}
