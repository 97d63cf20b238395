/* See obituary.h. */
#include "harness/src/obituary.h"
#include "harness/src/capture.h"
#include "harness/src/child.h"
#include "harness/src/directory.h"
#include "harness/src/execute.h"
#include "harness/src/worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void describe(int status, char *text, size_t size) {
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        const char *words = sigdescr_np(WTERMSIG(status));
        (void)snprintf(text, size, "died by signal %d (SIG%s, %s)", WTERMSIG(status), name == NULL ? "?" : name,
                       words == NULL ? "unknown" : words);
    } else {
        (void)snprintf(text, size, "left the process with exit status %d", WEXITSTATUS(status));
    }
}

void cupel__obituary_describe(int status, struct cupel_result *result) {
    char how[160];
    describe(status, how, sizeof how);
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    cupel_text_add(&result->messages, "the worker %s\n", how);
}

/* Whether it ended as a death test said it would; a message where not. */
static bool is_as_expected(const struct cupel_test *test, int status, struct cupel_result *result) {
    const struct cupel_test_options *options = &test->options;
    char how[160];
    describe(status, how, sizeof how);
    bool is_right = options->expect_signal != 0 ? WIFSIGNALED(status) && WTERMSIG(status) == options->expect_signal
                                                : WIFEXITED(status) && WEXITSTATUS(status) == options->expect_exit - 1;
    if (!is_right && options->expect_signal != 0) {
        cupel_text_add(&result->messages, "%s:%u: expected to die by signal %d (SIG%s), but it %s\n", test->file,
                       test->line, options->expect_signal, sigabbrev_np(options->expect_signal), how);
    } else if (!is_right) {
        cupel_text_add(&result->messages, "%s:%u: expected to exit with status %d, but it %s\n", test->file, test->line,
                       options->expect_exit - 1, how);
    }
    if (options->expect_stderr != NULL && strstr(result->output.data, options->expect_stderr) == NULL) {
        cupel_text_add(&result->messages, "%s:%u: expected it to print \"%s\", but it did not\n", test->file,
                       test->line, options->expect_stderr);
        is_right = false;
    }
    return is_right && result->failures == 0;
}

void cupel__obituary(const struct cupel__plan_item *item, int status, enum cupel__death_cause cause, int output,
                     const struct cupel__fault_note *fault_note, struct cupel_result *result) {
    const struct cupel_test *test = item->test;
    char how[160];
    describe(status, how, sizeof how);
    if (output >= 0) {
        cupel__capture_read(output, false, &result->output);
    }
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (cause == CUPEL__DEATH_OWN && (test->options.expect_signal != 0 || test->options.expect_exit != 0)) {
        result->verdict = is_as_expected(test, status, result) ? CUPEL_VERDICT_OK : CUPEL_VERDICT_WRONG;
        if (result->verdict == CUPEL_VERDICT_OK && !cupel__settings.show_output) {
            result->output.length = 0;
        }
        cupel__directory_done(result, result->verdict != CUPEL_VERDICT_OK);
        return;
    }
    cupel_text_add(&result->messages, "%s:%u: ", test->file, test->line);
    result->verdict = CUPEL_VERDICT_CRASH;
    result->evidence = cupel__settings.sweep ? CUPEL_EVIDENCE_FAULT : CUPEL_EVIDENCE_CRASH;
    if (cause == CUPEL__DEATH_TIMEOUT) {
        result->verdict = CUPEL_VERDICT_HANG;
        cupel_text_add(&result->messages, "killed: it took more than its time limit of %.1f s\n",
                       (double)cupel__timeout_ms(item) / 1000);
    } else if (cause == CUPEL__DEATH_OUTPUT) {
        cupel_text_add(&result->messages, "killed: it printed more than %lld bytes (--output-limit)\n",
                       (long long)cupel__settings.output_limit_bytes);
    } else if (WIFEXITED(status)) {
        cupel_text_add(&result->messages, "%s in the middle of the test\n", how);
    } else {
        cupel_text_add(&result->messages, "%s\n", how);
    }
    struct cupel__death death = {.signal = result->signal, .status = result->exit_status};
    bool is_own = cause == CUPEL__DEATH_OWN && fault_note->frame_count != 0;
    if (is_own && fault_note->is_recovery) {
        result->verdict = CUPEL_VERDICT_NOT_RECOVERED;
        cupel_text_add(&result->messages, "that was a run without a fault, after this one\n");
    } else if (is_own && cupel__death_is_policy(&death, result->output.data)) {
        result->verdict = CUPEL_VERDICT_ABORTED;
    }
    cupel__fault_note_add(fault_note, &result->messages);
    if (result->notes.length != 0) {
        cupel_text_add_n(&result->messages, result->notes.data, result->notes.length);
    }
    cupel__execute_expect(test, result);
    cupel__directory_done(result, cupel_result_is_failure(result));
}
