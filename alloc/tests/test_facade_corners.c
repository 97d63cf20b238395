/* Goal: the facade answers at its bounds: before init, in its boot memory to the last byte, and to layers below that
 * ask it while they serve it. Method: scripted calls, and a parent that calls back. */
#include "alloc/facade.h"
#include "alloc/libc.h"
#include "harness/harness.h"

#include <errno.h>
#include <stdint.h>

#define BOOT .no_sweep = "memory of before init is not what a sweep fails"

static struct cupel_facade booting;

TEST(facade_corners, boot_memory_ends_where_it_ends, BOOT) {
    REQUIRE(cupel_facade_boot_bytes() == 0);
    CHECK(cupel_facade_malloc(&booting, CUPEL_FACADE_BOOT_BYTES + 1) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    CHECK(cupel_facade_aligned_alloc(&booting, (size_t)2 * CUPEL_FACADE_BOOT_BYTES, 1) == NULL);
    char *empty = cupel_facade_malloc(&booting, 0);
    char *next = cupel_facade_malloc(&booting, 0);
    REQUIRE(empty != NULL && next != NULL);
    CHECK(next > empty);
    char *most = cupel_facade_malloc(&booting, CUPEL_FACADE_BOOT_BYTES - 256);
    REQUIRE(most != NULL);
    CHECK(cupel_facade_aligned_alloc(&booting, 4096, 1) == NULL); /* padding would lead over the end */
    cupel_facade_free(&booting, most);
    cupel_facade_free(&booting, next);
    /* Addresses in that memory that are no blocks. */
    uint64_t findings = booting.findings;
    cupel_facade_free(&booting, empty - 8);
    cupel_facade_free(&booting, empty + 3);
    CHECK_UINT_EQ(booting.findings, findings + 2);
    cupel_facade_free(&booting, empty);
    CHECK_UINT_EQ(booting.findings, findings + 2);
    CHECK_UINT_EQ(cupel_facade_boot_bytes(), 0);
}

TEST(facade_corners, before_init_there_is_nothing_to_lock) {
    struct cupel_facade facade = {0};
    cupel_facade_lock(&facade);
    cupel_facade_unlock(&facade);
    cupel_facade_deinit(&facade);
    CHECK(facade.parent == NULL);
}

TEST(facade_corners, arrays_grow_and_do_not_overflow) {
    struct cupel_facade facade = {0};
    (void)cupel_facade_init(&facade, test_allocator());
    char *block = cupel_facade_reallocarray(&facade, NULL, 10, 10);
    if (block == NULL) {
        cupel_facade_deinit(&facade);
    }
    STARVED(block == NULL);
    CHECK_UINT_EQ(cupel_facade_usable_size(&facade, block), 100);
    errno = 0;
    CHECK(cupel_facade_reallocarray(&facade, block, SIZE_MAX / 2, 3) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    CHECK_UINT_EQ(cupel_facade_usable_size(&facade, block), 100);
    cupel_facade_free(&facade, block);
    cupel_facade_deinit(&facade);
}

/* The sized interface, over blocks of before init and over what is no block. */
TEST(facade_corners, resizes_only_what_it_knows, BOOT) {
    struct cupel_facade facade = {0};
    char *early = cupel_facade_malloc(&booting, 100);
    REQUIRE(early != NULL);
    struct cupel_allocator *a = cupel_facade_init(&facade, cupel_libc());
    CHECK(cupel_resize(a, early, 100, 1, 100));
    CHECK(!cupel_resize(a, early, 100, 1, 50));
    char *block = cupel_alloc(a, 100, 8);
    REQUIRE(block != NULL);
    CHECK(!cupel_resize(a, block + 8, 92, 8, 50));
    CHECK_UINT_EQ(facade.findings, 1);
    cupel_free(a, block, 100, 8);
    cupel_free(a, early, 100, 1);
    cupel_facade_deinit(&facade);
}

/* A parent that asks the facade above it of a block that it has. */
struct asking {
    struct cupel_allocator base;
    struct cupel_facade facade;
    void *known;
    size_t usable;
    bool has_resized, has_kept;
};

static void *asking_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct asking *asking = (struct asking *)self;
    if (asking->known != NULL) {
        asking->usable = cupel_facade_usable_size(&asking->facade, asking->known);
        asking->has_kept = cupel_resize(&asking->facade.base, asking->known, 40, 8, 40);
        asking->has_resized = cupel_resize(&asking->facade.base, asking->known, 40, 8, 20);
    }
    return cupel_libc()->ops->acquire(cupel_libc(), size, align, flags, site);
}

static void asking_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    cupel_libc()->ops->release(cupel_libc(), block, size, align, site);
}

TEST(facade_corners, layers_below_may_ask_it, BOOT) {
    static const struct cupel_allocator_ops ops = {
        .name = "asking", .acquire = asking_acquire, .release = asking_release};
    struct asking asking = {.base = {&ops}};
    (void)cupel_facade_init(&asking.facade, &asking.base);
    void *first = cupel_facade_malloc(&asking.facade, 40);
    REQUIRE(first != NULL);
    asking.known = first;
    void *second = cupel_facade_malloc(&asking.facade, 10);
    REQUIRE(second != NULL);
    asking.known = NULL;
    CHECK_UINT_EQ(asking.usable, 40);
    CHECK(asking.has_kept);
    CHECK(!asking.has_resized);
    cupel_facade_free(&asking.facade, second);
    cupel_facade_free(&asking.facade, first);
    CHECK_UINT_EQ(asking.facade.findings, 0);
    cupel_facade_deinit(&asking.facade);
}
