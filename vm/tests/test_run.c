/* Goal: what a host relies on: calls from C, errors as values, fuel to the point, runs that are stopped anywhere and go
 * on to the same result, limits of stack and nesting. Method: small programs
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

/* The status of a call; the test ends here where it is want of memory. */
static vm_status after(vm_t *vm, vm_status status) {
    end_where(vm, status == VM_ERROR_OOM);
    return status;
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
        for (; after(vm, status) == VM_INTERRUPTED; stops++) {
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
    CHECK_INT_EQ(after(vm, vm_call(vm, function, NULL, 0, &result)), VM_INTERRUPTED);
    CHECK_INT_EQ(after(vm, vm_resume(vm, &result)), VM_OK);
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
    CHECK_INT_EQ(after(vm, vm_call(vm, vm_held(vm, function), NULL, 0, &result)), VM_INTERRUPTED);
    vm_refuel(vm, UINT64_MAX);
    CHECK_INT_EQ(after(vm, vm_call(vm, vm_held(vm, function), NULL, 0, &result)), VM_OK);
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
    REQUIRE_INT_EQ(after(vm, vm_call(vm, function, arguments, 2, &result)), VM_OK);
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
    REQUIRE_INT_EQ(after(vm, vm_call(vm, main, NULL, 0, &go)), VM_OK);
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
    vm_status status = after(vm, vm_call(vm, main, NULL, 0, &go));
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
    CHECK_INT_EQ(after(vm, vm_load(vm, "no image", 8, NULL, &error)), VM_ERROR_IMAGE);
    CHECK_STR_CONTAINS(error.text, "this is no image");
    vm_destroy(vm);
}
