/* The processes of a foreign program that run at a time, as many as there are slots. See exec.h. */
#include "harness/src/report.h"
#include "harness/src/settings.h"
#include "harness/tool/exec.h"

#include "alloc/base/progress.h"

#include <stdio.h>
#include <string.h>

static struct cupel__exec_run runs[CUPEL__EXEC_SLOTS_MAX];
static unsigned slots = 1;

void cupel__exec_slots_set(unsigned count) {
    slots = count < 1 ? 1 : count < CUPEL__EXEC_SLOTS_MAX ? count : CUPEL__EXEC_SLOTS_MAX;
}

unsigned cupel__exec_slots(void) {
    return slots;
}

struct cupel__exec_run *cupel__exec_next_ended(void) {
    int ended = cupel__exec_wait(runs, slots);
    return ended < 0 ? NULL : &runs[ended];
}

unsigned cupel__exec_running(void) {
    unsigned count = 0;
    for (unsigned i = 0; i < slots; i++) {
        count += runs[i].pid != 0;
    }
    return count;
}

bool cupel__exec_is_run(pid_t pid) {
    for (unsigned i = 0; i < slots; i++) {
        if (runs[i].pid == pid) {
            return true;
        }
    }
    return false;
}

struct cupel__exec_run *cupel__exec_free_slot(void) {
    for (unsigned i = 0; i < slots; i++) {
        if (runs[i].pid == 0) {
            runs[i] = (struct cupel__exec_run){.note_file = -1, .output_file = -1, .error_file = -1, .cases_file = -1};
            return &runs[i];
        }
    }
    return NULL;
}

void cupel__exec_end_all(void) {
    for (unsigned i = 0; i < slots; i++) {
        cupel__exec_end(&runs[i]);
    }
}

bool cupel__exec_is_enough(void) {
    uint64_t limit = cupel__settings.fail_fast ? 1 : (uint64_t)cupel__settings.max_fail;
    return cupel__exec_is_interrupted() || (limit != 0 && cupel__reports_totals()->failed >= limit);
}

int64_t cupel__exec_deadline(int64_t allowed_ms) {
    return allowed_ms == 0 ? 0 : cupel_clock_ms() + allowed_ms;
}

/* Starts; an error is told. */
bool cupel__exec_try_start(const struct cupel__exec_program *program, struct cupel__exec_run *run) {
    struct cupel_error error;
    if (cupel__exec_start(program, run, &error)) {
        return true;
    }
    cupel_message("%s", error.text);
    return false;
}

/* True where the program was started at all, under a plan that it could read. */
bool cupel__exec_was_started(const struct cupel__exec_program *program, const struct cupel__exec_run *run) {
    if (run->note->start_error != 0) {
        cupel_message("--exec: %s: %s", program->path, strerror(run->note->start_error));
    } else if (run->note->error[0] != '\0') {
        cupel_message("--exec: %s", run->note->error);
    }
    return run->note->start_error == 0 && run->note->error[0] == '\0';
}

/* One run to its end, in the first slot. NULL where it could not be started, or Ctrl-C came. */
struct cupel__exec_run *cupel__exec_run_one(const struct cupel__exec_program *program, const char *fault,
                                            bool records_points) {
    struct cupel__exec_run *run = cupel__exec_free_slot();
    (void)snprintf(run->fault, sizeof run->fault, "%s", fault);
    run->has_library = true;
    run->records_points = records_points;
    run->deadline_ms = cupel__exec_deadline(cupel__settings.timeout_ms);
    if (!cupel__exec_try_start(program, run)) {
        return NULL;
    }
    while (cupel__exec_wait(runs, slots) < 0) {
        if (cupel__exec_is_interrupted()) {
            cupel__exec_end(run);
            return NULL;
        }
    }
    return run;
}
