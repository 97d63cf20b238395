/* Goal: what a host relies on: calls from C, errors as values, fuel to the point, runs that are stopped anywhere and go
 * on to the same result, limits of stack and nesting, and errors of texts with their places. Method: small programs
 * beside what they must come to. */
#include "harness/harness.h"
#include "vm/run.h"
#include "vm/tests/host.h"
#include "vm/tests/starve.h"
#include "vm/text.h"

#include <stdlib.h>
#include <string.h>

/* Sums 1 to 20 by calls, with pairs as garbage: 20 calls, 20 jumps back and the first call are its points. */
static const char summing[] =
    "(function main (closure r0 step) (loadi r1 0) (loadi r2 1) (loadi r3 20) (loadi r4 1)"
    "(forprep r2 end) again: (move r5 r0) (move r6 r1) (move r7 r2) (call r5 2) (move r1 r5)"
    "(forloop r2 again) end: (ret r1)"
    "(function step (arguments 2) (cons r2 r0 r1) (car r0 r2) (cdr r1 r2) (add r0 r0 r1) (ret r0)))";

/* A function that the text makes. */
static tagged_value_t link_text(vm_t *vm, const char *text) {
    unsigned char *image;
    size_t length;
    struct cupel_error error = {.text = ""};
    tagged_value_t function = VM_NIL;
    vm_status status = vm_assemble(vm, text, strlen(text), "text", &image, &length, &error);
    end_where(vm, status == VM_ERROR_OOM);
    REQUIRE_STR_EQ(error.text, "");
    status = vm_link(vm, image, length, &function, &error);
    vm_bytes_free(vm, image, length);
    end_where(vm, status == VM_ERROR_OOM);
    REQUIRE_INT_EQ(status, VM_OK);
    return function;
}

static vm_t *create_limited(unsigned stress, struct vm_limits limits) {
    vm_t *vm = create(&(struct vm_options){.stress = stress});
    limits.stack_slots = limits.stack_slots == 0 ? 1000 : limits.stack_slots;
    limits.frames = limits.frames == 0 ? 100 : limits.frames;
    end_where(vm, vm_set_limits(vm, &limits) != VM_OK);
    return vm;
}

static const enum vm_evaluator evaluators[] = {VM_EVALUATOR_FASTEST, VM_EVALUATOR_SWITCH, VM_EVALUATOR_REFERENCE};

TEST(vm_run, stops_anywhere_and_goes_on, CUPEL_TABLE(evaluators)) {
    const enum vm_evaluator *evaluator = test_row();
    vm_t *vm = create_limited(VM_STRESS_FLIP, (struct vm_limits){.evaluator = *evaluator, .fuel = UINT64_MAX - 1});
    vm_handle function = hold(vm, link_text(vm, summing));
    for (uint64_t fuel = 0; fuel < 60; fuel++) {
        tagged_value_t result = VM_NIL;
        uint64_t stops = 0;
        vm_refuel(vm, fuel);
        vm_status status = vm_call(vm, vm_held(vm, function), NULL, 0, &result);
        for (; status == VM_INTERRUPTED; stops++) {
            CHECK_UINT_EQ(vm_fuel(vm), 0);
            vm_refuel(vm, fuel);
            status = vm_resume(vm, &result);
        }
        end_where(vm, status == VM_ERROR_OOM);
        REQUIRE_INT_EQ(status, VM_OK);
        CHECK_INT_EQ(vm_integer(result), 210);
        /* 20 calls and 19 jumps back; the point at which a run stopped is not counted again. */
        CHECK_UINT_EQ(stops, 39 / (fuel + 1));
    }
    vm_destroy(vm);
}

TEST(vm_run, stops_when_asked_to, CUPEL_TABLE(evaluators)) {
    const enum vm_evaluator *evaluator = test_row();
    vm_t *vm = create_limited(0, (struct vm_limits){.evaluator = *evaluator});
    tagged_value_t function = link_text(vm, summing);
    tagged_value_t result = VM_NIL;
    vm_interrupt(vm);
    CHECK_INT_EQ(vm_call(vm, function, NULL, 0, &result), VM_INTERRUPTED);
    CHECK_INT_EQ(vm_resume(vm, &result), VM_OK);
    CHECK_INT_EQ(vm_integer(result), 210);
    CHECK_UINT_EQ(vm_fuel(vm), UINT64_MAX);
    vm_status status = vm_resume(vm, &result);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_ERROR);
    vm_destroy(vm);
}

TEST(vm_run, forgets_an_interrupted_call_at_the_next) {
    vm_t *vm = create_limited(0, (struct vm_limits){.fuel = 3});
    vm_handle function = hold(vm, link_text(vm, summing));
    tagged_value_t result = VM_NIL;
    CHECK_INT_EQ(vm_call(vm, vm_held(vm, function), NULL, 0, &result), VM_INTERRUPTED);
    vm_refuel(vm, UINT64_MAX);
    CHECK_INT_EQ(vm_call(vm, vm_held(vm, function), NULL, 0, &result), VM_OK);
    CHECK_INT_EQ(vm_integer(result), 210);
    vm_status status = vm_resume(vm, &result);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_ERROR);
    vm_destroy(vm);
}

TEST(vm_run, passes_arguments_and_results) {
    vm_t *vm = create_limited(0, (struct vm_limits){0});
    tagged_value_t make =
        link_text(vm, "(function main (closure r0 f) (ret r0) (function f (arguments 2) (sub r0 r0 r1) (ret r0)))");
    tagged_value_t function;
    tagged_value_t result;
    vm_status status = vm_call(vm, make, NULL, 0, &function);
    end_where(vm, status == VM_ERROR_OOM);
    REQUIRE_INT_EQ(status, VM_OK);
    const tagged_value_t arguments[] = {vm_mk_integer(50), vm_mk_integer(8)};
    REQUIRE_INT_EQ(vm_call(vm, function, arguments, 2, &result), VM_OK);
    CHECK_INT_EQ(vm_integer(result), 42);
    CHECK(vm_is_same(vm_error(vm), VM_NIL));
    char text[200];
    status = vm_call(vm, function, arguments, 1, &result);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_ERROR);
    (void)vm_error_text(vm, text, sizeof text);
    CHECK_STR_EQ(text, "arguments: 1 arguments where 2 are wanted");
    CHECK_UINT_EQ(vm_error_text(vm, text, 5), strlen("arguments: 1 arguments where 2 are wanted") + 1);
    CHECK_STR_EQ(text, "argu");
    vm_error_clear(vm);
    CHECK(vm_is_same(vm_error(vm), VM_NIL));
    vm_destroy(vm);
}

/* How deep frames may go with a limit: a function that calls itself so many times, one frame each, and main. */
TEST(vm_run, nests_as_many_frames_as_it_may) {
    static const char text[] =
        "(function main (closure r0 f) (defg r0 f) (closure r0 go) (ret r0)"
        "(function go (arguments 1) (getg r1 f) (move r2 r0) (call r1 1) (ret r1))"
        "(function f (arguments 1) (eqi r0 0 false more) (ret r0) more: (getg r1 f) (addi r2 r0 -1)"
        "(call r1 1) (ret r1)))";
    vm_t *vm = create_limited(0, (struct vm_limits){.frames = 50});
    tagged_value_t go;
    tagged_value_t result;
    tagged_value_t main = link_text(vm, text);
    REQUIRE_INT_EQ(vm_call(vm, main, NULL, 0, &go), VM_OK);
    /* One frame stands for the call from C, one for go. */
    const struct {
        int64_t depth;
        vm_status status;
    } cases[] = {{46, VM_OK}, {47, VM_OK}, {48, VM_ERROR}};
    for (size_t i = 0; i < 3; i++) {
        tagged_value_t depth = vm_mk_integer(cases[i].depth);
        vm_status status = vm_call(vm, go, &depth, 1, &result);
        end_where(vm, status == VM_ERROR_OOM);
        CHECK_INT_EQ(status, cases[i].status);
    }
    vm_destroy(vm);
}

TEST(vm_run, nests_calls_from_c_a_thousand_deep, .tags = "slow") {
    static struct transcript transcript;
    vm_t *vm = create_limited(0, (struct vm_limits){.frames = 10000, .stack_slots = 20000, .nesting = 1001});
    end_where(vm, !host_define(vm, &transcript));
    tagged_value_t result;
    tagged_value_t go;
    tagged_value_t main = link_text(
        vm, "(function main (closure r0 down) (defg r0 down) (ret r0) (function down (arguments 1)"
            "(eqi r0 0 false more) (ret r0) more: (getg r1 nest) (getg r2 down) (move r3 r0) (call r1 2) (ret r1)))");
    vm_status status = vm_call(vm, main, NULL, 0, &go);
    REQUIRE_INT_EQ(status, VM_OK);
    const struct {
        int64_t depth;
        vm_status status;
    } cases[] = {{1000, VM_OK}, {1001, VM_ERROR}};
    for (size_t i = 0; i < 2; i++) {
        tagged_value_t depth = vm_mk_integer(cases[i].depth);
        status = vm_call(vm, go, &depth, 1, &result);
        end_where(vm, status == VM_ERROR_OOM);
        CHECK_INT_EQ(status, cases[i].status);
    }
    vm_destroy(vm);
}

TEST(vm_run, refuses_what_is_no_image) {
    vm_t *vm = create_limited(0, (struct vm_limits){0});
    struct cupel_error error = {.text = ""};
    CHECK_INT_EQ(vm_load(vm, "no image", 8, NULL, &error), VM_ERROR_IMAGE);
    CHECK_STR_CONTAINS(error.text, "this is no image");
    vm_destroy(vm);
}

/* What is wrong in a text, and where. */
static const struct wrong {
    const char *text;
    unsigned line, column;
    const char *why;
} wrongs[] = {
    {"", 1, 1, "there is no (function"},
    {"; nothing\n", 2, 1, "there is no (function"},
    {"(function", 1, 1, "this is never ended"},
    {"(function a\n  (ret r0)", 1, 1, "this is never ended"},
    {")", 1, 1, "this ends nothing"},
    {"(function a ]", 1, 13, "this ends nothing"},
    {"(function a (retp nil))\n (function b)", 2, 2, "only one function"},
    {"(fun a)", 1, 1, "(function NAME ...) is wanted"},
    {"(function a\n  (bet r0))", 2, 4, "there is no instruction 'bet'"},
    {"(function a\n  (halt))", 2, 4, "there is no instruction 'halt'"},
    {"(function a (ret 0))", 1, 18, "a register, r0 to r249, is wanted"},
    {"(function a (ret r250))", 1, 18, "a register"},
    {"(function a (ret r01))", 1, 18, "a register"},
    {"(function a (ret))", 1, 13, "ret wants more operands"},
    {"(function a (ret r0 r1))", 1, 21, "ret wants no more operands"},
    {"(function a (loadi r0 40000))", 1, 23, "an integer from -32768 to 32767"},
    {"(function a (loadi r0 4x))", 1, 23, "this is no number"},
    {"(function a (loadi r0 2305843009213693952))", 1, 23, "more than 61 bits"},
    {"(function a (addi r0 r0 128))", 1, 25, "an integer from -128 to 127"},
    {"(function a (loadp r0 none))", 1, 23, "nil, false, true or undefined"},
    {"(function a (jmp there))", 1, 18, "there is no label 'there'"},
    {"(function a (function b there: (retp nil)) (jmp there))", 1, 49, "there is no label 'there'"},
    {"(function a there: (retp nil) (function b (jmp there)))", 1, 48, "there is no label 'there'"},
    {"(function a here: (jmp here) here:)", 1, 30, "the label 'here' is there already"},
    {"(function a word)", 1, 13, "a label, 'name:', or an instruction"},
    {"(function a \"x\" 5)", 1, 13, "an instruction, (name operands), or a label"},
    {"(function a (closure r0 b) (ret r0))", 1, 25, "no function is nested here with the name 'b'"},
    {"(function a (closure r0 #0) (ret r0))", 1, 25, "no function is nested here"},
    {"(function a (loadk r0 name))", 1, 23, "a constant is wanted"},
    {"(function a (loadk r0 '(1)))", 1, 23, "only a name can be quoted"},
    {"(function a (loadk r0 \"ab))", 1, 23, "a string without an end"},
    {"(function a (loadk r0 \"a\\q\"))", 1, 25, "no escape"},
    {"(function a (loadk r0 \"\\xff\"))", 1, 23, "not UTF-8"},
    {"(function a (arguments))", 1, 13, "one number is wanted"},
    {"(function a (registers 251))", 1, 24, "an integer from 0 to 250"},
    {"(function a (handler b c d))", 1, 13, "(handler START END TARGET REGISTER)"},
    {"(function a (line 1) (retp nil) (line))", 1, 33, "(line) must come before"},
    {"(function a (function))", 1, 13, "a function without a name"},
    {"(function a\n\n  (ret r0))", 3, 0, "register 0 is read, but may not have been written"},
    {"(function a (arguments 1) (retp nil))", 1, 0, "the first function has a parent, arguments or captures"},
};

TEST(vm_text, says_what_is_wrong_and_where, CUPEL_TABLE(wrongs)) {
    const struct wrong *wrong = test_row();
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    unsigned char *image = NULL;
    size_t length = 0;
    struct cupel_error error = {.text = ""};
    vm_status status = vm_assemble(vm, wrong->text, strlen(wrong->text), "text", &image, &length, &error);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_ERROR_IMAGE);
    CHECK_STR_CONTAINS(error.text, wrong->why);
    CHECK_UINT_EQ(error.line, wrong->line);
    CHECK_UINT_EQ(error.column, wrong->column);
    vm_destroy(vm);
}
