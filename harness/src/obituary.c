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

/* LCOV_EXCL_START(only where a sanitizer or valgrind looks at the end of a worker) */
void cupel__obituary_describe(int status, struct cupel_result *result) {
    char how[160];
    describe(status, how, sizeof how);
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    cupel_text_add(&result->messages, "the worker %s\n", how);
}
/* LCOV_EXCL_STOP */

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

/* The kernel counts whom it killed for want of memory since it began; most machines never did. */
static bool may_lack_memory(void) {
    char text[16384];
    long long count = 1;
    cupel__proc_read("/proc/vmstat", text, sizeof text);
    const char *line = strstr(text, "\noom_kill ");
    return line == NULL || sscanf(line, " oom_kill %lld", &count) != 1 || count != 0;
}

/* Of a SIGKILL that the runner did not send. */
static const char *who_killed(const struct cupel__last_words *words) {
    if (words->has_killed_itself) {
        return ", which it sent itself";
    }
    return may_lack_memory() ? ", which the runner did not send: another process, or the system, out of memory"
                             : ", which the runner did not send: another process, or itself";
}

/* How it died where it was no death that it had announced. */
static void tell_cause(const struct cupel__plan_item *item, const struct cupel__death_facts *facts,
                       struct cupel_result *result) {
    struct cupel_text *messages = &result->messages;
    char how[160];
    char words[160];
    describe(facts->status, how, sizeof how);
    cupel__last_words_text(facts->last_words, result->output.data, words, sizeof words);
    if (facts->cause == CUPEL__DEATH_TIMEOUT) {
        result->verdict = CUPEL_VERDICT_HANG;
        cupel_text_add(messages, "killed: it took more than its time limit of %.1f s\n",
                       (double)cupel__timeout_ms(item) / 1000);
    } else if (facts->cause == CUPEL__DEATH_OUTPUT) {
        cupel_text_add(messages, "killed: it printed more than %lld bytes (--output-limit)\n",
                       (long long)cupel__settings.output_limit_bytes);
    } else if (facts->cause == CUPEL__DEATH_MEMORY) {
        cupel_text_add(messages, "killed: it grew by %lld bytes of memory, and its limit is %lld (--memory-limit)\n",
                       (long long)facts->memory_bytes, (long long)atomic_load(&facts->limits->memory_bytes));
    } else if (facts->cause == CUPEL__DEATH_STOPPED) {
        cupel_text_add(messages, "killed: it stopped itself by signal %d (SIG%s)\n", facts->stop_signal,
                       sigabbrev_np(facts->stop_signal));
    } else if (WIFEXITED(facts->status) && facts->last_words->has_called_exit) {
        cupel_text_add(messages, "called exit(%d) in the middle of the test%s\n", facts->last_words->exit_status,
                       words);
    } else if (WIFEXITED(facts->status)) {
        cupel_text_add(messages, "%s in the middle of the test%s\n", how, words);
    } else {
        cupel_text_add(messages, "%s%s%s\n", how, words,
                       WTERMSIG(facts->status) == SIGKILL ? who_killed(facts->last_words) : "");
    }
    if (facts->executed[0] != '\0') {
        cupel_text_add(messages, "the body had replaced its process by %s (exec)\n", facts->executed);
    }
}

void cupel__obituary(const struct cupel__plan_item *item, const struct cupel__death_facts *facts,
                     struct cupel_result *result) {
    const struct cupel_test *test = item->test;
    int status = facts->status;
    if (facts->output >= 0) {
        cupel__capture_read(facts->output, false, &result->output);
    }
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (facts->cause == CUPEL__DEATH_OWN && (test->options.expect_signal != 0 || test->options.expect_exit != 0)) {
        result->verdict = is_as_expected(test, status, result) ? CUPEL_VERDICT_OK : CUPEL_VERDICT_WRONG;
        if (result->verdict == CUPEL_VERDICT_OK && !cupel__settings.show_output) {
            result->output.length = 0;
        }
        cupel__execute_unswept(test, result);
        cupel__directory_done(result, result->verdict != CUPEL_VERDICT_OK);
        return;
    }
    cupel_text_add(&result->messages, "%s:%u: ", test->file, test->line);
    result->verdict = CUPEL_VERDICT_CRASH;
    result->evidence = cupel__settings.sweep ? CUPEL_EVIDENCE_FAULT : CUPEL_EVIDENCE_CRASH;
    tell_cause(item, facts, result);
    struct cupel__death death = {.signal = result->signal, .status = result->exit_status};
    bool is_own = (facts->cause == CUPEL__DEATH_OWN || facts->cause == CUPEL__DEATH_STOPPED) &&
                  facts->fault_note->frame_count != 0;
    if (is_own && facts->fault_note->is_recovery) {
        result->verdict = CUPEL_VERDICT_NOT_RECOVERED;
        cupel_text_add(&result->messages, "that was a run without a fault, after this one\n");
    } else if (is_own && cupel__death_is_policy(&death, result->output.data)) {
        result->verdict = CUPEL_VERDICT_ABORTED;
    }
    cupel__fault_note_add(facts->fault_note, &result->messages);
    if (result->notes.length != 0) {
        cupel_text_add_n(&result->messages, result->notes.data, result->notes.length);
    }
    cupel__execute_expect(test, result);
    cupel__directory_done(result, cupel_result_is_failure(result));
}
