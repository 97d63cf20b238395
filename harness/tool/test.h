/* `cupel test` in parts: its words (test.c), which programs (test_find.c), running them (test_run.c), and all variants
 * beside each other (test_variants.c). */
#ifndef HARNESS_TOOL_TEST_H
#define HARNESS_TOOL_TEST_H

#include "alloc/base/message.h"
#include "harness/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CUPEL__PROGRAMS_MAX = 1024, CUPEL__PASSED_ON_MAX = 512, CUPEL__WRAP_MAX = 64 };

struct cupel__test_programs {
    char *paths[CUPEL__PROGRAMS_MAX]; /* owned */
    size_t count;
    char directory[4096]; /* where programs are looked for */
    char evidence[4096];  /* results.jsonl of this build */
};

/* Finds where programs and evidence are, from where this program is; `variant` NULL: the same build tree. An installed
 * one looks in build/VARIANT of the current directory (NULL: dev). */
bool cupel__test_locate(struct cupel__test_programs *programs, const char *variant, struct cupel_error *error);
/* Adds all programs of the directory, in alphabetical order. */
bool cupel__test_find_all(struct cupel__test_programs *programs, struct cupel_error *error);
/* Adds that one if the word names one: a path with a slash, or a name in the directory. */
bool cupel__test_find_named(struct cupel__test_programs *programs, const char *word);
void cupel__test_programs_deinit(struct cupel__test_programs *programs);

/* Called with each record and the program that it is of; borrowed for the call. */
typedef void (*cupel__test_take)(const char *program, const struct cupel_result *result);

/* What to run, and how. */
struct cupel__test_run {
    const struct cupel__test_programs *programs;
    const char *wrap[CUPEL__WRAP_MAX + 1]; /* words before the program */
    size_t wrap_count;
    const char *passed_on[CUPEL__PASSED_ON_MAX + 1]; /* words after it */
    size_t passed_on_count;
    const char *sites; /* file that their allocation sites are gathered in; NULL: none */
    unsigned jobs;
    unsigned long long failure_limit; /* 0: none */
    cupel__test_take on_record;       /* NULL: none */
};

/* test_wrap.c: the words of --wrap, with what valgrind needs around our programs. False after a message. */
bool cupel__test_wrap_begin(struct cupel__test_run *run, const char *text);
/* After the run: what the checker said of processes that no test tells of are records too; its files go. */
void cupel__test_wrap_end(const struct cupel__test_run *run);

/* Runs all; records go to the reports. Returns the worst status that no record tells: 0, or one of enum cupel_status.
 * `*is_interrupted` and `*is_cut` say how it ended. */
int cupel__test_run(const struct cupel__test_run *run, bool *is_interrupted, bool *is_cut);
/* test_sites.c: the file in which a program writes its sites. */
void cupel__test_sites_part(const char *path, const char *program, char *part, size_t size_bytes);
/* Makes one file of all parts, which go, and adds numbers to `text`; with `lists` each site that never failed. False
 * and a text of the error where the file is not complete. */
bool cupel__test_sites_join(const char *path, const struct cupel__test_programs *programs, bool lists,
                            struct cupel_text *text, struct cupel_error *error);

/* Of one variant. */
struct cupel__test_counts {
    uint64_t passed, failed, skipped;
};
/* Calls run() for each of these variants (joined by commas; "": all that are built), then prints the matrix, and writes
 * it as JSON where json_path is not NULL. `run` gives a status and the counts. Returns the worst status. */
int cupel__test_variants(const char *list, const char *json_path,
                         int (*run)(const char *variant, cupel__test_take on_record,
                                    struct cupel__test_counts *counts));
/* Runs each in turn with its output let through, for lists. */
int cupel__test_run_plain(const struct cupel__test_run *run);

#endif
