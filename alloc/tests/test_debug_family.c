/* Goal: a block that is given back to a function of another family than its own is told, whatever became of it between,
 * and nothing else is. Method: each pair of families, over small and large blocks that were resized and moved; and
 * requests of every alignment, whose record shares its bits with the family. */
#include "alloc/src/debug_slot.h"
#include "alloc/tests/debug_seen.h"

#include <string.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

static void start(struct cupel_debug *debug, struct seen *seen, const char *text) {
    struct cupel_debug_options options = seen_options(seen);
    REQUIRE(cupel_debug_parse(&options, text, NULL));
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_CALL, .call = seen_note, .user = seen};
    REQUIRE(cupel_debug_init(debug, cupel_pages(), &options, NULL) != NULL);
}

TEST(debug_family, each_pair_is_told_where_it_differs, .no_sweep = KERNEL) {
    static const size_t sizes[] = {24, 100000};
    for (unsigned made = 0; made < 4; made++) {
        for (unsigned given = 0; given < 4; given++) {
            struct cupel_debug debug;
            struct seen seen;
            bool is_wrong = made != 0 && given != 0 && made != given;
            start(&debug, &seen, "");
            for (unsigned i = 0; i < 2; i++) {
                void *block =
                    cupel_debug_acquire_as(&debug, (enum cupel_family)made, sizes[i], 16, CUPEL_ZEROED, CUPEL_SITE());
                REQUIRE(block != NULL);
                block = cupel_debug_remap(&debug, block, sizes[i] + 1, CUPEL_SITE());
                block = cupel_debug_remap(&debug, block, 3 * sizes[i], CUPEL_SITE());
                struct cupel_debug_block known;
                REQUIRE(block != NULL && cupel_debug_find(block, &known));
                CHECK_UINT_EQ(known.family, made);
                cupel_debug_release_as(&debug, (enum cupel_family)given, block, 3 * sizes[i], 16, CUPEL_SITE());
            }
            CHECK_UINT_EQ(cupel_debug_deinit(&debug), is_wrong ? 2 : 0);
            for (unsigned i = 0; i < seen.count; i++) {
                CHECK_INT_EQ(seen.all[i].kind, CUPEL_FINDING_WRONG_FAMILY);
                CHECK_UINT_EQ(seen.all[i].family, made);
                CHECK_UINT_EQ(seen.all[i].given_family, given);
                CHECK_UINT_EQ(seen.all[i].size, 3 * sizes[i]);
            }
        }
    }
}

TEST(debug_family, what_is_not_known_is_not_compared, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    start(&debug, &seen, "");
    for (unsigned i = 0; i < 4; i++) {
        bool has_size = (i & 1) != 0;
        bool has_align = (i & 2) != 0;
        void *block = cupel_debug_acquire_as(&debug, CUPEL_FAMILY_NEW, 40, 32, 0, CUPEL_SITE());
        REQUIRE(block != NULL);
        cupel_debug_release_as(&debug, CUPEL_FAMILY_NEW, block, has_size ? 41 : SIZE_MAX, has_align ? 16 : 0,
                               CUPEL_SITE());
        CHECK_UINT_EQ(cupel_debug_findings(&debug), i); /* the third is as the first, and not told again */
    }
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_WRONG_SIZE);
    CHECK_INT_EQ(seen.all[1].kind, CUPEL_FINDING_WRONG_ALIGN);
    int local = 0; /* what is no block is told as such, whatever is said of it */
    cupel_debug_release_as(&debug, CUPEL_FAMILY_NEW, &local, 4, 4, CUPEL_SITE());
    REQUIRE_UINT_EQ(seen.count, 3);
    CHECK_INT_EQ(seen.all[2].kind, CUPEL_FINDING_STACK);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 4);
}

TEST(debug_family, both_are_told_and_can_be_ignored, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    start(&debug, &seen, "");
    void *block = cupel_debug_acquire_as(&debug, CUPEL_FAMILY_MALLOC, 40, 16, 0, CUPEL_SITE());
    cupel_debug_release_as(&debug, CUPEL_FAMILY_NEW, block, 41, 16, CUPEL_SITE()); /* two mistakes in one */
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 2);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_WRONG_SIZE);
    CHECK_INT_EQ(seen.all[1].kind, CUPEL_FINDING_WRONG_FAMILY);
    start(&debug, &seen, "ignore=wrong-family");
    block = cupel_debug_acquire_as(&debug, CUPEL_FAMILY_MALLOC, 40, 16, 0, CUPEL_SITE());
    block = cupel_debug_remap_as(&debug, CUPEL_FAMILY_NEW, block, 80, CUPEL_SITE());
    REQUIRE(block != NULL);
    cupel_debug_release_as(&debug, CUPEL_FAMILY_NEW_ARRAY, block, SIZE_MAX, 0, CUPEL_SITE());
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_family, text_and_json_name_both) {
    struct cupel_finding finding = {
        .kind = CUPEL_FINDING_WRONG_FAMILY, .family = CUPEL_FAMILY_NEW_ARRAY, .given_family = CUPEL_FAMILY_NEW};
    static const char *const verbs[] = {NULL, "free", "resize"};
    for (unsigned i = 0; i < 3; i++) {
        struct seen_text text = {.length = 0};
        finding.verb = verbs[i];
        cupel_finding_print(&finding, true, seen_text_put, &text);
        CHECK_STR_CONTAINS(text.text, i == 2 ? "it is from operator new[], and was given to realloc\n"
                                             : "it is from operator new[], and was given to operator delete\n");
    }
    struct seen_text text = {.length = 0};
    cupel_finding_print_json(&finding, seen_text_put, &text);
    CHECK_STR_CONTAINS(text.text, "\"family\":\"new[]\",\"given_family\":\"new\"");
}

TEST(debug_family, a_record_holds_every_size_and_alignment_beside_it, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct seen seen;
    start(&debug, &seen, "canaries=0:frames=0");
    for (unsigned log = 0; log <= 21; log++) {
        for (size_t size = CUPEL__SLOT_MAX - 1; size <= CUPEL__SLOT_MAX + 1; size++) {
            void *block =
                cupel_debug_acquire_as(&debug, CUPEL_FAMILY_NEW_ARRAY, size, (size_t)1 << log, 0, CUPEL_SITE());
            size_t known_size = 0;
            size_t known_align = 0;
            REQUIRE(block != NULL);
            CHECK(cupel_debug_size(&debug, block, &known_size, &known_align));
            CHECK_UINT_EQ(known_size, size);
            CHECK_UINT_EQ(known_align, (size_t)1 << log);
            /* To the size at which a slot is full and back. */
            REQUIRE((block = cupel_debug_remap(&debug, block, CUPEL__SLOT_MAX, CUPEL_SITE())) != NULL);
            REQUIRE((block = cupel_debug_remap(&debug, block, 10, CUPEL_SITE())) != NULL);
            cupel_debug_release_as(&debug, CUPEL_FAMILY_NEW_ARRAY, block, 10, (size_t)1 << log, CUPEL_SITE());
        }
    }
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}
