/* What a run left in sessions of its own, where no signal to its group comes: it falls to this process, which is its
 * subreaper, and is known by the note in its environment. See exec.h. */
#include "harness/tool/exec.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN_MAX_BYTES = 16384, ENVIRONMENT_MAX_BYTES = 1 << 20, ROUNDS = 16, LOOKS = 50 };

void cupel__exec_adopt_orphans(void) {
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static size_t read_file(const char *path, char *text, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = 0;
    while (file >= 0 && length + 1 < size && (got = read(file, text + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    if (file >= 0) {
        (void)close(file);
    }
    text[length] = '\0';
    return length;
}

/* Whether that process has the variable, which ends with its NUL. In the midst of executing a program a process has no
 * environment for a moment: it is looked at again. One that never shows any (`env -i`) is of the run where no other
 * run goes on. */
static bool is_of_run(pid_t pid, const char *variable) {
    static const struct timespec moment = {.tv_nsec = 1000000};
    static char environment[ENVIRONMENT_MAX_BYTES];
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    for (int look = 0; look < LOOKS; look++) {
        size_t length = read_file(path, environment, sizeof environment);
        if (length != 0) {
            return memmem(environment, length + 1, variable, strlen(variable) + 1) != NULL;
        }
        (void)nanosleep(&moment, NULL);
    }
    return cupel__exec_running() == 0;
}

/* Kills those children of ours that are of the run; their own children are the next round's. */
static bool kill_round(const char *variable) {
    static char children[CHILDREN_MAX_BYTES];
    char path[64];
    bool has_killed = false;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    (void)read_file(path, children, sizeof children);
    for (char *at = children; *at != '\0';) {
        char *end = at;
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (end == at) {
            break;
        }
        at = end + strspn(end, " \n");
        if (pid > 0 && !cupel__exec_is_run(pid) && waitpid(pid, NULL, WNOHANG) == 0 && is_of_run(pid, variable)) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
            has_killed = true;
        }
    }
    return has_killed;
}

void cupel__exec_kill_orphans(const struct cupel__exec_run *run) {
    char variable[96];
    (void)snprintf(variable, sizeof variable, "%s=/proc/%d/fd/%d", CUPEL__EXEC_NOTE_VARIABLE, (int)getpid(),
                   run->note_file);
    for (int i = 0; i < ROUNDS && kill_round(variable); i++) {
    }
}
