/* The flags of the sweep, as a part of the table of settings.c: which faults it tries, and what it writes. */
#include "harness/src/settings.h"

#include "harness/src/suppress.h"
#include "harness/sweep.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cupel__sweep_settings *const given = &cupel__settings.sweeping;

static const struct cupel_option options[] = {
    {.kind = CUPEL_OPTION_HEADING, .sentence = "What a sweep tries (each of these means --sweep)"},
    {.name = "sweep-modes",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.sweeping.modes_text,
     .parameter = "WORDS",
     .sentence =
         "Only these passes, joined by commas: first-run, once, from, grow, moves, pairs, budgets (default: all)."},
    {.name = "sweep-per-stack",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.sweeping.per_stack,
     .parameter = "K",
     .sentence = "In each pass only the first K faults of each call stack (default 0: all).",
     .min = 0,
     .max = INT64_MAX},
    {.name = "sweep-max",
     .kind = CUPEL_OPTION_INT,
     .value = &cupel__settings.sweeping.max,
     .parameter = "N",
     .sentence = "At most N faults a pass: one of each call stack, then a sample of the rest that the seed draws.",
     .min = 1,
     .max = INT64_MAX},
    {.name = "sweep-shard",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.sweeping.shard_text,
     .parameter = "I/N",
     .sentence = "Only every N-th fault of each pass; with one --seed the N shards together are the whole sweep."},
    {.name = "sweep-for",
     .kind = CUPEL_OPTION_DURATION,
     .value = &cupel__settings.sweeping.for_ms,
     .parameter = "TIME",
     .sentence = "Go on to the next test, or the next input of a property, when this time is over.",
     .min = 1,
     .max = INT64_MAX / 1000000},
    {.name = "sweep-log",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.sweeping.log,
     .parameter = "FILE",
     .sentence = "Add a line of JSON to the file for every fault that was tried: test, input, fault, verdict, and "
                 "warm_up where it takes --warm-up to replay it."},
    {.name = "sites",
     .kind = CUPEL_OPTION_TEXT,
     .value = &cupel__settings.sweeping.sites,
     .parameter = "FILE",
     .sentence = "Write every place that asked for memory, how often it did, and how often it was refused; without a "
                 "sweep too."},
};

size_t cupel__sweep_settings_append(struct cupel_option *to, size_t capacity) {
    size_t count = sizeof options / sizeof options[0];
    assert(count <= capacity);
    (void)capacity;
    memcpy(to, options, sizeof options);
    return count;
}

static const struct {
    const char *word;
    enum cupel_sweep_mode mode;
} modes[] = {{"first-run", CUPEL_SWEEP_FIRST_RUN}, {"once", CUPEL_SWEEP_ONCE},   {"from", CUPEL_SWEEP_FROM},
             {"grow", CUPEL_SWEEP_GROW},           {"moves", CUPEL_SWEEP_MOVES}, {"pairs", CUPEL_SWEEP_PAIRS},
             {"budgets", CUPEL_SWEEP_BUDGETS}};

static bool read_modes(struct cupel_error *error) {
    for (const char *word = given->modes_text; word != NULL && *word != '\0';) {
        size_t length = strcspn(word, ",");
        unsigned mode = 0;
        for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
            bool is_it = strlen(modes[i].word) == length && memcmp(modes[i].word, word, length) == 0;
            mode = is_it ? modes[i].mode : mode;
        }
        if (mode == 0) {
            return cupel_error_set(
                error, 0, cupel__settings_column(word),
                "--sweep-modes: '%.*s' is none of first-run, once, from, grow, moves, pairs, budgets",
                (int)(length < 60 ? length : 60), word);
        }
        given->modes |= mode;
        word += length + (word[length] == ',');
    }
    return true;
}

/* All shards must draw the same cases and samples: that takes a seed which all are given. */
static bool read_shard(struct cupel_error *error) {
    const char *text = given->shard_text;
    const char *seed = getenv("CUPEL_SEED");
    uint64_t i = 0;
    uint64_t n = 0;
    char extra;
    if (text == NULL) {
        return true;
    }
    if (sscanf(text, "%" SCNu64 "/%" SCNu64 "%c", &i, &n, &extra) != 2 || i < 1 || i > n) {
        return cupel_error_set(error, 0, cupel__settings_column(text),
                               "--sweep-shard: '%.60s' is not I/N with 1 <= I <= N", text);
    }
    if (cupel__settings.seed_given < 0 && (seed == NULL || seed[0] == '\0')) {
        return cupel_error_set(error, 0, cupel__settings_column(text),
                               "--sweep-shard: the shards need one seed; give --seed");
    }
    given->shard_index = i - 1;
    given->shard_count = n;
    return true;
}

bool cupel__sweep_settings_apply(struct cupel_error *error) {
    cupel__settings.sweep = cupel__settings.sweep || given->modes_text != NULL || given->per_stack != 0 ||
                            given->max != 0 || given->shard_text != NULL || given->for_ms != 0 || given->log != NULL;
    return read_modes(error) && read_shard(error) && cupel__suppress_load(cupel__settings.suppress, error);
}

int cupel__sweep_settings_text(char *text, size_t size) {
    char per_stack[48] = "";
    char max[48] = "";
    char for_ms[48] = "";
    bool has_modes = given->modes_text != NULL;
    bool has_shard = given->shard_text != NULL;
    if (given->per_stack != 0) {
        (void)snprintf(per_stack, sizeof per_stack, " --sweep-per-stack=%" PRId64, given->per_stack);
    }
    if (given->max != 0) {
        (void)snprintf(max, sizeof max, " --sweep-max=%" PRId64, given->max);
    }
    if (given->for_ms != 0) {
        (void)snprintf(for_ms, sizeof for_ms, " --sweep-for=%" PRId64 "ms", given->for_ms);
    }
    return snprintf(text, size, "%s%s%s%s%s%s%s", has_modes ? " --sweep-modes=" : "",
                    has_modes ? given->modes_text : "", per_stack, max, has_shard ? " --sweep-shard=" : "",
                    has_shard ? given->shard_text : "", for_ms);
}
