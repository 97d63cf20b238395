/* Goal: a stack built from text is the stack that the text says, and a text that says none is refused with the word and
 * its column, with nothing left behind. Method: good and bad specs in tables; hostile text drawn from bytes. */
#include "alloc/layers.h"
#include "alloc/tests/contract.h"
#include "harness/harness.h"
#include "harness/property.h"

#include <stdlib.h>
#include <string.h>

static struct cupel_layers_storage storage;

TEST(layers, stack_is_as_the_words_say) {
    struct cupel_error error = {.text = ""};
    struct cupel_allocator *a =
        cupel_layers("counting failing=alloc:3 tracking arena=page=4K counting=shared libc", &storage, &error);
    if (a == NULL) {
        REQUIRE_FAIL("%u: %s", error.column, error.text);
    }
    struct cupel_counting *outer = cupel_layers_counting(&storage, 0);
    struct cupel_counting *inner = cupel_layers_counting(&storage, 1);
    struct cupel_failing *failing = cupel_layers_failing(&storage, 0);
    struct cupel_tracking *tracking = cupel_layers_tracking(&storage, 0);
    struct cupel_arena *arena = cupel_layers_arena(&storage, 0);
    REQUIRE(outer != NULL && inner != NULL && failing != NULL && tracking != NULL && arena != NULL);
    CHECK_PTR_EQ(a, &outer->base);
    CHECK_PTR_EQ(outer->parent, &failing->base);
    CHECK_PTR_EQ(failing->parent, &tracking->base);
    CHECK_PTR_EQ(tracking->parent, &arena->base);
    CHECK_PTR_EQ(arena->parent, &inner->base);
    CHECK_UINT_EQ(arena->options.page_size, 4096);
    CHECK(cupel_layers_counting(&storage, 2) == NULL);
    CHECK(cupel_layers_logging(&storage, 0) == NULL && cupel_layers_facade(&storage, 0) == NULL);
    CHECK(cupel_layers_fixed(&storage, 0) == NULL && cupel_layers_tracking(&storage, 1) == NULL);
    void *first = cupel_alloc(a, 100, 8);
    void *second = cupel_alloc(a, 100, 8);
    if (first != NULL && second != NULL) {
        CHECK(cupel_alloc(a, 100, 8) == NULL);
        CHECK_UINT_EQ(failing->injected, 1);
        CHECK_UINT_EQ(outer->counts.live_blocks, 2);
        CHECK_UINT_EQ(outer->counts.failed, 1);
        CHECK_UINT_EQ(cupel_tracking_live_blocks(tracking), 2);
        CHECK_UINT_EQ(inner->counts.live_blocks, 1);
    }
    cupel_free(a, second, 100, 8);
    cupel_free(a, first, 100, 8);
    cupel_layers_deinit(&storage);
    CHECK(cupel_layers_counting(&storage, 0) == NULL);
    cupel_layers_deinit(&storage);
    STARVED(first == NULL || second == NULL);
}

TEST(layers, deinit_of_nothing_is_allowed) {
    struct cupel_layers_storage *zeroed = calloc(1, sizeof *zeroed);
    STARVED(zeroed == NULL);
    cupel_layers_deinit(zeroed);
    free(zeroed);
}

/* Stacks that must serve a request. */
static const char *const good[] = {
    "libc",
    "pages",
    "fixed",
    "global",
    " \t\n libc \r\n",
    "facade counting libc",
    "counting counting counting counting counting counting counting libc",
    "arena fixed=64K",
    "arena=page=512,max=512,large=256,redzone=8 pages",
    "arena= libc",
    "arena=page=1M libc",
    "arena arena=page=4K libc",
    "failing fixed=4096",
    "failing= libc",
    "failing=alloc:200;alloc:300 libc",
    "tracking facade tracking pages",
    "counting perturbing=seed:7 libc",
    "perturbing perturbing=placement:adjacent,fresh:0xff,freed:7 fixed",
};

TEST(layers, good_specs_serve) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct cupel_error error = {.text = ""};
        (void)cupel_seed("layers_spec", good[i], strlen(good[i]));
        struct cupel_allocator *a = cupel_layers(good[i], &storage, &error);
        if (a == NULL) {
            FAIL("'%s': %u: %s", good[i], error.column, error.text);
            continue;
        }
        if (strstr(good[i], "global") == NULL) { /* the process's own: its first block would hold its mode */
            void *block = cupel_alloc_zeroed(a, 100, 64);
            cupel_free(a, block, 100, 64);
            if (block == NULL) {
                cupel_layers_deinit(&storage);
            }
            STARVED(block == NULL);
        }
        cupel_layers_deinit(&storage);
    }
}

static void take_down(void) {
    cupel_layers_deinit(&storage);
}

TEST(layers, stacks_keep_the_contract, .teardown = take_down, .tags = "slow") {
    static const char *const specs[] = {"arena libc",        "arena arena=page=4K libc",
                                        "facade libc",       "arena=page=512 facade pages",
                                        "facade arena libc", "counting tracking facade failing= arena counting pages"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        cupel_note("%s", specs[i]);
        struct cupel_allocator *a = cupel_layers(specs[i], &storage, NULL);
        REQUIRE(a != NULL);
        check_contract(a, (struct contract_limits){.size_max = 100000, .align_max = 65536});
        check_refusals(a);
        struct cupel_counting *counting = cupel_layers_counting(&storage, 0);
        CHECK(counting == NULL || cupel_counts_are_balanced(&counting->counts));
        cupel_layers_deinit(&storage);
    }
}

TEST(layers, stand_on_what_is_given) {
    struct cupel_error error = {.text = ""};
    struct cupel_allocator *a = cupel_layers_over("counting arena tracking", test_allocator(), &storage, &error);
    cupel_note("%s", error.text);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 100, 16);
    const struct cupel_tracking *tracking = cupel_layers_tracking(&storage, 0);
    if (block != NULL) {
        CHECK_UINT_EQ(cupel_tracking_live_blocks(tracking), 1);
        cupel_free(a, block, 100, 16);
    }
    cupel_layers_deinit(&storage);
    STARVED(block == NULL);
    CHECK(cupel_layers_over("counting\tlibc", test_allocator(), &storage, &error) == NULL);
    CHECK_UINT_EQ(error.column, 10);
    CHECK_STR_CONTAINS(error.text, "'libc' is a root");
    CHECK(cupel_layers_over(" ", test_allocator(), &storage, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "needs a layer");
}

struct bad {
    const char *spec;
    unsigned column;
    const char *says;
};

static const struct bad bad[] = {
    {"", 1, "needs a root"},
    {" \t ", 1, "needs a root"},
    {"counting", 1, "'counting' needs something to stand on"},
    {"counting  tracking", 11, "'tracking' needs something to stand on"},
    {"libc libc", 6, "'libc' stands under 'libc', which is a root"},
    {"counting pages tracking libc", 16, "'tracking' stands under 'pages'"},
    {"conting libc", 1, "'conting' is no layer; did you mean 'counting'?"},
    {"counting zzzzz libc", 10, "'zzzzz' is no layer"},
    {"=3 libc", 1, "'' is no layer"},
    {"Libc", 1, "'Libc' is no layer"},
    {"libc=3", 1, "'libc' takes no argument"},
    {"tracking= libc", 1, "'tracking' takes no argument"},
    {"counting=many libc", 1, "'counting': the argument may only be 'shared'"},
    {"counting failing=alloc:x libc", 24, "'failing': "},
    {"failing=bogus:3 libc", 9, "'failing': "},
    {"logging=x libc", 1, "'logging': "},
    {"logging=99999999999999999999 libc", 1, "'logging': "},
    {"arena=page=100 libc", 1, "'arena': page must be at least 512"},
    {"counting arena=page=64K,max=4K libc", 10, "'arena': max must be at least page"},
    {"arena=page=4K,large=4K libc", 1, "'arena': large must be at most half of page"},
    {"arena=redzone=7 libc", 1, "'arena': redzone must be a multiple of 8"},
    {"arena=page libc", 7, "'arena': 'page' is not page=SIZE"},
    {"arena=page=4K,huge=1 libc", 15, "'arena': 'huge=1' is not page=SIZE"},
    {"arena=page= libc", 12, "'arena': '' is no size"},
    {"arena=page=4Q libc", 12, "'arena': '4Q' is no size"},
    {"arena=page=K libc", 12, "'arena': 'K' is no size"},
    {"arena=page=99999999999999999999 libc", 12, "is no size"},
    {"arena=page=18446744073709551615G libc", 12, "is no size"},
    {"arena=max=9223372036854775808 libc", 11, "is no size"},
    {"arena=,page=4K libc", 7, "'arena': '' is not page=SIZE"},
    {"counting perturbing=fresh:256 libc", 27, "'perturbing': 'fresh:256' is no value of it"},
    {"perturbing=seed:7,sed:8 libc", 19, "'perturbing': 'sed:8' is not seed:N, fresh:BYTE"},
    {"perturbing=placement:here libc", 22, "'perturbing': 'placement:here' is no value of it"},
    {"fixed=65537", 1, "'fixed': the argument must be a size up to 64K"},
    {"fixed=x", 1, "'fixed': "},
    {"counting counting counting counting counting counting counting counting libc", 73,
     "'libc' is one layer too many: at most 8"},
};

TEST(layers, bad_specs_name_the_word_and_its_column) {
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cupel_error error = {.text = ""};
        bool is_refused = cupel_layers(bad[i].spec, &storage, &error) == NULL;
        if (!is_refused || error.column != bad[i].column || strstr(error.text, bad[i].says) == NULL) {
            FAIL("'%s': refused %d, column %u, not %u: '%s', not '%s'", bad[i].spec, is_refused, error.column,
                 bad[i].column, error.text, bad[i].says);
        }
        CHECK(cupel_layers(bad[i].spec, &storage, NULL) == NULL);
        CHECK(cupel_layers_counting(&storage, 0) == NULL);
        cupel_layers_deinit(&storage);
    }
}

TEST(layers, a_long_argument_is_refused) {
    char spec[400];
    memset(spec, '1', sizeof spec);
    memcpy(spec, "fixed=", 6);
    spec[6 + CUPEL_LAYERS_ARGUMENT_MAX + 1] = '\0';
    struct cupel_error error = {.text = ""};
    CHECK(cupel_layers(spec, &storage, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "longer than 255 bytes");
    memset(spec + 6, '0', CUPEL_LAYERS_ARGUMENT_MAX);
    spec[6 + CUPEL_LAYERS_ARGUMENT_MAX] = '\0';
    CHECK(cupel_layers(spec, &storage, &error) != NULL);
    cupel_layers_deinit(&storage);
}

TEST(layers, a_long_word_is_shown_in_part) {
    char spec[3000];
    memset(spec, 'x', sizeof spec - 1);
    spec[sizeof spec - 1] = '\0';
    struct cupel_error error = {.text = ""};
    CHECK(cupel_layers(spec, &storage, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "xxxx' is no layer");
    CHECK_UINT_LT(strlen(error.text), 100);
}

TEST(layers, debug_takes_its_options, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_error error;
    struct cupel_allocator *a =
        cupel_layers("counting debug=frames=3:catch-faults=0:report=none pages", &storage, &error);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 10, 1);
    cupel_free(a, block, 10, 1);
    cupel_layers_debug(&storage, 0)->base.ops->release(&cupel_layers_debug(&storage, 0)->base, block, 10, 1, NULL);
    CHECK_UINT_EQ(cupel_debug_findings(cupel_layers_debug(&storage, 0)), 1);
    CHECK(cupel_layers_debug(&storage, 1) == NULL);
    cupel_layers_deinit(&storage);
    CHECK(cupel_layers("debug=frames=33 pages", &storage, &error) == NULL);
    CHECK_UINT_EQ(error.column, 14);
    CHECK(cupel_layers("debug=canary-bytes=8 pages", &storage, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "multiple of 16");
}

TEST(layers, help_has_every_word) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    STARVED(out == NULL);
    cupel_layers_help(out);
    bool is_closed = fclose(out) == 0;
    STARVED(!is_closed);
    static const char *const words[] = {"counting[=shared]",
                                        "failing[=PLAN]",
                                        "perturbing[=WORDS]",
                                        "tracking ",
                                        "debug[=OPTIONS]",
                                        "logging[=DESCRIPTOR]",
                                        "arena[=KEY=SIZE,...]",
                                        "facade ",
                                        "libc ",
                                        "pages ",
                                        "fixed[=SIZE]",
                                        "global "};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        CHECK_STR_CONTAINS(text, words[i]);
    }
    free(text);
}

/* A word of the grammar, or of noise, so that random text often comes far. */
static const char *const pieces[] = {
    "counting", "failing=", "perturbing=", "tracking", "logging=", "arena=", "facade",    "libc", "pages", "fixed=",
    "alloc:",   "page=",    "large=",      "redzone=", "max=",     "4K",     "1M",        ",",    "=",     "shared",
    " ",        "512",      "0",           "%",        ";",        "\n",     "size=1..2", "@",    "\xff"};

PROPERTY(layers, any_text_is_a_stack_or_an_error, .longest = 512) {
    enum { PIECES = sizeof pieces / sizeof pieces[0] };
    char spec[600];
    size_t length = 0;
    while (length < 500 && cupel_draw_more(bytes, "piece")) {
        if (cupel_draw_bool(bytes, "any byte")) {
            spec[length++] = (char)cupel_draw_uint(bytes, "byte", 1, 255);
        } else {
            const char *piece = pieces[cupel_draw_pick(bytes, "which", pieces, PIECES)];
            memcpy(spec + length, piece, strlen(piece));
            length += strlen(piece);
        }
    }
    struct cupel_view rest = cupel_draw_rest(bytes, "text");
    for (size_t i = 0; i < rest.length && length < sizeof spec - 1; i++) {
        spec[length++] = (char)rest.data[i];
    }
    spec[length] = '\0';
    struct cupel_error error = {.text = ""};
    struct cupel_allocator *stack = cupel_layers(spec, &storage, &error);
    if (stack == NULL) {
        CHECK(error.text[0] != '\0');
        CHECK_UINT_GE(error.column, 1);
        CHECK_UINT_LE(error.column, strlen(spec) + 1);
        return;
    }
    /* What was accepted works: but nothing is written to descriptors that the text made up. */
    if (cupel_layers_logging(&storage, 0) == NULL && strstr(spec, "global") == NULL) {
        cupel_benign_begin(); /* the text itself may say that it fails */
        void *block = cupel_alloc(stack, 24, 8);
        cupel_free(stack, block, 24, 8);
        cupel_benign_end();
    }
    cupel_layers_deinit(&storage);
}
