/* Goal: a query says of any address what it belongs to, and never crashes. Method: addresses of every kind there is,
 * asked about on one thread, on several at once and in a signal handler; and random ones, held against what the kernel
 * says of their pages. */
#include "alloc/query.h"
#include "alloc/tests/debug_seen.h"
#include "alloc/tests/deep_stack.h"
#include "alloc/tracking.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

int query_tests_global[40] = {1};
static char zeroed[3 * 4096];
static _Thread_local volatile int local_to_thread;

static enum cupel_query_status ask(const void *address, struct cupel_query *query) {
    errno = 77;
    enum cupel_query_status status = cupel_query(address, query);
    CHECK_INT_EQ(errno, 77);
    return status;
}

static struct cupel_allocator *start(struct cupel_debug *debug, struct seen *seen) {
    struct cupel_debug_options options = seen_options(seen);
    options.name = "queried";
    struct cupel_allocator *a = cupel_debug_init(debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    return a;
}

TEST(query, blocks_of_a_debug_allocator, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_query query;
    struct cupel_allocator *a = start(&debug, &seen);
    char *block = cupel_alloc(a, 24, 8);
    REQUIRE(block != NULL);
    for (int offset = -1; offset <= 24; offset++) {
        CHECK_INT_EQ(ask(block + offset, &query), CUPEL_QUERY_OK);
        CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_HEAP);
        CHECK_PTR_EQ(query.base, block);
        CHECK_UINT_EQ(query.size, 24);
    }
    REQUIRE(query.chain_count == 1);
    CHECK_STR_EQ(query.chain[0].owner, "queried");
    CHECK(query.chain[0].site != NULL && query.chain[0].allocated != 0 && query.chain[0].freed == 0);
    CHECK_INT_EQ(ask(query.chain[0].site, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STATIC); /* this function */
    CHECK(strstr(query.symbol, "blocks_of_a_debug_allocator") != NULL);
    /* In a page of the span, where no block ever was. */
    CHECK_INT_EQ(ask(block + 2000, &query), CUPEL_QUERY_NO_OWNER);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_MAPPED);
    cupel_free(a, block, 24, 8);
    CHECK_INT_EQ(ask(block + 3, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_FREED);
    CHECK_PTR_EQ(query.base, block);
    REQUIRE(query.chain_count == 1);
    CHECK(!query.chain[0].is_live && query.chain[0].freed != 0);
    char *large = cupel_alloc(a, 1 << 20, 8);
    REQUIRE(large != NULL);
    CHECK_INT_EQ(ask(large + 1000000, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_HEAP);
    CHECK_UINT_EQ(query.size, 1 << 20);
    cupel_free(a, large, 1 << 20, 8);
    CHECK_INT_EQ(ask(large + 1000000, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_FREED); /* and no longer to be touched */
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    CHECK(ask(block, &query) != CUPEL_QUERY_FORGOTTEN && query.kind != CUPEL_ADDRESS_HEAP);
}

TEST(query, what_a_debug_allocator_forgot, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.kept_metadata_bytes = 0;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    char *block = cupel_alloc(a, 100000, 8);
    REQUIRE(block != NULL);
    cupel_free(a, block, 100000, 8);
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    struct cupel_query query;
    enum cupel_query_status status = ask(block, &query);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_FREED);
    CHECK_INT_EQ(status, statistics.forgotten_spans > 0 ? CUPEL_QUERY_FORGOTTEN : CUPEL_QUERY_OK);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

/* A block within a block within a block. */
TEST(query, nested_owners_are_a_chain, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_tracking outer;
    struct cupel_index inner;
    struct cupel_query query;
    struct cupel_allocator *a = cupel_tracking_init(&outer, start(&debug, &seen));
    cupel_index_init(&inner);
    const struct cupel_owner owners[] = {{"page", cupel_owner_find_in_index, &outer.index},
                                         {"frame", cupel_owner_find_in_index, &inner}};
    CHECK(cupel_owner_add(&owners[0]) && cupel_owner_add(&owners[1]));
    char *page = cupel_alloc(a, 4000, 8);
    REQUIRE(page != NULL);
    struct cupel_block frame = {.base = page + 100, .size = 50, .frame_count = 1, .frames = {query_tests_global}};
    REQUIRE_UINT_EQ(cupel_index_insert(&inner, &frame), CUPEL_INDEX_OK);
    CHECK_INT_EQ(ask(page + 149, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_HEAP);
    CHECK_PTR_EQ(query.base, page + 100);
    REQUIRE(query.chain_count == 3);
    CHECK_STR_EQ(query.chain[0].owner, "frame");
    CHECK_PTR_EQ(query.chain[0].site, query_tests_global);
    CHECK_UINT_EQ(query.chain[0].size, 50);
    CHECK_UINT_EQ(query.chain[1].size, 4000);
    CHECK_PTR_EQ(query.chain[2].base, page);
    CHECK(query.chain[1].site != NULL && query.chain[2].site != NULL);
    CHECK_INT_EQ(ask(page + 150, &query), CUPEL_QUERY_OK);
    CHECK_UINT_EQ(query.chain_count, 2);
    cupel_owner_remove(&owners[1]);
    cupel_owner_remove(&owners[1]);
    CHECK_INT_EQ(ask(page + 149, &query), CUPEL_QUERY_OK);
    CHECK_UINT_EQ(query.chain_count, 2);
    cupel_free(a, page, 4000, 8);
    CHECK_INT_EQ(ask(page + 149, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_FREED);
    cupel_owner_remove(&owners[0]);
    cupel_index_deinit(&inner);
    cupel_tracking_deinit(&outer);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

static bool find_around(void *user, const void *address, struct cupel_owned *block) {
    block->base = (const char *)address - *(const unsigned *)user;
    block->size = 2 * *(const unsigned *)user;
    block->is_live = true;
    return true;
}

TEST(query, no_more_owners_than_there_is_room_for) {
    static struct cupel_owner owners[CUPEL_OWNERS_MAX + 1];
    static unsigned halves[CUPEL_OWNERS_MAX + 1];
    unsigned added = 0;
    for (unsigned i = 0; i <= CUPEL_OWNERS_MAX; i++) {
        halves[i] = (i * 37 % 64) + 1;
        owners[i] = (struct cupel_owner){"one of many", find_around, &halves[i]};
        added += cupel_owner_add(&owners[i]);
    }
    CHECK(added <= CUPEL_OWNERS_MAX);
    struct cupel_query query;
    CHECK_INT_EQ(ask(zeroed + 200, &query), CUPEL_QUERY_OK);
    CHECK_UINT_EQ(query.chain_count, CUPEL_CHAIN_MAX);
    for (unsigned i = 0; i < CUPEL_CHAIN_MAX; i++) {
        CHECK_UINT_EQ(query.chain[i].size, 2 * (i + 1)); /* the smallest of them all */
    }
    for (unsigned i = 0; i <= CUPEL_OWNERS_MAX; i++) {
        cupel_owner_remove(&owners[i]);
    }
    CHECK_INT_EQ(ask(zeroed + 200, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STATIC);
}

static void check_symbol(const void *address, const char *symbol, const void *base) {
    struct cupel_query query;
    CHECK_INT_EQ(ask(address, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STATIC);
    CHECK_STR_EQ(query.symbol, symbol);
    CHECK_PTR_EQ(query.base, base);
    CHECK(query.size > (uintptr_t)address - (uintptr_t)base);
    CHECK(query.is_readable);
    CHECK_PTR_EQ(strchr(query.module, '/'), query.module);
}

TEST(query, static_addresses_have_a_module_and_a_symbol, .tags = "slow") {
    check_symbol(&query_tests_global[39], "query_tests_global", query_tests_global);
    check_symbol(&zeroed[2 * 4096 + 1], "zeroed", zeroed);
    check_symbol((const char *)(uintptr_t)check_symbol + 1, "check_symbol", (const void *)(uintptr_t)check_symbol);
    struct cupel_query query;
    (void)ask((const void *)(uintptr_t)&getppid, &query); /* a function of libc, or what leads there */
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STATIC);
    (void)ask(stdout, &query);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STATIC);
    CHECK(strstr(query.module, "libc") != NULL);
    CHECK(query.is_writable);
}

struct crowd {
    pthread_barrier_t barrier;
    struct {
        pthread_t thread;
        const volatile int *on_stack, *in_thread;
        int number;
    } members[4];
};

static void *stand_by(void *user) {
    static _Atomic unsigned next;
    struct crowd *crowd = user;
    volatile int on_stack = 0;
    unsigned i = next++ % 4;
    crowd->members[i].on_stack = &on_stack;
    crowd->members[i].in_thread = &local_to_thread;
    crowd->members[i].number = (int)syscall(SYS_gettid);
    (void)pthread_barrier_wait(&crowd->barrier);
    (void)pthread_barrier_wait(&crowd->barrier);
    return NULL;
}

TEST(query, stacks_are_of_their_threads, .tags = "slow", .no_sweep = "threads need their stacks") {
    static struct crowd crowd;
    struct cupel_query query;
    int here = 0;
    CHECK_INT_EQ(ask(&here, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STACK);
    CHECK_INT_EQ(query.thread, (int)syscall(SYS_gettid));
    CHECK(query.is_readable && query.is_writable);
    REQUIRE_INT_EQ(pthread_barrier_init(&crowd.barrier, NULL, 5), 0);
    for (unsigned i = 0; i < 4; i++) {
        REQUIRE_INT_EQ(pthread_create(&crowd.members[i].thread, NULL, stand_by, &crowd), 0);
    }
    (void)pthread_barrier_wait(&crowd.barrier);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_INT_EQ(ask((const void *)(uintptr_t)crowd.members[i].on_stack, &query), CUPEL_QUERY_NO_FRAME);
        CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STACK);
        CHECK_INT_EQ(query.thread, crowd.members[i].number);
        CHECK_INT_EQ(ask((const void *)(uintptr_t)crowd.members[i].in_thread, &query), CUPEL_QUERY_NO_FRAME);
        CHECK_INT_EQ(query.thread, crowd.members[i].number);
    }
    (void)pthread_barrier_wait(&crowd.barrier);
    for (unsigned i = 0; i < 4; i++) {
        (void)pthread_join(crowd.members[i].thread, NULL);
    }
    (void)pthread_barrier_destroy(&crowd.barrier);
}

TEST(query, memory_that_nobody_answers_for) {
    size_t page = cupel_page_size();
    struct cupel_query query;
    char *pages = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    REQUIRE(mprotect(pages + page, page, PROT_READ) == 0 && mprotect(pages + 2 * page, page, PROT_NONE) == 0);
    REQUIRE(munmap(pages + 3 * page, page) == 0);
    CHECK_INT_EQ(ask(pages + 5, &query), CUPEL_QUERY_NO_OWNER);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_MAPPED);
    CHECK(query.is_readable && query.is_writable);
    CHECK_INT_EQ(ask(pages + page + 5, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_MAPPED);
    CHECK(query.is_readable && !query.is_writable);
    CHECK_INT_EQ(ask(pages + 2 * page + 5, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_MAPPED);
    CHECK(!query.is_readable);
    CHECK_INT_EQ(ask(pages + 3 * page, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_UNMAPPED);
    REQUIRE(munmap(pages, 3 * page) == 0);
    static const uintptr_t wild[] = {0, 1, 4095, UINTPTR_MAX, UINTPTR_MAX / 2 + 1, UINTPTR_MAX - 4096};
    for (unsigned i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        (void)ask((const void *)wild[i], &query);
        CHECK(query.kind == CUPEL_ADDRESS_UNMAPPED || (i >= 3 && sizeof(void *) == 4));
        CHECK_UINT_EQ(query.chain_count, 0);
    }
}

static bool is_mapped(uintptr_t address) {
    unsigned char seen;
    size_t page = cupel_page_size();
    return mincore((void *)(address & ~(page - 1)), 1, &seen) == 0 ||
           errno != ENOMEM; // NOLINT(performance-no-int-to-ptr)
}

/* Any address there is, and addresses near ones that mean something. */
PROPERTY(query, wild_pointers_are_answered, .longest = 256, .tags = "slow") {
    static const char *const near[] = {"nothing", "a static", "a stack", "a block"};
    struct cupel_query query;
    char *block = cupel_alloc(a, 40, 8);
    STARVED(block == NULL);
    for (unsigned i = 0; i < 8 && cupel_draw_more(bytes, "address"); i++) {
        unsigned which = cupel_draw_pick(bytes, "near", near, 4);
        const void *places[] = {NULL, zeroed, &query, block};
        uintptr_t address = (uintptr_t)places[which];
        address += which == 0 ? (uintptr_t)cupel_draw_uint(bytes, "address", 0, UINT64_MAX)
                              : (uintptr_t)cupel_draw_uint(bytes, "offset", 0, 1 << 20) - (1 << 19);
        enum cupel_query_status status = ask((const void *)address, &query);
        REQUIRE(status < CUPEL_QUERY_STATUSES && query.kind < CUPEL_ADDRESS_KINDS);
        CHECK(status != CUPEL_QUERY_NO_MAP);
        CHECK_PTR_EQ(query.address, (const void *)address);
        if (query.kind == CUPEL_ADDRESS_UNMAPPED || query.kind == CUPEL_ADDRESS_MAPPED) {
            CHECK((query.kind == CUPEL_ADDRESS_MAPPED) == is_mapped(address));
        }
        if (query.size != 0 && query.kind != CUPEL_ADDRESS_HEAP && query.kind != CUPEL_ADDRESS_FREED) {
            CHECK(address - (uintptr_t)query.base < query.size);
        }
    }
    cupel_free(a, block, 40, 8);
}

struct asked {
    struct cupel_allocator *a;
    const void *addresses[4];
    enum cupel_address_kind kinds[4];
    unsigned wrong;
};

static void *ask_often(void *user) {
    struct asked *asked = user;
    for (unsigned i = 0; i < 40; i++) {
        struct cupel_query query;
        char *own = cupel_alloc(asked->a, 24, 8);
        (void)cupel_query(own, &query);
        asked->wrong += own == NULL || query.kind != CUPEL_ADDRESS_HEAP || query.base != own;
        cupel_free(asked->a, own, 24, 8);
        (void)cupel_query(asked->addresses[i % 4], &query);
        asked->wrong += query.kind != asked->kinds[i % 4];
        (void)cupel_query(&query, &query);
        asked->wrong += query.kind != CUPEL_ADDRESS_STACK || query.thread != (int)syscall(SYS_gettid);
    }
    return NULL;
}

TEST(query, threads_may_ask_at_once, .tags = "slow", .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_allocator *a = start(&debug, &seen);
    char *live = cupel_alloc(a, 24, 8);
    char *freed = cupel_alloc(a, 24, 8);
    cupel_free(a, freed, 24, 8);
    struct asked asked[4];
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        asked[i] =
            (struct asked){a,
                           {live + 20, freed, query_tests_global, (const void *)16},
                           {CUPEL_ADDRESS_HEAP, CUPEL_ADDRESS_FREED, CUPEL_ADDRESS_STATIC, CUPEL_ADDRESS_UNMAPPED},
                           0};
        REQUIRE_INT_EQ(pthread_create(&threads[i], NULL, ask_often, &asked[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_UINT_EQ(asked[i].wrong, 0);
    }
    cupel_free(a, live, 24, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

static char query_tests_stack[65536];
static struct cupel_query asked_in_handler[2];

static void ask_in_handler(int signal) {
    (void)signal;
    (void)cupel_query(query_tests_global, &asked_in_handler[0]);
    (void)cupel_query(&signal, &asked_in_handler[1]);
}

/* On a stack of its own, too, which is nobody's but the running thread's. */
TEST(query, handlers_may_ask) {
    stack_t own = {.ss_sp = query_tests_stack, .ss_size = sizeof query_tests_stack};
    stack_t before;
    struct sigaction action = {.sa_handler = ask_in_handler, .sa_flags = SA_ONSTACK};
    struct sigaction old;
    REQUIRE(sigaltstack(&own, &before) == 0 && sigaction(SIGUSR1, &action, &old) == 0);
    REQUIRE_INT_EQ(raise(SIGUSR1), 0);
    CHECK_INT_EQ(asked_in_handler[0].kind, CUPEL_ADDRESS_STATIC);
    CHECK_STR_EQ(asked_in_handler[0].symbol, "query_tests_global");
    CHECK_INT_EQ(asked_in_handler[1].kind, CUPEL_ADDRESS_STATIC); /* the alternate stack is an array of this file */
    CHECK_STR_EQ(asked_in_handler[1].symbol, "query_tests_stack");
    REQUIRE(sigaltstack(&before, NULL) == 0 && sigaction(SIGUSR1, &old, NULL) == 0);
}

static void check_sentence(const struct cupel_query *query, const char *expected) {
    struct seen_text line = {.length = 0};
    cupel_query_print(query, seen_text_put, &line);
    CHECK_STR_EQ(line.text, expected);
}

TEST(query, answers_are_sentences) {
    struct cupel_query query = {.address = (const void *)0x103, .kind = CUPEL_ADDRESS_UNMAPPED};
    check_sentence(&query, "0x103 is in no memory\n");
    query.kind = CUPEL_ADDRESS_MAPPED;
    check_sentence(&query, "0x103 is in memory without a name\n");
    (void)strcpy(query.mapping, "[heap]");
    check_sentence(&query, "0x103 is in [heap]\n");
    query.kind = CUPEL_ADDRESS_STACK;
    check_sentence(&query, "0x103 is on the stack of a thread\n");
    query.thread = 7;
    check_sentence(&query, "0x103 is on the stack of thread 7\n");
    query.kind = CUPEL_ADDRESS_STATIC;
    check_sentence(&query, "0x103 is in a module\n");
    (void)strcpy(query.module, "/lib/a");
    (void)strcpy(query.symbol, "table");
    query.base = (const void *)0x100;
    query.size = 16;
    check_sentence(&query, "0x103 is 3 bytes into table of /lib/a\n");
    query.kind = CUPEL_ADDRESS_FREED;
    check_sentence(&query, "0x103 is in memory that was freed, and is no longer known\n");
    query.kind = CUPEL_ADDRESS_HEAP;
    query.chain_count = 2;
    query.chain[0] = (struct cupel_owned){.owner = "arena", .base = (const void *)0x104, .size = 8, .is_live = true};
    query.chain[1] = (struct cupel_owned){.owner = "debug", .base = (const void *)0x100, .size = 2};
    check_sentence(&query, "0x103 is 1 byte before a live block of 8 bytes at 0x104 of 'arena', within 1 byte behind a "
                           "freed block of 2 bytes at 0x100 of 'debug'\n");
    query.chain[0].base = query.address;
    query.chain_count = 1;
    check_sentence(&query, "0x103 is the beginning of a live block of 8 bytes at 0x103 of 'arena'\n");
    uint64_t counts[CUPEL_QUERY_STATUSES];
    cupel_query_count(counts);
    uint64_t before = counts[CUPEL_QUERY_OK];
    CHECK_INT_EQ(ask(NULL, &query), CUPEL_QUERY_OK);
    cupel_query_count(counts);
    CHECK(counts[CUPEL_QUERY_OK] > before);
    CHECK_STR_EQ(cupel_query_status_name(CUPEL_QUERY_NO_MAP), "no map");
    CHECK_STR_EQ(cupel_address_kind_name(CUPEL_ADDRESS_STATIC), "static");
}

TEST(query, single_parts_are_those_of_the_whole, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_query query;
    char name[64];
    struct cupel_allocator *a = start(&debug, &seen);
    char *block = cupel_alloc(a, 24, 8);
    REQUIRE(block != NULL);
    (void)ask(block, &query);
    REQUIRE(query.chain_count == 1);
    CHECK_PTR_EQ(cupel_query_base(block + 7), block);
    CHECK_UINT_EQ(cupel_query_size(block + 7), 24);
    CHECK_PTR_EQ(cupel_query_site(block + 7), query.chain[0].site);
    CHECK_STR_EQ(cupel_query_owner(block + 7), "queried");
    CHECK_STR_CONTAINS(cupel_query_name(block + 7, name, sizeof name), " is 7 bytes into a live block of 24 ");
    CHECK_UINT_EQ(strlen(cupel_query_name(block + 7, name, 10)), 9);
    CHECK_PTR_EQ(cupel_query_base(&query_tests_global[3]), query_tests_global);
    CHECK_UINT_GE(cupel_query_size(&query_tests_global[3]), sizeof query_tests_global); /* sanitizers add to it */
    CHECK_PTR_EQ(cupel_query_site(query_tests_global), NULL);
    CHECK_PTR_EQ(cupel_query_owner(query_tests_global), NULL);
    CHECK_PTR_EQ(cupel_query_base((const void *)16), NULL);
    CHECK_UINT_EQ(cupel_query_size((const void *)16), 0);
    CHECK_STR_EQ(cupel_query_name((const void *)16, name, sizeof name), "0x10 is in no memory");
    cupel_free(a, block, 24, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(query, each_kind_lives_as_long_as_it_does, .no_sweep = KERNEL, .tags = "slow") {
    static const enum cupel_lifetime expected[CUPEL_ADDRESS_KINDS] = {CUPEL_LIFETIME_OVER,    CUPEL_LIFETIME_MAPPING,
                                                                      CUPEL_LIFETIME_RELEASE, CUPEL_LIFETIME_OVER,
                                                                      CUPEL_LIFETIME_THREAD,  CUPEL_LIFETIME_MODULE};
    for (unsigned i = 0; i < CUPEL_ADDRESS_KINDS; i++) {
        struct cupel_query query = {.kind = (enum cupel_address_kind)i};
        CHECK_INT_EQ(cupel_query_lifetime(&query), expected[i]);
        query.frame.end = 1;
        CHECK_INT_EQ(cupel_query_lifetime(&query), i == CUPEL_ADDRESS_STACK ? CUPEL_LIFETIME_CALL : expected[i]);
    }
}

/* What a debug allocator's statistics have of queries grows as they are asked. */
TEST(query, statistics_count_answers, .no_sweep = KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_query query;
    struct cupel_debug_statistics before;
    struct cupel_debug_statistics after;
    (void)start(&debug, &seen);
    cupel_debug_statistics(&debug, &before);
    CHECK_INT_EQ(ask((const void *)16, &query), CUPEL_QUERY_OK);
    char *pages = mmap(NULL, cupel_page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    CHECK_INT_EQ(ask(pages, &query), CUPEL_QUERY_NO_OWNER);
    (void)munmap(pages, cupel_page_size());
    deep_stack_needed();
    CHECK_INT_EQ(ask((const char *)__builtin_frame_address(0) - DEEP_STACK_BYTES, &query), CUPEL_QUERY_NO_FRAME);
    cupel_debug_statistics(&debug, &after);
    CHECK_UINT_EQ(after.queries_ok - before.queries_ok, 1);
    CHECK_UINT_EQ(after.queries_no_owner - before.queries_no_owner, 1);
    CHECK_UINT_EQ(after.queries_no_frame - before.queries_no_frame, 1);
    CHECK_UINT_EQ(after.queries_forgotten + after.queries_no_thread + after.queries_no_symbol + after.queries_no_map,
                  before.queries_forgotten + before.queries_no_thread + before.queries_no_symbol +
                      before.queries_no_map);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}
