/* One result record: what one run of one test, property case list or fault came to. Every report, exit status and
 * coverage class is computed from these records and nothing else. A record has fixed storage, so that it can lie in
 * memory shared with a worker and be read after the worker died. Texts that are pointers are borrowed: they live in
 * the program's image (or in the reader of a record stream) for as long as the record. */
#ifndef HARNESS_RESULT_H
#define HARNESS_RESULT_H

#include "harness/harness.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One list for tests, sweeps and whole programs. Everything but OK and SKIPPED is a failure. */
enum cupel_verdict {
    CUPEL_VERDICT_OK,               /* passed; with a fault: reported it, nothing left behind */
    CUPEL_VERDICT_SKIPPED,          /* did not run; `reason` says why */
    CUPEL_VERDICT_LEAK,             /* blocks left behind, or the sum of addresses does not balance */
    CUPEL_VERDICT_CRASH,            /* died by a signal or left the process */
    CUPEL_VERDICT_HANG,             /* ran into its time limit */
    CUPEL_VERDICT_SWALLOWED,        /* a fault was injected, and the test reached its end without a word */
    CUPEL_VERDICT_WRONG,            /* a check failed */
    CUPEL_VERDICT_STATE_CHANGED,    /* declared strong, and the hash of the state differs after a failed call */
    CUPEL_VERDICT_NOT_RECOVERED,    /* the same call without a fault failed afterwards */
    CUPEL_VERDICT_ABORTED,          /* the program's own out-of-memory policy */
    CUPEL_VERDICT_NONDETERMINISTIC, /* the counts of two unfailed runs differ */
    CUPEL_VERDICT_NOT_REACHED,      /* the fault never fired: never counted as ok */
    CUPEL_VERDICT_COUNT
};

/* The class under which coverage files what this run executed. */
enum cupel_evidence {
    CUPEL_EVIDENCE_UNIT,
    CUPEL_EVIDENCE_PROPERTY,
    CUPEL_EVIDENCE_FUZZ,
    CUPEL_EVIDENCE_FAULT,
    CUPEL_EVIDENCE_CRASH,
    CUPEL_EVIDENCE_COUNT
};

/* How a test did that both failed and passed. */
enum { CUPEL_FOLLOWS_MAX = 160 };
struct cupel_flake {
    uint64_t runs; /* 0: nothing is known of it */
    uint64_t failures;
    char follows[CUPEL_FOLLOWS_MAX]; /* the perturbation that it hangs on, in words, or "" */
};

enum {
    CUPEL_TEXT_MAX = 32768,
    CUPEL_FAULT_TOKEN_MAX = 256,
    CUPEL_FLAGS_MAX = 320,
    CUPEL_REASON_MAX = 256,
    CUPEL_TEST_PATH_MAX = 256
};
#define CUPEL_NO_ROW UINT32_MAX

/* Lines of text, truncated and never overrun. */
struct cupel_text {
    uint32_t length;
    bool is_truncated;
    char data[CUPEL_TEXT_MAX];
};

struct cupel_result {
    const char *program; /* path as it was started */
    const char *suite;
    const char *name;
    const char *file; /* of the declaration */
    unsigned line;
    enum cupel_test_kind kind;
    uint32_t row; /* of a table test, else CUPEL_NO_ROW */
    enum cupel_isolation isolation;
    uint64_t seed;   /* of the run; with `repeat` it gives the test's own */
    uint64_t repeat; /* 0 for the first */
    enum cupel_verdict verdict;
    enum cupel_evidence evidence;
    int64_t duration_ns;
    uint32_t perturb;                    /* the dimensions that might be varied: a mask */
    int64_t grown_bytes;                 /* live bytes of malloc that it left, where tests are repeated */
    int64_t grown_descriptors;           /* the same of open descriptors */
    bool has_settled;                    /* not among its first runs in that process: what it left may be growth */
    bool has_nothing_to_starve;          /* swept, and it asked for no memory: no word on how it bears faults */
    bool is_finding;                     /* of the sweep of a test, whose own record comes behind: it stands for none */
    bool is_unswept;                     /* passed once where a sweep was asked for; `reason` says why */
    int signal;                          /* that ended the process, or 0 */
    int exit_status;                     /* of the process where it left by itself, else -1 */
    unsigned failures;                   /* failed checks and other findings */
    unsigned failure_line;               /* of the first failed check, or 0 */
    const char *failure_file;            /* or NULL */
    char fault[CUPEL_FAULT_TOKEN_MAX];   /* the fault plan's token, or "" */
    const char *command;                 /* that runs exactly this again, where it is no test of ours; else NULL */
    char flags[CUPEL_FLAGS_MAX];         /* of the run, that decide what comes of it: " --cases=7", or "" */
    char reason[CUPEL_REASON_MAX];       /* of a skip, an expected failure, or no sweep; or "" */
    char retained[CUPEL_REASON_MAX];     /* what plain malloc kept, once and not again: no failure; or "" */
    char directory[CUPEL_TEST_PATH_MAX]; /* of test_directory() where it was kept, or "" */
    /* Of a test that passed: what its retries came to. Of one that did not: this record is the summary of its repeats,
     * and `repeat` the first that failed. */
    struct cupel_flake flake;
    struct cupel_text messages; /* what failed, line by line: file:line: words */
    struct cupel_text notes;    /* context not yet part of the messages; shown if the test fails */
    struct cupel_text output;   /* what the test printed, where it is to be shown */
};

/* Empties a record without touching the unused parts of its texts. */
void cupel_result_clear(struct cupel_result *result);
/* Copies the used parts only. */
void cupel_result_copy(struct cupel_result *to, const struct cupel_result *from);
/* True for the record that sums up the repeats of a flaky test; it stands for none of them. */
bool cupel_result_is_flake_summary(const struct cupel_result *result);
/* The interval that holds the rate of failures in 95 of 100 cases, by Wilson's score (Wilson, 1927): good for small
 * numbers and for rates near 0 and 1. runs > 0. */
void cupel_flake_interval(const struct cupel_flake *flake, double *low, double *high);
/* True for every verdict but OK and SKIPPED. */
bool cupel_result_is_failure(const struct cupel_result *result);
/* "ok", "skipped", "leak", ... ; borrowed. */
const char *cupel_verdict_name(enum cupel_verdict verdict);
/* "unit", "property", ... ; borrowed. */
const char *cupel_evidence_name(enum cupel_evidence evidence);
/* Writes "suite.name" or "suite.name/row"; returns the length, as snprintf. */
int cupel_result_title(const struct cupel_result *result, char *text, size_t size);
/* Writes the command that runs exactly this again: program, test, seed, repeat, fault, isolation, and the flags that
 * decide what comes of it; as snprintf. */
int cupel_result_command(const struct cupel_result *result, char *text, size_t size);

/* Appends as printf; what does not fit is cut and marked. */
void cupel_text_add(struct cupel_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cupel_text_add_n(struct cupel_text *text, const char *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
