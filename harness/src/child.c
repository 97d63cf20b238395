/* Waiting for a child process with a limit on silence: see child.h. */
#include "harness/src/child.h"

#include "alloc/base/progress.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void (*cupel__child_on_life)(void);

void cupel__child_is_alive(void) {
    if (cupel__child_on_life != NULL) {
        cupel__child_on_life();
    }
}

void cupel__child_begin(void) {
    /* One byte, not none: a core_pattern that is a pipe ignores a limit of 0, and takes 1 as a refusal. */
    struct rlimit no_core = {.rlim_cur = 1, .rlim_max = 1};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Sleeps until the child ends or some time is over, whichever is first. */
static void doze(int child_file, int milliseconds) {
    if (child_file >= 0) {
        struct pollfd wait = {.fd = child_file, .events = POLLIN};
        (void)poll(&wait, 1, milliseconds);
        return;
    }
    struct timespec moment = {.tv_nsec = 2000000}; /* kernels before 5.3 have no file for a process */
    (void)nanosleep(&moment, NULL);
}

bool cupel__child_end_stopped(pid_t child, struct cupel__death *death) {
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOHANG) != 0 || info.si_pid != child) {
        return false;
    }
    (void)kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    *death = (struct cupel__death){.signal = SIGKILL, .status = -1, .stop_signal = info.si_status};
    return true;
}

struct cupel__death cupel__child_wait(pid_t child, const volatile uint64_t *progress, int64_t timeout_ms) {
    struct cupel__death death = {.status = -1};
    int child_file = (int)syscall(SYS_pidfd_open, child, 0);
    uint64_t last = progress != NULL ? *progress : 0;
    int64_t since = cupel_clock_ns();
    cupel__child_is_alive();
    int status = 0;
    for (;;) {
        pid_t got = waitpid(child, &status, WNOHANG);
        if (got == child || (got < 0 && errno != EINTR)) {
            break;
        }
        if (cupel__child_end_stopped(child, &death)) {
            break;
        }
        uint64_t now = progress != NULL ? *progress : 0;
        int64_t clock = cupel_clock_ns();
        if (now != last) {
            last = now;
            since = clock;
            cupel__child_is_alive();
        } else if (timeout_ms > 0 && clock - since > timeout_ms * 1000000) {
            death.is_hang = true;
            (void)kill(child, SIGKILL);
            (void)waitpid(child, &status, 0);
            break;
        }
        doze(child_file, timeout_ms > 0 && timeout_ms < 200 ? (int)timeout_ms : 100);
    }
    if (child_file >= 0) {
        (void)close(child_file);
    }
    if (death.is_hang || death.stop_signal != 0) {
        return death;
    }
    death.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    death.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return death;
}

/* Words by which a death is no policy but a defect that something noticed: sanitizers, assert, the C library's own
 * checks. */
static bool tells_of_defect(const char *output) {
    static const char *const words[] = {
        "Sanitizer",      "runtime error:",  "Assertion ",           "assertion ", "free(): ",
        "malloc(): ",     "realloc(): ",     "double free",          "corrupted",  "munmap_chunk()",
        "stack smashing", "buffer overflow", "malloc_consolidate()", "mismatch",   "panic"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(output, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

bool cupel__death_is_by_limit(const struct cupel__death *death) {
    return death->is_hang || death->output_max != 0;
}

bool cupel__death_is_policy(const struct cupel__death *death, const char *output) {
    return !cupel__death_is_by_limit(death) && (death->signal == 0 || death->signal == SIGABRT) &&
           !tells_of_defect(output);
}

void cupel__death_text(const struct cupel__death *death, char *text, size_t size) {
    if (death->is_hang) {
        (void)snprintf(text, size, "hangs: no end within its time limit");
    } else if (death->output_max != 0) {
        (void)snprintf(text, size, "killed: it printed more than %lld bytes", (long long)death->output_max);
    } else if (death->stop_signal != 0) {
        (void)snprintf(text, size, "killed: it stopped itself by signal %d (SIG%s)", death->stop_signal,
                       sigabbrev_np(death->stop_signal));
    } else if (death->signal != 0) {
        const char *name = sigabbrev_np(death->signal);
        const char *words = sigdescr_np(death->signal);
        (void)snprintf(text, size, "died by signal %d (SIG%s, %s)", death->signal, name == NULL ? "?" : name,
                       words == NULL ? "unknown" : words);
    } else {
        (void)snprintf(text, size, "left the process with status %d", death->status);
    }
}

void cupel__child_end_orphans(void) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (int round = 0; round < 100; round++) {
        FILE *file = fopen(path, "re");
        int pid = 0;
        bool has_any = false;
        while (file != NULL && fscanf(file, "%d", &pid) == 1) {
            has_any = true;
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
        }
        if (file != NULL) {
            (void)fclose(file);
        }
        if (!has_any) {
            return;
        }
    }
}

void cupel__proc_read(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "re");
    size_t length = file == NULL ? 0 : fread(text, 1, size - 1, file);
    text[length] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
}

bool cupel__child_has_executed(pid_t child, char *name, size_t size) {
    enum { FORKED_ONLY = 0x40 }; /* the kernel's PF_FORKNOEXEC */
    char path[64];
    char text[512];
    unsigned flags = FORKED_ONLY;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
    cupel__proc_read(path, text, sizeof text);
    char *begin = strchr(text, '(');
    char *end = strrchr(text, ')');
    if (begin == NULL || end == NULL || sscanf(end, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1) {
        return false;
    }
    *end = '\0';
    bool has_executed = (flags & FORKED_ONLY) == 0;
    (void)snprintf(name, size, "%s", has_executed ? begin + 1 : "");
    return has_executed;
}
