/* Reports: each is computed from result records and nothing else. The text on standard output and any number of files
 * (TAP, JUnit, JSON lines, annotations) are sinks of the same stream; a file is complete or not there. */
#ifndef HARNESS_SRC_REPORT_H
#define HARNESS_SRC_REPORT_H

#include "alloc/base/message.h"
#include "alloc/base/options.h"
#include "harness/result.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cupel__suites;

/* What is known before the first record. */
struct cupel__report_head {
    const char *title; /* of the run: the program's name */
    uint64_t seed;
    uint64_t count;   /* of `unit` */
    const char *unit; /* "tests", "programs" */
    uint64_t total;   /* records to come, UINT64_MAX where unknown */
    bool is_verbose;
    bool shows_output; /* of passing tests too */
    bool has_colour;
    bool is_terminal;
    bool hides_time;
    uint64_t suite_count;                 /* 0: unknown */
    const struct cupel__suites *in_order; /* where results come suite by suite; else NULL */
};

/* What the sweep of a test found, for the reports that have one record a test. */
struct cupel__found {
    unsigned count;   /* of findings that are not known */
    const char *text; /* each with its verdict, token, words and command, or why it is known; "" for none */
};

enum { CUPEL__FAILED_TITLES_MAX = 64, CUPEL__TITLE_MAX = 320 };

struct cupel__totals {
    uint64_t passed;
    uint64_t failed;
    uint64_t skipped;
    uint64_t findings;  /* of sweeps, in whatever tests */
    uint64_t known;     /* findings that --suppress names */
    uint64_t flaky;     /* failed and passed: in repeats, or on a retry (these are among the passed) */
    uint64_t unstarved; /* of those passed: swept, with nothing to starve */
    uint64_t unswept;   /* of those passed: run once where a sweep was asked for */
    int64_t start_ns;
    int64_t duration_ns; /* set at the end */
    bool is_interrupted;
    bool is_cut;
    const char *remark;        /* lines to print before the last one, or NULL */
    struct cupel__found found; /* of the record that is handed round */
    /* The first ones of tests and findings, with their verdict. */
    char failed_titles[CUPEL__FAILED_TITLES_MAX][CUPEL__TITLE_MAX];
    bool is_title_of_finding[CUPEL__FAILED_TITLES_MAX];
};

/* One kind of report. Functions write to `out`; errors stay in the stream. */
struct cupel__sink {
    const char *name;
    void (*begin)(FILE *out, const struct cupel__report_head *head);
    void (*result)(FILE *out, const struct cupel_result *result, const struct cupel__totals *totals);
    void (*end)(FILE *out, const struct cupel__totals *totals);
    void (*flake)(FILE *out, const struct cupel_result *result); /* the summary of a flaky test; NULL: not told */
    void (*progress)(FILE *out, const char *text);               /* within one record; NULL: shows none */
    bool takes_findings; /* as records of their own; else they are in totals->found of their test's */
};

extern const struct cupel__sink cupel__sink_plain, cupel__sink_gtest, cupel__sink_tap, cupel__sink_tap13,
    cupel__sink_junit, cupel__sink_json, cupel__sink_github, cupel__sink_gtest_xml, cupel__sink_gtest_json;

struct cupel__report_request {
    FILE *out;                      /* for reports that name no file */
    FILE *text_out;                 /* for the text: `out`, or another where cupel__reports_fill_out; NULL: none */
    const struct cupel__sink *text; /* NULL: none */
    const struct cupel_option_list *kinds; /* "tap", "tap13:FILE,json:FILE", "records:FD" */
    const char *gtest_output;              /* "xml", "json:FILE", "xml:DIRECTORY/"; NULL: none */
    struct cupel__report_head head;
};

/* True where one of the reports names no file and must have that stream for itself, for what reads it reads nothing
 * else. (Annotations stand among other lines.) */
bool cupel__reports_fill_out(const struct cupel_option_list *given);
/* Opens all; CUPEL_OK, CUPEL_USAGE for an unknown kind or CUPEL_OUTPUT for what cannot be written, with a text. */
int cupel__reports_open(const struct cupel__report_request *request, struct cupel_error *error);
/* Counts a record and hands it to every sink. */
void cupel__reports_take(const struct cupel_result *result);
/* A sink had no memory for what it must write at the end: cupel__reports_close says so. */
void cupel__reports_lose(void);
/* The file that GoogleTest writes for these words in a program of that name. */
void cupel__gtest_output_path(const char *output, const char *program, char *path, size_t size_bytes);
/* Something long goes on: shown where and when the text has room for it. */
void cupel__reports_progress(const char *text);
/* Ends all. False and a text where one could not be written; the others are complete. */
bool cupel__reports_close(struct cupel_error *error);
/* The counts so far; the caller sets is_interrupted and is_cut before the close. */
struct cupel__totals *cupel__reports_totals(void);

#endif
