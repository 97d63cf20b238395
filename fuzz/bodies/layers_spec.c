/* Goal: the texts that users write (fault plans, specs of layer stacks) are understood or refused with the column, a
 * plan that is understood survives being written back, and a stack that is built keeps the contract and gives all back.
 * Method: bytes as text, parsed as both. */
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/layers.h"
#include "harness/harness.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PAGE_MAX = 16 << 20, TEXT_MAX = 1024 };

static bool is_same_rule(const struct cupel_fault_rule *a, const struct cupel_fault_rule *b) {
    return a->call == b->call && a->when == b->when && a->first == b->first && a->second == b->second &&
           strcmp(a->how, b->how) == 0 && strcmp(a->where, b->where) == 0 && a->size_min == b->size_min &&
           a->size_max == b->size_max;
}

static void check_plan(const char *text) {
    struct cupel_fault_plan plan;
    struct cupel_error error = {.column = 0};
    if (!cupel_fault_plan_parse(&plan, text, &error)) {
        CHECK_UINT_EQ(plan.count, 0);
        CHECK(error.text[0] != '\0');
        CHECK_UINT_GE(error.column, 1);
        CHECK_UINT_LE(error.column, strlen(text) + 1);
        return;
    }
    char token[4 * TEXT_MAX];
    char again_token[4 * TEXT_MAX];
    struct cupel_fault_plan again;
    int length = cupel_fault_plan_format(&plan, token, sizeof token);
    REQUIRE_INT_GE(length, 0);
    REQUIRE_INT_LT(length, (int)sizeof token);
    if (!cupel_fault_plan_parse(&again, token, &error)) {
        REQUIRE_FAIL("the token '%s' of '%s' is refused at column %u: %s", token, text, error.column, error.text);
    }
    REQUIRE_UINT_EQ(again.count, plan.count);
    for (unsigned i = 0; i < plan.count; i++) {
        CHECK(is_same_rule(&plan.rules[i], &again.rules[i]));
    }
    (void)cupel_fault_plan_format(&again, again_token, sizeof again_token);
    CHECK_STR_EQ(again_token, token);
}

static int null_device = -1;

/* A descriptor that a text names may be anybody's: what is logged goes elsewhere. */
static void silence(struct cupel_layers_storage *storage) {
    struct cupel_logging *logging;
    for (unsigned i = 0; (logging = cupel_layers_logging(storage, i)) != NULL; i++) {
        logging->file = null_device;
    }
}

/* A block through the whole stack; any of these may fail where a plan or a small root says so. */
static void use_stack(struct cupel_allocator *top) {
    unsigned char *block = cupel_alloc_zeroed(top, 100, 16);
    if (block == NULL) {
        return;
    }
    CHECK_UINT_EQ((uintptr_t)block % 16, 0);
    CHECK_INT_EQ(block[0] | block[99], 0);
    memset(block, 0x5a, 100);
    size_t size = 100;
    unsigned char *moved = cupel_realloc(top, block, size, 16, 3000);
    if (moved != NULL) {
        block = moved;
        size = 3000;
    }
    CHECK_INT_EQ(block[0] & block[99], 0x5a);
    cupel_free(top, block, size, 16);
}

/* A text may ask for pages of any size; engines take a request for gigabytes for a defect. */
static bool is_modest(struct cupel_layers_storage *storage) {
    const struct cupel_arena *arena;
    for (unsigned i = 0; (arena = cupel_layers_arena(storage, i)) != NULL; i++) {
        if (arena->options.page_size > PAGE_MAX) {
            return false;
        }
    }
    return true;
}

static void use_and_take_down(struct cupel_allocator *top, struct cupel_layers_storage *storage) {
    silence(storage);
    if (is_modest(storage)) {
        use_stack(top);
    }
    struct cupel_tracking *tracking;
    for (unsigned i = 0; (tracking = cupel_layers_tracking(storage, i)) != NULL; i++) {
        CHECK_UINT_EQ(tracking->findings, 0);
    }
    cupel_layers_deinit(storage);
}

static struct cupel_layers_storage storage; /* large, and there is one test a process at a time */

/* The layers of the text, without its root, over the test's own allocator, which a sweep starves: whatever it refuses,
 * all comes back. That a refusal is reported is the business of alloc_ops. */
static void check_layers_over(const char *text, struct cupel_allocator *a) {
    char layers[TEXT_MAX + 1];
    struct cupel_counting bottom;
    struct cupel_error error;
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\n", text[length - 1]) == NULL) {
        length--;
    }
    memcpy(layers, text, length);
    layers[length] = '\0';
    cupel_benign_begin();
    struct cupel_allocator *top = cupel_layers_over(layers, cupel_counting_init(&bottom, a), &storage, &error);
    if (top != NULL) {
        use_and_take_down(top, &storage);
    }
    CHECK(cupel_counts_are_balanced(&bottom.counts));
    cupel_benign_end();
}

static void check_spec(const char *text) {
    struct cupel_error error = {.column = 0};
    struct cupel_allocator *top = cupel_layers(text, &storage, &error);
    if (top == NULL) {
        CHECK(error.text[0] != '\0');
        CHECK_UINT_GE(error.column, 1);
        CHECK_UINT_LE(error.column, strlen(text) + 1);
        return;
    }
    cupel_benign_begin(); /* the text itself may say that it fails */
    use_and_take_down(top, &storage);
    cupel_benign_end();
}

/* Opens what the body writes to, and lets layers find out what they find out once a process. */
static void warm_up(void) {
    if (null_device < 0) {
        null_device = open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    check_spec("counting failing=alloc:1 tracking arena facade libc");
    check_spec("failing=alloc:2 tracking pages");
    check_spec("global");
}

static void shut(void) {
    (void)close(null_device);
    null_device = -1;
}

PROPERTY(layers, spec, .longest = TEXT_MAX, .setup = warm_up, .teardown = shut) {
    char text[TEXT_MAX + 1];
    struct cupel_view view = cupel_draw_rest(bytes, "text");
    size_t length = view.length < TEXT_MAX ? view.length : TEXT_MAX;
    if (length > 0) {
        memcpy(text, view.data, length);
    }
    text[length] = '\0'; /* a NUL within ends it earlier */
    check_plan(text);
    check_spec(text);
    check_layers_over(text, a);
}
