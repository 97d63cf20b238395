/* Findings by test: see report_findings.h. As many tests are held as run at a time, so a list is searched. */
#include "harness/src/report_findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWNED = 5 };

struct held {
    struct held *next;
    unsigned count;             /* that are not known */
    enum cupel_verdict verdict; /* of the first of them */
    char *text;                 /* owned; NULL for none */
    size_t length;
    char *owned[OWNED];        /* what the record points to */
    struct cupel_result first; /* finding of the test */
};

static struct held *all;
static struct held *given; /* out last: its text is read still */

static bool is_of(const struct held *held, const struct cupel_result *result) {
    const struct cupel_result *first = &held->first;
    bool is_same_program =
        first->program != NULL && result->program != NULL && strcmp(first->program, result->program) == 0;
    return is_same_program && (result->command != NULL ||
                               (strcmp(first->suite, result->suite) == 0 && strcmp(first->name, result->name) == 0 &&
                                first->row == result->row && first->repeat == result->repeat));
}

static struct held **find(const struct cupel_result *result) {
    struct held **place = &all;
    while (*place != NULL && !is_of(*place, result)) {
        place = &(*place)->next;
    }
    return place;
}

static void release(struct held *held) {
    for (unsigned i = 0; held != NULL && i < OWNED; i++) {
        free(held->owned[i]);
    }
    if (held != NULL) {
        free(held->text);
    }
    free(held);
}

/* The pointers of a record are good as long as the record: copies outlive it. */
static struct held *hold(const struct cupel_result *finding) {
    struct held *held = malloc(sizeof *held);
    if (held == NULL) {
        return NULL;
    }
    *held = (struct held){.next = NULL}; /* the texts of the record too: a finding is rare */
    cupel_result_copy(&held->first, finding);
    held->first.failure_file = NULL;
    const char **pointers[OWNED] = {&held->first.program, &held->first.suite, &held->first.name, &held->first.file,
                                    &held->first.command};
    bool is_whole = true;
    for (unsigned i = 0; i < OWNED; i++) {
        held->owned[i] = *pointers[i] != NULL ? strdup(*pointers[i]) : NULL;
        is_whole = is_whole && (held->owned[i] != NULL) == (*pointers[i] != NULL);
        *pointers[i] = held->owned[i];
    }
    if (!is_whole) {
        release(held);
        return NULL;
    }
    return held;
}

static bool add_text(struct held *held, const struct cupel_result *finding) {
    char command[4096];
    char *text = NULL;
    (void)cupel_result_command(finding, command, sizeof command);
    int length =
        cupel_result_is_failure(finding)
            ? asprintf(&text, "finding: %s%s%s\n%sagain: %s\n", cupel_verdict_name(finding->verdict),
                       finding->fault[0] != '\0' ? ", fault " : "", finding->fault, finding->messages.data, command)
            : asprintf(&text, "%s\n", finding->reason);
    if (length < 0) {
        return false;
    }
    char *longer = realloc(held->text, held->length + (size_t)length + 1);
    if (longer != NULL) {
        memcpy(longer + held->length, text, (size_t)length + 1);
        held->text = longer;
        held->length += (size_t)length;
    }
    free(text);
    return longer != NULL;
}

void cupel__findings_hold(const struct cupel_result *finding, bool keeps_text) {
    struct held **place = find(finding);
    if (*place == NULL) {
        *place = hold(finding);
    }
    struct held *held = *place;
    if (held == NULL) {
        cupel__reports_lose();
        return;
    }
    if (cupel_result_is_failure(finding) && held->count++ == 0) {
        held->verdict = finding->verdict;
    }
    if (keeps_text && !add_text(held, finding)) {
        cupel__reports_lose();
    }
}

struct cupel__found cupel__findings_of(const struct cupel_result *result) {
    struct held **place = find(result);
    struct held *held = *place;
    release(given);
    given = held;
    if (held == NULL) {
        return (struct cupel__found){.text = ""};
    }
    *place = held->next;
    return (struct cupel__found){.count = held->count, .text = held->text != NULL ? held->text : ""};
}

const struct cupel_result *cupel__findings_left(void) {
    struct held *held = all;
    while (held != NULL && held->count == 0) {
        held = held->next;
    }
    if (held == NULL) {
        return NULL;
    }
    struct cupel_result *result = &held->first;
    result->is_finding = false;
    result->verdict = held->verdict;
    result->fault[0] = '\0';
    result->reason[0] = '\0';
    result->failures = held->count;
    result->messages.length = 0;
    result->output.length = 0;
    result->output.data[0] = '\0';
    cupel_text_add(&result->messages, "the run ended before the sweep of this test\n");
    return result;
}

void cupel__findings_forget(void) {
    while (all != NULL) {
        struct held *next = all->next;
        release(all);
        all = next;
    }
    release(given);
    given = NULL;
}
