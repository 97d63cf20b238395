/* A process for each check. What it found stands in memory shared with the tool, so that a crash loses nothing; a
 * process that dies, or takes too long, failed. */
#include "fuzz/tool/alloc_check.h"

#include "alloc/base/progress.h"
#include "fuzz/alloc_ops.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUN_BYTES_MAX = 4096, RUN_HANG_MS = 20000 };

void check_fail(struct check_report *report, const char *format, ...) {
    if (report->result == CHECK_FAILED) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->text, sizeof report->text, format, arguments);
    va_end(arguments);
    report->result = CHECK_FAILED;
}

void check_note(struct check_report *report, const char *format, ...) {
    if (report->result == CHECK_FAILED) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->text, sizeof report->text, format, arguments);
    va_end(arguments);
    report->result = CHECK_NOTE;
}

void check_lacks(struct check_report *report, const char *function) {
    report->result = CHECK_LACKS;
    (void)snprintf(report->text, sizeof report->text, "the library has no %s", function);
}

/* Waits for the child; false, and why, where it did not end well. */
static bool wait_for(pid_t pid, int64_t timeout_ms, char *text, size_t size) {
    int64_t deadline = cupel_clock_ms() + timeout_ms;
    int status = 0;
    bool is_late = false;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (!is_late && cupel_clock_ms() > deadline) {
            is_late = true;
            (void)kill(pid, SIGKILL);
        }
        (void)poll(NULL, 0, 2);
    }
    if (is_late) {
        (void)snprintf(text, size, "did not end within %lld s", (long long)(timeout_ms / 1000));
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(text, size, "died by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        (void)snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
    }
    return !is_late && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void *share(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Forks; a crash is ours to report and leaves no core. */
static pid_t fork_child(void) {
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_DUMPABLE, 0);
        (void)signal(SIGSEGV, SIG_DFL);
        (void)signal(SIGABRT, SIG_DFL);
    }
    return pid;
}

void check_isolated(const struct check *check, struct cupel_foreign *foreign, int64_t timeout_ms,
                    struct check_report *report) {
    char text[120];
    struct check_report *shared = share(sizeof *shared);
    *report = (struct check_report){.result = CHECK_OK};
    if (shared == NULL) {
        check_fail(report, "no shared memory: %s", strerror(errno));
        return;
    }
    pid_t pid = fork_child();
    if (pid == 0) {
        check->run(foreign, shared);
        _exit(0);
    }
    if (pid < 0) {
        check_fail(report, "no process: %s", strerror(errno));
    } else if (!wait_for(pid, timeout_ms, text, sizeof text)) {
        check_fail(report, "%s", text);
    } else {
        *report = *shared;
    }
    (void)munmap(shared, sizeof *shared);
}

/* A good small generator: SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void print_draw(void *user, unsigned depth, const char *label, const char *text) {
    (void)user;
    (void)printf("%*s%s: %s\n", 2 + 2 * (int)depth, "", label, text);
}

static void run_once(struct cupel_foreign *foreign, const struct fuzz_options *options, struct fuzz_report *report) {
    uint8_t data[RUN_BYTES_MAX];
    uint64_t state = report->seed;
    size_t length = next_random(&state) % (sizeof data + 1);
    for (size_t i = 0; i < length; i++) {
        data[i] = (uint8_t)next_random(&state);
    }
    struct cupel_bytes bytes;
    cupel_bytes_init(&bytes, data, length);
    if (options->is_traced) {
        bytes.trace = print_draw;
    }
    struct cupel_ops_setup setup = {.allocator = &foreign->base, .is_malloc = true, .size_max = 1 << 18};
    struct cupel_ops_report run;
    enum cupel_ops_verdict verdict = cupel_alloc_ops(&bytes, &setup, &run);
    report->runs++;
    report->operations += run.operations;
    report->succeeded += run.succeeded;
    report->refused += run.refused;
    report->errno_findings = foreign->errno_findings;
    if (verdict != CUPEL_OPS_OK) {
        check_fail(&report->check, "operation %u: %s", run.error.column, run.error.text);
    }
}

void fuzz_isolated(struct cupel_foreign *foreign, const struct fuzz_options *options, struct fuzz_report *report) {
    char text[120];
    struct fuzz_report *shared = share(sizeof *shared);
    *report = (struct fuzz_report){.seed = options->seed};
    if (shared == NULL) {
        check_fail(&report->check, "no shared memory: %s", strerror(errno));
        return;
    }
    pid_t pid = fork_child();
    if (pid == 0) {
        int64_t end_ms = cupel_clock_ms() + options->time_ms;
        for (uint64_t i = 0; options->runs != 0 ? i < options->runs : cupel_clock_ms() < end_ms; i++) {
            shared->seed = options->seed + i;
            run_once(foreign, options, shared);
            if (shared->check.result == CHECK_FAILED) {
                break;
            }
        }
        (void)fflush(stdout);
        _exit(0);
    }
    bool is_well =
        pid > 0 && wait_for(pid, (options->runs != 0 ? 600000 : options->time_ms) + RUN_HANG_MS, text, sizeof text);
    *report = *shared;
    if (!is_well) {
        check_fail(&report->check, "%s", pid < 0 ? "no process" : text);
    }
    (void)munmap(shared, sizeof *shared);
}
