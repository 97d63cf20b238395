/* Goal: an address on the own stack is known by the function whose frame it is in, and by the variable, where debug
 * info says that; and nothing that is asked about can spoil the answer. Method: a call shows its variables, whose names
 * and offsets are known; programs that answer nonsense; signals and threads; and a program of misuse's report. */
#include "alloc/query.h"
#include "alloc/src/symboliser.h"
#include "alloc/tests/debug_seen.h"
#include "alloc/tests/deep_stack.h"
#include "alloc/tests/stack_variables.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"
#if defined(__x86_64__) || defined(__i386__)
#define NOT_HERE NULL
#else
#define NOT_HERE "nobody made sure how stacks are walked here"
#endif
#if defined(__x86_64__)
#define NO_TABLES NULL
#else
#define NO_TABLES "a handler's frame pointer leads to code that has none"
#endif

static const char symboliser[] = CUPEL_TEST_BINARY_DIR "/bin/cupel-symbolise";

static void require_debug_info(void) {
#if !defined(CUPEL_HAVE_LIBDW)
    cupel_test_skip("cupel-symbolise was built without libdw");
#endif
    if (access(symboliser, X_OK) != 0) {
        cupel_test_skip("cupel-symbolise is not here");
    }
}

struct shown {
    const char *program; /* that is asked */
    struct cupel_query queries[STACK_VARIABLES];
    bool is_known[STACK_VARIABLES];
};

static void ask(void *user, enum stack_variable which, const volatile void *address) {
    struct shown *shown = user;
    struct cupel_query *query = &shown->queries[which];
    CHECK_INT_EQ(cupel_query((const void *)(uintptr_t)address, query), CUPEL_QUERY_OK);
    if (shown->program != NULL) {
        REQUIRE(setenv("CUPEL_SYMBOLISER", shown->program, 1) == 0);
        errno = 55;
        shown->is_known[which] = cupel_query_variable(query);
        CHECK_INT_EQ(errno, 55);
        REQUIRE(unsetenv("CUPEL_SYMBOLISER") == 0);
    }
}

TEST(query_stack, frames_are_of_functions, .skip = NOT_HERE, .no_sweep = KERNEL) {
    static struct shown shown;
    shown = (struct shown){.program = NULL};
    stack_variables_show(ask, &shown, 50);
    for (unsigned i = 0; i < STACK_VARIABLES; i++) {
        const struct cupel_query *query = &shown.queries[i];
        CHECK_INT_EQ(query->kind, CUPEL_ADDRESS_STACK);
#if defined(__i386__)
        if (i == STACK_PARAMETER) {
            continue; /* it lies in its caller's frame */
        }
#endif
        CHECK_STR_EQ(query->symbol, i == STACK_COMPUTED ? "show_computed" : "stack_variables_show");
        CHECK_STR_EQ(query->variable, "");
        CHECK((uintptr_t)query->address - (uintptr_t)query->base < query->size);
        CHECK_UINT_EQ((uintptr_t)query->base, query->frame.sp);
        CHECK_UINT_EQ(query->size, query->frame.end - query->frame.sp);
        CHECK_PTR_EQ(strchr(query->module, '/'), query->module);
    }
    CHECK_UINT_EQ(shown.queries[0].frame.end, shown.queries[STACK_MEMBER].frame.end);
    CHECK_UINT_GE(shown.queries[0].frame.sp, shown.queries[STACK_COMPUTED].frame.end);
}

static void (*const shows[])(stack_visit visit, void *user, long given) = {stack_variables_show,
                                                                           stack_variables_show_plain};

TEST(query_stack, variables_have_names, .skip = NOT_HERE, .tags = "slow",
     .no_sweep = "it needs an environment that it can change", CUPEL_TABLE(shows)) {
    static struct shown shown;
    bool is_plain = test_row_index() == 1;
    const char *show = is_plain ? "stack_variables_show_plain" : "stack_variables_show";
    require_debug_info();
    const struct {
        const char *name, *function;
        size_t offset, size;
    } expected[STACK_VARIABLES] = {
        {"array", show, 40, 100},          {"pair", show, sizeof(long), 2 * sizeof(long)},
        {"given", show, 0, sizeof(long)},  {"inner", show, 2 * sizeof(int), 10 * sizeof(int)},
        {"within", "show_inlined", 3, 16}, {"", "show_computed", 0, 0}};
    shown = (struct shown){.program = symboliser};
    shows[test_row_index()](ask, &shown, 50);
    for (unsigned i = 0; i < STACK_VARIABLES; i++) {
        const struct cupel_query *query = &shown.queries[i];
        CHECK_STR_EQ(query->symbol, expected[i].function);
        if (i == STACK_PARAMETER && !is_plain && !shown.is_known[i]) {
            continue; /* gcc, optimising, loses sight of it */
        }
        CHECK_STR_EQ(query->variable, expected[i].name);
        CHECK(shown.is_known[i] == (i != STACK_COMPUTED));
        if (shown.is_known[i]) {
            CHECK_UINT_EQ(query->size, expected[i].size);
            CHECK_UINT_EQ((uintptr_t)query->address - (uintptr_t)query->base, expected[i].offset);
            CHECK_STR_CONTAINS(query->declared, "/stack_variables.c:");
        }
    }
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "stack_variables.c:%d", stack_variables_array_line);
    CHECK_STR_CONTAINS(shown.queries[STACK_ARRAY].declared, wanted);
}

TEST(query_stack, does_without_an_answer, .skip = NOT_HERE, .tags = "slow",
     .no_sweep = "it needs an environment that it can change") {
    static const char *const useless[] = {"/nonexistent", "/bin/false", "/bin/true", "/bin/echo"};
    for (unsigned i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        static struct shown shown;
        shown = (struct shown){.program = useless[i]};
        stack_variables_show(ask, &shown, 50);
        for (unsigned j = 0; j < STACK_VARIABLES; j++) {
            CHECK(!shown.is_known[j]);
            CHECK_STR_EQ(shown.queries[j].variable, "");
            CHECK_UINT_EQ((uintptr_t)shown.queries[j].base, shown.queries[j].frame.sp);
        }
    }
    struct cupel_query query;
    (void)cupel_query(useless, &query);
    CHECK(!cupel_query_variable(&query)); /* no stack's */
    int local = 0;
    (void)cupel_query(&local, &query);
    REQUIRE(cupel__symboliser_enter());
    CHECK(!cupel__symboliser_enter());
    CHECK(!cupel_query_variable(&query)); /* somebody else asks */
    cupel__symboliser_leave();
    query.frame = (struct cupel_query_frame){.end = 0};
    CHECK(!cupel_query_variable(&query));
}

struct across {
    int local;
    struct cupel_query in_handler;
    enum cupel_query_status status, far_status;
};

static struct across *across;

static void look_down(int signal) {
    (void)signal;
    struct cupel_query far;
    across->status = cupel_query(&across->local, &across->in_handler);
    /* Below all frames of that stack, and above the handler's own, where that is elsewhere. */
    across->far_status = cupel_query((const char *)&across->local - DEEP_STACK_BYTES, &far);
}

__attribute__((noinline)) static void raise_over(struct across *here) {
    across = here;
    REQUIRE_INT_EQ(raise(SIGUSR1), 0);
}

/* The walk from a handler's own stack leads to the frames of what it interrupted. */
TEST(query_stack, handlers_see_below_themselves, .skip = NO_TABLES, .no_sweep = KERNEL) {
    static char other[65536];
    stack_t own = {.ss_sp = other, .ss_size = sizeof other};
    stack_t before;
    struct sigaction action = {.sa_handler = look_down};
    struct sigaction old;
    deep_stack_needed();
    REQUIRE(sigaltstack(&own, &before) == 0);
    for (unsigned i = 0; i < 2; i++) {
        struct across here = {.local = 1};
        action.sa_flags = i == 0 ? 0 : SA_ONSTACK;
        REQUIRE(sigaction(SIGUSR1, &action, &old) == 0);
        raise_over(&here);
        REQUIRE(sigaction(SIGUSR1, &old, NULL) == 0);
        CHECK_INT_EQ(here.status, CUPEL_QUERY_OK);
        CHECK_INT_EQ(here.far_status, CUPEL_QUERY_NO_FRAME);
        CHECK_STR_CONTAINS(here.in_handler.symbol, "handlers_see_below_themselves");
    }
    REQUIRE(sigaltstack(&before, NULL) == 0);
}

static void *ask_in_thread(void *user) {
    static struct shown shown;
    (void)user;
    shown = (struct shown){.program = NULL};
    stack_variables_show(ask, &shown, 50);
    return shown.queries[0].symbol;
}

TEST(query_stack, each_thread_knows_its_own, .skip = NOT_HERE, .no_sweep = "threads need their stacks") {
    pthread_t thread;
    void *symbol = NULL;
    REQUIRE_INT_EQ(pthread_create(&thread, NULL, ask_in_thread, NULL), 0);
    REQUIRE_INT_EQ(pthread_join(thread, &symbol), 0);
    CHECK_STR_EQ((const char *)symbol, "stack_variables_show");
}

/* Below all frames, and above them: the words of the program and its environment. */
TEST(query_stack, what_is_in_no_frame, .skip = NOT_HERE) {
    struct cupel_query query;
    const char *here = __builtin_frame_address(0);
    deep_stack_needed();
    CHECK_INT_EQ(cupel_query(here - DEEP_STACK_BYTES, &query), CUPEL_QUERY_NO_FRAME);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STACK);
    CHECK_UINT_EQ(query.frame.end, 0);
    CHECK_STR_EQ(query.symbol, "");
    CHECK_STR_EQ(cupel_query_status_name(CUPEL_QUERY_NO_FRAME), "no frame");
}

static void free_it(void *user, enum stack_variable which, const volatile void *address) {
    if (which == STACK_ARRAY) {
        cupel_debug_release(user, (void *)(uintptr_t)address, NULL);
    }
}

static const enum cupel_sink_kind sinks[] = {CUPEL_SINK_TEXT, CUPEL_SINK_JSON};

TEST(query_stack, reports_name_the_variable, .skip = NOT_HERE, .tags = "slow",
     .no_sweep = "it needs an environment that it can change", CUPEL_TABLE(sinks)) {
    static struct seen_text said;
    struct cupel_debug debug;
    struct cupel_debug_options options;
    require_debug_info();
    for (unsigned is_quick = 0; is_quick < 2; is_quick++) {
        said.length = 0;
        cupel_debug_defaults(&options);
        options.catches_faults = false;
        options.frames = 0;
        options.sink = (struct cupel_sink){
            .kind = sinks[test_row_index()], .put = seen_text_put, .user = &said, .is_quick = is_quick != 0};
        REQUIRE(cupel_debug_init(&debug, cupel_pages(), &options, NULL) != NULL);
        REQUIRE(setenv("CUPEL_SYMBOLISER", symboliser, 1) == 0);
        stack_variables_show(free_it, &debug, 50);
        cupel_debug_release(&debug, (void *)(uintptr_t)sinks, NULL);
        REQUIRE(unsetenv("CUPEL_SYMBOLISER") == 0);
        CHECK_UINT_EQ(cupel_debug_deinit(&debug), 2);
        bool is_named = is_quick == 0 || options.sink.kind == CUPEL_SINK_JSON;
        CHECK_STR_CONTAINS(said.text, options.sink.kind == CUPEL_SINK_JSON ? "\"place\":\"0x" : "\n  0x");
        CHECK_STR_CONTAINS(said.text, is_named ? " is 40 bytes into the local 'array' of stack_variables_show (/"
                                               : " is in the frame of stack_variables_show, on the stack of thread ");
        CHECK_STR_CONTAINS(said.text, " is the beginning of sinks of /");
    }
}

TEST(query_stack, a_finding_of_nowhere_says_no_place) {
    struct cupel_finding finding = {.kind = CUPEL_FINDING_STACK, .address = (const void *)16};
    static struct seen_text said;
    said.length = 0;
    cupel_finding_print(&finding, true, seen_text_put, &said);
    cupel_finding_print_json(&finding, seen_text_put, &said);
    CHECK(strstr(said.text, " is ") == NULL && strstr(said.text, "place") == NULL);
}

TEST(query_stack, answers_are_sentences) {
    struct cupel_query query = {.address = (const void *)0x103, .kind = CUPEL_ADDRESS_STACK, .thread = 7};
    static const char *const expected[] = {
        "0x103 is in the frame of send, on the stack of thread 7\n",
        "0x103 is 3 bytes into the local 'buffer' of send, on the stack of thread 7\n",
        "0x103 is 3 bytes into the local 'buffer' of send (s.c:12), on the stack of thread 7\n"};
    (void)strcpy(query.symbol, "send");
    query.base = (const void *)0x100;
    query.size = 16;
    for (unsigned i = 0; i < 3; i++) {
        struct seen_text said = {.length = 0};
        (void)strcpy(query.variable, i >= 1 ? "buffer" : "");
        (void)strcpy(query.declared, i >= 2 ? "s.c:12" : "");
        cupel_query_print(&query, seen_text_put, &said);
        CHECK_STR_EQ(said.text, expected[i]);
    }
}

static const char *const wrong[] = {"--variable=",       "--variable=1,", "--variable=1,2",   "--variable=1,2=",
                                    "--variable=1,32=3", "--variable=1x", "--variable=1,7=3x"};

TEST(query_stack, words_of_the_symboliser_are_checked, .tags = "slow", .no_sweep = "it runs another program",
     CUPEL_TABLE(wrong)) {
    char command[1024];
    require_debug_info();
    (void)snprintf(command, sizeof command, "'%s' %s -e '%s' 0x1 >/dev/null 2>&1", symboliser, wrong[test_row_index()],
                   symboliser);
    int status = system(command); // NOLINT(cert-env33-c)
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

/* No unit, no function, no variable there. */
TEST(query_stack, where_debug_info_says_nothing, .tags = "slow", .no_sweep = "it runs another program") {
    char command[1024];
    char answer[16] = "";
    require_debug_info();
    (void)snprintf(command, sizeof command, "'%s' --variable=-4,7=-8,6=0 -e '%s' 0x1", symboliser, symboliser);
    FILE *stream = popen(command, "re");
    REQUIRE(stream != NULL);
    CHECK(fgets(answer, sizeof answer, stream) != NULL);
    CHECK_INT_EQ(pclose(stream), 0);
    CHECK_STR_EQ(answer, "??\n");
}
