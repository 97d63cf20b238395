/* Goal: each layer of a stack can be had by its word, none that is not there, and arguments are read to their bounds.
 * Method: a stack of all layers, and texts with one thing wrong. */
#include "alloc/layers.h"
#include "alloc/libc.h"
#include "alloc/pages.h"
#include "alloc/src/layers_table.h"
#include "alloc/tests/refusing.h"
#include "harness/harness.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static struct cupel_layers_storage storage;
static struct cupel_error error;

TEST(layers_corners, each_layer_is_had_by_its_word, .no_sweep = "it is about words") {
    if (cupel_layers("counting failing perturbing tracking logging=2 facade counting fixed=64K", &storage, &error) ==
        NULL) {
        REQUIRE_FAIL("column %u: %s", error.column, error.text);
    }
    CHECK(cupel_layers_counting(&storage, 0) != NULL);
    CHECK(cupel_layers_counting(&storage, 1) != NULL);
    CHECK(cupel_layers_counting(&storage, 1) != cupel_layers_counting(&storage, 0));
    CHECK(cupel_layers_counting(&storage, 2) == NULL);
    CHECK(cupel_layers_failing(&storage, 0) != NULL && cupel_layers_failing(&storage, 1) == NULL);
    CHECK(cupel_layers_perturbing(&storage, 0) != NULL && cupel_layers_perturbing(&storage, 1) == NULL);
    CHECK(cupel_layers_tracking(&storage, 0) != NULL && cupel_layers_tracking(&storage, 1) == NULL);
    CHECK(cupel_layers_logging(&storage, 0) != NULL && cupel_layers_logging(&storage, 1) == NULL);
    CHECK(cupel_layers_facade(&storage, 0) != NULL && cupel_layers_facade(&storage, 1) == NULL);
    CHECK(cupel_layers_fixed(&storage, 0) != NULL && cupel_layers_fixed(&storage, 1) == NULL);
    cupel_layers_deinit(&storage);
}

/* A text, the column of what is wrong, and what is said of it. */
static const struct {
    const char *text;
    unsigned column;
    const char *said;
} wrong[] = {
    {"logging=4294967296 libc", 1, "the number of an open descriptor"},
    {"logging=x libc", 1, "the number of an open descriptor"},
    {"fixed=99999999999999999999", 1, ""},
    {"fixed=18446744073709551616", 1, ""}, /* the last digit is too much */
    {"fixed=17179869184G", 1, ""},
    {"fixed=12x", 1, ""},
    {"arena:redzone=12 libc", 0, ""},
    {"arena=redzone=12 libc", 0, "a multiple of 8"},
    {"arena=page=4096,redzone=2048 libc", 0, "at most a quarter of page"},
    {"failing=alloc:x libc", 0, "'failing'"},
    {"", 1, "a layer stack needs a root"},
};

TEST(layers_corners, arguments_are_read_to_their_bounds, CUPEL_TABLE(wrong)) {
    size_t row = test_row_index();
    CHECK(cupel_layers(wrong[row].text, &storage, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, wrong[row].said);
    if (wrong[row].column != 0) {
        CHECK_UINT_EQ(error.column, wrong[row].column);
    }
}

TEST(layers_corners, arrays_that_overflow_are_none) {
    CHECK(cupel__alloc_array(cupel_libc(), SIZE_MAX / 2, 3, 8) == NULL);
    unsigned *array = cupel__alloc_array(test_allocator(), 10, sizeof *array, _Alignof(unsigned));
    STARVED(array == NULL);
    CHECK_UINT_EQ(array[0] + array[9], 0);
    cupel_free(test_allocator(), array, 10 * sizeof *array, _Alignof(unsigned));
}

#if defined(__x86_64__)
/* Memory that is too much cannot be given back: then there is no block. (Which end it is at hangs on the address.) */
TEST(layers_corners, pages_that_cannot_be_aligned_are_none, .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash",
     .no_sweep = "the kernel refuses by itself") {
    struct cupel_allocator *a = cupel_pages();
    size_t page = cupel_page_size();
    void *block = cupel_alloc(a, page, 2 * page);
    REQUIRE(block != NULL);
    cupel_free(a, block, page, 2 * page);
    refuse((struct refusal){SYS_munmap, ENOMEM, 2, page});
    for (unsigned i = 0; i < 16; i++) {
        CHECK(cupel_alloc(a, page, 2 * page) == NULL);
        CHECK(mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED); /* another address */
    }
}
#endif
