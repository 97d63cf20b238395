/* Goal: cupel vm does what it says with good files and tells what is wrong with others, and with which status it ends.
 * Method: run it through the shell on files made here. */
#include "harness/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define VM "'" CUPEL_TEST_BINARY_DIR "/bin/cupel-vm' "

/* How a command ended. */
struct tool_run {
    int status;
    char output[4096], errors[4096];
};

static void read_text(const char *name, char *text, size_t size) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", test_directory(), name);
    FILE *file = fopen(path, "re");
    REQUIRE(file != NULL);
    text[fread(text, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}

/* Makes a file in the test's directory. */
static void tool_write(const char *name, const char *text) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", test_directory(), name);
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL);
    REQUIRE(fputs(text, file) >= 0);
    REQUIRE_INT_EQ(fclose(file), 0);
}

/* Runs a command of the shell in the test's directory. The result is good until the next call. */
__attribute__((format(printf, 1, 2))) static const struct tool_run *tool(const char *format, ...) {
    static struct tool_run run;
    char command[4096], line[6144];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    (void)snprintf(line, sizeof line, "cd '%s' && { %s\n} >output 2>errors </dev/null", test_directory(), command);
    FILE *stream = popen(line, "re");
    REQUIRE(stream != NULL);
    int status = pclose(stream);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    read_text("output", run.output, sizeof run.output);
    read_text("errors", run.errors, sizeof run.errors);
    return &run;
}

static const char hello[] = "(function main\n"
                            "  (getg r0 print) (loadk r1 [a]) (loadk r2 \"it's\")\n"
                            "  (call r0 2)\n"
                            "  (ret r0) (constant a 1.5))\n";

TEST(vm_tool, runs_texts_and_images, .tags = "slow") {
    tool_write("hello.vma", hello);
    const struct tool_run *run = tool(VM "run hello.vma");
    CHECK_INT_EQ(run->status, 2); /* the constant comes too late */
    CHECK_STR_CONTAINS(run->errors,
                       "hello.vma:2:30: no constant has this name; a quote before it makes it a symbol: a\n");
    CHECK_INT_EQ(tool("sed -i 's/(constant a 1.5)//; s/\\[a]/[1.5]/' hello.vma")->status, 0);
    run = tool(VM "run hello.vma");
    CHECK_STR_EQ(run->errors, "");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(run->output, "[1.5] it's\n");
    CHECK_INT_EQ(tool(VM "asm hello.vma -o hello.vmb")->status, 0);
    CHECK_STR_EQ(tool(VM "run --stress --evaluator=slow --memory=1000000 hello.vmb")->output, "[1.5] it's\n");
}

static const char small[] = "(function main (loadi r0 1)\n  (ret r0))\n";

TEST(vm_tool, disassembles_what_it_assembled, .tags = "slow") {
    tool_write("small.vma", small);
    CHECK_INT_EQ(tool(VM "asm small.vma -o one.vmb && " VM "verify one.vmb")->status, 0);
    const struct tool_run *run = tool(VM "dis one.vmb");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(run->output, "(function main (file \"small.vma\") (registers 1)\n  (line 1)\n  (loadi r0 1)\n"
                              "  (line 2)\n  (ret r0)\n)\n");
    run = tool(VM "dis --output=two.vma one.vmb && " VM "asm --output=two.vmb two.vma && cmp one.vmb two.vmb");
    CHECK_INT_EQ(run->status, 0);
}

TEST(vm_tool, points_at_the_word_that_is_wrong, .tags = "slow") {
    tool_write("bad.vma", "(function main\n\t(loadi r0 x1)\n  (ret r0))\n");
    const struct tool_run *run = tool(VM "asm bad.vma");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_EQ(run->errors, "cupel vm: bad.vma:2:12: a whole number from -32768 to 32767 must stand here: x1\n"
                              "\t(loadi r0 x1)\n\t          ^\n");
    CHECK_INT_EQ(tool(VM "run bad.vma")->status, 2);
    CHECK_INT_EQ(tool("test -e bad.vmb")->status, 1);
}

TEST(vm_tool, tells_how_a_run_failed, .tags = "slow") {
    tool_write("trap.vma", "(function main\n  (loadi r0 1)\n  (car r0 r0)\n  (ret r0))\n");
    const struct tool_run *run = tool(VM "run trap.vma");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->errors, "car: not a pair but integer\n  at main (trap.vma:3)");
    tool_write("loop.vma", "(function main again: (jmp again))\n");
    run = tool(VM "run --fuel=10 loop.vma");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->errors, "loop.vma: the fuel is used up");
    tool_write("grow.vma", "(function main (loadi r0 0) again: (cons r0 r0 r0) (jmp again))\n");
    run = tool(VM "run --memory=100000 grow.vma");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->errors, "memory");
}

static const struct mistake {
    const char *words;
    int status;
    const char *errors;
} mistakes[] = {
    {"", 2, "a verb is needed"},
    {"walk x", 2, "a verb is needed"},
    {"asm", 2, "asm wants one file"},
    {"dis a b", 2, "dis wants one file"},
    {"asm --fool a", 2, "--fool"},
    {"asm none.vma", 2, "none.vma: No such file or directory"},
    {"dis .", 2, ".: it cannot be read"},
    {"dis hello.vma", 2, "hello.vma: byte 0: this is no image"},
    {"verify hello.vma", 2, "hello.vma: byte 0: this is no image"},
    {"run damaged.vmb", 2, "damaged.vmb: byte"},
    {"asm small.vma -o /proc/none/x", 6, "/proc/none"},
};

TEST(vm_tool, refuses_what_it_cannot_do, .tags = "slow", TABLE(mistakes)) {
    const struct mistake *row = test_row();
    tool_write("hello.vma", hello);
    tool_write("small.vma", small);
    tool_write("damaged.vmb", "\x7fVMB\x01");
    const struct tool_run *run = tool(VM "%s", row->words);
    CHECK_INT_EQ(run->status, row->status);
    CHECK_STR_CONTAINS(run->errors, row->errors);
}
