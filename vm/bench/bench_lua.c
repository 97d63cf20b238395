/* The VM against Lua 5.4 on the same small programs, in one process and in turn. Lua is the distribution's library,
 * whose few functions are looked up by name, so that nothing of it is needed to build this. Both do the same steps: the
 * loops are counted loops, fib finds itself through a global, arrays grow by one. */
#include "alloc/bench/measure.h" /* lint: allow doorway: benchmarks of all rooms share one way of timing */
#include "alloc/libc.h"
#include "vm/run.h"
#include "vm/text.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5, LUA_OK = 0 };

struct program {
    const char *name;
    const char *lua; /* defines `run` */
    const char *vma; /* a function that returns what `run` calls */
};

static const struct program programs[] = {
    {"fib(32)",
     "function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end function run() return fib(32) end",
     "(function main (closure r0 fib) (defg r0 fib) (closure r0 run) (ret r0)"
     "(function fib (arguments 1) (lti r0 2 false more) (ret r0) more:"
     "(getg r1 fib) (addi r2 r0 -1) (call r1 1) (getg r2 fib) (addi r3 r0 -2) (call r2 1) (add r0 r1 r2) (ret r0))"
     "(function run (getg r0 fib) (loadi r1 32) (call r0 1) (ret r0)))"},
    {"integer loop of 2e7", "function run() local s = 0 for i = 1, 20000000 do s = s + i % 7 end return s end",
     "(function main (closure r0 run) (ret r0) (function run"
     "(loadi r0 0) (loadi r1 1) (loadk r2 20000000) (loadi r3 1) (loadi r4 7) (forprep r1 end)"
     "again: (mod r5 r1 r4) (add r0 r0 r5) (forloop r1 again) end: (ret r0)))"},
    {"sieve of 1e6",
     "function run() local n = 1000000 local sieve = {}"
     " for i = 1, n do sieve[i] = true end local count = 0"
     " for i = 2, n do if sieve[i] then count = count + 1"
     " for j = i + i, n, i do sieve[j] = false end end end return count end",
     "(function main (closure r0 run) (ret r0) (function run"
     "(loadk r1 1000000) (addi r2 r1 1) (loadi r3 0) (newarr r0 r3 r3) (loadp r4 true)"
     "(loadi r5 0) (move r6 r1) (loadi r7 1) (forprep r5 filled) fill: (push r0 r4) (forloop r5 fill) filled:"
     "(loadp r4 false) (loadi r5 2) (loadi r3 0) (forprep r5 end)"
     "again: (geti r8 r0 r5) (test r8 false next) (addi r3 r3 1)"
     "(add r8 r5 r5) (move r9 r1) (move r10 r5) (forprep r8 next) strike: (seti r0 r8 r4) (forloop r8 strike)"
     "next: (forloop r5 again) end: (ret r3)))"},
    {"binary trees of depth 14",
     "local function make(d) if d == 0 then return {} end return {make(d - 1), make(d - 1)} end"
     " local function count(t) if t[1] then return 1 + count(t[1]) + count(t[2]) end return 1 end"
     " function run() local n = 0 for i = 1, 20 do n = n + count(make(14)) end return n end",
     "(function main (closure r0 make) (defg r0 make) (closure r0 count) (defg r0 count) (closure r0 run) (ret r0)"
     "(function make (arguments 1) (loadp r1 nil) (eqi r0 0 false more) (cons r0 r1 r1) (ret r0)"
     " more: (getg r1 make) (addi r2 r0 -1) (call r1 1) (getg r2 make) (addi r3 r0 -1) (call r2 1) (cons r0 r1 r2) "
     "(ret r0))"
     "(function count (arguments 1) (car r2 r0) (test r2 false leaf) (getg r1 count) (call r1 1)"
     " (getg r2 count) (cdr r3 r0) (call r2 1) (add r0 r1 r2) (addi r0 r0 1) (ret r0) leaf: (loadi r0 1) (ret r0))"
     "(function run (loadi r0 0) (loadi r1 1) (loadi r2 20) (loadi r3 1) (forprep r1 end)"
     " again: (getg r4 count) (getg r5 make) (loadi r6 14) (call r5 1) (call r4 1) (add r0 r0 r4) (forloop r1 again)"
     " end: (ret r0)))"},
    {"closures called 1e7 times",
     "local function adder() local n = 0 return function(k) n = n + k return n end end"
     " function run() local f = adder() local n for i = 1, 10000000 do n = f(1) end return n end",
     "(function main (closure r0 run) (ret r0) (function run"
     "(loadi r0 0) (box r0 r0) (closure r1 add) (loadi r2 1) (loadk r3 10000000) (loadi r4 1) (forprep r2 end)"
     "again: (move r5 r1) (loadi r6 1) (call r5 1) (forloop r2 again) end: (unbox r0 r0) (ret r0)"
     "(function add (arguments 1) (captures r0) (getup r1 0) (unbox r2 r1) (add r2 r2 r0) (setbox r1 r2) (ret r2))))"},
    {"doubles, a series of 1e7",
     "function run() local s, x = 0.5, 1.5 for i = 1, 10000000 do s = s * 0.999 + x x = x * 1.0000001 end"
     " return math.floor(s) end",
     "(function main (closure r0 run) (ret r0) (function run"
     "(loadk r0 0.5) (loadk r1 1.5) (loadi r2 1) (loadk r3 10000000) (loadi r4 1) (loadk r5 0.999) (loadk r6 1.0000001)"
     "(forprep r2 end) again: (mul r0 r0 r5) (add r0 r0 r1) (mul r1 r1 r6) (forloop r2 again) end: (ret r0)))"},
};

/* What is used of Lua. */
struct lua {
    void *state;
    int (*load)(void *state, const char *text);
    int (*call)(void *state, int arguments, int results, int handler, intptr_t context, void *continuation);
    int (*get)(void *state, const char *name);
    double (*number)(void *state, int index, int *is_number);
    void (*top)(void *state, int index);
    double result;
};

/* A function found by name. (POSIX lets an object pointer be one of a function.) */
static bool find(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static bool open_lua(struct lua *lua) {
    void *library = dlopen("liblua5.4.so.0", RTLD_NOW);
    void *(*make)(void);
    void (*libraries)(void *state);
    if (library == NULL || !find(library, "luaL_newstate", &make) || !find(library, "luaL_openlibs", &libraries) ||
        !find(library, "luaL_loadstring", &lua->load) || !find(library, "lua_pcallk", &lua->call) ||
        !find(library, "lua_getglobal", &lua->get) || !find(library, "lua_tonumberx", &lua->number) ||
        !find(library, "lua_settop", &lua->top)) {
        (void)fprintf(stderr, "bench: Lua 5.4 is not here (ci/bootstrap bench)\n");
        return false;
    }
    lua->state = make();
    libraries(lua->state);
    return true;
}

static void fail(const char *what, const char *why) {
    (void)fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

static void run_lua(void *user) {
    struct lua *lua = user;
    (void)lua->get(lua->state, "run");
    if (lua->call(lua->state, 0, 1, 0, 0, NULL) != LUA_OK) {
        fail("lua", "run failed");
    }
    lua->result = lua->number(lua->state, -1, NULL);
    lua->top(lua->state, 0);
}

struct ours {
    vm_t *vm;
    vm_handle function;
    double result;
};

static void run_ours(void *user) {
    struct ours *ours = user;
    tagged_value_t result;
    if (vm_call(ours->vm, vm_held(ours->vm, ours->function), NULL, 0, &result) != VM_OK) {
        char text[400];
        (void)vm_error_text(ours->vm, text, sizeof text);
        fail("vm", text);
    }
    ours->result = vm_is_integer(result) ? (double)vm_integer(result) : (double)(int64_t)vm_double(result);
}

static void load_ours(struct ours *ours, const struct program *program) {
    unsigned char *image;
    size_t length;
    struct cupel_error error = {""};
    tagged_value_t function;
    ours->vm = vm_create(cupel_libc(), NULL);
    if (ours->vm == NULL ||
        vm_assemble(ours->vm, program->vma, strlen(program->vma), program->name, &image, &length, &error) != VM_OK ||
        vm_load(ours->vm, image, length, &function, &error) != VM_OK) {
        fail(program->name, error.text);
    }
    vm_bytes_free(ours->vm, image, length);
    ours->function = vm_hold(ours->vm, function);
}

int main(void) {
    struct lua lua;
    if (!open_lua(&lua)) {
        return 1;
    }
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct ours ours;
        load_ours(&ours, &programs[i]);
        if (lua.load(lua.state, programs[i].lua) != LUA_OK || lua.call(lua.state, 0, 0, 0, 0, NULL) != LUA_OK) {
            fail(programs[i].name, "Lua does not take its program");
        }
        struct measure_contender contenders[] = {{.run = run_ours, .user = &ours}, {.run = run_lua, .user = &lua}};
        measure(contenders, 2, ROUNDS);
        if (ours.result != lua.result) {
            fail(programs[i].name, "the two have different results");
        }
        char what[80];
        (void)snprintf(what, sizeof what, "VM, %s, against Lua 5.4", programs[i].name);
        measure_row(what, contenders[0].median_ns / 1e6, contenders[1].median_ns / 1e6, "ms", i == 3 ? "0.5" : "0.7");
        vm_destroy(ours.vm);
    }
    return 0;
}
