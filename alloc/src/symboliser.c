/* Asking a program for files and lines: see symboliser.h.
 *
 * The program is started by clone, in this process's memory until it execs and without a signal to the parent when it
 * ends: fork would run the handlers of others and copy locks, and a program that waits for its own children must not
 * find ours. */
#include "alloc/src/symboliser.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORDS_MAX = 8 + CUPEL__SYMBOLISER_ASKED_MAX,
    PATH_MAX_BYTES = 1024,
    ANSWER_MAX = 64 * 1024,
    STACK_BYTES = 32 * 1024,
    VARIABLES_MAX = 512,
};

struct cupel__symboliser_limits cupel__symboliser_limits = {
    .process_ms = 5000, .all_ms = 20000, .wait_ms = 30000, .look_ms = 500};

/* clone by the name that no sanitizer stands before: it is no fork for them. */
extern int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

static const char *const programs[] = {"cupel-symbolise", "addr2line", "llvm-symbolizer"};

static char answer[ANSWER_MAX];
static char path_of_program[PATH_MAX_BYTES];
static char offsets_as_text[CUPEL__SYMBOLISER_ASKED_MAX][20];
static char *words[WORDS_MAX];
static char *variables[VARIABLES_MAX];
static char child_stack[STACK_BYTES] __attribute__((aligned(16)));
static int64_t spent_ms, waited_ms;
static atomic_bool is_taken;

bool cupel__symboliser_enter(void) {
    return !atomic_exchange(&is_taken, true);
}

void cupel__symboliser_leave(void) {
    atomic_store(&is_taken, false);
}

static int64_t read_clock_ms(clockid_t clock) {
    struct timespec now = {0, 0};
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What the child has had of the processors: on a busy machine the clock on the wall says nothing of it. */
static int64_t used_ms(pid_t pid) {
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) == 0 ? read_clock_ms(clock) : 0;
}

/* Finds the program in PATH, or what CUPEL_SYMBOLISER names; false where there is none. */
static bool find_program(unsigned which) {
    const char *own = getenv("CUPEL_SYMBOLISER");
    if (own != NULL && own[0] != '\0') {
        (void)snprintf(path_of_program, sizeof path_of_program, "%s", own);
        return which == 0 && access(path_of_program, X_OK) == 0;
    }
    const char *folder = getenv("PATH");
    while (folder != NULL && *folder != '\0') {
        size_t length = strcspn(folder, ":");
        if (snprintf(path_of_program, sizeof path_of_program, "%.*s/%s", (int)length, folder, programs[which]) <
                (int)sizeof path_of_program &&
            length != 0 && access(path_of_program, X_OK) == 0) {
            return true;
        }
        folder += length;
        folder += *folder == ':';
    }
    return false;
}

/* The child is not to be preloaded, nor to ask the network for debug info. */
static void copy_variables(void) {
    static const char *const left_out[] = {"LD_PRELOAD=", "LD_AUDIT=", "CUPEL_", "DEBUGINFOD_URLS=", "MALLOC_"};
    unsigned count = 0;
    for (char **variable = environ; variable != NULL && *variable != NULL && count + 1 < VARIABLES_MAX; variable++) {
        bool is_wanted = true;
        for (unsigned i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
            is_wanted = is_wanted && strncmp(*variable, left_out[i], strlen(left_out[i])) != 0;
        }
        variables[count] = *variable;
        count += is_wanted;
    }
    variables[count] = NULL;
}

struct child {
    int output;
    sigset_t mask;
};

/* Runs in the parent's memory until it execs. */
static int become_program(void *user) {
    const struct child *child = user;
    int nothing = open("/dev/null", O_RDWR);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0 &&
        dup2(child->output, STDOUT_FILENO) >= 0) {
        (void)sigprocmask(SIG_SETMASK, &child->mask, NULL);
        (void)execve(path_of_program, words, variables);
    }
    _exit(127);
}

/* Reads all that comes, for as long as may be; false where it did not end. */
static bool read_answer(int input, pid_t pid, int64_t allowed_ms) {
    size_t length = 0;
    ssize_t got = 1;
    int64_t until_ms = read_clock_ms(CLOCK_MONOTONIC) + cupel__symboliser_limits.wait_ms - waited_ms;
    while (got > 0 && length + 1 < sizeof answer) {
        struct pollfd poller = {.fd = input, .events = POLLIN};
        int ready = poll(&poller, 1, cupel__symboliser_limits.look_ms);
        bool may_go_on = used_ms(pid) <= allowed_ms && read_clock_ms(CLOCK_MONOTONIC) <= until_ms;
        if (!may_go_on || (ready < 0 && errno != EINTR)) {
            break;
        }
        if (ready <= 0) {
            continue;
        }
        got = read(input, answer + length, sizeof answer - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    answer[length] = '\0';
    return got == 0;
}

static bool run_program(void) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    int64_t start_ms = read_clock_ms(CLOCK_MONOTONIC);
    const struct cupel__symboliser_limits *limits = &cupel__symboliser_limits;
    int64_t left_ms = limits->all_ms - spent_ms;
    int64_t allowed_ms = left_ms < limits->process_ms ? left_ms : limits->process_ms;
    struct child child = {.output = ends[1]};
    sigset_t all;
    sigset_t old;
    (void)sigfillset(&all);
    (void)sigemptyset(&child.mask);
    (void)sigprocmask(SIG_SETMASK, &all, &old);
    pid_t pid = __clone(become_program, child_stack + sizeof child_stack, CLONE_VM | CLONE_VFORK, &child);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    (void)close(ends[1]);
    bool is_good = pid > 0 && read_answer(ends[0], pid, allowed_ms);
    (void)close(ends[0]);
    int status = -1;
    if (pid > 0) {
        spent_ms += used_ms(pid);
        if (!is_good) {
            (void)kill(pid, SIGKILL);
        }
        while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR) {
        }
    }
    waited_ms += read_clock_ms(CLOCK_MONOTONIC) - start_ms;
    return is_good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A line of the answer, its end cut off; NULL at the end. */
static char *next_line(char **at) {
    char *line = *at;
    if (*line == '\0') {
        return NULL;
    }
    char *end = line + strcspn(line, "\n");
    *at = end + (*end != '\0');
    *end = '\0';
    return line;
}

/* "file:line", with words after a space cut off; false where it is unknown. */
static bool is_place(char *place) {
    place[strcspn(place, " ")] = '\0';
    size_t length = strlen(place);
    return length > 2 && place[0] != '?' && place[length - 1] != '?' && strcmp(place + length - 2, ":0") != 0;
}

/* The answer has, for each offset, the offset in hexadecimal, and then pairs of lines, a function and a place, the
 * innermost first. llvm-symbolizer ends each with an empty line. */
static void visit_answer(unsigned count, cupel_lines_visit visit, void *user) {
    char *at = answer;
    char *line = next_line(&at);
    for (unsigned which = 0; which < count && line != NULL; which++) {
        char *function = next_line(&at);
        char *place = function == NULL ? NULL : next_line(&at);
        while (place != NULL && strncmp(function, "0x", 2) != 0) {
            char *after = at;
            char *following = next_line(&after);
            bool is_last = following == NULL || following[0] == '\0' || strncmp(following, "0x", 2) == 0;
            if (is_place(place)) {
                visit(user, which, function, place, !is_last);
            }
            at = after;
            if (is_last) {
                line = following != NULL && following[0] == '\0' ? next_line(&at) : following;
                break;
            }
            function = following;
            place = next_line(&at);
        }
        if (place == NULL) {
            return;
        }
    }
}

static bool may_ask(void) {
    return spent_ms < cupel__symboliser_limits.all_ms && waited_ms < cupel__symboliser_limits.wait_ms;
}

static void build_words(const char *path, const uintptr_t offsets[], unsigned count) {
    static const char *const options[] = {"-a", "-f", "-i", "-C", "-e"};
    unsigned used = 0;
    words[used++] = path_of_program;
    if (strstr(path_of_program, "llvm-symbolizer") != NULL) {
        words[used++] = (char *)(uintptr_t) "--output-style=GNU";
    }
    for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++) {
        words[used++] = (char *)(uintptr_t)options[i]; /* exec reads them only */
    }
    words[used++] = (char *)(uintptr_t)path;
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(offsets_as_text[i], sizeof offsets_as_text[i], "0x%" PRIxPTR, offsets[i]);
        words[used++] = offsets_as_text[i];
    }
    words[used] = NULL;
}

bool cupel__symboliser_ask(const char *path, const uintptr_t offsets[], unsigned count, cupel_lines_visit visit,
                           void *user) {
    if (count > CUPEL__SYMBOLISER_ASKED_MAX) {
        return false;
    }
    if (getauxval(AT_SECURE) != 0) { /* LCOV_EXCL_BR_LINE(no test has the privileges of another user) */
        return false;                /* LCOV_EXCL_LINE(no test has the privileges of another user) */
    }
    copy_variables();
    for (unsigned which = 0; which < sizeof programs / sizeof programs[0]; which++) {
        if (!may_ask()) {
            return false;
        }
        if (find_program(which)) {
            build_words(path, offsets, count);
            if (run_program()) {
                visit_answer(count, visit, user);
                return true;
            }
        }
    }
    return false;
}

/* A part of a longer question. */
struct part {
    cupel_lines_visit visit;
    void *user;
    unsigned first;
};

static void visit_part(void *user, unsigned which, const char *function, const char *place, bool is_inlined) {
    const struct part *part = user;
    part->visit(part->user, part->first + which, function, place, is_inlined);
}

bool cupel_lines_ask(const char *path, const uintptr_t offsets[], unsigned count, cupel_lines_visit visit, void *user) {
    if (!cupel__symboliser_enter()) {
        return false;
    }
    bool is_answered = true;
    for (unsigned i = 0; i < count && is_answered; i += CUPEL__SYMBOLISER_ASKED_MAX) {
        unsigned left = count - i;
        struct part part = {visit, user, i};
        is_answered = cupel__symboliser_ask(
            path, &offsets[i], left < CUPEL__SYMBOLISER_ASKED_MAX ? left : (unsigned)CUPEL__SYMBOLISER_ASKED_MAX,
            visit_part, &part);
    }
    cupel__symboliser_leave();
    return is_answered;
}

static void take_line(char *to, size_t size, const char *line) {
    (void)snprintf(to, size, "%s", line);
}

/* Five lines: the function, the variable, its place, the offset in it, its size. */
static bool read_variable(struct cupel__variable *variable) {
    char *at = answer;
    const char *lines[5];
    for (unsigned i = 0; i < 5; i++) {
        lines[i] = next_line(&at);
        if (lines[i] == NULL) {
            return false;
        }
    }
    take_line(variable->function, sizeof variable->function, lines[0]);
    take_line(variable->name, sizeof variable->name, lines[1]);
    take_line(variable->place, sizeof variable->place, lines[2][0] == '?' ? "" : lines[2]);
    variable->offset = (uintptr_t)strtoull(lines[3], NULL, 10);
    variable->size = (uintptr_t)strtoull(lines[4], NULL, 10);
    return true;
}

/* "--variable=ADDRESS,NUMBER=REGISTER,...", each from the frame's end. */
static void build_variable(char *word, size_t size, uintptr_t address, const struct cupel_query_frame *frame) {
    size_t length = (size_t)snprintf(word, size, "--variable=%" PRIdPTR, (intptr_t)(address - frame->end));
    for (unsigned i = 0; i < CUPEL_QUERY_REGISTERS; i++) {
        if (frame->registers[i] != 0) {
            length += (size_t)snprintf(word + length, size - length, ",%u=%" PRIdPTR, i,
                                       (intptr_t)(frame->registers[i] - frame->end));
        }
    }
}

bool cupel__symboliser_variable(const char *path, uintptr_t address, const struct cupel_query_frame *frame,
                                struct cupel__variable *variable) {
    static char where[32 * (CUPEL_QUERY_REGISTERS + 1)];
    if (getauxval(AT_SECURE) != 0 || !may_ask() || !find_program(0)) {
        return false;
    }
    copy_variables();
    build_variable(where, sizeof where, address, frame);
    (void)snprintf(offsets_as_text[0], sizeof offsets_as_text[0], "0x%" PRIxPTR, frame->offset);
    const char *const asked[] = {path_of_program, where, "-e", path, offsets_as_text[0], NULL};
    for (unsigned i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        words[i] = (char *)(uintptr_t)asked[i]; /* exec reads them only */
    }
    return run_program() && read_variable(variable);
}
