/* Goal: the facade answers as C and POSIX say, knows its blocks from all other addresses, and works before it is
 * initialised and from inside itself. Method: calls by hand over parents that fail or call back; random calls against a
 * shadow model; threads. */
#include "alloc/facade.h"
#include "alloc/libc.h"
#include "harness/harness.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A parent that counts, fails where told, and calls `on_acquire` and `on_release` while it serves. */
struct below {
    struct cupel_allocator base;
    struct cupel_allocator *parent;
    size_t live;
    bool is_empty;
    void (*callback)(void *user);
    void *user;
};

static void call_back(struct below *below) {
    if (below->callback != NULL) {
        below->callback(below->user);
    }
}

static void *below_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct below *below = (struct below *)self;
    void *block = below->is_empty ? NULL : below->parent->ops->acquire(below->parent, size, align, flags, site);
    below->live += block != NULL;
    call_back(below);
    return block;
}

static bool below_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    struct below *below = (struct below *)self;
    return below->parent->ops->resize(below->parent, block, size, align, new_size, site);
}

static void *below_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         unsigned flags, const void *site) {
    struct below *below = (struct below *)self;
    void *moved =
        below->is_empty ? NULL : below->parent->ops->remap(below->parent, block, size, align, new_size, flags, site);
    call_back(below);
    return moved;
}

static void below_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct below *below = (struct below *)self;
    below->live--;
    below->parent->ops->release(below->parent, block, size, align, site);
    call_back(below);
}

static const struct cupel_allocator_ops below_ops = {
    .name = "below", .acquire = below_acquire, .resize = below_resize, .remap = below_remap, .release = below_release};

struct fixture {
    struct cupel_facade facade;
    struct below below;
    unsigned told;
    struct cupel_facade_finding last;
};

static void note_finding(void *user, const struct cupel_facade_finding *finding) {
    struct fixture *fixture = user;
    fixture->told++;
    fixture->last = *finding;
    /* The callback runs without the lock: the facade serves it as it serves anybody. */
    cupel_benign_begin();
    void *block = cupel_facade_malloc(&fixture->facade, 1);
    CHECK(!cupel_facade_is_boot(block));
    cupel_facade_free(&fixture->facade, block);
    cupel_benign_end();
}

static void begin(struct fixture *fixture) {
    *fixture = (struct fixture){.below = {.base.ops = &below_ops, .parent = test_allocator()}};
    fixture->facade.on_finding = note_finding;
    fixture->facade.user = fixture;
    (void)cupel_facade_init(&fixture->facade, &fixture->below.base);
}

static void end(struct fixture *fixture) {
    CHECK_UINT_EQ(cupel_facade_live_blocks(&fixture->facade), 0);
    CHECK_UINT_EQ(fixture->below.live, 0);
    cupel_facade_deinit(&fixture->facade);
    cupel_facade_deinit(&fixture->facade);
}

TEST(facade, serves_from_the_boot_arena_before_init) {
    struct fixture fixture = {.below = {.base.ops = &below_ops, .parent = test_allocator()}};
    struct cupel_facade *facade = &fixture.facade;
    size_t before = cupel_facade_boot_bytes();
    char *first = cupel_facade_malloc(facade, 10);
    char *second = cupel_facade_calloc(facade, 10, 10);
    char *third = NULL;
    REQUIRE(first != NULL && second != NULL);
    CHECK_INT_EQ(cupel_facade_posix_memalign(facade, (void **)&third, 1024, 1), 0);
    CHECK(cupel_facade_is_boot(first) && cupel_facade_is_boot(second) && cupel_facade_is_boot(third));
    CHECK_UINT_EQ((uintptr_t)third % 1024, 0);
    CHECK_UINT_EQ((uintptr_t)first % _Alignof(max_align_t), 0);
    CHECK_UINT_EQ(cupel_facade_usable_size(facade, first), 10);
    memcpy(first, "ten bytes", 10);
    for (int i = 0; i < 100; i++) {
        CHECK_INT_EQ(second[i], 0);
    }
    (void)cupel_facade_init(facade, &fixture.below.base);
    cupel_facade_free(facade, third);
    cupel_facade_free(facade, second);
    char *moved = cupel_facade_realloc(facade, first, 1000);
    if (moved == NULL) {
        cupel_facade_free(facade, first);
        cupel_facade_deinit(facade);
    }
    STARVED(moved == NULL);
    CHECK(!cupel_facade_is_boot(moved));
    CHECK_STR_EQ(moved, "ten bytes");
    cupel_facade_free(facade, moved);
    CHECK_UINT_EQ(cupel_facade_boot_bytes(), before);
    end(&fixture);
}

TEST(facade, boot_arena_ends_with_no_memory) {
    struct cupel_facade facade = {0};
    size_t before = cupel_facade_boot_bytes();
    CHECK(cupel_facade_malloc(&facade, CUPEL_FACADE_BOOT_BYTES) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    CHECK(cupel_facade_malloc(&facade, SIZE_MAX - 8) == NULL);
    CHECK(cupel_facade_aligned_alloc(&facade, (size_t)1 << 40, 8) == NULL);
    void *half = cupel_facade_malloc(&facade, CUPEL_FACADE_BOOT_BYTES / 2);
    CHECK(half != NULL);
    CHECK(cupel_facade_malloc(&facade, CUPEL_FACADE_BOOT_BYTES / 2) == NULL);
    CHECK(cupel_facade_realloc(&facade, half, CUPEL_FACADE_BOOT_BYTES) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    cupel_facade_free(&facade, half);
    CHECK_UINT_EQ(cupel_facade_boot_bytes(), before);
}

TEST(facade, boot_blocks_are_told_from_other_addresses) {
    struct fixture fixture;
    begin(&fixture);
    struct cupel_facade booting = {0};
    char *block = cupel_facade_malloc(&booting, 100);
    REQUIRE(block != NULL);
    cupel_facade_free(&fixture.facade, block + 16);
    CHECK_UINT_EQ(fixture.told, 1);
    CHECK_INT_EQ(fixture.last.kind, CUPEL_FACADE_BOOT_FREED);
    cupel_facade_free(&fixture.facade, block);
    CHECK_UINT_EQ(fixture.told, 1);
    cupel_facade_free(&fixture.facade, block);
    CHECK_UINT_EQ(fixture.told, 2);
    CHECK(cupel_facade_realloc(&fixture.facade, block, 10) == NULL);
    CHECK_INT_EQ(errno, EINVAL);
    CHECK_UINT_EQ(fixture.told, 3);
    cupel_facade_free(&booting, &booting);
    CHECK_UINT_EQ(booting.findings, 1);
    end(&fixture);
}

TEST(facade, answers_as_the_standards_say) {
    struct fixture fixture;
    begin(&fixture);
    struct cupel_facade *facade = &fixture.facade;
    errno = 0;
    cupel_facade_free(facade, NULL);
    CHECK_UINT_EQ(cupel_facade_usable_size(facade, NULL), 0);
    void *zero = cupel_facade_malloc(facade, 0);
    STARVED(zero == NULL);
    CHECK_INT_EQ(errno, 0);
    void *other_zero = cupel_facade_calloc(facade, 0, 5);
    if (other_zero == NULL) {
        cupel_facade_free(facade, zero);
    }
    STARVED(other_zero == NULL);
    CHECK(zero != other_zero);
    CHECK(cupel_facade_calloc(facade, SIZE_MAX / 4 + 2, 4) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(cupel_facade_reallocarray(facade, zero, SIZE_MAX / 4 + 2, 4) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    errno = 0;
    cupel_benign_begin(); /* requests that reach the parent, and fail either way */
    CHECK(cupel_facade_malloc(facade, SIZE_MAX) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    cupel_benign_end();
    errno = 0;
    CHECK(cupel_facade_realloc(facade, zero, 0) == NULL);
    CHECK_INT_EQ(errno, 0);
    CHECK_UINT_EQ(cupel_facade_live_blocks(facade), 1);
    CHECK(cupel_facade_aligned_alloc(facade, 24, 8) == NULL);
    CHECK_INT_EQ(errno, EINVAL);
    errno = 0;
    void *untouched = &fixture;
    CHECK_INT_EQ(cupel_facade_posix_memalign(facade, &untouched, 4, 8), EINVAL);
    CHECK_INT_EQ(cupel_facade_posix_memalign(facade, &untouched, 48, 8), EINVAL);
    CHECK_INT_EQ(cupel_facade_posix_memalign(facade, &untouched, 0, 8), EINVAL);
    cupel_benign_begin();
    CHECK_INT_EQ(cupel_facade_posix_memalign(facade, &untouched, 64, SIZE_MAX), ENOMEM);
    cupel_benign_end();
    CHECK_PTR_EQ(untouched, &fixture);
    CHECK_INT_EQ(errno, 0);
    errno = EXDEV;
    cupel_facade_free(facade, other_zero);
    CHECK_INT_EQ(errno, EXDEV);
    CHECK_UINT_EQ(facade->findings, 0);
    end(&fixture);
}

TEST(facade, failure_leaves_the_block_as_it_was) {
    struct fixture fixture;
    begin(&fixture);
    struct cupel_facade *facade = &fixture.facade;
    char *block = cupel_facade_malloc(facade, 10);
    STARVED(block == NULL);
    memcpy(block, "ten bytes", 10);
    fixture.below.is_empty = true;
    errno = 0;
    CHECK(cupel_facade_realloc(facade, block, 100000) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    CHECK(cupel_facade_malloc(facade, 1) == NULL);
    CHECK(cupel_facade_aligned_alloc(facade, 64, 1) == NULL);
    CHECK_STR_EQ(block, "ten bytes");
    CHECK_UINT_EQ(cupel_facade_usable_size(facade, block), 10);
    cupel_facade_free(facade, block);
    end(&fixture);
}

static void *refuse_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    (void)size;
    (void)align;
    (void)flags;
    (void)site;
    return NULL;
}

TEST(facade, a_full_index_is_no_memory) {
    static const struct cupel_allocator_ops refusing_ops = {.name = "refusing", .acquire = refuse_acquire};
    struct cupel_allocator refusing = {&refusing_ops};
    struct fixture fixture;
    begin(&fixture);
    struct cupel_allocator *memory = fixture.facade.index.memory;
    fixture.facade.index.memory = &refusing;
    errno = 0;
    cupel_benign_begin(); /* it fails either way */
    CHECK(cupel_facade_malloc(&fixture.facade, 10) == NULL);
    cupel_benign_end();
    CHECK_INT_EQ(errno, ENOMEM);
    CHECK_UINT_EQ(fixture.below.live, 0);
    fixture.facade.index.memory = memory;
    end(&fixture);
}

TEST(facade, names_what_is_wrong_with_an_address) {
    struct fixture fixture;
    begin(&fixture);
    struct cupel_facade *facade = &fixture.facade;
    char *block = cupel_facade_malloc(facade, 100);
    STARVED(block == NULL);
    cupel_facade_free(facade, block + 99);
    CHECK_UINT_EQ(fixture.told, 1);
    CHECK_INT_EQ(fixture.last.kind, CUPEL_FACADE_INTERIOR);
    CHECK_PTR_EQ(fixture.last.address, block + 99);
    CHECK_PTR_EQ(fixture.last.block.base, block);
    CHECK_UINT_EQ(fixture.last.block.size, 100);
    CHECK(fixture.last.site != NULL && fixture.last.block.frames[0] != NULL);
    CHECK(cupel_facade_realloc(facade, block + 1, 200) == NULL);
    CHECK_INT_EQ(errno, EINVAL);
    CHECK_UINT_EQ(cupel_facade_usable_size(facade, block + 1), 0);
    CHECK_UINT_EQ(fixture.told, 3);
    cupel_facade_free(facade, &fixture);
    CHECK_INT_EQ(fixture.last.kind, CUPEL_FACADE_UNKNOWN_BLOCK);
    cupel_facade_free(facade, block);
    CHECK_UINT_EQ(fixture.told, 4);
    cupel_facade_free(facade, block);
    CHECK_UINT_EQ(fixture.told, 5);
    CHECK_UINT_EQ(facade->findings, 5);
    end(&fixture);
}

TEST(facade, serves_the_sized_interface_too) {
    struct fixture fixture;
    begin(&fixture);
    struct cupel_allocator *a = &fixture.facade.base;
    char *block = cupel_alloc(a, 10, 64);
    STARVED(block == NULL);
    CHECK_UINT_EQ((uintptr_t)block % 64, 0);
    CHECK_UINT_EQ(cupel_facade_usable_size(&fixture.facade, block), 10);
    cupel_benign_begin(); /* a sweep may refuse it */
    size_t size = cupel_resize(a, block, 10, 64, 9) ? 9 : 10;
    cupel_benign_end();
    CHECK_UINT_EQ(cupel_facade_usable_size(&fixture.facade, block), size);
    memset(block, 0x77, size);
    char *moved = cupel_realloc(a, block, size, 64, 5000);
    if (moved == NULL) {
        cupel_facade_free(&fixture.facade, block);
    }
    STARVED(moved == NULL);
    CHECK_INT_EQ(moved[8], 0x77);
    CHECK_UINT_EQ((uintptr_t)moved % 64, 0);
    CHECK_UINT_EQ(cupel_facade_usable_size(&fixture.facade, moved), 5000);
    cupel_free(a, moved, 5000, 64);
    end(&fixture);
}

/* What a layer below does while it serves: it takes a block, lets it grow, frees another. */
struct guest {
    struct cupel_facade *facade;
    void *doomed;  /* a block of the facade's, freed at the first call */
    void *growing; /* and one that grows */
    bool was_boot;
    bool has_grown;
    unsigned visits;
    size_t live_while_inside; /* at the first visit */
};

static void visit(void *user) {
    struct guest *guest = user;
    char *buffer = cupel_facade_malloc(guest->facade, 300);
    guest->was_boot = buffer != NULL && cupel_facade_is_boot(buffer);
    cupel_facade_free(guest->facade, buffer);
    cupel_facade_free(guest->facade, guest->doomed);
    guest->doomed = NULL;
    if (guest->growing != NULL) {
        char *grown = cupel_facade_realloc(guest->facade, guest->growing, 50);
        guest->has_grown = grown != NULL && memcmp(grown, "growing", 8) == 0;
        cupel_facade_free(guest->facade, grown);
        guest->growing = NULL;
    }
    cupel_facade_free(guest->facade, user); /* a mistake: counted, and told to nobody */
    if (guest->visits++ == 0) {
        guest->live_while_inside = cupel_facade_live_blocks(guest->facade);
    }
}

TEST(facade, layers_below_may_call_it_while_they_serve) {
    struct fixture fixture;
    begin(&fixture);
    struct cupel_facade *facade = &fixture.facade;
    size_t boot_before = cupel_facade_boot_bytes();
    struct guest guest = {.facade = facade};
    guest.doomed = cupel_facade_malloc(facade, 20);
    guest.growing = cupel_facade_malloc(facade, 8);
    bool is_starved = guest.doomed == NULL || guest.growing == NULL;
    if (is_starved) {
        cupel_facade_free(facade, guest.doomed);
        cupel_facade_free(facade, guest.growing);
    }
    STARVED(is_starved);
    memcpy(guest.growing, "growing", 8);
    fixture.below.callback = visit;
    fixture.below.user = &guest;
    void *block = cupel_facade_malloc(facade, 40);
    CHECK(guest.was_boot);
    CHECK(guest.has_grown);
    CHECK_UINT_EQ(guest.live_while_inside, 0);
    CHECK_UINT_GE(facade->findings, 1);
    CHECK_UINT_EQ(fixture.told, 0);
    fixture.below.callback = NULL;
    CHECK_UINT_EQ(fixture.below.live, block != NULL);
    CHECK_UINT_EQ(cupel_facade_boot_bytes(), boot_before);
    cupel_facade_free(facade, block);
    end(&fixture);
    STARVED(block == NULL);
}

static void free_many(void *user) {
    struct guest *guest = user;
    void **blocks = guest->doomed;
    for (unsigned i = 0; blocks != NULL && i < CUPEL_FACADE_DEFERRED_MAX + 1; i++) {
        cupel_facade_free(guest->facade, blocks[i]);
    }
    guest->doomed = NULL;
}

TEST(facade, too_many_deferred_blocks_are_a_finding) {
    struct fixture fixture;
    begin(&fixture);
    void *blocks[CUPEL_FACADE_DEFERRED_MAX + 2]; /* the last one begins it */
    bool is_starved = false;
    for (unsigned i = 0; i < CUPEL_FACADE_DEFERRED_MAX + 2; i++) {
        blocks[i] = cupel_facade_malloc(&fixture.facade, 8);
        is_starved = is_starved || blocks[i] == NULL;
    }
    for (unsigned i = 0; is_starved && i < CUPEL_FACADE_DEFERRED_MAX + 2; i++) {
        cupel_facade_free(&fixture.facade, blocks[i]);
    }
    STARVED(is_starved);
    struct guest guest = {.facade = &fixture.facade, .doomed = blocks};
    fixture.below.callback = free_many;
    fixture.below.user = &guest;
    cupel_facade_free(&fixture.facade, blocks[CUPEL_FACADE_DEFERRED_MAX + 1]);
    CHECK_UINT_EQ(fixture.facade.findings, 1);
    CHECK_UINT_EQ(cupel_facade_live_blocks(&fixture.facade), 0);
    CHECK_UINT_EQ(fixture.below.live, 1);
    fixture.below.callback = NULL;
    cupel_free(&fixture.below.base, blocks[CUPEL_FACADE_DEFERRED_MAX], 8, _Alignof(max_align_t));
    end(&fixture);
}

static void *churn(void *user) {
    struct cupel_facade *facade = user;
    unsigned char *blocks[16] = {NULL};
    for (unsigned i = 0; i < 3000; i++) {
        unsigned at = i % 16;
        if (blocks[at] != NULL && blocks[at][0] != (unsigned char)at) {
            return user; /* a block changed its contents */
        }
        if (i % 3 == 0) {
            cupel_facade_free(facade, blocks[at]);
            blocks[at] = cupel_facade_malloc(facade, 1 + i % 200);
        } else {
            blocks[at] = cupel_facade_realloc(facade, blocks[at], 1 + i % 3000);
        }
        if (blocks[at] == NULL) {
            return user;
        }
        blocks[at][0] = (unsigned char)at;
    }
    for (unsigned i = 0; i < 16; i++) {
        cupel_facade_free(facade, blocks[i]);
    }
    return NULL;
}

TEST(facade, threads_share_it, .no_sweep = "its threads give up where one of them is refused", .tags = "slow") {
    struct fixture fixture;
    begin(&fixture);
    /* Nothing below has a lock of its own. */
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        REQUIRE_INT_EQ(pthread_create(&threads[i], NULL, churn, &fixture.facade), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *wrong = NULL;
        REQUIRE_INT_EQ(pthread_join(threads[i], &wrong), 0);
        CHECK(wrong == NULL);
    }
    CHECK_UINT_EQ(fixture.facade.findings, 0);
    end(&fixture);
}

TEST(facade, lock_may_be_held_over_a_fork, .tags = "slow") {
    struct fixture fixture;
    begin(&fixture);
    cupel_facade_lock(&fixture.facade);
    void *meanwhile = cupel_facade_malloc(&fixture.facade, 8);
    CHECK(cupel_facade_is_boot(meanwhile));
    pid_t child = fork();
    cupel_facade_unlock(&fixture.facade);
    REQUIRE(child >= 0);
    if (child == 0) {
        void *block = cupel_facade_malloc(&fixture.facade, 8);
        bool is_own = block != NULL && !cupel_facade_is_boot(block);
        _exit(is_own ? 0 : 1);
    }
    int status = -1;
    REQUIRE_INT_EQ(waitpid(child, &status, 0), child);
    CHECK_INT_EQ(status, 0);
    cupel_facade_free(&fixture.facade, meanwhile);
    end(&fixture);
}

enum { SLOTS = 24 };

struct slot {
    unsigned char *block;
    size_t size;
    unsigned char fill;
};

static bool is_intact(const struct slot *slot, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (slot->block[i] != slot->fill) {
            return false;
        }
    }
    return true;
}

static void change(struct cupel_facade *facade, struct slot *slot, unsigned how, size_t size, size_t align) {
    unsigned char *block = NULL;
    if (how == 1) {
        block = cupel_facade_realloc(facade, slot->block, size);
        bool is_gone = block != NULL || (slot->block != NULL && size == 0);
        if (!is_gone) {
            CHECK(slot->block == NULL || is_intact(slot, slot->size));
            return;
        }
        struct slot kept = {block, size, slot->fill};
        CHECK(block == NULL || is_intact(&kept, slot->size < size ? slot->size : size));
    } else {
        cupel_facade_free(facade, slot->block);
        if (how == 0) {
            block = cupel_facade_malloc(facade, size);
        } else if (how == 2) {
            block = cupel_facade_calloc(facade, 1, size);
            CHECK(block == NULL || is_intact(&(struct slot){block, size, 0}, size));
        } else if (how == 3) {
            block = cupel_facade_aligned_alloc(facade, align, size);
            CHECK_UINT_EQ((uintptr_t)block % align, 0);
        }
    }
    *slot = (struct slot){block, block == NULL ? 0 : size, (unsigned char)(slot->fill + 1)};
    if (block != NULL) {
        CHECK_UINT_EQ((uintptr_t)block % (how == 3 ? align : 1), 0);
        CHECK_UINT_EQ(cupel_facade_usable_size(facade, block), size);
        memset(block, slot->fill, size);
    }
}

PROPERTY(facade, agrees_with_its_shadow, .longest = 1024) {
    static const char *const calls[] = {"malloc", "realloc", "calloc", "aligned_alloc", "free"};
    struct fixture fixture = {.below = {.base.ops = &below_ops, .parent = a}};
    struct slot slots[SLOTS] = {{0}};
    (void)cupel_facade_init(&fixture.facade, &fixture.below.base);
    while (cupel_draw_more(bytes, "call")) {
        struct slot *slot = &slots[cupel_draw_uint(bytes, "slot", 0, SLOTS - 1)];
        size_t size = cupel_draw_size(bytes, "size", 0, 3000);
        size_t align = (size_t)1 << cupel_draw_uint(bytes, "log2 of alignment", 0, 10);
        fixture.below.is_empty = cupel_draw_uint(bytes, "parent is empty", 0, 15) == 15;
        CHECK(slot->block == NULL || is_intact(slot, slot->size));
        cupel_benign_begin();
        change(&fixture.facade, slot, cupel_draw_pick(bytes, "which", calls, 5), size, align);
        cupel_benign_end();
    }
    size_t live = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        live += slots[i].block != NULL;
    }
    CHECK_UINT_EQ(cupel_facade_live_blocks(&fixture.facade), live);
    CHECK_UINT_EQ(fixture.below.live, live);
    for (size_t i = 0; i < SLOTS; i++) {
        CHECK(slots[i].block == NULL || is_intact(&slots[i], slots[i].size));
        cupel_facade_free(&fixture.facade, slots[i].block);
    }
    CHECK_UINT_EQ(fixture.facade.findings, 0);
    end(&fixture);
}
