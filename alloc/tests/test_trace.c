/* Goal: traces begin where they are asked to, survive any stack and any state, and keep their names. Method: scripted
 * stacks, random registers, threads that come and go, modules that are loaded and unloaded. */
#include "alloc/src/trace_rules.h"
#include "alloc/src/trace_thread.h"
#include "alloc/tests/unwind_reference.h"
#include "alloc/trace.h"
#include "harness/harness.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NOT_HERE NULL
#else
#define NOT_HERE "stacks are walked by tables on x86-64 only"
#endif

static char text[8192];

static void put(void *user, const char *part, size_t length) {
    (void)user;
    strncat(text, part, length < sizeof text - 1 - strlen(text) ? length : 0);
}

static const char *printed(cupel_trace_id id) {
    text[0] = '\0';
    cupel_trace_print(id, true, put, NULL);
    return text;
}

__attribute__((noinline)) static cupel_trace_id take_here(enum cupel_trace_mode mode, const void *site, unsigned max) {
    struct cupel_trace_start start = cupel_trace_start_here();
    return cupel_trace_take(mode, &start, site, max);
}

TEST(trace, has_a_length) {
    const void *frames[CUPEL_TRACE_FRAMES_MAX];
    CHECK_UINT_EQ(take_here(CUPEL_TRACE_TABLES, NULL, 0), 0);
    CHECK_UINT_EQ(take_here(CUPEL_TRACE_NONE, NULL, 16), 0);
    for (unsigned max = 1; max <= 4; max++) {
        cupel_trace_id id = take_here(CUPEL_TRACE_TABLES, NULL, max);
        CHECK_UINT_NE(id, 0);
        unsigned count = cupel_trace_frames(id, frames, CUPEL_TRACE_FRAMES_MAX);
#if defined(__x86_64__)
        CHECK_UINT_EQ(count, max);
#endif
        CHECK_UINT_LE(count, max);
    }
    CHECK_UINT_EQ(cupel_trace_frames(0, frames, 1), 0);
    CHECK_UINT_EQ(cupel_trace_frames(0xfffffff0, frames, 1), 0);
}

TEST(trace, is_the_same_id_for_the_same_stack) {
    cupel_trace_id ids[3];
    for (unsigned i = 0; i < 3; i++) {
        ids[i] = take_here(CUPEL_TRACE_TABLES, NULL, 16);
    }
    CHECK_UINT_EQ(ids[1], ids[0]);
    CHECK_UINT_EQ(ids[2], ids[0]);
    CHECK_UINT_NE(take_here(CUPEL_TRACE_TABLES, NULL, 16), ids[0]);
}

static const void *site;
static cupel_trace_id from_site;

__attribute__((noinline)) static void inner(enum cupel_trace_mode mode) {
    from_site = take_here(mode, site, 8);
    site = NULL;
}

__attribute__((noinline)) static void outer(enum cupel_trace_mode mode) {
    site = __builtin_return_address(0);
    inner(mode);
}

TEST(trace, begins_at_the_site) {
    const void *frames[8];
    const void *again[8];
    outer(CUPEL_TRACE_TABLES);
    unsigned count = cupel_trace_frames(from_site, frames, 8);
    const void *first = frames[0];
    REQUIRE(count >= 1);
    CHECK_STR_CONTAINS(printed(from_site), "#0 cupel__test_trace_begins_at_the_site+");
#if defined(__x86_64__)
    CHECK_UINT_EQ(count, 8);
#endif
    CHECK_UINT_EQ(cupel_trace_intern(frames, count), from_site);
    /* What is no site of this stack stands alone. */
    site = (const char *)first + 1;
    const void *nowhere = site;
    inner(CUPEL_TRACE_TABLES);
    CHECK_UINT_EQ(cupel_trace_frames(from_site, again, 8), 1);
    CHECK_PTR_EQ(again[0], nowhere);
}

/* Compiled with frame pointers: alloc/trace.cmake. */
unsigned unwind_chained(unsigned depth, unsigned (*hook)(void));

static unsigned check_chain(void) {
    struct cupel_trace_start start = cupel_trace_start_here();
    const void *chained[8];
    const void *by_libgcc[8];
    unsigned count = cupel_trace_collect(CUPEL_TRACE_FRAME_POINTERS, &start, NULL, chained, 8);
    CHECK_UINT_EQ(count, 8);
    CHECK_UINT_EQ(unwind_reference(&start, by_libgcc, 8), 8);
    CHECK_MEM_EQ(chained, by_libgcc, sizeof chained);
    cupel_trace_id id = cupel_trace_take(CUPEL_TRACE_FRAME_POINTERS, &start, NULL, 8);
    CHECK_UINT_EQ(cupel_trace_take(CUPEL_TRACE_FRAME_POINTERS, &start, NULL, 8), id);
    CHECK_UINT_EQ(cupel_trace_frames(id, chained, 8), 8);
    CHECK_MEM_EQ(chained, by_libgcc, sizeof chained);
    return id;
}

TEST(trace, follows_frame_pointers) {
    unsigned id = unwind_chained(10, check_chain);
    CHECK_UINT_NE(id, 0);
    CHECK_UINT_NE(unwind_chained(9, check_chain), 0);
}

/* Two chains of frames on one stack: which of them it is, only the frame pointer says. */
TEST(trace, of_frame_pointers_depends_on_the_first) {
#if defined(__x86_64__)
    const void *frames[4];
    struct cupel_trace_start start = cupel_trace_start_here();
    uintptr_t inside = (uintptr_t)&cupel_trace_take + 8;
    volatile uintptr_t stack[16] = {0};
    start.sp = (uintptr_t)stack;
    stack[3] = inside; /* behind a frame pointer of 0 each: the chain ends there */
    stack[7] = inside + 8;
    start.fp = (uintptr_t)&stack[2];
    cupel_trace_id one = cupel_trace_take(CUPEL_TRACE_FRAME_POINTERS, &start, NULL, 4);
    start.fp = (uintptr_t)&stack[6];
    cupel_trace_id two = cupel_trace_take(CUPEL_TRACE_FRAME_POINTERS, &start, NULL, 4);
    CHECK_UINT_EQ(cupel_trace_frames(one, frames, 4), 2);
    CHECK_PTR_EQ(frames[1], (const void *)inside);
    CHECK_UINT_EQ(cupel_trace_frames(two, frames, 4), 2);
    CHECK_PTR_EQ(frames[1], (const void *)(inside + 8));
#endif
}

/* Any registers: nothing is read beyond the stack, and the first frame is what was said. */
PROPERTY(trace, survives_any_registers, .longest = 64, .tags = "crash") {
    struct cupel_trace_start start = cupel_trace_start_here();
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const uintptr_t *words = (const uintptr_t *)here;
    const uintptr_t ips[] = {start.ip, (uintptr_t)&strlen + 5,           (uintptr_t)&words, 0, UINTPTR_MAX,
                             1,        (uintptr_t)&cupel_trace_take + 20};
    start.ip = ips[cupel_draw_uint(bytes, "ip", 0, 6)];
    start.sp = cupel_draw_bool(bytes, "near") ? here + 8 * (uintptr_t)cupel_draw_uint(bytes, "sp", 0, 200)
                                              : (uintptr_t)cupel_draw_uint(bytes, "sp", 0, UINT64_MAX);
    start.fp = cupel_draw_bool(bytes, "near") ? here + (uintptr_t)cupel_draw_uint(bytes, "fp", 0, 2000)
                                              : (uintptr_t)cupel_draw_uint(bytes, "fp", 0, UINT64_MAX);
    const void *frames[16];
    for (unsigned mode = CUPEL_TRACE_FRAME_POINTERS; mode <= CUPEL_TRACE_TABLES; mode++) {
        unsigned count = cupel_trace_collect((enum cupel_trace_mode)mode, &start, NULL, frames, 16);
        CHECK_UINT_LE(count, 16);
        CHECK(count == 0 || frames[0] == (const void *)start.ip);
        (void)cupel_trace_take((enum cupel_trace_mode)mode, &start, NULL, 16);
    }
}

static void *take_in_thread(void *user) {
    (void)user;
    return (void *)(uintptr_t)take_here(CUPEL_TRACE_TABLES, NULL, 16);
}

TEST(trace, leaves_its_tables_to_the_next_thread, .tags = "slow") {
    struct cupel_trace_counters before = {0};
    struct cupel_trace_counters after;
    void *id = NULL;
    void *other;
    pthread_t thread;
    for (unsigned i = 0; i < 30; i++) {
        REQUIRE(pthread_create(&thread, NULL, take_in_thread, NULL) == 0);
        REQUIRE(pthread_join(thread, &other) == 0);
        CHECK(id == NULL || id == other);
        id = other;
        if (i == 0) {
            cupel_trace_count(&before);
        }
    }
    CHECK(id != NULL);
    cupel_trace_count(&after);
    CHECK_UINT_LT(after.bytes - before.bytes, 64 * 1024);
}

/* The thread sanitizer knows the thread no longer in the last round, and falls in code of its own making. */
#if defined(__SANITIZE_THREAD__)
enum { ROUNDS = PTHREAD_DESTRUCTOR_ITERATIONS - 1 };
#elif defined(__has_feature)
enum { ROUNDS = PTHREAD_DESTRUCTOR_ITERATIONS - __has_feature(thread_sanitizer) };
#else
enum { ROUNDS = PTHREAD_DESTRUCTOR_ITERATIONS };
#endif

static pthread_key_t late_key;
static uint64_t late_bytes;
static cupel_trace_id late_id;

/* Runs in each round of destructors, so also after that of the tables. */
static void take_late(void *user) {
    struct cupel_trace_counters counters;
    uintptr_t rounds = (uintptr_t)user;
    late_id = take_here(CUPEL_TRACE_TABLES, NULL, 16);
    cupel_trace_count(&counters);
    late_bytes = counters.bytes;
    if (rounds > 1) {
        (void)pthread_setspecific(late_key, (void *)(rounds - 1));
    }
}

static void *end_late(void *user) {
    (void)pthread_setspecific(late_key, user);
    return (void *)(uintptr_t)take_here(CUPEL_TRACE_TABLES, NULL, 16);
}

TEST(trace, of_a_thread_that_has_ended_takes_no_tables, .tags = "slow") {
    uint64_t bytes = 0;
    (void)take_here(CUPEL_TRACE_TABLES, NULL, 16); /* so that the tables' key is the older one, whose turn is first */
    REQUIRE(pthread_key_create(&late_key, take_late) == 0);
    for (unsigned i = 0; i < 10; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, end_late, (void *)(uintptr_t)ROUNDS) == 0);
        REQUIRE(pthread_join(thread, NULL) == 0);
        CHECK_UINT_NE(late_id, 0);
        bytes = i == 0 ? late_bytes : bytes;
    }
    CHECK_UINT_LT(late_bytes - bytes, 64 * 1024);
    REQUIRE(pthread_key_delete(late_key) == 0);
}

TEST(trace, works_in_a_child_of_fork, .tags = "slow") {
    cupel_trace_id id = take_here(CUPEL_TRACE_TABLES, NULL, 16);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const void *frames[16];
        bool is_good = cupel_trace_frames(id, frames, 16) > 0 && take_here(CUPEL_TRACE_TABLES, NULL, 15) != 0;
        _exit(is_good ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_INT_EQ(status, 0);
}

/* Two modules that look alike from outside, so that the second lies where the first was; their functions have frames of
 * different sizes at the same addresses. */
static uintptr_t last_address;
static cupel_trace_id last_id;

static void hook_of_module(void) {
    unwind_check_here("in a module");
    last_id = take_here(CUPEL_TRACE_TABLES, NULL, 8);
}

static void call_module(const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/bin/tests/fixtures/%s", CUPEL_TEST_BINARY_DIR, name);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(module != NULL);
    void (*call)(void (*)(void));
    *(void **)&call = dlsym(module, "unwind_module_call");
    REQUIRE(call != NULL);
    last_address = (uintptr_t)call;
    call(hook_of_module);
    REQUIRE(dlclose(module) == 0);
    cupel_trace_modules_changed();
}

TEST(trace, knows_modules_that_are_gone, .skip = NOT_HERE, .tags = "slow",
     .no_sweep = "the loader gives up where it is refused memory") {
    unsigned same = 0;
    for (unsigned i = 0; i < 4; i++) {
        call_module("libunwind_one.so");
        cupel_trace_id one = last_id;
        uintptr_t address = last_address;
        CHECK_STR_CONTAINS(printed(one), "libunwind_one.so+");
        call_module("libunwind_two.so");
        same += last_address == address;
        CHECK_UINT_NE(last_id, one);
        CHECK_STR_CONTAINS(printed(last_id), "libunwind_two.so+");
        CHECK_STR_CONTAINS(printed(one), "libunwind_one.so+");
        CHECK(strstr(printed(one), "libunwind_two.so+") == NULL);
    }
    CHECK_UINT_GT(same, 0); /* else this shows nothing */
}

TEST(trace, gives_its_tables_back_when_asked) {
    struct cupel_trace_counters counters;
    cupel_trace_id id = take_here(CUPEL_TRACE_TABLES, NULL, 16);
    cupel_trace_thread_end();
    cupel_trace_count(&counters);
    CHECK(counters.has_no_memo);
    CHECK_UINT_EQ(counters.hits, 0);
    CHECK_UINT_NE(id, 0);
    cupel_trace_thread_end(); /* twice does no harm */
    CHECK_UINT_NE(take_here(CUPEL_TRACE_TABLES, NULL, 16), 0);
}

TEST(trace, keeps_the_limit_that_is_set, .tags = "slow") {
    struct cupel_trace_counters before;
    struct cupel_trace_counters after;
    const void *frames[2];
    cupel_trace_count(&before);
    cupel_trace_limit(0); /* as little as there may be, which is less than there is by now or soon */
    unsigned refused = 0;
    for (uintptr_t i = 1; i < 5000; i++) {
        frames[0] = frames[1] = (const void *)(i * 16);
        refused += cupel_trace_intern(frames, 2) == 0;
    }
    cupel_trace_count(&after);
    cupel_trace_limit((size_t)64 << 20);
    CHECK_UINT_GT(refused, 1000);
    CHECK_UINT_GE(after.dropped - before.dropped, refused);
    CHECK_UINT_NE(cupel_trace_intern(frames, 2), 0);
}

static cupel_trace_id id_of_handler;
static unsigned count_of_handler;
static volatile sig_atomic_t is_handled;

static void take_in_handler(int number) {
    const void *frames[4];
    struct cupel_trace_start start = cupel_trace_start_here();
    (void)number;
    id_of_handler = take_here(CUPEL_TRACE_TABLES, NULL, 4) | cupel_trace_intern(frames, 0);
    count_of_handler = cupel_trace_collect(CUPEL_TRACE_TABLES, &start, NULL, frames, 4);
    is_handled = 1;
}

/* A handler that interrupts a thread in the middle of taking a trace. */
TEST(trace, gives_nothing_to_a_handler_that_interrupts_it) {
    struct sigaction action = {.sa_handler = take_in_handler};
    struct sigaction old;
    REQUIRE(sigaction(SIGUSR2, &action, &old) == 0);
    cupel__trace_is_busy = true;
    (void)raise(SIGUSR2);
    cupel__trace_is_busy = false;
    CHECK(is_handled);
    CHECK_UINT_EQ(id_of_handler, 0);
    CHECK_UINT_EQ(count_of_handler, 0);
    (void)raise(SIGUSR2);
    CHECK_UINT_NE(id_of_handler, 0);
    CHECK_UINT_GT(count_of_handler, 0);
    REQUIRE(sigaction(SIGUSR2, &old, NULL) == 0);
}

#if defined(__x86_64__)
/* The table of rules grows while it is in use, and loses none. */
TEST(trace, keeps_its_rules_when_their_table_grows, .tags = "slow") {
    enum { RULES = 3000 };
    static uint32_t indices[RULES];
    static struct cupel__trace_store store;
    uintptr_t ip = (uintptr_t)&strlen;
    for (unsigned i = 0; i < RULES; i++) {
        struct cupel__rule rule = cupel__rules_learn(&store, ip - i, true);
        indices[i] = rule.index;
        CHECK_UINT_NE(rule.index, 0);
    }
    CHECK_UINT_GE(cupel__rules_bytes(), (size_t)RULES * 16);
    CHECK_UINT_GE(cupel__rules_count(), RULES);
    for (unsigned i = 0; i < RULES; i++) {
        CHECK_UINT_EQ(cupel__rules_find(cupel__rules_now, ip - i).index, indices[i]);
    }
    cupel_trace_modules_changed(); /* these indices are of a store of this test's own */
    CHECK_UINT_NE(take_here(CUPEL_TRACE_TABLES, NULL, 16), 0);
    CHECK_UINT_LT(cupel__rules_count(), RULES);
    cupel__trace_store_deinit(&store);
}
#endif

/* Address space ends: traces are shorter or none, and nothing breaks. */
static int take_without_memory(void) {
    static struct cupel__trace_store store;
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX] = {1};
    const struct rlimit none = {1 << 20, 1 << 20};
    cupel_trace_id id = take_here(CUPEL_TRACE_TABLES, NULL, 16);
    if (setrlimit(RLIMIT_AS, &none) != 0) {
        return 1;
    }
    cupel_trace_thread_end();
    struct cupel_trace_counters counters;
    cupel_trace_id other = take_here(CUPEL_TRACE_TABLES, NULL, 16);
    cupel_trace_count(&counters);
    bool is_good = id != 0 && other != 0;
    is_good = is_good && cupel__trace_store_add(&store, frames, 1, cupel__trace_hash_of(frames, 1)) == 0;
    is_good = is_good && cupel__trace_frame_add(&store, 1, 1) == 0;
    return is_good ? 0 : 2;
}

TEST(trace, does_without_memory, .tags = "slow", .no_sweep = "it takes all memory away itself") {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        _exit(take_without_memory());
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_INT_EQ(status, 0);
}

TEST(trace, says_what_it_lacks) {
#if defined(__x86_64__) && defined(DLFO_STRUCT_HAS_EH_DBASE)
    CHECK(cupel_trace_lack() == NULL);
#else
    CHECK_STR_CONTAINS(cupel_trace_lack(), "frame pointers");
#endif
}
