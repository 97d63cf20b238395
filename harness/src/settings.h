/* What a run was asked for: filled from one table of options (settings.c), from CUPEL_SEED, CUPEL_FAULT and the
 * variables of GoogleTest. Whoever adds a flag adds a member here and a row there. */
#ifndef HARNESS_SRC_SETTINGS_H
#define HARNESS_SRC_SETTINGS_H

#include "alloc/base/message.h"
#include "alloc/base/options.h"
#include "alloc/failing.h"
#include "harness/result.h"

#include <stdbool.h>
#include <stdint.h>

enum cupel__style {
    CUPEL__STYLE_AUTO,
    CUPEL__STYLE_PLAIN,
    CUPEL__STYLE_TERMINAL,
    CUPEL__STYLE_GTEST,
    CUPEL__STYLE_NONE
};

/* How it sweeps: settings_sweep.c. */
struct cupel__sweep_settings {
    const char *modes_text, *shard_text, *log;
    const char *sites; /* file, or NULL */
    unsigned modes;    /* 0: all */
    int64_t per_stack, max, for_ms;
    uint64_t shard_index, shard_count;
};

struct cupel__settings {
    const char *program; /* argv[0] */
    /* Selection. */
    const char *filter; /* GoogleTest's syntax: globs joined by ':', negatives after '-' */
    struct cupel_option_list tags;
    const char **words; /* operands: a substring or glob of the title each; any may match */
    int word_count;
    const char *shard; /* "i/n", 1-based */
    uint64_t shard_index, shard_count;
    bool rerun_failed;
    bool with_disabled;
    bool list, list_gtest;
    bool list_json;
    /* Repetition and order. */
    int64_t repeat;       /* INT64_MAX: without end */
    int64_t repeat_index; /* of the first repeat */
    bool repeat_slow;     /* later repeats take slow tests too */
    int64_t for_ms;       /* 0: not bounded by time */
    bool until_fail;
    const char *perturb_text; /* NULL: not given */
    uint32_t perturb;         /* dimensions that repeats vary: see perturb.h */
    bool bisect;              /* say which of them a flake follows */
    int64_t retries;          /* of a test that failed */
    bool fail_on_flaky;
    bool shuffle;
    int64_t seed_given; /* as parsed; -1: none */
    uint64_t seed;      /* the run's */
    bool fail_fast;
    int64_t max_fail; /* 0: no limit */
    /* Execution. */
    int isolate;        /* index into "worker process none" */
    int64_t jobs;       /* resolved; 0 before: one, or as many as there are processors where tests are repeated */
    int64_t timeout_ms; /* of a test that names none; 0: none */
    int64_t output_limit_bytes;
    int64_t memory_limit_bytes; /* of resident memory, beyond where a test began; 0: none */
    bool memory_limit_is_given;
    int64_t descriptor_limit; /* 0: none */
    bool capture;
    bool show_output;
    const char *fault; /* plan's text, or NULL */
    struct cupel_fault_plan fault_plan;
    bool warm_up;     /* each test runs once before, without a fault and without a verdict */
    bool libc_faults; /* what the C library asks for itself is counted and starved too */
    bool break_on_failure;
    const char *debugger; /* its command; "": the usual one; NULL: none */
    bool left_behind;     /* look for what tests leave behind */
    /* Properties and sweeps. */
    bool sweep;
    const char *suppress; /* file of findings that are known; NULL: none */
    const char *callers;  /* file for the calls that refused requests came through; NULL: none */
    struct cupel__sweep_settings sweeping;
    bool is_verbose_sweep; /* --verbose was given with it, which is on in sweeps anyhow */
    int64_t cases;         /* random cases a property; 0: what each declares */
    const char *replay;    /* suite.name of the property that the operands, files, are run through; NULL: none */
    const char *decode;    /* the same, to show their draws */
    bool write_regressions, write_seeds;
    const char *write_test; /* a file, "" for one of its own, NULL for none */
    const char *fuzz;  /* suite.name of the property that the linked engine is to work on; operands are its corpora */
    const char **rest; /* the engine's own arguments */
    int rest_count;
    /* Reports. */
    struct cupel_option_list reports; /* "tap", "junit:FILE", "json:FILE", ... */
    const char *gtest_output;         /* "xml", "json:FILE", ...; NULL: none */
    bool hides_time;
    bool may_be_empty; /* a selection of nothing is no error */
    int style;         /* enum cupel__style */
    bool verbose;
    bool is_gtest; /* one of its flags was given */
    int colour;
    char flags[CUPEL_FLAGS_MAX]; /* those given that decide what comes of a test, as the command line had them */
};

/* The one of this process. Constant once the run began. */
extern struct cupel__settings cupel__settings;

/* Fills cupel__settings. False and a text on bad usage; `*has_help` where --help was printed. `own` NULL: the table of
 * a test program; else a program whose table begins with rows of its own and ends with cupel__settings_append. */
bool cupel__settings_parse(const struct cupel_program *own, int argc, char **argv, bool *has_help,
                           struct cupel_error *error);

/* The column of a word's place in the command line, its words joined by blanks; 0 where it is not from there. */
unsigned cupel__settings_column(const char *at);
/* Says what is wrong with the command line: the column, once, then the text; `hint` follows. */
void cupel__settings_refuse(const struct cupel_error *error, const char *hint);

/* Appends the rows of the table, end included, to `to`, which has `count` of `capacity`. */
void cupel__settings_append(struct cupel_option *to, size_t count, size_t capacity);
/* The table, for --help, manual and completion. */
const struct cupel_program *cupel__settings_program(void);

/* settings_sweep.c: its part of the table; returns how many rows. */
size_t cupel__sweep_settings_append(struct cupel_option *to, size_t capacity);
/* Reads what they were given. False and a text on bad usage. */
bool cupel__sweep_settings_apply(struct cupel_error *error);
/* The flags again, each with a blank before it; as snprintf. */
int cupel__sweep_settings_text(char *text, size_t size);

#endif
