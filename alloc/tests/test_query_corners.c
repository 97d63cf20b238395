/* Goal: addresses are told rightly where the process is odd or the system says little: coroutines, stacks of threads
 * that have ended, files that are mapped, and a kernel that shows neither mappings nor threads. Method: one of each. */
#include "alloc/query.h"
#include "alloc/tests/debug_seen.h"
#include "alloc/tests/refusing.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define KERNEL .no_sweep = "its memory is the kernel's, which no sweep fails"

enum { STACK_BYTES = 256 * 1024 };

static struct cupel_query query;

TEST(query_corners, memory_of_files_is_theirs, KERNEL) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/mapped", test_directory());
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(file >= 0 && ftruncate(file, 4096) == 0);
    void *of_file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *fixed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *open_to_all = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)close(file);
    REQUIRE(of_file != MAP_FAILED && shared != MAP_FAILED && closed != MAP_FAILED && fixed != MAP_FAILED);
    REQUIRE(open_to_all != MAP_FAILED);
    CHECK_INT_EQ(cupel_query(of_file, &query), CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_MAPPED);
    CHECK(query.is_writable && strstr(query.mapping, "/") == query.mapping);
    CHECK_INT_EQ(cupel_query(shared, &query), CUPEL_QUERY_OK); /* no heap of this process alone */
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_MAPPED);
    CHECK_INT_EQ(cupel_query(closed, &query), CUPEL_QUERY_OK);
    CHECK(!query.is_readable && !query.is_writable);
    CHECK_INT_EQ(cupel_query(fixed, &query), CUPEL_QUERY_OK);
    CHECK(query.is_readable && !query.is_writable);
    CHECK_INT_EQ(cupel_query(open_to_all, &query), CUPEL_QUERY_NO_OWNER); /* what looks like a heap */
    void *const all[] = {of_file, shared, closed, fixed, open_to_all};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        REQUIRE(munmap(all[i], 4096) == 0);
    }
}

TEST(query_corners, what_no_symbol_holds_is_in_its_module) {
    Dl_info info;
    REQUIRE(dladdr((const void *)(uintptr_t)&cupel_query, &info) != 0);
    CHECK_INT_EQ(cupel_query((const char *)info.dli_fbase + 4, &query), CUPEL_QUERY_NO_SYMBOL);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STATIC);
    CHECK_STR_CONTAINS(query.module, "/");
    CHECK_STR_EQ(query.symbol, "");
    CHECK_PTR_EQ(query.base, info.dli_fbase);
}

TEST(query_corners, an_index_may_know_no_site) {
    struct cupel_index index;
    struct cupel_owned block = {.site = &index};
    const struct cupel_block record = {.base = &index, .size = 8};
    cupel_index_init(&index);
    bool has_room = cupel_index_insert(&index, &record) == CUPEL_INDEX_OK;
    if (!has_room) {
        cupel_index_deinit(&index);
    }
    STARVED(!has_room);
    CHECK(cupel_owner_find_in_index(&index, (const char *)&index + 3, &block));
    CHECK_PTR_EQ(block.base, &index);
    CHECK(block.is_live && block.site == NULL);
    CHECK(!cupel_owner_find_in_index(&index, (const char *)&index + 8, &block));
    cupel_index_deinit(&index);
}

static ucontext_t here, there;
static enum cupel_query_status asked_there;

static void ask_there(void) {
    volatile char local = 1;
    asked_there = cupel_query((const void *)(uintptr_t)&local, &query);
}

TEST(query_corners, a_coroutine_stands_on_the_running_threads_stack, KERNEL, .tags = "slow crash") {
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(stack != MAP_FAILED && getcontext(&there) == 0);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK_BYTES;
    there.uc_link = &here;
    makecontext(&there, ask_there, 0);
    REQUIRE(swapcontext(&here, &there) == 0);
    CHECK_INT_EQ(asked_there, CUPEL_QUERY_OK);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STACK);
    CHECK_INT_EQ(query.thread, getpid());
    REQUIRE(munmap(stack, STACK_BYTES) == 0);
}

static struct cupel_allocator *shared_allocator;

static void *use_allocator(void *user) {
    (void)user;
    cupel_free(shared_allocator, cupel_alloc(shared_allocator, 24, 8), 24, 8);
    return NULL;
}

/* The stack of a thread that has ended stays mapped: it was one, and nobody's now. */
TEST(query_corners, a_stack_may_outlive_its_thread, KERNEL, .tags = "slow") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    pthread_attr_t attributes;
    pthread_t thread;
    char *pages = mmap(NULL, STACK_BYTES + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED && mprotect(pages + 4096, STACK_BYTES, PROT_READ | PROT_WRITE) == 0);
    shared_allocator = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(shared_allocator != NULL);
    CHECK_INT_EQ(cupel_query(pages + 8192, &query), CUPEL_QUERY_NO_OWNER);
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstack(&attributes, pages + 4096, STACK_BYTES) == 0);
    REQUIRE(pthread_create(&thread, &attributes, use_allocator, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK_INT_EQ(cupel_query(pages + 8192, &query), CUPEL_QUERY_NO_THREAD);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STACK);
    CHECK_INT_EQ(query.thread, 0);
    REQUIRE(pthread_attr_destroy(&attributes) == 0);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    REQUIRE(munmap(pages, STACK_BYTES + 8192) == 0);
}

#if defined(__x86_64__)
#define ALONE .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash", .no_sweep = "the kernel refuses by itself"

static const char query_corners_static[] = "static";

TEST(query_corners, without_mappings_modules_are_known_still, ALONE) {
    void *pages = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    refuse((struct refusal){SYS_openat, EMFILE, 3, O_RDONLY | O_CLOEXEC});
    CHECK_INT_EQ(cupel_query(pages, &query), CUPEL_QUERY_NO_MAP);
    CHECK_INT_EQ(cupel_query(query_corners_static, &query), CUPEL_QUERY_NO_SYMBOL); /* its file cannot be read either */
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STATIC);
    CHECK_STR_CONTAINS(query.module, "/");
}

static sem_t is_standing, may_go;
static const volatile void *volatile of_thread;

static void *stand(void *user) {
    volatile char local = 1;
    (void)user;
    of_thread = &local;
    (void)sem_post(&is_standing);
    (void)sem_wait(&may_go);
    return NULL;
}

/* What is refused, and whether the thread is known then: without the list of threads, and without their records. */
static const struct refusal about_threads[] = {
    {SYS_openat, EMFILE, 3, O_RDONLY | O_DIRECTORY | O_CLOEXEC},
    {SYS_get_robust_list, EPERM, 0, 0},
};

TEST(query_corners, without_threads_a_stack_is_memory, ALONE, CUPEL_TABLE(about_threads)) {
    pthread_t thread;
    REQUIRE(sem_init(&is_standing, 0, 0) == 0 && sem_init(&may_go, 0, 0) == 0);
    REQUIRE(pthread_create(&thread, NULL, stand, NULL) == 0 && sem_wait(&is_standing) == 0);
    (void)cupel_query((const void *)(uintptr_t)of_thread, &query);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_STACK);
    CHECK(query.thread != 0 && query.thread != getpid());
    refuse(about_threads[test_row_index()]);
    CHECK_INT_EQ(cupel_query((const void *)(uintptr_t)of_thread, &query), CUPEL_QUERY_NO_OWNER);
    CHECK_INT_EQ(query.kind, CUPEL_ADDRESS_MAPPED);
    REQUIRE(sem_post(&may_go) == 0 && pthread_join(thread, NULL) == 0);
}
#endif
