/* What people and editors read: a table, a list of places, gcov's text, annotated sources, HTML. All from a finished
 * model. Functions that write to a stream leave write errors in it. */
#ifndef COVERAGE_REPORT_H
#define COVERAGE_REPORT_H

#include "alloc/base/status.h"
#include "coverage/coverage.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One row a room (the first folder of a path) and one a file: lines, branches and functions in per cent, rounded down
 * so that 100 means all, and the lines that never ran. `width` cuts the rows; 0 does not. */
void cupel_report_table(const struct cupel_coverage *coverage, unsigned width, FILE *out);

/* "file:line: words" for each run of lines that never ran, each line with branches never taken and each function never
 * called: what Vim's quickfix, Emacs and others jump by. Sorted by file and line. */
void cupel_report_places(const struct cupel_coverage *coverage, FILE *out);

struct cupel_report_text_options {
    bool no_stars; /* leave out gcov's star at lines that ran in part: some readers trip over it */
    bool classes;  /* a column with a letter for each class that reached the line, in place of gcov's head */
};

/* A file as gcov's own text: count, line number, source. False, with a text, where the source cannot be read. Lines
 * that only exceptions would reach ("=====") cannot be told from "#####": gcov's JSON does not say. */
bool cupel_report_text(const struct cupel_coverage *coverage, const struct cupel_cover_file *file,
                       const struct cupel_report_text_options *options, FILE *out, struct cupel_error *error);

/* Writes one such text a source into `folder`, named as gcov -p names them (a#src#b.c.gcov), and removes others that
 * end in .gcov there. Sources that cannot be read are left out and counted in `left_out`. */
enum cupel_status cupel_report_texts(const struct cupel_coverage *coverage, const char *folder, bool no_stars,
                                     size_t *left_out, struct cupel_error *error);

/* Runs lcov's genhtml (1.16 or 2.x) on a tracefile, and puts the result in the place of `folder` whole: what stood
 * there before stays until then. CUPEL_LACKING where there is no genhtml. */
enum cupel_status cupel_report_html(const struct cupel_coverage *coverage, const char *genhtml, const char *tracefile,
                                    const char *folder, struct cupel_error *error);

/* Writes "12.3 %" into `text`: hit of found, rounded down; "-" where nothing was found. */
void cupel_report_percent(uint64_t hit, uint64_t found, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
