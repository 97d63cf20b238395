/* Goal: whatever tables say of a function, either a rule holds what they say, or the walk with all registers does it,
 * or the trace ends; and where memory lacks it ends too. Method: functions with hand-written tables in this program,
 * asked one by one; and a kernel that refuses the pages of each table. */
#include "alloc/src/cfi.h"
#include "alloc/src/trace_hash.h"
#include "alloc/src/trace_modules.h"
#include "alloc/src/trace_rules.h"
#include "alloc/tests/refusing.h"
#include "alloc/tests/unwind_odd.h"
#include "alloc/trace.h"
#include "harness/harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && defined(DLFO_STRUCT_HAS_EH_DBASE)

enum { SLOW = 10, END, UNKNOWN };
enum {
    SP = CUPEL__RULE_FROM_SP,
    FP = CUPEL__RULE_FROM_FP,
    LOADED = CUPEL__RULE_LOADED_FROM_FP,
    SAME = CUPEL__RULE_FP_SAME,
    AT_FRAME = CUPEL__RULE_FP_AT_FRAME,
    AT_FP = CUPEL__RULE_FP_AT_FP
};

/* A function and its rule: base and words of the frame, place and words of the frame pointer; or why there is none. */
static const struct {
    const char *function;
    unsigned base;
    int frame;
    unsigned fp_how;
    int fp;
} rules[] = {
    {"usual", SP, 1, SAME, 0},
    {"frame_of_odd_size", SLOW, 0, 0, 0},
    {"frame_too_far", SLOW, 0, 0, 0},
    {"frame_too_far_below", SLOW, 0, 0, 0},
    {"frame_from_fp", FP, 2, SAME, 0},
    {"frame_from_rbx", SLOW, 0, 0, 0},
    {"frame_loaded", LOADED, -1, SAME, 0},
    {"frame_not_loaded", SLOW, 0, 0, 0},
    {"frame_from_expression", SLOW, 0, 0, 0},
    {"frame_from_nonsense", SLOW, 0, 0, 0},
    {"fp_lost", SP, 1, SAME, 0},
    {"fp_at_frame", SP, 1, AT_FRAME, -2},
    {"fp_too_far", SLOW, 0, 0, 0},
    {"fp_at_fp", SP, 1, AT_FP, 1},
    {"fp_at_odd_place", SLOW, 0, 0, 0},
    {"fp_cut_short", SLOW, 0, 0, 0},
    {"fp_with_more", SLOW, 0, 0, 0},
    {"fp_from_sp", SLOW, 0, 0, 0},
    {"fp_is_value", SLOW, 0, 0, 0},
    {"ip_lost", END, 0, 0, 0},
    {"ip_in_register", SLOW, 0, 0, 0},
    {"ip_elsewhere", SLOW, 0, 0, 0},
    {"sp_is_value", SLOW, 0, 0, 0},
    {"signal", SLOW, 0, 0, 0},
    {"without_tables", UNKNOWN, 0, 0, 0},
};

/* The module with that code is loaded with the first; valgrind reads tables of modules, and gives up on these. */
#define LOADS .tags = "slow crash", .no_sweep = "the loader gives up where it is refused memory"

static struct cupel__trace_store store;

/* Rules of this test's own store mean nothing to others. */
static void forget(void) {
    cupel_trace_modules_changed();
    cupel__trace_store_deinit(&store);
    memset(&store, 0, sizeof store);
}

TEST(unwind_odd, rules_hold_what_tables_say, CUPEL_TABLE(rules), .teardown = forget, LOADS) {
    size_t row = test_row_index();
    struct cupel__rule rule = cupel__rules_learn(&store, (uintptr_t)unwind_odd(rules[row].function) + 1, true);
    CHECK_UINT_NE(rule.index, 0);
    if (rules[row].base >= SLOW) {
        CHECK_UINT_EQ(CUPEL__RULE_BASE(rule), CUPEL__RULE_ODD);
        unsigned kind = CUPEL__RULE_ODD_KIND(rule);
        CHECK_UINT_EQ(kind == CUPEL__RULE_SLOW ? SLOW : kind == CUPEL__RULE_END ? END : UNKNOWN, rules[row].base);
    } else {
        CHECK_UINT_EQ(CUPEL__RULE_BASE(rule), rules[row].base);
        CHECK_INT_EQ(rule.frame, rules[row].frame);
        CHECK_UINT_EQ(CUPEL__RULE_FP(rule), rules[row].fp_how);
        CHECK_INT_EQ(rule.fp, rules[row].fp);
    }
    /* The second time it is there already. */
    size_t count = cupel__rules_count();
    CHECK_UINT_EQ(cupel__rules_learn(&store, (uintptr_t)unwind_odd(rules[row].function) + 1, true).index, rule.index);
    CHECK_UINT_EQ(cupel__rules_count(), count);
}

TEST(unwind_odd, no_rule_is_of_no_code, .teardown = forget) {
    CHECK_UINT_EQ(cupel__rules_learn(&store, 0, true).index, 0);
    CHECK_UINT_EQ(cupel__rules_learn(&store, UINTPTR_MAX, true).index, 0);
    CHECK_UINT_EQ(cupel__rules_learn(&store, 4097, false).index, 0);
    CHECK_UINT_NE(cupel__rules_learn(&store, 4097, true).index, 0);
}

/* A frame in the middle of a made stack, in that function. */
static _Alignas(16) uint64_t stack[64];

static struct cupel__cfi_frame frame_in(const char *function) {
    struct cupel__cfi_frame frame = {.was_interrupted = true};
    frame.registers[CUPEL__CFI_RIP] = (uintptr_t)function;
    frame.registers[CUPEL__CFI_RSP] = (uintptr_t)&stack[32];
    frame.registers[CUPEL__CFI_RBP] = (uintptr_t)&stack[40];
    frame.registers[CUPEL__CFI_RBX] = 7;
    frame.registers[12] = 12;
    for (unsigned i = 0; i < 64; i++) {
        stack[i] = i;
    }
    return frame;
}

/* A function, whether there is a caller, and its stack pointer (in words of the stack) and rbx. */
static const struct {
    const char *function;
    bool has_caller;
    unsigned sp;
    uint64_t rbx;
} steps[] = {
    {"usual", true, 33, 7},
    {"frame_from_expression", true, 33, 7},
    {"frame_from_nonsense", false, 0, 0},
    {"register_unknown", false, 0, 0},
    {"register_from_nonsense", false, 0, 0},
    {"register_at_nothing", false, 0, 0},
    {"register_at_place", true, 33, 33},
    {"register_is_expression", true, 33, 0}, /* its value is where the stack is: see below */
    {"register_in_another", true, 33, 12},
    {"ip_lost", false, 0, 0},
    {"without_tables", false, 0, 0},
    {NULL, false, 0, 0},
    {"", false, 0, 0}, /* in no module */
};

TEST(unwind_odd, steps_do_what_tables_say, CUPEL_TABLE(steps), LOADS) {
    size_t row = test_row_index();
    const char *function = steps[row].function == NULL      ? NULL
                           : steps[row].function[0] == '\0' ? (const char *)16
                                                            : unwind_odd(steps[row].function);
    struct cupel__cfi_frame frame = frame_in(function);
    struct cupel__cfi_memory memory = {.count = 0};
    struct cupel__cfi_frame before = frame;
    CHECK_INT_EQ(cupel__cfi_step(&frame, &memory), steps[row].has_caller);
    if (steps[row].has_caller) {
        uint64_t rbx = steps[row].rbx == 0 ? (uintptr_t)&stack[33] : steps[row].rbx;
        CHECK_PTR_EQ((void *)frame.registers[CUPEL__CFI_RSP], &stack[steps[row].sp]);
        CHECK_UINT_EQ(frame.registers[CUPEL__CFI_RIP], 32);
        CHECK_UINT_EQ(frame.registers[CUPEL__CFI_RBX], rbx);
        CHECK(!frame.was_interrupted);
    } else {
        CHECK_MEM_EQ(frame.registers, before.registers, sizeof frame.registers);
    }
}

TEST(unwind_odd, a_stack_that_is_none_has_no_caller, LOADS) {
    struct cupel__cfi_frame frame = frame_in(unwind_odd("usual"));
    struct cupel__cfi_memory memory = {.count = 0};
    frame.registers[CUPEL__CFI_RSP] = 16;
    CHECK(!cupel__cfi_step(&frame, &memory));
    CHECK_UINT_EQ(memory.count, 0);
}

TEST(unwind_odd, steps_out_of_a_handler_that_has_no_tables, LOADS) {
    struct cupel__cfi_frame frame = frame_in(unwind_odd("trampoline"));
    struct cupel__cfi_memory memory = {.count = 0};
    CHECK(cupel__cfi_step(&frame, &memory));
    CHECK(frame.was_interrupted);
    CHECK_UINT_EQ(frame.registers[8], 32 + 5); /* what the kernel saved is 40 bytes above the stack pointer */
    CHECK_UINT_EQ(frame.registers[CUPEL__CFI_RIP], 32 + 5 + 16);
    /* Where the stack ends before that. */
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(page != MAP_FAILED);
    frame = frame_in(unwind_odd("trampoline"));
    memory.count = 1;
    memory.stacks[0].low = (uintptr_t)page;
    memory.stacks[0].high = (uintptr_t)page + 4096;
    frame.registers[CUPEL__CFI_RSP] = (uintptr_t)page + 4096 - 64;
    CHECK(!cupel__cfi_step(&frame, &memory));
    CHECK_UINT_EQ(frame.registers[CUPEL__CFI_RIP], (uintptr_t)unwind_odd("trampoline"));
    REQUIRE(munmap(page, 4096) == 0);
    /* Code that could be a trampoline's beginning, at the end of a module; and none at all. */
    struct dl_find_object object = {0};
    REQUIRE(_dl_find_object((void *)(uintptr_t)&strlen, &object) == 0);
    CHECK(!cupel__cfi_is_trampoline((uintptr_t)object.dlfo_map_end - 4));
    CHECK(!cupel__cfi_is_trampoline(16));
}

TEST(unwind_odd, memory_of_stacks_is_bounded, .tags = "slow") {
    struct cupel__cfi_memory memory = {.count = 0};
    uint64_t value;
    CHECK(!cupel__cfi_memory_add(&memory, 16)); /* no memory there */
    CHECK(cupel__cfi_memory_add(&memory, (uintptr_t)&stack[60]));
    CHECK(cupel__cfi_memory_add(&memory, (uintptr_t)&stack[61])); /* known by now */
    CHECK(cupel__cfi_memory_add(&memory, (uintptr_t)&stack[60] - 128));
    CHECK_UINT_EQ(memory.count, 1);
    CHECK(cupel__cfi_memory_read(&memory, (uintptr_t)&stack[60] - 128, &value));
    CHECK(!cupel__cfi_memory_read(&memory, (uintptr_t)&stack[60] - 129, &value));
    CHECK(cupel__cfi_memory_add(&memory, (uintptr_t)&stack[43]));
    CHECK_UINT_EQ(memory.count, 2);
    /* At the beginning of a mapping nothing below it is read. */
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(page != MAP_FAILED);
    REQUIRE(mprotect(page, 4096, PROT_NONE) == 0);
    CHECK(cupel__cfi_memory_add(&memory, (uintptr_t)page + 4096 + 64));
    CHECK_UINT_EQ(memory.stacks[2].low, (uintptr_t)page + 4096);
    CHECK(cupel__cfi_memory_add(&memory, (uintptr_t)&stack[26]));
    CHECK(!cupel__cfi_memory_add(&memory, (uintptr_t)&stack[9])); /* the fifth */
    CHECK_UINT_EQ(memory.count, 4);
    REQUIRE(munmap(page, 8192) == 0);
}

static unsigned visited;

static bool count_frame(void *user, const struct cupel__cfi_frame *caller) {
    (void)user;
    (void)caller;
    visited++;
    return true;
}

__attribute__((noinline)) static unsigned walk_from(unsigned depth) {
    if (depth == 0) {
        cupel__cfi_walk(count_frame, NULL);
        return 1;
    }
    unsigned below = walk_from(depth - 1);
    __asm__ volatile("" : "+r"(below)); /* something is left to do: no jump, no loop */
    return below + 1;
}

TEST(unwind_odd, a_walk_has_an_end, .tags = "slow") {
    visited = 0;
    CHECK_UINT_EQ(walk_from(600), 601);
    CHECK_UINT_EQ(visited, 512);
}

/* The loader's word for debuggers, which it finds in the program's dynamic section. */
static struct r_debug_extended *loader_words(void) {
    for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_DEBUG) {
            return (struct r_debug_extended *)entry->d_un.d_ptr;
        }
    }
    return NULL;
}

TEST(unwind_odd, a_module_that_goes_is_noticed) {
    struct r_debug_extended *words = loader_words();
    REQUIRE(words != NULL);
    struct r_debug_extended before = *words;
    CHECK(!cupel__trace_is_unloading());
    words->base.r_state = RT_DELETE;
    CHECK(cupel__trace_is_unloading());
    words->base.r_state = RT_CONSISTENT;
    /* One of a second namespace, which the loader writes of from its version 2 on. */
    struct r_debug_extended third = {.base.r_state = RT_DELETE};
    struct r_debug_extended second = {.base.r_state = RT_CONSISTENT, .r_next = &third};
    words->base.r_version = 2;
    words->r_next = &second;
    CHECK(cupel__trace_is_unloading());
    third.base.r_state = RT_ADD;
    CHECK(!cupel__trace_is_unloading());
    words->base.r_version = before.base.r_version;
    words->base.r_state = before.base.r_state;
    if (before.base.r_version >= 2) {
        words->r_next = before.r_next;
    }
    CHECK(cupel__trace_module_at(0) == NULL);
    CHECK(cupel__trace_module_at(cupel__trace_module_count() + 1) == NULL);
}

/* Takes the pages of all tables of that size away. */
static void refuse_pages(size_t size) {
    refuse((struct refusal){SYS_mmap, ENOMEM, 2, size});
}

#define IN_A_PROCESS                                                                                                   \
    .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash", .no_sweep = "it takes all memory away itself"
enum { FIRST_RULES = 1 << 11 };

static size_t bytes_of_rules(size_t capacity) {
    return sizeof(struct cupel__rules) + capacity * sizeof(struct cupel__rule_slot);
}

TEST(unwind_odd, rules_are_read_again_where_there_is_no_table, IN_A_PROCESS) {
    uintptr_t ip = (uintptr_t)unwind_odd("usual") + 1;
    atomic_store(&cupel__rules_now, NULL);
    cupel__rules_forget(); /* of none */
    CHECK_UINT_EQ(cupel__rules_count(), 0);
    refuse_pages(bytes_of_rules(FIRST_RULES));
    for (unsigned i = 0; i < 3; i++) {
        struct cupel__rule rule = cupel__rules_learn(&store, ip, true);
        CHECK_UINT_NE(rule.index, 0);
        CHECK_UINT_EQ(CUPEL__RULE_BASE(rule), CUPEL__RULE_FROM_SP);
        CHECK_UINT_EQ(cupel__rules_count(), 0);
    }
}

TEST(unwind_odd, a_table_that_cannot_grow_is_filled_in_part, IN_A_PROCESS) {
    atomic_store(&cupel__rules_now, NULL);
    REQUIRE(cupel__rules_learn(&store, (uintptr_t)unwind_odd("usual") + 1, true).index != 0);
    refuse_pages(bytes_of_rules((size_t)2 * FIRST_RULES));
    uintptr_t code = (uintptr_t)&strlen;
    for (unsigned i = 0; i < FIRST_RULES; i++) {
        CHECK_UINT_NE(cupel__rules_learn(&store, code + i, true).index, 0);
    }
    CHECK_UINT_EQ(cupel__rules_count(), FIRST_RULES / 4 * 3);
    CHECK_UINT_NE(cupel__rules_find(atomic_load(&cupel__rules_now), code).index, 0);
    CHECK_UINT_EQ(cupel__rules_find(atomic_load(&cupel__rules_now), code + FIRST_RULES - 1).index, 0);
}

TEST(unwind_odd, without_room_for_frames_there_is_no_rule, IN_A_PROCESS) {
    refuse_pages(CUPEL__TRACE_CHUNK_FRAMES * sizeof(struct cupel__trace_frame));
    size_t count = cupel__rules_count();
    struct cupel__rule rule = cupel__rules_learn(&store, (uintptr_t)unwind_odd("usual") + 1, true);
    CHECK_UINT_EQ(rule.index, 0);
    CHECK_UINT_EQ(cupel__rules_count(), count);
}

/* Each copy of a module is another one; their records come in chunks. */
TEST(unwind_odd, modules_without_room_for_their_records_have_no_number, IN_A_PROCESS) {
    static char bytes[64 * 1024];
    static void *modules[CUPEL__TRACE_MODULE_CHUNK + 8];
    FILE *from = fopen(CUPEL_TEST_BINARY_DIR "/bin/tests/fixtures/libunwind_bare.so", "r");
    if (from == NULL) {
        cupel_test_skip("its module was not built");
    }
    size_t size = fread(bytes, 1, sizeof bytes, from);
    REQUIRE(size < sizeof bytes && fclose(from) == 0);
    refuse_pages(CUPEL__TRACE_MODULE_CHUNK * sizeof(struct cupel__trace_module));
    uint32_t last = 1;
    for (unsigned i = 0; i < CUPEL__TRACE_MODULE_CHUNK + 8; i++) {
        char path[512];
        const struct cupel__trace_module *module;
        struct cupel__cfi_module tables;
        (void)snprintf(path, sizeof path, i == 1 ? "%s/%0245u.so" : "%s/%u.so", test_directory(), i);
        FILE *to = fopen(path, "w");
        REQUIRE(to != NULL && fwrite(bytes, 1, size, to) == size && fclose(to) == 0);
        modules[i] = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        REQUIRE(modules[i] != NULL);
        uintptr_t address = (uintptr_t)dlsym(modules[i], "unwind_module_call");
        uint32_t number = cupel__trace_module_of(address, &module);
        CHECK(!cupel__cfi_module_of(address, &tables)); /* this one has no tables at all */
        if (number != 0) {
            path[sizeof module->name - 1] = '\0'; /* longer names are cut */
            CHECK_STR_EQ(module->name, path);
            CHECK_UINT_EQ(cupel__trace_module_of(address, NULL), number); /* no other number the second time */
        } else {
            CHECK(module == NULL);
        }
        last = number;
    }
    CHECK_UINT_EQ(last, 0);
    CHECK_UINT_LE(cupel__trace_module_count(), CUPEL__TRACE_MODULE_CHUNK);
    for (unsigned i = 0; i < CUPEL__TRACE_MODULE_CHUNK + 8; i++) {
        REQUIRE(dlclose(modules[i]) == 0);
    }
}

#endif
