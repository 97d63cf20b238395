/* See process.h. */
#include "fuzz/src/process.h"

#include "alloc/base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 512 };

/* The tool's environment with the added words in front: the first of a name wins, so later doubles are left out. */
static void build_environment(const char *const *added, const char **result) {
    size_t count = 0;
    for (size_t i = 0; added != NULL && added[i] != NULL && count + 1 < ENVIRONMENT_MAX; i++) {
        result[count++] = added[i];
    }
    size_t added_count = count;
    for (char **word = environ; *word != NULL && count + 1 < ENVIRONMENT_MAX; word++) {
        bool is_double = false;
        size_t name_length = strcspn(*word, "=") + 1;
        for (size_t i = 0; i < added_count; i++) {
            is_double = is_double || strncmp(result[i], *word, name_length) == 0;
        }
        if (!is_double) {
            result[count++] = *word;
        }
    }
    result[count] = NULL;
}

static int open_terminal(int *master) {
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*master < 0 || grantpt(*master) != 0 || unlockpt(*master) != 0) {
        return -1;
    }
    char name[64];
    int slave = ptsname_r(*master, name, sizeof name) == 0 ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    struct winsize window = {.ws_row = 25, .ws_col = 80};
    if (slave >= 0) {
        (void)ioctl(slave, TIOCSWINSZ, &window);
    }
    return slave;
}

/* The child's end of its output, and ours in process->descriptor. -1 on error. */
static int open_output(struct cupel__process *process, const struct cupel__command *command) {
    int ends[2];
    switch (command->output) {
    case CUPEL__OUTPUT_FILE:
        return open(command->output_path == NULL ? "/dev/null" : command->output_path,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    case CUPEL__OUTPUT_TERMINAL:
        ends[1] = open_terminal(&ends[0]);
        break;
    default:
        if (pipe2(ends, O_CLOEXEC) != 0) {
            return -1;
        }
        break;
    }
    process->descriptor = ends[0];
    if (ends[0] >= 0) {
        (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    }
    return ends[1];
}

static _Noreturn void become(const struct cupel__command *command, const char **environment, int output, pid_t parent) {
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127); /* the tool died before the line above */
    }
    int input = open("/dev/null", O_RDONLY);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2) {
        execvpe(command->words[0], (char *const *)(uintptr_t)command->words, (char *const *)(uintptr_t)environment);
        (void)dprintf(2, "%s: %s\n", command->words[0], strerror(errno));
    }
    _exit(127);
}

bool cupel__process_start(struct cupel__process *process, const struct cupel__command *command,
                          struct cupel_error *error) {
    const char *environment[ENVIRONMENT_MAX];
    build_environment(command->environment, environment);
    *process = (struct cupel__process){.descriptor = -1, .started_ms = cupel_clock_ms()};
    int output = open_output(process, command);
    pid_t parent = getpid();
    pid_t pid = output < 0 ? -1 : fork();
    if (pid == 0) {
        become(command, environment, output, parent);
    }
    int number = errno;
    if (output >= 0) {
        (void)close(output);
    }
    if (pid < 0) {
        if (process->descriptor >= 0) {
            (void)close(process->descriptor);
            process->descriptor = -1;
        }
        return cupel_error_set(error, 0, 0, "could not start %s: %s", command->words[0], strerror(number));
    }
    (void)setpgid(pid, pid);
    process->pid = pid;
    return true;
}

size_t cupel__process_read(struct cupel__process *process, char *text, size_t size) {
    if (process->descriptor < 0) {
        return 0;
    }
    ssize_t length = read(process->descriptor, text, size);
    return length > 0 ? (size_t)length : 0;
}

static void end(struct cupel__process *process) {
    /* What it left running in its group goes with it. */
    (void)kill(-process->pid, SIGKILL);
    process->pid = 0;
}

bool cupel__process_has_ended(struct cupel__process *process) {
    if (process->pid != 0 && waitpid(process->pid, &process->status, WNOHANG) == process->pid) {
        end(process);
    }
    return process->pid == 0;
}

void cupel__process_signal(const struct cupel__process *process, int number) {
    if (process->pid != 0) {
        (void)kill(-process->pid, number);
    }
}

bool cupel__process_finish(struct cupel__process *process, int64_t timeout_ms) {
    int64_t deadline = cupel_clock_ms() + timeout_ms;
    char text[4096];
    bool is_in_time = true;
    while (!cupel__process_has_ended(process)) {
        while (cupel__process_read(process, text, sizeof text) > 0) {
        }
        if (cupel_clock_ms() > deadline && is_in_time) {
            is_in_time = false;
            cupel__process_signal(process, SIGKILL);
        }
        (void)poll(NULL, 0, 10);
    }
    if (process->descriptor >= 0) {
        (void)close(process->descriptor);
        process->descriptor = -1;
    }
    return is_in_time;
}

int cupel__process_status(const struct cupel__process *process) {
    return WIFEXITED(process->status) ? WEXITSTATUS(process->status) : 128 + WTERMSIG(process->status);
}

int cupel__program_run(const char *const *words, const char *const *environment, const char *output_path,
                       int64_t timeout_ms, struct cupel_error *error) {
    struct cupel__command command = {
        .words = words, .environment = environment, .output = CUPEL__OUTPUT_FILE, .output_path = output_path};
    struct cupel__process process;
    if (!cupel__process_start(&process, &command, error)) {
        return -1;
    }
    return cupel__process_finish(&process, timeout_ms) ? cupel__process_status(&process) : 124;
}

bool cupel__program_is_there(const char *name) {
    const char *path = getenv("PATH");
    char candidate[4096];
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        if ((size_t)snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, path, name) < sizeof candidate &&
            access(candidate, X_OK) == 0) {
            return true;
        }
        path += length + (path[length] == ':');
    }
    return false;
}
