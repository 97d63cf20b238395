/* Whether a body left anything behind: see left_behind.h. All that is done for each test is here, and is cheap. */
#include "harness/src/left_behind.h"
#include "harness/src/execute.h"
#include "harness/src/run.h"

#include "alloc/base/progress.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define HAS_SINGLE_THREADED
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN
#endif
#endif

enum {
    /* Looking at these costs 5 us: it is done after a quick test only where it is the first, and for some at once. (A
     * child is hardly ever a quick test's: to fork takes longer.) */
    DEAR = CUPEL_LEFT_SIGNAL_HANDLERS | CUPEL_LEFT_TIMER | CUPEL_LEFT_UMASK | CUPEL_LEFT_LIMITS | CUPEL_LEFT_STREAMS |
           CUPEL_LEFT_CHILDREN,
    /* What a test may keep stays: later tests use it, or it shall be seen to grow. */
    KEPT = CUPEL_LEFT_DESCRIPTORS | CUPEL_LEFT_CHILDREN | CUPEL_LEFT_THREADS | CUPEL_LEFT_FILES,
    QUICK_NS = 50000,
    KEPT_MAX = 32,
};

/* At what a look is. */
enum depth {
    AT_QUICK, /* what costs little; of the rest one look is due after some more tests */
    AT_NEAR,  /* and children */
    AT_ALL
};

static struct cupel__circumstances before;
static bool is_dirty;
static bool has_changed;    /* by the last body */
static bool was_misled;     /* the last body, by one before it */
static unsigned kept_count; /* bodies that kept something, in a forked child */
static pid_t first_process;
static int64_t start_ns;
static bool was_perturbed; /* when it was noted how all is */
/* Quick tests since all was looked at. */
static struct cupel__plan_item unsettled[CUPEL__UNSETTLED_MAX];
static unsigned unsettled_count;
static bool has_looked; /* at all, in this process */

static int open_high(const char *path) {
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int high = file < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, CUPEL__OWN_DESCRIPTORS);
    if (high >= 0) {
        (void)close(file);
    }
    return high >= 0 ? high : file;
}

/* Linux tells it from 6.2 on; before that the lowest free number stands for it, since a descriptor left open takes it.
 */
static int64_t count_descriptors(int directory) {
    struct stat status;
    if (directory < 0 || fstat(directory, &status) != 0) {
        return -1;
    }
    if (status.st_size != 0) {
        return (int64_t)status.st_size;
    }
    int lowest = fcntl(directory, F_DUPFD_CLOEXEC, 0);
    if (lowest >= 0) {
        (void)close(lowest);
    }
    return -2 - lowest;
}

uint64_t cupel__left_behind_task_count(int tasks) {
    struct stat status;
    return tasks < 0 || fstat(tasks, &status) != 0 ? 0 : (uint64_t)status.st_nlink;
}

/* The C library knows cheaply that there was never one. ThreadSanitizer has threads of its own, which it begins with
 * the first of a process. */
static bool has_threads(void) {
#ifdef HAS_TSAN
    return false;
#elif defined(HAS_SINGLE_THREADED)
    return !__libc_single_threaded;
#else
    return true;
#endif
}

static bool has_children(void) {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static bool has_timer(void) {
    struct itimerval timer = {.it_value = {0}};
    (void)getitimer(ITIMER_REAL, &timer);
    return timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0;
}

/* Of the pointers: who sets a variable makes a new text. */
static uint64_t hash_environment(void) {
    uint64_t hash = (uintptr_t)environ;
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
        hash = (hash ^ (uintptr_t)*variable) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 29;
    }
    return hash;
}

static void note_variables(void) {
    before.variable_count = 0;
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
        if (before.variable_count < CUPEL__VARIABLES_MAX) {
            char *name = before.variables[before.variable_count].name;
            (void)snprintf(name, sizeof before.variables[0].name, "%.*s", (int)strcspn(*variable, "=") + 1, *variable);
            before.variables[before.variable_count++].hash = cupel__hash_text(*variable);
        }
    }
    before.environment = hash_environment();
}

/* The time of the directory's last change is set to a past one: any entry made since shows. */
static void forget_files(int temporary) {
    static const struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    if (temporary >= 0) {
        (void)futimens(temporary, past);
    }
}

/* All but the files that are kept open. */
static void note(void) {
    before.task_count = cupel__left_behind_task_count(before.tasks);
    before.has_children = has_children();
    before.has_timer = has_timer(); /* one that the program was started with */
    if (syscall(SYS_getcwd, before.home_path, sizeof before.home_path) <= 0) {
        before.home_path[0] = '\0'; /* one that was removed */
    }
    before.umask = umask(022);
    (void)umask(before.umask);
    memset(&before.mask, 0, sizeof before.mask); /* the kernel's part is smaller */
    (void)sigprocmask(SIG_SETMASK, NULL, &before.mask);
    for (int number = 1; number < CUPEL__SIGNALS_MAX; number++) {
        (void)sigaction(number, NULL, &before.handlers[number]);
    }
    cupel__limited_note(&before.limited);
    before.thread_locale = uselocale((locale_t)0);
    (void)snprintf(before.locale, sizeof before.locale, "%s", setlocale(LC_ALL, NULL));
    note_variables();
    forget_files(before.temporary);
    before.open_count = cupel__left_behind_list(before.descriptors, before.open);
    before.descriptor_count = count_descriptors(before.descriptors);
}

/* The files of /proc are those of the process that opens them. */
static void open_files(void) {
    before.descriptors = open_high("/proc/self/fd");
    before.tasks = open_high("/proc/self/task");
}

static void close_file(int *file) {
    if (*file >= 0) {
        (void)close(*file);
    }
    *file = -1;
}

/* In a forked child: its /proc is another. (Asking for the process's number each time costs more.) */
static void note_fork(void) {
    before.process = before.process == 0 ? 0 : -1;
}

void cupel__left_behind_start(const char *temporary) {
    if (!cupel__settings.left_behind) {
        return;
    }
    static bool is_noting;
    if (!is_noting && pthread_atfork(NULL, NULL, note_fork) != 0) {
        return;
    }
    is_noting = true;
    before.process = getpid();
    first_process = before.process;
    open_files();
    before.home = open_high(".");
    before.temporary = temporary == NULL ? -1 : open_high(temporary);
    (void)snprintf(before.temporary_path, sizeof before.temporary_path, "%s", temporary == NULL ? "" : temporary);
    is_dirty = false;
    has_looked = false;
    unsettled_count = 0;
    note();
}

void cupel__left_behind_note_handler(int number) {
    (void)sigaction(number, NULL, &before.handlers[number]);
}

void cupel__left_behind_own(int descriptor) {
    if (before.process <= 0 || before.open_count == CUPEL__DESCRIPTORS_MAX) {
        return;
    }
    unsigned place = before.open_count++;
    for (; place > 0 && before.open[place - 1] > descriptor; place--) {
        before.open[place] = before.open[place - 1];
    }
    before.open[place] = descriptor;
    before.descriptor_count += before.descriptor_count >= 0; /* else it is by the lowest free number */
}

void cupel__left_behind_note_limits(void) {
    cupel__limited_note(&before.limited);
}

void cupel__left_behind_forget(void) {
    first_process = getpid();
    has_looked = false;
    unsettled_count = 0;
}

/* What system() and others put back has other flags, which without a handler mean nothing. */
bool cupel__left_behind_is_handled_alike(const struct sigaction *a, const struct sigaction *b) {
    bool is_function = a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN;
    return a->sa_handler == b->sa_handler && (!is_function || a->sa_flags == b->sa_flags);
}

static unsigned look_at_dear(void) {
    mode_t mask = umask(before.umask);
    unsigned limited = cupel__limited_look(&before.limited);
    unsigned changed = mask != before.umask ? CUPEL_LEFT_UMASK : 0U;
    changed |= (limited & cupel__limited_of_process) != 0 ? CUPEL_LEFT_LIMITS : 0U;
    changed |= (limited & cupel__limited_of_streams) != 0 ? CUPEL_LEFT_STREAMS : 0U;
    if (mask != before.umask) {
        (void)umask(mask);
    }
    for (int number = 1; number < CUPEL__SIGNALS_MAX; number++) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) == 0 &&
            !cupel__left_behind_is_handled_alike(&now, &before.handlers[number])) {
            changed |= CUPEL_LEFT_SIGNAL_HANDLERS;
        }
    }
    return changed | (has_timer() && !before.has_timer ? CUPEL_LEFT_TIMER : 0U);
}

static unsigned look_at_near(void) {
    return !before.has_children && has_children() ? CUPEL_LEFT_CHILDREN : 0U;
}

static bool has_other_home(void) {
    static char home[sizeof before.home_path]; /* MemorySanitizer does not see the system call fill it */
    if (before.home < 0 || before.home_path[0] == '\0') {
        return false;
    }
    /* Not that of the C library, which costs more. */
    return syscall(SYS_getcwd, home, sizeof home) <= 0 || strcmp(home, before.home_path) != 0;
}

static unsigned look_at_quick(void) {
    struct stat status;
    sigset_t mask;
    unsigned changed = has_other_home() ? CUPEL_LEFT_DIRECTORY : 0U;
    memset(&mask, 0, sizeof mask);
    (void)sigprocmask(SIG_SETMASK, NULL, &mask);
    changed |= memcmp(&mask, &before.mask, sizeof mask) != 0 ? CUPEL_LEFT_SIGNAL_MASK : 0U;
    changed |= hash_environment() != before.environment ? CUPEL_LEFT_ENVIRONMENT : 0U;
    bool is_other_locale =
        uselocale((locale_t)0) != before.thread_locale || strcmp(setlocale(LC_ALL, NULL), before.locale) != 0;
    changed |= is_other_locale ? CUPEL_LEFT_LOCALE : 0U;
    changed |= count_descriptors(before.descriptors) != before.descriptor_count ? CUPEL_LEFT_DESCRIPTORS : 0U;
    if (has_threads() && cupel__left_behind_task_count(before.tasks) > before.task_count) {
        changed |= CUPEL_LEFT_THREADS;
    }
    if (before.temporary >= 0 && fstat(before.temporary, &status) == 0 && status.st_mtim.tv_sec != 1) {
        changed |= CUPEL_LEFT_FILES;
    }
    return changed;
}

/* At what to look now. The first test of a process may be the only one of the run. */
static enum depth depth_after(const struct cupel_test *test, enum cupel__left_behind_depth wanted) {
    if (wanted == CUPEL__LOOK_AT_ALL || was_perturbed) {
        return AT_ALL;
    }
    if (before.process != first_process || cupel__settings.sweep || cupel__run.item == NULL) {
        return AT_NEAR;
    }
    bool is_due = !has_looked || unsettled_count == CUPEL__UNSETTLED_MAX || cupel_clock_ns() - start_ns > QUICK_NS;
    return is_due || (test->options.may_leave & DEAR) != 0 ? AT_ALL : AT_QUICK;
}

/* Puts back what was dear to look at, and blames one of the quick tests that were not looked at, which then has its own
 * record. False where it was none of them; the words are then in `text`. */
static bool blame_another(unsigned changed, const struct cupel_test *test, struct cupel_text *text) {
    unsigned count = unsettled_count;
    unsettled_count = 0;
    text->length = 0;
    text->is_truncated = false;
    unsigned left = cupel__left_behind_settle(&before, changed, test->file, test->line, text);
    is_dirty = is_dirty || left != 0;
    was_misled = left != 0 && cupel__left_behind_search(unsettled, count);
    return left == 0 || was_misled;
}

/* Takes what is dear out of `changed`, where quick tests before this one may have done it. True where this one did. */
static bool settle_dear(unsigned *changed, const struct cupel_test *test, struct cupel_text *messages) {
    static struct cupel_text text;
    unsigned dear = *changed & DEAR;
    if (dear == 0 || unsettled_count == 0) {
        return false;
    }
    *changed &= ~dear;
    bool may_be_own = (dear & ~test->options.may_leave) != 0;
    if (blame_another(dear, test, &text) || !may_be_own) {
        if (was_misled && may_be_own && cupel__run.item != NULL) {
            (void)cupel__left_behind_search(cupel__run.item, 1); /* it may have left a part of it, and is told alike */
        }
        return false;
    }
    if (messages != NULL) {
        cupel_text_add_n(messages, text.data, text.length);
    }
    return true;
}

/* The quick tests that were not looked at are now. */
static void settle_quick(void) {
    static struct cupel_text text;
    unsigned changed = unsettled_count == 0 ? 0 : look_at_near() | look_at_dear();
    if (changed != 0) {
        struct cupel__plan_item last = unsettled[unsettled_count - 1];
        if (!blame_another(changed, last.test, &text)) {
            cupel__left_behind_blame(&last, &text);
        }
        note();
    }
    unsettled_count = 0;
}

void cupel__left_behind_begin(void) {
    bool is_perturbed = cupel__run.item != NULL && cupel__run.item->perturb != 0;
    if (before.process < 0) {
        unsettled_count = 0; /* the parent's */
        before.process = getpid();
        close_file(&before.descriptors);
        close_file(&before.tasks);
        open_files();
        note();
        kept_count = 0;
    } else if (before.process != 0 && (is_perturbed || was_perturbed)) { /* it changes what is looked at */
        note();
    } else if (cupel__run.item != NULL && (cupel__run.item->test->options.may_leave & DEAR) != 0) {
        settle_quick(); /* else it could not be told from what this one leaves on purpose */
    }
    was_perturbed = is_perturbed;
    has_changed = false;
    was_misled = false;
    start_ns = cupel_clock_ns();
}

bool cupel__left_behind_end(const struct cupel_test *test, enum cupel__left_behind_depth wanted,
                            struct cupel_text *messages) {
    if (before.process <= 0) {
        return true;
    }
    unsigned changed = look_at_quick();
    const enum depth depth = changed != 0 ? AT_ALL : depth_after(test, wanted);
    changed |= depth >= AT_NEAR ? look_at_near() : 0U;
    if (depth == AT_ALL || changed != 0) {
        changed |= look_at_dear();
        has_looked = true;
    }
    if (depth == AT_QUICK) {
        unsettled[unsettled_count++] = *cupel__run.item;
    }
    bool is_same = changed == 0;
    bool has_left = settle_dear(&changed, test, messages);
    unsettled_count = depth == AT_ALL ? 0 : unsettled_count;
    if (is_same) {
        return true;
    }
    const unsigned allowed = test->options.may_leave;
    const unsigned undone = changed & allowed & ~(unsigned)KEPT;
    unsigned left = cupel__left_behind_settle(&before, changed & ~allowed, test->file, test->line, messages);
    (void)cupel__left_behind_settle(&before, undone, test->file, test->line, NULL);
    kept_count += (changed & allowed & KEPT) != 0 && before.process != first_process;
    has_changed = left != 0 || undone != 0 || kept_count == KEPT_MAX;
    is_dirty = is_dirty || left != 0 || undone != 0;
    note();
    return left == 0 && !has_left;
}

void cupel__left_behind_stop(void) {
    if (before.process <= 0) {
        return;
    }
    settle_quick();
    close_file(&before.descriptors);
    close_file(&before.tasks);
    close_file(&before.home);
    close_file(&before.temporary);
    before.process = 0;
}

bool cupel__left_behind_was_misled(void) {
    return was_misled;
}

bool cupel__left_behind_is_unsettled(void) {
    return unsettled_count != 0;
}

bool cupel__left_behind_has_changed(void) {
    return has_changed;
}

int64_t cupel__left_behind_descriptor_count(void) {
    int64_t count = before.process > 0 ? count_descriptors(before.descriptors) : -1;
    return count > 0 ? count : -1; /* that of an older kernel is no number of descriptors */
}

bool cupel__left_behind_is_dirty(void) {
    return is_dirty;
}
