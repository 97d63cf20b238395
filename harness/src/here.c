/* See here.h. */
#include "harness/src/here.h"
#include "harness/src/capture.h"
#include "harness/src/checker.h"
#include "harness/src/evidence.h"
#include "harness/src/execute.h"
#include "harness/src/left_behind.h"
#include "harness/src/limits.h"
#include "harness/src/worker.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int capture_file = -1;
static int saved_output = -1;
static int saved_error = -1;
static struct cupel__plan_item running; /* or that ran last */
static struct sigaction previous_interrupt;
static struct sigaction previous_alarm;
static volatile sig_atomic_t has_interrupt;
static bool has_lost_memory;
static struct cupel__limits limits;

/* The time limit is a timer of the runner's own, which no test stops with an alarm of its own. To set it costs as much
 * as many a test: it is set anew only now and then, and goes off at the limit or up to SLACK_MS later. */
enum { SLACK_MS = 100 };
static struct {
    timer_t timer;
    int64_t set_ns; /* when */
    int64_t timeout_ms;
    bool is_had;
    volatile sig_atomic_t is_set;
    volatile sig_atomic_t is_wanted; /* a test runs that has a limit */
} limit;

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

/* As its title, for a signal handler. */
static void say_running(void) {
    char digits[16];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    say(running.test->suite);
    say(".");
    say(running.test->name);
    for (uint32_t row = running.row; running.row != CUPEL_NO_ROW && (row != 0 || digits[at] == '\0'); row /= 10) {
        digits[--at] = (char)('0' + row % 10);
    }
    say(digits[at] == '\0' ? "" : "/");
    say(digits + at);
}

static void note_alarm(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    /* A test may have timers of its own that send the same signal. */
    bool is_limit = info->si_code == SI_TIMER && info->si_value.sival_ptr == &limit;
    if (is_limit && !limit.is_wanted) { /* nothing ran for longer than the limit */
        limit.is_set = false;
        return;
    }
    say(is_limit ? "the time limit is over in " : "an alarm that nothing handles went off in ");
    say_running();
    say(", which runs in the runner's own process: the run ends here\n");
    cupel__evidence_flush();
    _exit(CUPEL_FAILED);
}

/* 0: none. */
static void set_limit(int64_t timeout_ms, int64_t slack_ms) {
    int64_t sum_ms = timeout_ms + slack_ms;
    struct itimerspec times = {.it_value = {.tv_sec = sum_ms / 1000, .tv_nsec = sum_ms % 1000 * 1000000}};
    if (!limit.is_had) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_ptr = &limit};
        limit.is_had = timer_create(CLOCK_MONOTONIC, &event, &limit.timer) == 0;
    }
    limit.is_set = limit.is_had && timer_settime(limit.timer, 0, &times, NULL) == 0 && timeout_ms != 0;
    limit.timeout_ms = timeout_ms;
}

static void begin_limit(int64_t timeout_ms) {
    int64_t slack_ms = timeout_ms / 8 < SLACK_MS ? timeout_ms / 8 : SLACK_MS;
    int64_t now_ns = cupel_clock_ns();
    bool is_late = !limit.is_set || now_ns - limit.set_ns > slack_ms * 1000000;
    if (timeout_ms != 0 ? is_late || timeout_ms != limit.timeout_ms : limit.is_set != 0) {
        limit.set_ns = now_ns;
        set_limit(timeout_ms, slack_ms);
    }
    limit.is_wanted = timeout_ms != 0;
}

void cupel__here_begin(int output) {
    struct sigaction interrupt = {.sa_handler = note_interrupt, .sa_flags = SA_RESTART};
    struct sigaction timer = {.sa_sigaction = note_alarm, .sa_flags = SA_SIGINFO | SA_RESTART};
    capture_file = output;
    if (output >= 0) {
        saved_output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 500);
        saved_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 500);
        cupel__capture_redirect(output, false);
    }
    has_interrupt = 0;
    limit.is_wanted = false;
    (void)sigaction(SIGINT, &interrupt, &previous_interrupt);
    (void)sigaction(SIGALRM, &timer, &previous_alarm);
    cupel__checker_start();
    cupel__left_behind_start(NULL);
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
    if (limit.is_had) {
        (void)timer_delete(limit.timer);
        limit.is_had = false;
        limit.is_set = false;
    }
    (void)sigaction(SIGINT, &previous_interrupt, NULL);
    (void)sigaction(SIGALRM, &previous_alarm, NULL);
}

void cupel__here_run(const struct cupel__plan_item *item, struct cupel_result *result) {
    running = *item;
    if (capture_file >= 0) {
        cupel__capture_begin(capture_file);
    }
    begin_limit(cupel__timeout_ms(item));
    cupel__limits_begin(item, &limits);
    cupel__execute(item, result);
    cupel__limits_end(item, &limits, result);
    has_lost_memory = has_lost_memory || cupel__execute_may_lose_memory(item, result);
    limit.is_wanted = false;
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
