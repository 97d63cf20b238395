/* `cupel test --exec PROGRAM [ARGUMENT ...]`: programs of other frameworks, or of none, run as they are. Parts: exec.c
 * the plan (once, repeats, one fault, a sweep), exec_run.c processes, exec_orphans.c what they leave behind,
 * exec_judge.c what came of one, exec_cases.c what its framework said, exec_tell.c records. */
#ifndef HARNESS_TOOL_EXEC_H
#define HARNESS_TOOL_EXEC_H

#include "alloc/base/message.h"
#include "harness/exec/note.h"
#include "harness/result.h"
#include "harness/src/perturb.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CUPEL__EXEC_SLOTS_MAX = 64, CUPEL__EXEC_CASES_MAX = 4096, CUPEL__EXEC_TOKEN_MAX = 64 };

/* What is run; constant. */
struct cupel__exec_program {
    char *const *words; /* as the user gave them; ends with NULL */
    const char *name;   /* base name */
    char path[4096];    /* the executable, found in PATH where it has no slash; absolute */
    bool is_script;     /* it starts another program */
    char library[4096]; /* libcupel-exec.so */
    bool counts_all;
};

/* Of one run: what shall be, and what came of it. */
struct cupel__exec_run {
    pid_t pid;
    char fault[CUPEL_FAULT_TOKEN_MAX]; /* "" for none */
    uint64_t point;                    /* of a sweep: index of its request; else of the repeat */
    bool has_library;                  /* for faults and fills; else it is started as it is */
    bool records_points;
    uint32_t perturb; /* dimensions that are varied, by the seed and `point` */
    struct cupel__perturbation perturbation;
    int64_t start_ms, deadline_ms, duration_ns;
    int status; /* as waitpid has it */
    bool is_hang, is_flood;
    struct cupel__exec_note *note;
    size_t note_bytes;
    int note_file, output_file, error_file, cases_file;
    const char *output, *errors, *cases; /* after its end: texts, "" where there is none */
    size_t output_bytes, errors_bytes, cases_bytes;
};

/* exec_run.c. Finds the executable and the library. */
bool cupel__exec_locate(struct cupel__exec_program *program, char *const *words, struct cupel_error *error);
/* The dimensions that can be varied in a program that is not ours. */
enum {
    CUPEL__EXEC_DIMENSIONS = 1 << CUPEL__DIMENSION_ADDRESSES | 1 << CUPEL__DIMENSION_ENVIRONMENT |
                             1 << CUPEL__DIMENSION_LOCALE | 1 << CUPEL__DIMENSION_TIME_ZONE |
                             1 << CUPEL__DIMENSION_DESCRIPTORS | 1 << CUPEL__DIMENSION_FRESH |
                             1 << CUPEL__DIMENSION_FREED
};
/* Starts a run whose wishes are filled in. False and a text where that cannot be. */
bool cupel__exec_start(const struct cupel__exec_program *program, struct cupel__exec_run *run,
                       struct cupel_error *error);
/* Waits some 20 ms at most for one of these (pid 0: none); the index of one that ended, or -1. Kills what is too long
 * or prints too much. */
int cupel__exec_wait(struct cupel__exec_run *runs, unsigned count);
/* Kills what runs; gives back what a run holds. */
void cupel__exec_end(struct cupel__exec_run *run);
/* Ctrl-C came. */
bool cupel__exec_is_interrupted(void);
void cupel__exec_catch_interrupts(void);

/* exec_orphans.c. From now on orphans of runs are children of this process. */
void cupel__exec_adopt_orphans(void);
/* Kills what is left of a run whose own process has been waited for. */
void cupel__exec_kill_orphans(const struct cupel__exec_run *run);

/* exec_judge.c. The words of whole programs. */
enum cupel__exec_word {
    CUPEL__EXEC_PASSED,
    CUPEL__EXEC_FAILED, /* without a fault */
    CUPEL__EXEC_TOLERATED,
    CUPEL__EXEC_CLEAN_ERROR,
    CUPEL__EXEC_SILENT_FAILURE,
    CUPEL__EXEC_MESSAGE_BUT_SUCCESS,
    CUPEL__EXEC_SILENT_WRONG_OUTPUT,
    CUPEL__EXEC_ABORTED,
    CUPEL__EXEC_ASSERTION,
    CUPEL__EXEC_CORRUPTION,
    CUPEL__EXEC_CRASH,
    CUPEL__EXEC_HANG,
    CUPEL__EXEC_NOT_REACHED,
    CUPEL__EXEC_WORD_COUNT
};
const char *cupel__exec_word_name(enum cupel__exec_word word);
enum cupel_verdict cupel__exec_verdict(enum cupel__exec_word word);

/* What an unfailed run is like. */
struct cupel__exec_baseline {
    uint64_t requests;
    int64_t duration_ms;
    uint64_t output_key, errors_key; /* of its output, numbers left out; 0: it differs from run to run */
    unsigned crash_count;            /* crashes that belong to it: death tests */
    struct cupel__exec_crash crashes[CUPEL__EXEC_CRASHES_MAX];
};
void cupel__exec_baseline_take(struct cupel__exec_baseline *baseline, const struct cupel__exec_run *run);
/* `baseline` NULL: a run that is judged for itself. */
enum cupel__exec_word cupel__exec_judge(const struct cupel__exec_run *run, const struct cupel__exec_baseline *baseline);
/* True where it left with status 77: a skip for automake, ctest and meson. */
bool cupel__exec_is_skip(const struct cupel__exec_run *run);
/* The crash of this run that is not the baseline's, or NULL. */
const struct cupel__exec_crash *cupel__exec_crash_of(const struct cupel__exec_run *run,
                                                     const struct cupel__exec_baseline *baseline);
/* What is wrong with a run under which nothing was intercepted; NULL where something was. */
const char *cupel__exec_blindness(const struct cupel__exec_run *run);

/* exec_cases.c. */
enum cupel__exec_outcome {
    CUPEL__CASE_PASSED,
    CUPEL__CASE_FAILED,
    CUPEL__CASE_SKIPPED,
    CUPEL__CASE_OPEN /* it began, and nothing more was said */
};
struct cupel__exec_case {
    char name[160];
    char message[512]; /* "" for none */
    enum cupel__exec_outcome outcome;
};
struct cupel__exec_cases {
    unsigned count;
    struct cupel__exec_case all[CUPEL__EXEC_CASES_MAX];
};
/* What its framework said of its tests: TAP of Check and Criterion, the text of cmocka and GoogleTest, TAP on standard
 * output. None where it said nothing that is known. */
void cupel__exec_cases_read(const struct cupel__exec_run *run, struct cupel__exec_cases *cases);
/* The first that failed, or began and never ended; NULL where none did. */
const struct cupel__exec_case *cupel__exec_culprit(const struct cupel__exec_cases *cases);

/* exec_tell.c: records. One for each case of a run, or one for the whole. */
void cupel__exec_tell_run(const struct cupel__exec_program *program, const struct cupel__exec_run *run);
/* A run with a fault; `others` are further lines. */
void cupel__exec_tell_finding(const struct cupel__exec_program *program, const struct cupel__exec_run *run,
                              const struct cupel__exec_baseline *baseline, enum cupel__exec_word word,
                              const char *others);
/* A program that failed in some repeats: how often, and what it follows ("" where nothing is known of that). */
void cupel__exec_tell_flake(const struct cupel__exec_program *program, uint64_t first_repeat,
                            const struct cupel_flake *flake, enum cupel__exec_word word);
/* A finding of the whole sweep: the text says how the runs without a fault differ. */
void cupel__exec_tell_nondeterminism(const struct cupel__exec_program *program, const char *text, int64_t duration_ns);
/* What has no run of its own: the summary of a sweep, or why there is none. */
void cupel__exec_tell_summary(const struct cupel__exec_program *program, enum cupel_verdict verdict, const char *text,
                              int64_t duration_ns);

/* exec_pool.c: the runs of this process, in slots. */
void cupel__exec_slots_set(unsigned count);
unsigned cupel__exec_slots(void);
unsigned cupel__exec_running(void);
bool cupel__exec_is_run(pid_t pid); /* the process of one that goes on */
/* A free one, emptied; NULL where all are taken. */
struct cupel__exec_run *cupel__exec_free_slot(void);
/* The next that ended, as cupel__exec_wait; NULL where none did so far. */
struct cupel__exec_run *cupel__exec_next_ended(void);
void cupel__exec_end_all(void);
/* Ctrl-C came, or there are as many failures as one wants. */
bool cupel__exec_is_enough(void);
/* In ms of the clock, from a limit in ms; 0: none. */
int64_t cupel__exec_deadline(int64_t allowed_ms);
/* Starts; an error is told. */
bool cupel__exec_try_start(const struct cupel__exec_program *program, struct cupel__exec_run *run);
/* True where an ended run was started at all, under a plan that it could read; told where not. */
bool cupel__exec_was_started(const struct cupel__exec_program *program, const struct cupel__exec_run *run);
/* One run to its end. NULL where it could not be started, or Ctrl-C came. */
struct cupel__exec_run *cupel__exec_run_one(const struct cupel__exec_program *program, const char *fault,
                                            bool records_points);

/* exec_repeat.c: once, or as often as was asked, varied where that was asked; and how flaky it was. As
 * cupel__exec_main. */
int cupel__exec_repeat(const struct cupel__exec_program *program, bool *is_cut);

/* exec.c: all of it; records go to the reports. The status that no record tells: 0, or one of enum cupel_status. */
struct cupel__exec_options {
    unsigned jobs;
    int64_t points_max; /* of a sweep; 0: all */
    bool starves_all;
};
int cupel__exec_main(char *const *words, const struct cupel__exec_options *options, bool *is_interrupted, bool *is_cut);

#endif
