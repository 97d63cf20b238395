/* Goal: the pages root keeps the contract, rounds to pages, aligns beyond a page, and leaves nothing mapped. Method:
 * the contract's tables, and scripted blocks checked with mincore. */
#include "alloc/pages.h"
#include "alloc/tests/contract.h"
#include "harness/harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

TEST(pages, keeps_the_contract, .tags = "slow") {
    check_contract(cupel_pages(), (struct contract_limits){2 << 20, 1 << 18});
}

TEST(pages, refuses_what_is_invalid) {
    check_refusals(cupel_pages());
}

/* True where the page at this address is mapped. */
static bool is_mapped(const void *page) {
    unsigned char resident;
    int status = mincore((void *)(uintptr_t)page, 1, &resident);
    return status == 0 || errno != ENOMEM;
}

TEST(pages, rounds_to_pages_and_unmaps) {
    size_t page = cupel_page_size();
    unsigned char *block = cupel_alloc(cupel_pages(), page + 1, 8);
    STARVED(block == NULL);
    CHECK_UINT_EQ((uintptr_t)block % page, 0);
    CHECK_UINT_EQ(cupel_usable(cupel_pages(), block, page + 1, 8), 2 * page);
    block[2 * page - 1] = 1;
    CHECK(cupel_resize(cupel_pages(), block, page + 1, 8, page));
    CHECK(!is_mapped(block + page));
    CHECK(is_mapped(block));
    cupel_free(cupel_pages(), block, page, 8);
    CHECK(!is_mapped(block));
}

/* Pages that this process has mapped, or 0 where the kernel does not tell. */
static size_t mapped_pages(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    size_t pages = 0;
    if (file != NULL) {
        char line[128] = "";
        pages = fgets(line, sizeof line, file) == NULL ? 0 : strtoul(line, NULL, 10);
        (void)fclose(file);
    }
    return pages;
}

TEST(pages, trims_what_an_alignment_over_mapped) {
    size_t page = cupel_page_size();
    size_t align = (size_t)1 << 26;
    size_t before = mapped_pages();
    unsigned char *block = cupel_alloc(cupel_pages(), page, align);
    STARVED(block == NULL);
    CHECK_UINT_LT(mapped_pages(), before + align / page / 16);
    CHECK_UINT_EQ((uintptr_t)block % align, 0);
    block[0] = 9;
    unsigned char *moved = cupel_realloc(cupel_pages(), block, page, align, 3 * page);
    REQUIRE(moved != NULL);
    CHECK_UINT_EQ((uintptr_t)moved % align, 0);
    CHECK_INT_EQ(moved[0], 9);
    cupel_free(cupel_pages(), moved, 3 * page, align);
    CHECK(!is_mapped(moved));
}

/* A neighbour right behind keeps the block from growing in place: it must move, with its contents. */
TEST(pages, moves_where_the_next_addresses_are_taken) {
    size_t page = cupel_page_size();
    unsigned char *both = cupel_alloc(cupel_pages(), 2 * page, page);
    STARVED(both == NULL);
    both[0] = 1;
    both[page] = 2; /* two blocks of a page each, from here on */
    CHECK(!cupel_resize(cupel_pages(), both, page, page, page + 1));
    errno = 0;
    unsigned char *moved = cupel_realloc(cupel_pages(), both, page, page, 5 * page);
    REQUIRE(moved != NULL);
    CHECK_INT_EQ(errno, 0); /* who asks malloc may look at it */
    CHECK_PTR_NE(moved, both);
    CHECK_INT_EQ(moved[0], 1);
    CHECK_INT_EQ(moved[5 * page - 1], 0);
    CHECK_INT_EQ(both[page], 2);
    cupel_free(cupel_pages(), moved, 5 * page, page);
    cupel_free(cupel_pages(), both + page, page, page);
}

static void *churn(void *failures) {
    for (size_t i = 1; i <= 50; i++) {
        unsigned char *block = cupel_alloc(cupel_pages(), i * 1000, 8192);
        if (block == NULL) {
            ++*(unsigned *)failures;
            continue;
        }
        block[i * 1000 - 1] = (unsigned char)i;
        unsigned char *moved = cupel_realloc(cupel_pages(), block, i * 1000, 8192, i * 3000);
        *(unsigned *)failures += moved == NULL || moved[i * 1000 - 1] != (unsigned char)i;
        cupel_free(cupel_pages(), moved == NULL ? block : moved, moved == NULL ? i * 1000 : i * 3000, 8192);
    }
    return NULL;
}

TEST(pages, serves_threads, .tags = "slow") {
    pthread_t threads[4];
    unsigned failures[4] = {0, 0, 0, 0};
    for (unsigned i = 0; i < 4; i++) {
        REQUIRE_INT_EQ(pthread_create(&threads[i], NULL, churn, &failures[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        REQUIRE_INT_EQ(pthread_join(threads[i], NULL), 0);
        CHECK_UINT_EQ(failures[i], 0);
    }
}
