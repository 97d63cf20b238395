/* Goal: the global allocator begins with whichever call comes first, says why a mode cannot be entered, and tells at
 * the end what was left. Method: processes of their own, whose first request is each of the family; a kernel that
 * refuses; a program that ends with a block in hand. */
#include "alloc/mode.h"
#include "alloc/tests/refusing.h"
#include "harness/harness.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define ALONE                                                                                                          \
    .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow", .no_sweep = "it compares the process's own counts",              \
    .may_leave = CUPEL_LEFT_ENVIRONMENT

static struct cupel_error error;

TEST(mode_corners, may_begin_with_zeroed_memory, ALONE) {
    REQUIRE(cupel_global_is_balanced());
    unsigned char *block = cupel_global_calloc(10, 10);
    REQUIRE(block != NULL);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_UINT_EQ(block[i], 0);
    }
    CHECK(!cupel_global_is_balanced()); /* this mode does not count, and has given something */
    cupel_global_free(block);
}

TEST(mode_corners, may_begin_with_a_resize, ALONE) {
    char *block = cupel_global_realloc(NULL, 100);
    REQUIRE(block != NULL);
    memset(block, 1, 100);
    CHECK(!cupel_set_alloc_mode(CUPEL_MODE_COUNTING, &error));
    cupel_global_free(block);
}

TEST(mode_corners, may_begin_with_a_free, ALONE) {
    cupel_global_free(NULL); /* which is nothing */
    CHECK(cupel_global_is_balanced());
    char *block = strdup("of the C library's own malloc");
    REQUIRE(block != NULL);
    cupel_global_free(block);
    CHECK(!cupel_global_is_balanced());
}

TEST(mode_corners, functions_are_given_together, ALONE) {
    static const struct {
        bool has_malloc, has_realloc, has_free;
    } some[] = {{true, false, false}, {true, true, false}, {false, true, false},
                {false, false, true}, {false, true, true}, {true, false, true}};
    for (unsigned i = 0; i < sizeof some / sizeof some[0]; i++) {
        error.text[0] = '\0';
        CHECK(!cupel_set_alloc_functions(some[i].has_malloc ? (cupel_malloc_function)(uintptr_t)&abort : NULL,
                                         some[i].has_realloc ? (cupel_realloc_function)(uintptr_t)&abort : NULL,
                                         some[i].has_free ? (cupel_free_function)(uintptr_t)&abort : NULL, NULL,
                                         &error));
        CHECK_STR_CONTAINS(error.text, "give malloc, realloc and free, or none");
    }
    CHECK(cupel_set_alloc_functions(NULL, NULL, NULL, NULL, &error));
}

TEST(mode_corners, an_environment_that_is_wrong_changes_nothing, ALONE) {
    REQUIRE(setenv("CUPEL_ALLOC", "mode=nonsense", 1) == 0);
    CHECK(!cupel_set_alloc_mode_from_environment(&error));
    CHECK_STR_CONTAINS(error.text, "nonsense");
    void *block = cupel_global_malloc(10);
    REQUIRE(block != NULL);
    REQUIRE(setenv("CUPEL_ALLOC", "mode=counting", 1) == 0);
    CHECK(!cupel_set_alloc_mode_from_environment(&error)); /* it is too late */
    CHECK_STR_CONTAINS(error.text, "cannot set allocation mode counting");
    CHECK_INT_EQ(cupel_alloc_mode(), CUPEL_MODE_FAST);
    cupel_global_free(block);
    REQUIRE(unsetenv("CUPEL_ALLOC") == 0);
}

/* Through the sized interface: too large a size, with and without an alignment of its own, and memory that comes
 * zeroed. */
TEST(mode_corners, blocks_that_cannot_grow_stay, ALONE) {
    static const size_t aligns[] = {8, 256};
    REQUIRE(cupel_set_alloc_mode(CUPEL_MODE_COUNTING, &error));
    for (unsigned i = 0; i < 2; i++) {
        struct cupel_allocator *a = cupel_global();
        unsigned char *block = cupel_alloc(a, 40, aligns[i]);
        REQUIRE(block != NULL);
        memset(block, 7, 40);
        CHECK(a->ops->remap(a, block, 40, aligns[i], (size_t)PTRDIFF_MAX + 1, 0, NULL) == NULL);
        CHECK(a->ops->remap(a, block, 40, aligns[i], PTRDIFF_MAX - 4096, 0, NULL) == NULL);
        block = a->ops->remap(a, block, 40, aligns[i], 4000, CUPEL_ZEROED, NULL);
        REQUIRE(block != NULL);
        for (unsigned j = 0; j < 4000; j++) {
            CHECK_UINT_EQ(block[j], j < 40 ? 7 : 0);
        }
        block = a->ops->remap(a, block, 4000, aligns[i], 20, CUPEL_ZEROED, NULL); /* nothing is new of a smaller one */
        REQUIRE(block != NULL);
        CHECK_UINT_EQ(block[19], 7);
        cupel_free(a, block, 20, aligns[i]);
        CHECK(cupel_global_is_balanced());
    }
}

#if !defined(__SANITIZE_ADDRESS__)
/* A program that ends with a block in hand is told of it: as lost, or as still reachable where a copy of its address is
 * left on the stack. */
TEST(mode_corners, debug_tells_at_the_end_what_is_left, ALONE, .expect_exit = 1,
     .expect_stderr = "40 bytes in 1 block") {
    REQUIRE(cupel_set_alloc_mode(CUPEL_MODE_DEBUG, &error));
    void *volatile block = cupel_global_malloc(40);
    REQUIRE(block != NULL);
    block = NULL;
    exit(0);
}

/* One that has left the mode is not. */
TEST(mode_corners, debug_tells_nothing_where_it_was_left, ALONE, .expect_exit = 1) {
    REQUIRE(cupel_set_alloc_mode(CUPEL_MODE_DEBUG, &error));
    cupel_global_free(cupel_global_malloc(40));
    REQUIRE(cupel_set_alloc_mode(CUPEL_MODE_COUNTING, &error));
    exit(0);
}
#endif

#if defined(__x86_64__)
TEST(mode_corners, debug_needs_memory, .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash",
     .no_sweep = "the kernel refuses by itself") {
    refuse((struct refusal){SYS_mmap, ENOMEM, 3, 0}); /* what is mapped without permissions: room for addresses */
    CHECK(!cupel_set_alloc_mode(CUPEL_MODE_DEBUG, &error));
    CHECK_STR_CONTAINS(error.text, "");
    CHECK_INT_EQ(cupel_alloc_mode(), CUPEL_MODE_FAST);
}
#endif
