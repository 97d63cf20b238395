/* A test that sends its own runner a signal (kill(getppid(), SIGTERM)) would end the run with no word of who did it.
 * The runner sees who sent a signal; which test of that process it was is noted here, before the signal goes. */
#ifndef HARNESS_SRC_MEDDLER_H
#define HARNESS_SRC_MEDDLER_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of a worker, in memory shared with the supervisor. */
struct cupel__meddling {
    _Atomic uint64_t items[3]; /* a signal each: one more than the item that ran when it was sent; 0: it was not */
};

/* Called where code of a test program calls kill, before it is done (interpose_signal.c). NULL: by nobody. */
extern void (*cupel__meddler_on_kill)(pid_t process, int number);
/* In a worker: signals to its parent that its tests and their children send are noted there, with the item that `item`
 * holds then. */
void cupel__meddler_listen(struct cupel__meddling *meddling, const _Atomic uint64_t *item);

/* In the supervisor: the item that sent that signal, once. False where none did. */
bool cupel__meddler_take(struct cupel__meddling *meddling, int number, uint64_t *item);

/* What a handler of the supervisor got, not yet looked at. */
struct cupel__meddler_signal {
    int number;
    pid_t sender; /* 0: no process, or none that can be seen from here */
};
/* In the handler of SIGINT, SIGTERM and SIGHUP. */
void cupel__meddler_note(int number, const siginfo_t *info);
/* The next of those; false where there is none. Signals blocked, or in no handler. */
bool cupel__meddler_next(struct cupel__meddler_signal *signal);
/* True where a process is that worker, of its group, or started by it. */
bool cupel__meddler_is_of(pid_t process, pid_t worker);

#endif
