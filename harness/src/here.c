/* See here.h. */
#include "harness/src/here.h"
#include "harness/src/capture.h"
#include "harness/src/checker.h"
#include "harness/src/evidence.h"
#include "harness/src/execute.h"
#include "harness/src/left_behind.h"
#include "harness/src/limits.h"
#include "harness/src/worker.h"

#include "alloc/base/status.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static int capture_file = -1;
static int saved_output = -1;
static int saved_error = -1;
static char running_title[512];
static struct sigaction previous_interrupt;
static struct sigaction previous_alarm;
static volatile sig_atomic_t has_interrupt;
static bool has_lost_memory;
static struct cupel__limits limits;

static void say(const char *text) {
    (void)!write(saved_error >= 0 ? saved_error : STDERR_FILENO, text, strlen(text));
}

/* The first asks the run to stop after the running test, the second stops it. */
static void note_interrupt(int number) {
    (void)number;
    if (has_interrupt) {
        cupel__evidence_flush();
        _exit(CUPEL_INTERRUPTED);
    }
    has_interrupt = 1;
    say("interrupted: waiting for the running test; once more leaves at once\n");
}

static void note_alarm(int number) {
    (void)number;
    say("the time limit is over in ");
    say(running_title);
    say(", which runs in the runner's own process: the run ends here\n");
    cupel__evidence_flush();
    _exit(CUPEL_FAILED);
}

/* 0: none. */
static void set_alarm(int64_t timeout_ms) {
    struct itimerval timer = {.it_value = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000}};
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

void cupel__here_begin(int output) {
    struct sigaction interrupt = {.sa_handler = note_interrupt, .sa_flags = SA_RESTART};
    struct sigaction timer = {.sa_handler = note_alarm};
    capture_file = output;
    if (output >= 0) {
        saved_output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 500);
        saved_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 500);
        cupel__capture_redirect(output, false);
    }
    has_interrupt = 0;
    (void)sigaction(SIGINT, &interrupt, &previous_interrupt);
    (void)sigaction(SIGALRM, &timer, &previous_alarm);
    cupel__checker_start();
    cupel__left_behind_start(NULL, false);
}

void cupel__here_end(void) {
    cupel__left_behind_stop();
    (void)fflush(stdout);
    (void)fflush(stderr);
    if (saved_output >= 0) {
        (void)dup2(saved_output, STDOUT_FILENO);
        (void)close(saved_output);
    }
    if (saved_error >= 0) {
        (void)dup2(saved_error, STDERR_FILENO);
        (void)close(saved_error);
    }
    saved_output = -1;
    saved_error = -1;
    (void)sigaction(SIGINT, &previous_interrupt, NULL);
    (void)sigaction(SIGALRM, &previous_alarm, NULL);
}

void cupel__here_run(const struct cupel__plan_item *item, struct cupel_result *result) {
    int64_t timeout_ms = cupel__timeout_ms(item);
    (void)cupel__plan_title(item->test, item->row, running_title, sizeof running_title);
    if (capture_file >= 0) {
        cupel__capture_begin(capture_file);
    }
    if (timeout_ms != 0) {
        set_alarm(timeout_ms);
    }
    cupel__limits_begin(item, &limits);
    cupel__execute(item, result);
    cupel__limits_end(item, &limits, result);
    has_lost_memory = has_lost_memory || cupel__execute_may_lose_memory(item, result);
    if (timeout_ms != 0) {
        set_alarm(0);
    }
    (void)fflush(stdout);
    if (capture_file >= 0 && (cupel_result_is_failure(result) || cupel__settings.show_output)) {
        cupel__capture_read(capture_file, true, &result->output);
    }
}

bool cupel__here_is_interrupted(void) {
    return has_interrupt != 0;
}

/* LCOV_EXCL_START(LeakSanitizer alone asks) */
bool cupel__here_has_lost_memory(void) {
    return has_lost_memory;
}
/* LCOV_EXCL_STOP */
