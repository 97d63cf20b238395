/* Goal: what a flake is said to follow is what it follows, and nothing more, whether it fails each time or seldom,
 * alone or where two things meet. Method: models of flakes, of which the rates are known, asked over many seeds. */
#include "harness/harness.h"
#include "harness/src/follows.h"
#include "harness/src/perturb.h"

#include <stdio.h>
#include <string.h>

#define BIT(name) (1u << CUPEL__DIMENSION_##name)

/* Fails in so many of a thousand runs, by what is varied; and what should be said of it. */
struct model {
    uint32_t first, second; /* `second` 0: the first alone decides */
    bool must_meet;         /* both, else either */
    unsigned here, there;   /* rates where it is not so, and where it is */
    const char *follows;    /* or that nothing can be said: */
    const char *or_else;
};

#define RARE "not known: it fails too seldom to tell"
#define GONE "nothing that was varied: alone it did not fail again"

static const struct model models[] = {
    {BIT(LOCALE), 0, false, 0, 1000, "locale", NULL},
    {BIT(PLACEMENT), 0, false, 0, 1000, "placement", NULL},
    {BIT(THREADS), 0, false, 0, 500, "thread-start", NULL},
    {BIT(THREADS), 0, false, 10, 1000, "thread-start", NULL},
    {BIT(FREED), 0, false, 50, 600, "freed-memory", NULL},
    {BIT(THREADS), 0, false, 0, 150, "thread-start", RARE},
    {BIT(LOCALE), BIT(TIME_ZONE), true, 0, 1000, "together: locale,time-zone", NULL},
    {BIT(LOCALE), BIT(TIME_ZONE), true, 20, 700, "together: locale,time-zone", NULL},
    {BIT(FRESH), BIT(FREED), false, 0, 1000, "fresh-memory or freed-memory", NULL},
    {0, 0, false, 250, 250, "nothing that was varied: it fails unperturbed too", NULL},
    {0, 0, false, 1000, 1000, "nothing that was varied: it fails unperturbed too", NULL},
    {0, 0, false, 0, 0, GONE, NULL},
    {BIT(LOCALE), 0, false, 0, 5, GONE, RARE},
};

struct play {
    const struct model *model;
    uint64_t seed;
    uint64_t drawn;
    unsigned calls_left;
};

static bool is_so(const struct model *model, uint32_t mask) {
    bool has_first = (mask & model->first) != 0;
    bool has_second = (mask & model->second) != 0;
    return model->must_meet ? has_first && has_second : has_first || has_second;
}

static bool run_model(void *user, struct cupel__trial *trials, unsigned count) {
    struct play *play = user;
    for (unsigned i = 0; i < count; i++) {
        unsigned rate = is_so(play->model, trials[i].mask) ? play->model->there : play->model->here;
        for (unsigned j = 0; j < trials[i].wanted; j++) {
            trials[i].runs++;
            trials[i].failures += cupel__mix(play->seed, play->drawn++) % 1000 < rate;
        }
    }
    return play->calls_left != 0 && play->calls_left-- != 0;
}

static int write_name(void *user, unsigned dimension, char *text, size_t size) {
    (void)user;
    return snprintf(text, size, "%s", cupel__dimension_name(dimension));
}

/* Says of a thousand seeds each; no more may be wrong than the risk that is stated, and of those that fail each time
 * none is. */
TEST(follows, names_what_matters_and_no_more, TABLE(models), .tags = "slow") {
    enum { SEEDS = 1000 };
    const struct model *model = test_row();
    unsigned wrong = 0;
    unsigned runs = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        char text[160];
        struct play play = {.model = model, .seed = seed, .calls_left = 1000};
        uint32_t active =
            model->first | model->second | BIT(LOCALE) | ((uint32_t)cupel__mix(seed, 1) & CUPEL__PERTURB_ALL);
        struct cupel__follows follows = cupel__follows_find(active, run_model, &play);
        (void)cupel__follows_format(&follows, write_name, NULL, text, sizeof text);
        bool is_right =
            strcmp(text, model->follows) == 0 || (model->or_else != NULL && strcmp(text, model->or_else) == 0);
        if (!is_right) {
            cupel_note("seed %u, varied 0x%x: %s", (unsigned)seed, (unsigned)active, text);
        }
        wrong += !is_right;
        runs += follows.runs;
    }
    bool is_certain = model->here % 1000 == 0 && model->there % 1000 == 0;
    CHECK_UINT_LE(wrong, is_certain ? 0 : (uint64_t)((double)SEEDS * CUPEL__FOLLOWS_RISK));
    CHECK_UINT_LT(runs / SEEDS, is_certain ? 250 : 1500); /* what an answer costs */
}

TEST(follows, says_where_it_was_stopped) {
    char text[160];
    for (unsigned calls = 0; calls < 3; calls++) {
        struct play play = {.model = &models[6], .seed = 1, .calls_left = calls};
        struct cupel__follows follows = cupel__follows_find(CUPEL__PERTURB_ALL, run_model, &play);
        (void)cupel__follows_format(&follows, write_name, NULL, text, sizeof text);
        CHECK_STR_EQ(text, "not known: it could not be run again often enough");
    }
    /* A short text is cut, and says how long it would be. */
    struct cupel__follows all = {.kind = CUPEL__FOLLOWS_ANY, .mask = CUPEL__PERTURB_ALL};
    char cut[16];
    int length = cupel__follows_format(&all, write_name, NULL, cut, sizeof cut);
    CHECK_INT_GT(length, 100);
    CHECK_STR_EQ(cut, "address-space o");
}
