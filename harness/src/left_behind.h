/* What a test may leave behind beside memory: descriptors, children, threads, files, and settings of the process that
 * another test would trip over. A process that runs bodies notes how it is before the first; after each body a few
 * system calls tell whether anything is another way (left_behind.c), and only then is it found out what and put back
 * (left_behind_tell.c). What costs much to look at is looked at once for several quick tests; which of them it was is
 * then found by running each again (left_behind_search.c).
 *
 *     cupel__left_behind_start(...);          once in a worker, or in the runner that runs tests itself
 *     cupel__left_behind_begin();             before a body: a forked child notes its own
 *     if (!cupel__left_behind_end(...))       after it: something was left
 */
#ifndef HARNESS_SRC_LEFT_BEHIND_H
#define HARNESS_SRC_LEFT_BEHIND_H

#include "harness/result.h"
#include "harness/src/left_behind_limits.h"
#include "harness/src/plan.h"

#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    CUPEL__SIGNALS_MAX = 32,
    CUPEL__DESCRIPTORS_MAX = 1024,
    CUPEL__VARIABLES_MAX = 512,
    CUPEL__OWN_DESCRIPTORS = 500, /* and above: the harness's */
    CUPEL__UNSETTLED_MAX = 32
};

enum cupel__left_behind_depth {
    CUPEL__LOOK_WHEN_DUE, /* at what is dear to look at only now and then: for the tests of a plan */
    CUPEL__LOOK_AT_ALL
};

/* How the process is. Files of it stay open, above CUPEL__OWN_DESCRIPTORS; -1 where one cannot be had, and what it
 * would tell is then not looked at. */
struct cupel__circumstances {
    pid_t process; /* 0: nothing is looked at; -1: in a child that has not begun */
    bool has_children;
    bool has_timer;
    int descriptors; /* /proc/self/fd */
    int tasks;       /* /proc/self/task */
    int home;        /* the working directory */
    int temporary;   /* TMPDIR, this process's own */
    char temporary_path[CUPEL_TEST_PATH_MAX];
    int64_t descriptor_count;
    uint64_t task_count;
    char home_path[1024];
    mode_t umask;
    sigset_t mask;
    struct sigaction handlers[CUPEL__SIGNALS_MAX];
    struct cupel__limited limited;
    locale_t thread_locale;
    char locale[512];
    uint64_t environment;             /* hash of the pointers */
    int open[CUPEL__DESCRIPTORS_MAX]; /* ascending */
    unsigned open_count;
    struct {
        char name[56]; /* with its '=', cut where it is longer */
        uint64_t hash; /* of name and value */
    } variables[CUPEL__VARIABLES_MAX];
    unsigned variable_count;
};

/* Looks after bodies of this process from now on. `temporary`: its own TMPDIR, empty; NULL: none. */
void cupel__left_behind_start(const char *temporary);
/* No more. The quick tests that were not looked at are now; what one of them left is a record of its own. */
void cupel__left_behind_stop(void);
/* Before a body. About 100 ns but for the first in a forked child. */
void cupel__left_behind_begin(void);
/* After a body: puts back what can be put back. False where something was left that the test's `may_leave` does not
 * allow; lines for it are then in `messages`, unless `messages` is NULL. About 1 us where nothing was left, 6 where all
 * is looked at. */
bool cupel__left_behind_end(const struct cupel_test *test, enum cupel__left_behind_depth depth,
                            struct cupel_text *messages);
/* The runner itself changed what happens on that signal. */
void cupel__left_behind_note_handler(int number);
/* That descriptor is the harness's own, opened while a body runs. */
void cupel__left_behind_own(int descriptor);
/* Or the limits of the process. */
void cupel__left_behind_note_limits(void);
/* True where the body that ran last found the process another way because of one before it, which has its own record:
 * where it failed, it deserves to be run again in a fresh one. */
bool cupel__left_behind_was_misled(void);
/* True where the body that ran last was not looked at closely: what it left may be told of later. */
bool cupel__left_behind_is_unsettled(void);
/* In a child that runs one test: as if it were the first process. */
void cupel__left_behind_forget(void);
/* True where the body that ran last left anything behind, other than what it may keep; and now and then where it keeps
 * something, in a forked child: what runs after it there deserves another process. */
bool cupel__left_behind_has_changed(void);
/* How many descriptors this process has open; -1 where nothing is looked at, or the kernel does not tell (before Linux
 * 6.2). About 400 ns. */
int64_t cupel__left_behind_descriptor_count(void);
/* True once anything was left in this process: the next test deserves a fresh one. */
bool cupel__left_behind_is_dirty(void);

/* left_behind_search.c: runs each of these items again in a child that looks at all. Of those that leave something
 * behind records go out as extra ones; false where none does. */
bool cupel__left_behind_search(const struct cupel__plan_item *items, unsigned count);
/* left_behind_search.c: an extra record for an item that could not be told from those before it. */
void cupel__left_behind_blame(const struct cupel__plan_item *item, const struct cupel_text *text);
bool cupel__left_behind_is_handled_alike(const struct sigaction *a, const struct sigaction *b);
/* left_behind_tell.c: of the kinds in `changed` (enum cupel_left), those that are really another way now than in
 * `before`, with a line for each in `messages` (may be NULL), put back where that can be. */
unsigned cupel__left_behind_settle(const struct cupel__circumstances *before, unsigned changed, const char *file,
                                   unsigned line, struct cupel_text *messages);
/* The open descriptors of this process, ascending, from its /proc/self/fd: opens nothing, since there may be none left.
 */
unsigned cupel__left_behind_list(int directory, int descriptors[CUPEL__DESCRIPTORS_MAX]);
/* A number that grows with the threads of this process, from its /proc/self/task. */
uint64_t cupel__left_behind_task_count(int tasks);

#endif
