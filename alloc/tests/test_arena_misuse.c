/* Goal: memory of an arena that is gone, or was never handed out, is refused by the checker at work.
 * Method: bytes that nobody may touch, asked of ASan and valgrind, and touched in a forked child under ASan. */
#include "alloc/arena.h"
#include "alloc/base/poison.h"
#include "alloc/libc.h"
#include "harness/harness.h"

#include <sys/wait.h>
#include <unistd.h>

/* Each leaves one byte that nobody may touch, and returns its address. */
static volatile char *byte_after_rewind(struct cupel_arena *arena) {
    struct cupel_arena_mark mark = cupel_arena_mark(arena);
    char *block = cupel_alloc(&arena->base, 100, 1);
    cupel_arena_rewind(arena, mark);
    return block + 99;
}

static volatile char *byte_after_release(struct cupel_arena *arena) {
    char *block = cupel_alloc(&arena->base, 100, 1);
    cupel_alloc(&arena->base, 100, 1);
    cupel_free(&arena->base, block, 100, 1);
    return block;
}

static volatile char *byte_behind_the_end(struct cupel_arena *arena) {
    char *block = cupel_alloc(&arena->base, 100, 1);
    cupel_alloc(&arena->base, 100, 1);
    return block + 100;
}

static volatile char *byte_before_a_large_block(struct cupel_arena *arena) {
    char *block = cupel_alloc(&arena->base, 100000, 1);
    return block - 1;
}

static volatile char *byte_before_a_moved_block(struct cupel_arena *arena) {
    char *block = cupel_alloc(&arena->base, 100000, 1);
    block = cupel_realloc(&arena->base, block, 100000, 1, 500000);
    return block - 1;
}

static volatile char *byte_after_shrinking(struct cupel_arena *arena) {
    char *block = cupel_alloc(&arena->base, 100, 1);
    cupel_resize(&arena->base, block, 100, 1, 50);
    return block + 50;
}

struct misuse {
    const char *name;
    volatile char *(*leave)(struct cupel_arena *arena);
};

static const struct misuse misuses[] = {{"after a rewind", byte_after_rewind},
                                        {"after a release", byte_after_release},
                                        {"behind the end", byte_behind_the_end},
                                        {"before a large block", byte_before_a_large_block},
                                        {"before a moved block", byte_before_a_moved_block},
                                        {"after shrinking", byte_after_shrinking}};

/* Whether the checker at work would refuse an access; `has_checker` false where there is none. */
static bool is_refused(volatile char *address, bool *has_checker) {
    (void)address;
    *has_checker = false;
#ifdef CUPEL__ASAN
    *has_checker = true;
    return __asan_address_is_poisoned(address) != 0;
#elif defined(CUPEL_HAS_VALGRIND)
    if (cupel__is_watched()) {
        *has_checker = true;
        unsigned char bits;
        return VALGRIND_GET_VBITS(address, &bits, 1) == 3; /* some byte is not addressable */
    }
#endif
    return false;
}

TEST(arena, checkers_refuse_memory_that_is_gone, .no_sweep = "it touches blocks that must have been there") {
    for (size_t i = 0; i < sizeof misuses / sizeof misuses[0]; i++) {
        struct cupel_arena arena;
        cupel_arena_init(&arena, test_allocator(), NULL);
        volatile char *byte = misuses[i].leave(&arena);
        bool has_checker;
        bool refused = is_refused(byte, &has_checker);
        cupel_arena_deinit(&arena);
        if (!has_checker) {
            cupel_test_skip("neither built with AddressSanitizer nor run under valgrind");
        }
        if (!refused) {
            FAIL("a byte %s may be touched", misuses[i].name);
        }
    }
}

TEST(arena, asan_ends_a_program_that_writes_after_a_rewind) {
#ifndef CUPEL__ASAN
    cupel_test_skip("not built with AddressSanitizer");
#else
    int ends[2];
    REQUIRE_INT_EQ(pipe(ends), 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        struct cupel_arena arena;
        cupel_arena_init(&arena, cupel_libc(), NULL);
        *byte_after_rewind(&arena) = 1;
        _exit(0);
    }
    (void)close(ends[1]);
    char text[8192];
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], text + length, sizeof text - 1 - length)) > 0) {
        length += (size_t)got;
    }
    text[length] = '\0';
    (void)close(ends[0]);
    int status = 0;
    REQUIRE_INT_EQ(waitpid(child, &status, 0), child);
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    CHECK_STR_CONTAINS(text, "use-after-poison");
#endif
}
