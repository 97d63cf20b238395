/* What a body left behind, in words, and putting it back: see left_behind.h. Only what differs is looked at here, so
 * nothing need be cheap. */
#include "harness/src/left_behind.h"
#include "harness/src/plan.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NAMED_MAX = 8, PATIENCE_MS = 200 };

/* Where the lines go. */
struct telling {
    const struct cupel__circumstances *before;
    const char *file;
    unsigned line;
    struct cupel_text *messages; /* NULL: nowhere */
    unsigned named;              /* of the present kind */
};

__attribute__((format(printf, 2, 3))) static void tell(struct telling *telling, const char *format, ...) {
    char text[1024];
    va_list arguments;
    if (telling->messages == NULL || ++telling->named > NAMED_MAX) {
        return;
    }
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is the line before */
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cupel_text_add(telling->messages, "%s:%u: left behind: %s\n", telling->file, telling->line, text);
}

static void tell_rest(struct telling *telling) {
    if (telling->messages != NULL && telling->named > NAMED_MAX) {
        cupel_text_add(telling->messages, "%s:%u: left behind: and %u more of these\n", telling->file, telling->line,
                       telling->named - NAMED_MAX);
    }
    telling->named = 0;
}

static int compare(const void *left, const void *right) {
    int a = *(const int *)left;
    int b = *(const int *)right;
    return (a > b) - (a < b);
}

unsigned cupel__left_behind_list(int directory, int descriptors[CUPEL__DESCRIPTORS_MAX]) {
    static _Alignas(struct dirent64) char entries[16384];
    unsigned count = 0;
    (void)lseek(directory, 0, SEEK_SET);
    for (ssize_t length; (length = getdents64(directory, entries, sizeof entries)) > 0;) {
        const struct dirent64 *entry;
        for (const char *at = entries; at < entries + length; at += entry->d_reclen) {
            entry = (const struct dirent64 *)(const void *)at;
            if (entry->d_name[0] != '.' && count < CUPEL__DESCRIPTORS_MAX) {
                descriptors[count++] = atoi(entry->d_name);
            }
        }
    }
    qsort(descriptors, count, sizeof descriptors[0], compare);
    return count;
}

/* As cupel__left_behind_list, also where the body closed the harness's own directory. False where no other can be had.
 */
static bool list_now(int directory, int descriptors[CUPEL__DESCRIPTORS_MAX], unsigned *count) {
    *count = cupel__left_behind_list(directory, descriptors);
    if (*count != 0) { /* it lists itself */
        return true;
    }
    int anew = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (anew < 0) {
        return false;
    }
    unsigned all = cupel__left_behind_list(anew, descriptors);
    for (unsigned i = 0; i < all; i++) {
        if (descriptors[i] != anew) {
            descriptors[(*count)++] = descriptors[i];
        }
    }
    (void)close(anew);
    return true;
}

static bool is_own(const struct cupel__circumstances *before, int number) {
    return number >= CUPEL__OWN_DESCRIPTORS || number == before->descriptors || number == before->tasks ||
           number == before->home || number == before->temporary;
}

static void tell_closed(struct telling *telling, int number) {
    static const char *const streams[] = {"standard input", "standard output", "standard error"};
    if (number <= STDERR_FILENO) {
        tell(telling, "descriptor %d, %s, is closed", number, streams[number]);
    } else {
        tell(telling, "descriptor %d is closed, which was open before the test", number);
    }
}

/* In one line, so that they do not keep those of the test from being named. */
static void tell_own_closed(struct telling *telling, unsigned count, int first) {
    if (count == 1) {
        tell(telling, "descriptor %d is closed, which is the harness's own", first);
    } else if (count != 0) {
        tell(telling, "%u descriptors from %d on are closed, which are the harness's own", count, first);
    }
}

static bool tell_opened(struct telling *telling, int number) {
    char link[64];
    char target[512];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", number);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0) {
        return false;
    }
    target[length] = '\0';
    tell(telling, "descriptor %d is open: %s", number, target);
    (void)close(number);
    return true;
}

static bool settle_descriptors(struct telling *telling) {
    static int now[CUPEL__DESCRIPTORS_MAX];
    const struct cupel__circumstances *before = telling->before;
    unsigned count;
    unsigned old = 0;
    unsigned own_count = 0;
    int first_own = -1;
    bool has_left = false;
    if (!list_now(before->descriptors, now, &count)) {
        tell(telling, "the harness's own descriptor is closed, by which it would tell which others are");
        return true;
    }
    for (unsigned i = 0; i < count || old < before->open_count;) {
        if (old == before->open_count || (i < count && now[i] < before->open[old])) {
            has_left = tell_opened(telling, now[i++]) || has_left;
        } else if (i == count || before->open[old] < now[i]) {
            int closed = before->open[old++];
            if (is_own(before, closed)) {
                first_own = own_count++ == 0 ? closed : first_own;
            } else {
                tell_closed(telling, closed);
            }
            has_left = true;
        } else {
            i++;
            old++;
        }
    }
    tell_own_closed(telling, own_count, first_own);
    return has_left;
}

/* The first line of a file in /proc, without its end. */
static void read_line(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(text, (int)size, file) == NULL) {
        text[0] = '\0';
    }
    text[strcspn(text, "\n")] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void tell_child(struct telling *telling, pid_t child) {
    char path[64];
    char name[64];
    siginfo_t info = {.si_pid = 0};
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)child);
    read_line(path, name, sizeof name);
    bool has_ended = waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
    if (has_ended) {
        tell(telling, "a child that ended and was not waited for: process %d", (int)child);
    } else {
        tell(telling, "a running child: process %d (%s)", (int)child, name);
        (void)kill(child, SIGKILL);
    }
    (void)waitpid(child, NULL, 0);
}

static bool settle_children(struct telling *telling) {
    char path[64];
    char text[4096];
    bool has_left = false;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    read_line(path, text, sizeof text);
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        tell_child(telling, (pid_t)atoi(word));
        has_left = true;
    }
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ==
        0) { /* of another thread, or a kernel without the file */
        tell(telling, "a child");
        has_left = true;
    }
    return has_left;
}

/* A thread that was joined, or is about to end, stays in the list for a moment. */
static bool settle_threads(struct telling *telling) {
    const struct cupel__circumstances *before = telling->before;
    static const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (cupel__left_behind_task_count(before->tasks) <= before->task_count) {
            return false;
        }
        (void)nanosleep(&moment, NULL);
    }
    DIR *directory = opendir("/proc/self/task");
    for (const struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        char path[300];
        char name[64];
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != (int)getpid()) {
            (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
            read_line(path, name, sizeof name);
            tell(telling, "a running thread: %s (%s)", entry->d_name, name);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return true;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)(place->level == 0 ? 0 : kind == FTW_DP || kind == FTW_DNR ? rmdir(path) : unlink(path));
    return 0;
}

static bool settle_files(struct telling *telling) {
    const char *path = telling->before->temporary_path;
    bool has_left = false;
    DIR *directory = opendir(path);
    for (const struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            tell(telling, "%s, in the directory of temporary files", entry->d_name);
            has_left = true;
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    if (has_left) {
        (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    return has_left;
}

static bool settle_directory(struct telling *telling) {
    char path[2048];
    tell(telling, "the working directory is %s",
         getcwd(path, sizeof path) != NULL ? path : "one that was removed, or cannot be read");
    (void)!fchdir(telling->before->home);
    return true;
}

static bool settle_umask(struct telling *telling) {
    mode_t now = umask(telling->before->umask);
    tell(telling, "the umask is %03o, and was %03o", (unsigned)now, (unsigned)telling->before->umask);
    return true;
}

static bool settle_limited(struct telling *telling, unsigned kinds) {
    const struct cupel__limited *before = &telling->before->limited;
    unsigned changed = cupel__limited_look(before) & kinds;
    char text[700];
    for (unsigned i = 0; i < CUPEL__LIMITED; i++) {
        if ((changed & 1U << i) != 0) {
            cupel__limited_settle(before, i, text, sizeof text);
            tell(telling, "%s", text);
        }
    }
    return changed != 0;
}

static bool settle_limits(struct telling *telling) {
    return settle_limited(telling, cupel__limited_of_process);
}

static bool settle_streams(struct telling *telling) {
    return settle_limited(telling, cupel__limited_of_streams);
}

static bool settle_mask(struct telling *telling) {
    sigset_t now;
    (void)sigprocmask(SIG_SETMASK, NULL, &now);
    for (int number = 1; number < SIGRTMAX; number++) {
        int is_blocked = sigismember(&now, number);
        if (is_blocked != sigismember(&telling->before->mask, number)) {
            const char *name = sigabbrev_np(number);
            tell(telling, "signal %d (SIG%s) is %s", number, name == NULL ? "?" : name,
                 is_blocked == 1 ? "blocked" : "no longer blocked");
        }
    }
    (void)sigprocmask(SIG_SETMASK, &telling->before->mask, NULL);
    return true;
}

static bool settle_handlers(struct telling *telling) {
    bool has_left = false;
    for (int number = 1; number < CUPEL__SIGNALS_MAX; number++) {
        const struct sigaction *old = &telling->before->handlers[number];
        struct sigaction now;
        if (sigaction(number, NULL, &now) != 0 || cupel__left_behind_is_handled_alike(&now, old)) {
            continue;
        }
        tell(telling, "signal %d (SIG%s) is %s", number, sigabbrev_np(number),
             now.sa_handler == SIG_IGN   ? "ignored"
             : now.sa_handler == SIG_DFL ? "no longer handled as before"
                                         : "handled by another function");
        (void)sigaction(number, old, NULL);
        has_left = true;
    }
    return has_left;
}

static bool settle_timer(struct telling *telling) {
    static const struct itimerval none;
    struct itimerval timer;
    (void)getitimer(ITIMER_REAL, &timer);
    tell(telling, "a timer (alarm) that goes off in %ld.%01ld s", (long)timer.it_value.tv_sec,
         (long)timer.it_value.tv_usec / 100000);
    (void)setitimer(ITIMER_REAL, &none, NULL);
    return true;
}

/* `name` ends with its '='. */
static bool is_of(const char *variable, const char *name) {
    return strncmp(variable, name, strlen(name)) == 0;
}

/* (Where counters go is the runner's own: see evidence.c.) */
static bool was_known(const struct cupel__circumstances *before, const char *variable, bool by_name) {
    if (!by_name && is_of(variable, "GCOV_PREFIX=")) {
        return true;
    }
    for (unsigned i = 0; i < before->variable_count; i++) {
        if (by_name ? is_of(variable, before->variables[i].name)
                    : before->variables[i].hash == cupel__hash_text(variable)) {
            return true;
        }
    }
    return false;
}

static bool is_known_now(const char *name) {
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
        if (is_of(*variable, name)) {
            return true;
        }
    }
    return false;
}

/* Not put back: the texts may be the test's. A worker goes with it. */
static bool settle_environment(struct telling *telling) {
    const struct cupel__circumstances *before = telling->before;
    bool has_left = false;
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
        if (!was_known(before, *variable, false)) {
            tell(telling, "the environment variable %.100s%s", *variable,
                 was_known(before, *variable, true) ? ", changed" : "");
            has_left = true;
        }
    }
    for (unsigned i = 0; i < before->variable_count; i++) {
        const char *name = before->variables[i].name;
        if (!is_known_now(name)) {
            tell(telling, "the environment variable %.*s is gone", (int)strcspn(name, "="), name);
            has_left = true;
        }
    }
    return has_left;
}

static bool settle_locale(struct telling *telling) {
    const struct cupel__circumstances *before = telling->before;
    if (uselocale((locale_t)0) != before->thread_locale) {
        tell(telling, "the locale of the thread is another");
        (void)uselocale(before->thread_locale);
    }
    if (strcmp(setlocale(LC_ALL, NULL), before->locale) != 0) {
        tell(telling, "the locale is %s, and was %s", setlocale(LC_ALL, NULL), before->locale);
        (void)setlocale(LC_ALL, before->locale);
    }
    return true;
}

unsigned cupel__left_behind_settle(const struct cupel__circumstances *before, unsigned changed, const char *file,
                                   unsigned line, struct cupel_text *messages) {
    /* Limits first: they are in the way of the others. Children before descriptors: one that reads from a pipe of the
     * test would end with it. */
    static const struct {
        unsigned kind;
        bool (*settle)(struct telling *telling);
    } kinds[] = {
        {CUPEL_LEFT_LIMITS, settle_limits},       {CUPEL_LEFT_STREAMS, settle_streams},
        {CUPEL_LEFT_CHILDREN, settle_children},   {CUPEL_LEFT_DESCRIPTORS, settle_descriptors},
        {CUPEL_LEFT_THREADS, settle_threads},     {CUPEL_LEFT_FILES, settle_files},
        {CUPEL_LEFT_DIRECTORY, settle_directory}, {CUPEL_LEFT_UMASK, settle_umask},
        {CUPEL_LEFT_SIGNAL_MASK, settle_mask},    {CUPEL_LEFT_SIGNAL_HANDLERS, settle_handlers},
        {CUPEL_LEFT_TIMER, settle_timer},         {CUPEL_LEFT_ENVIRONMENT, settle_environment},
        {CUPEL_LEFT_LOCALE, settle_locale},
    };
    struct telling telling = {.before = before, .file = file, .line = line, .messages = messages};
    unsigned left = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if ((changed & kinds[i].kind) != 0) {
            left |= kinds[i].settle(&telling) ? kinds[i].kind : 0;
            tell_rest(&telling);
        }
    }
    return left;
}
