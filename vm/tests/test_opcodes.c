/* Goal: the manual and the dictionary tell the instructions that there are, and the table is sound in itself. Method:
 * both files are held against what is made of the table now. */
#include "harness/harness.h"
#include "vm/src/manual.h"
#include "vm/src/opcodes.h"
#include "vm/tests/build.h"

#include <stdio.h>

static char text[65536];

static void read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    REQUIRE(file != NULL);
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[length] = '\0';
}

TEST(vm_opcodes, are_all_in_the_manual_page, BUILDS) {
    struct vm__buffer made = {.allocator = build_allocator()};
    vm__manual_page(&made);
    vm__buffer_add(&made, "", 1);
    STARVED(made.is_starved);
    read_text(CUPEL_VM_ROOT "/vm/doc/cupel-vm-text.5");
    char *begin = strstr(text, ".\\\" From here on made by");
    char *end = strstr(text, ".\\\" Up to here.");
    REQUIRE(begin != NULL && end != NULL);
    *end = '\0';
    CHECK_STR_EQ(strchr(begin, '\n') + 1, (const char *)made.data);
}

TEST(vm_opcodes, are_all_in_the_dictionary, BUILDS) {
    struct vm__buffer made = {.allocator = build_allocator()};
    vm__manual_dictionary(&made);
    vm__buffer_add(&made, "", 1);
    STARVED(made.is_starved);
    read_text(CUPEL_VM_ROOT "/fuzz/dictionaries/vm_text.dict");
    CHECK_STR_EQ(text, (const char *)made.data);
}

TEST(vm_opcodes, have_operands_in_their_places) {
    for (unsigned op = 1; op < VM__OP_COUNT; op++) {
        const struct vm__opcode_info *info = &vm__opcodes[op];
        CHECK(info->name != NULL && info->sentence[0] != '\0');
        bool is_over = false;
        for (unsigned i = 0; i < 3; i++) {
            CHECK(!is_over || info->operands[i] == VM__EMPTY);
            is_over = is_over || info->operands[i] >= VM__INTEGER16 || info->operands[i] == VM__EMPTY;
        }
        CHECK(info->operands[0] < VM__INTEGER16 || info->operands[0] == VM__JUMP24);
        /* A condition's flag is where the evaluators look for it. */
        if ((info->traits & VM__PAIR) != 0) {
            CHECK_INT_EQ(info->operands[op == VM__OP_TEST ? 1 : 2], VM__FLAG);
        }
    }
    CHECK(vm__opcodes[VM__OP_COUNT].name == NULL);
}
