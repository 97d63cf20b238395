/* Goal: each mistake in a text is told by its word, and nothing is left behind. Method: one row a mistake, with the
 * line and the column of the word; texts that are too large for a limit, and one that is just not; the excerpt of long
 * lines.
 */
#include "vm/tests/text.h"

static const struct mistake {
    const char *text, *why;
    unsigned line, column;
} mistakes[] = {
    {"", "(function NAME ...) must stand here", 1, 1},
    {" ; no more\n", "(function NAME ...) must stand here", 2, 1},
    {"loop", "(function NAME ...) must stand here: loop", 1, 1},
    {"()", "(function NAME ...) must stand here", 1, 1},
    {"(functio f)", "(function NAME ...) must stand here", 1, 2},
    {"(function)", "the function's name, or nil, must stand here", 1, 2},
    {"(function 7)", "the function's name, or nil, must stand here: 7", 1, 11},
    {"(function f)", "this function has no instructions", 1, 2},
    {"(function f (retp nil)) x", "only one function stands outside", 1, 25},
    {"(function f (retp nil)) )", "nothing is open", 1, 25},
    {"(function f (retp nil) . x)", "this is more than belongs here: x", 1, 26},
    {"(function f 7)", "a label or an instruction in parentheses must stand here: 7", 1, 13},
    {"(function f (7))", "a label or an instruction in parentheses must stand here: 7", 1, 14},
    {"(function f ())", "a label or an instruction in parentheses must stand here", 1, 13},
    {"(function f loop (jmp loop))", "neither an instruction in parentheses nor a label", 1, 13},
    {"(function f : (retp nil))", "neither an instruction", 1, 13},
    {"(function f a: a: (jmp a))", "for the second time: a:", 1, 16},
    {"(function f\n (walk r0))", "there is no such instruction: walk", 2, 3},
    {"(function f (walk", "this does not end", 1, 13},
    {"(function f (halt))", "no program may have this instruction", 1, 14},
    /* Operands. */
    {"(function f (ret))", "an operand is missing: ret", 1, 14},
    {"(function f (ret . r0))", "an operand is missing: r0", 1, 20},
    {"(function f (ret r0 r1))", "more than belongs here: r1", 1, 21},
    {"(function f (ret 0))", "a register must stand here: 0", 1, 18},
    {"(function f (ret r250))", "registers are r0 to r249: r250", 1, 18},
    {"(function f (ret r99999999999))", "registers are r0 to r249", 1, 18},
    {"(function f (ret r01))", "no register has this name: r01", 1, 18},
    {"(function f (ret r0x))", "no register has this name: r0x", 1, 18},
    {"(function f (ret x))", "no register has this name: x", 1, 18},
    {"(function f (ret r0))", "register 0 is read, but may not have been written", 1, 14},
    {"(function f (loadi r0 32768))", "from -32768 to 32767", 1, 23},
    {"(function f (loadi r0 -32769))", "from -32768 to 32767", 1, 23},
    {"(function f (loadi r0 1.5))", "a whole number from", 1, 23},
    {"(function f (addi r0 r0 128))", "from -128 to 127", 1, 25},
    {"(function f (getii r0 r0 256))", "from 0 to 255", 1, 26},
    {"(function f (call r0 250))", "from 0 to 249", 1, 22},
    {"(function f (loadp r0 x))", "nil, false, true or undefined must stand here: x", 1, 23},
    {"(function f (eq r0 r0 nil a))", "true or false must stand here: nil", 1, 23},
    {"(function f (check r0 thing))", "there is no such type: thing", 1, 23},
    {"(function f (getup r0 256))", "from 0 to 255", 1, 23},
    {"(function f (getup r0 x))", "no capture has this name: x", 1, 23},
    {"(function f (getg r0 7))", "the name of a global must stand here: 7", 1, 22},
    {"(function f (jmp 7))", "a label must stand here: 7", 1, 18},
    {"(function f (jmp away))", "this function has no such label: away", 1, 18},
    {"(function f (eq r0 r0 true))", "an operand is missing: true", 1, 23},
    {"(function f (eq r0 r0 true 7))", "a label must stand here: 7", 1, 28},
    {"(function f (closure r0 g))", "no function with this name is nested", 1, 25},
    {"(function f (closure r0 0))", "not so many functions", 1, 25},
    {"(function f (closure r0 -1))", "from 0 to 65535", 1, 25},
    {"(function f (closure r0 g) (function g (retp nil)) (function g (retp nil)) (ret r0))", "more than one function",
     1, 25},
    {"(function f (retp nil) (function g (retp nil)))", "nothing makes a closure of this function", 1, 25},
    {"(function f (retp nil) (retp nil))", "control never comes here", 1, 25},
    {"(function f (loadi r0 1))", "control can fall off the end", 1, 14},
    /* Constants. */
    {"(function f (loadk r0 (a b)))", "a list is no constant", 1, 23},
    {"(function f (loadk r0 ''a))", "a list is no constant", 1, 24},
    {"(function f (loadk r0 (quote)))", "a list is no constant", 1, 23},
    {"(function f (loadk r0 (quote a b)))", "more than belongs here: b", 1, 32},
    {"(function f (loadk r0 [1\n (a)]))", "a list is no constant", 2, 2},
    {"(function f (loadk r0 true))", "this is no constant", 1, 23},
    {"(function f (loadk r0 [[1] nil]))", "this is no constant", 1, 28},
    {"(function f (loadk r0 a))", "no constant has this name; a quote", 1, 23},
    {"(function f (loadk r0 1152921504606846976))", "at most 61 bits", 1, 23},
    {"(function f (constant 7 7))", "a name and a constant must stand here: 7", 1, 23},
    {"(function f (constant a))", "a name and a constant must stand here: a", 1, 23},
    {"(function f (constant a 1) (constant a 2))", "another constant has this name: a", 1, 38},
    /* Clauses. */
    {"(function f (arguments))", "a number is missing: arguments", 1, 14},
    {"(function f (arguments 251))", "from 0 to 250", 1, 24},
    {"(function f (arguments 1) (retp nil))", "arguments or captures", 1, 28},
    {"(function f (rest) (rest))", "for the second time: rest", 1, 21},
    {"(function f (rest 1))", "more than belongs here: 1", 1, 19},
    {"(function f (registers 1) (registers 1))", "for the second time", 1, 28},
    {"(function f (registers 1) (loadi r1 0) (retp nil))", "there is no register 1", 1, 28},
    {"(function f (names r1))", "a name that is no register's number must stand here: r1", 1, 20},
    {"(function f (names 1))", "a name that is no register's number", 1, 20},
    {"(function f (names a a))", "another register has this name: a", 1, 22},
    {"(function f (captures r0))", "nothing encloses the first function", 1, 14},
    {"(function f (function g (captures 256)))", "from 0 to 255", 1, 35},
    {"(function f (function g (captures (x))))", "a register must stand here", 1, 35},
    {"(function f (function g (captures) (captures)))", "for the second time", 1, 37},
    {"(function f (handler a b c))", "three labels and a register", 1, 26},
    {"(function f (handler a b 1 r0))", "three labels and a register must stand here: 1", 1, 26},
    {"(function f (handler a b c d))", "no register has this name: d", 1, 28},
    {"(function f a: (retp nil) (handler a b a r0))", "no such label: b", 1, 38},
    {"(function f a: (retp nil) b: (handler b a a r0))", "is not of whole instructions", 1, 17},
    {"(function f (line -1))", "from 0 to 2147483647", 1, 19},
    {"(function f (retp nil) (file))", "must stand before instructions", 1, 25},
    {"(function f (file 7))", "the file's name must stand here: 7", 1, 19},
    {"(function f (file) (file))", "for the second time", 1, 21},
};

TEST(asm_errors, are_told_by_their_word, BUILDS, TABLE(mistakes)) {
    const struct mistake *row = test_row();
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP | VM_STRESS_PROTECT});
    struct vm__buffer image;
    struct cupel_error error;
    vm_status status = text_assemble(vm, row->text, strlen(row->text), "x.vma", &image, &error);
    CHECK_INT_EQ(status, VM_ERROR_IMAGE);
    CHECK_STR_CONTAINS(error.text, row->why);
    CHECK_UINT_EQ(error.line, row->line);
    CHECK_UINT_EQ(error.column, row->column);
    struct vm_statistics statistics;
    vm_statistics(vm, &statistics);
    CHECK_UINT_EQ(statistics.handles, 0);
    vm_destroy(vm);
}

/* A text with two parts so often. */
static const struct limit {
    const char *before, *part, *middle, *close, *end;
    size_t count; /* so many are allowed */
    const char *why;
} limits[] = {
    {"(function f", "(loadi r0 0)", "(retp nil))", "", "", (1 << 20) - 1, "at most 1048576 words"},
    {"", "(function f (closure r0 f) (ret r0) ", "(function f (retp nil))", ")", "", 63, "nested too deep"},
    {"(function f (loadk r0 ", "[", "", "]", ") (retp nil))", 65, "arrays are nested too deep"},
    {"(function f (loadk r0 [", "0 ", "]) (retp nil))", "", "", 65536, "at most 65536 elements"},
    {"(function f (loadi r0 0) (closure r0 g) (ret r0) (function g (captures", " r0", ") (retp nil)))", "", "", 256,
     "at most 256 captures"},
    {"(function f (loadi r0 1) (loadi r1 1) (loadi r2 1) a: ", "(neg r3 r0)", "(forloop r0 a) (retp nil))", "", "",
     32767, "this label is too far away: a"},
    {"(function f (retp nil) (names", " |x|", "))", "", "", 1, "another register has this name"},
};

static void repeat(struct vm__buffer *text, const char *part, size_t count) {
    for (size_t i = 0; i < count; i++) {
        vm__buffer_add(text, part, strlen(part));
    }
}

TEST(asm_errors, limits_hold, BUILDS, TABLE(limits), .tags = "slow", .no_sweep = "large texts, the same ways") {
    const struct limit *row = test_row();
    for (size_t more = 0; more < 2; more++) {
        vm_t *vm = create(NULL);
        struct cupel_error error;
        struct vm__buffer image, text = {.allocator = build_allocator()};
        repeat(&text, row->before, 1);
        repeat(&text, row->part, row->count + more);
        repeat(&text, row->middle, 1);
        repeat(&text, row->close, row->count + more);
        repeat(&text, row->end, 1);
        vm_status status = text_assemble(vm, (const char *)text.data, text.length, NULL, &image, &error);
        CHECK_INT_EQ(status, more == 0 ? VM_OK : VM_ERROR_IMAGE);
        CHECK_STR_CONTAINS(error.text, more == 0 ? "" : row->why);
        vm_destroy(vm);
    }
}

TEST(asm_errors, excerpts_are_cut_around_the_place) {
    static const char text[] = "first\n\t\xc3\xa9x y\n"
                               "0123456789012345678901234567890123456789012345678901234567890123456789"
                               "HERE567890123456789012345678901234567890123456789012345678901234567890";
    char excerpt[256];
    vm_excerpt(text, sizeof text - 1, &(struct cupel_error){.line = 2, .column = 4}, excerpt, sizeof excerpt);
    CHECK_STR_EQ(excerpt, "\t\xc3\xa9x y\n\t  ^\n");
    vm_excerpt(text, sizeof text - 1, &(struct cupel_error){.line = 3, .column = 71}, excerpt, sizeof excerpt);
    CHECK_STR_EQ(excerpt, "012345678901234567890123456789012345678901234567890123456789"
                          "HERE567890123456789012345678901234567890\n"
                          "                                                            ^\n");
    vm_excerpt(text, sizeof text - 1, &(struct cupel_error){.line = 0}, excerpt, sizeof excerpt);
    CHECK_STR_EQ(excerpt, "");
    vm_excerpt(text, 5, &(struct cupel_error){.line = 1, .column = 6}, excerpt, sizeof excerpt);
    CHECK_STR_EQ(excerpt, "first\n     ^\n");
    vm_excerpt(text, sizeof text - 1, &(struct cupel_error){.line = 2, .column = 4}, excerpt, 5);
    CHECK_STR_EQ(excerpt, "\t\xc3\xa9x");
}
