/* See meddler.h. */
#include "harness/src/meddler.h"
#include "harness/src/child.h"
#include "harness/src/last_words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOTED_MAX = 16, DEPTH_MAX = 16 };

void (*cupel__meddler_on_kill)(pid_t process, int number);

static struct cupel__meddling *noted;
static const _Atomic uint64_t *running;
static pid_t supervisor;

static struct cupel__meddler_signal received[NOTED_MAX];
static volatile sig_atomic_t received_count;
static volatile sig_atomic_t taken_count;

static int index_of(int number) {
    return number == SIGTERM ? 0 : number == SIGINT ? 1 : number == SIGHUP ? 2 : -1;
}

static void note_kill(pid_t process, int number) {
    int index = index_of(number);
    if (number == SIGKILL) {
        cupel__last_words_kill(process);
    }
    if (index >= 0 && (process == supervisor || process == -1)) {
        atomic_store(&noted->items[index], atomic_load(running) + 1);
    }
}

bool cupel__meddler_take(struct cupel__meddling *meddling, int number, uint64_t *item) {
    int index = index_of(number);
    uint64_t found = index < 0 ? 0 : atomic_exchange(&meddling->items[index], 0);
    *item = found - 1;
    return found != 0;
}

void cupel__meddler_listen(struct cupel__meddling *meddling, const _Atomic uint64_t *item) {
    noted = meddling;
    running = item;
    supervisor = getppid();
    cupel__meddler_on_kill = note_kill;
}

void cupel__meddler_note(int number, const siginfo_t *info) {
    bool is_sent = info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL;
    int index = received_count - taken_count < NOTED_MAX ? received_count++ % NOTED_MAX : taken_count % NOTED_MAX;
    received[index] = (struct cupel__meddler_signal){number, is_sent ? info->si_pid : 0};
}

bool cupel__meddler_next(struct cupel__meddler_signal *signal) {
    if (taken_count == received_count) {
        taken_count = received_count = 0;
        return false;
    }
    *signal = received[taken_count++ % NOTED_MAX];
    return true;
}

/* 0: unknown. */
static pid_t parent_of(pid_t process) {
    char path[64];
    char text[512];
    int parent = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    cupel__proc_read(path, text, sizeof text);
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && sscanf(name_end, ") %*c %d", &parent) == 1 ? (pid_t)parent : 0;
}

bool cupel__meddler_is_of(pid_t process, pid_t worker) {
    if (process <= 0 || worker <= 0) {
        return false;
    }
    bool is_of = process == worker || getpgid(process) == worker;
    for (unsigned depth = 0; !is_of && process > 1 && depth < DEPTH_MAX; depth++) {
        process = parent_of(process);
        is_of = process == worker;
    }
    return is_of;
}
