/* The running test: see run.h. A body leaves early by a jump out of the check that failed, only on the thread that
 * runs it and only in the process that began it: a child that the test forked prints and leaves instead, so that no
 * second runner ever goes on. */
#include "harness/src/run.h"
#include "harness/src/callers.h"
#include "harness/src/directory.h"
#include "harness/src/io.h"
#include "harness/src/limits.h"
#include "harness/src/process.h"
#include "harness/src/route.h"
#include "harness/src/sites.h"
#include "harness/src/strong.h"

#include "alloc/libc.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JUMP_STOPPED = 1, JUMP_SKIPPED, JUMP_STARVED };

/* Before the first run, and for engine targets, records go here. */
static struct cupel_result first_result;
static struct cupel__fault_note first_note;
struct cupel__run cupel__run = {.result = &first_result, .fault_note = &first_note};
static pthread_mutex_t message_lock = PTHREAD_MUTEX_INITIALIZER;

static void take_fault(const struct cupel_failing *failing) {
    cupel__fault_note_take(cupel__run.fault_note, failing);
    cupel__sites_first(failing);
    cupel__callers_note(failing->frames, failing->frame_count);
}

void cupel__run_layers(const struct cupel_fault_plan *faults, bool tracking) {
    struct cupel__run *run = &cupel__run;
    struct cupel_allocator *below = run->root != NULL ? run->root : cupel__route_root();
    cupel__route_enter(); /* threads of the last run may still be at work */
    if (run->is_tracking) {
        cupel_tracking_deinit(&run->tracking);
    }
    if (run->is_perturbing) {
        cupel_perturbing_deinit(&run->perturbing);
    }
    run->is_perturbing =
        run->memory.fills_fresh || run->memory.fills_freed || run->memory.placement != CUPEL_PLACEMENT_PARENT;
    if (run->is_perturbing) {
        below = cupel_perturbing_init(&run->perturbing, below, &run->memory);
    }
    if (faults != NULL || cupel__sites_are_on()) {
        below = cupel_failing_init(&run->failing, below, NULL, NULL);
        cupel_failing_set(&run->failing, faults);
        run->failing.on_first = take_fault;
        run->failing.on_request = run->is_swept ? run->on_request : cupel__sites_are_on() ? cupel__sites_hook : NULL;
    }
    if (tracking) {
        below = cupel_tracking_init(&run->tracking, below);
        run->tracking.unwinds = true; /* libraries have no frame pointers */
    }
    run->is_failing = faults != NULL;
    if (!run->fault_note->is_recovery) {
        run->fault_note->frame_count = 0;
        run->fault_note->death_frame_count = 0;
    }
    run->is_tracking = tracking;
    run->has_leaked = false;
    run->has_state_changed = false;
    cupel__io_begin(run->item != NULL ? run->item->test : NULL, faults);
    run->allocator = cupel__route_begin(cupel_counting_init(&run->counting, below), run->memory.placement);
    cupel__route_leave();
}

/* A second runner must not go on. The record is shared with the first, where it goes on at all. */
_Noreturn static void leave_child(void) {
    static const char text[] = "a child that the test forked came to the end of the body; it leaves here";
    const struct cupel__plan_item *item = cupel__run.item;
    if (cupel__run.result == cupel__run.shared && item != NULL) {
        cupel__fail(false, item->test->file, item->test->line, "%s: a child must end by _exit", text);
    } else {
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
        (void)!write(STDERR_FILENO, "\n", 1);
    }
    _exit(1);
}

enum cupel__outcome cupel__run_guarded(void (*body)(void *user), void *user) {
    struct cupel__run *run = &cupel__run;
    run->thread = pthread_self();
    run->process = cupel__process();
    __atomic_store_n(&run->failures, 0, __ATOMIC_RELAXED);
    run->is_guarded = true;
    int jumped = _setjmp(run->target);
    if (jumped == 0) {
        cupel__route_arm(true);
        body(user);
    }
    cupel__route_arm(false);
    run->is_guarded = false;
    if (cupel__process() != run->process) {
        leave_child();
    }
    static const enum cupel__outcome outcomes[] = {CUPEL__ENDED, CUPEL__STOPPED, CUPEL__SKIPPED, CUPEL__STARVED};
    return outcomes[jumped];
}

_Noreturn static void leave_body(int jump) {
    struct cupel__run *run = &cupel__run;
    if (getpid() != run->process) {
        _exit(jump == JUMP_SKIPPED ? 77 : 1);
    }
    if (run->is_guarded && pthread_equal(run->thread, pthread_self())) {
        _longjmp(run->target, jump);
    }
    if (run->is_guarded) {
        pthread_exit(NULL);
    }
    fprintf(stderr, "a fatal check failed outside a test\n%s", run->result->messages.data);
    abort();
}

__attribute__((noinline)) void cupel_failure_break(void) {
    __asm__ volatile(""); /* keeps the call from being optimised away */
}

void cupel__run_failed(bool fatal) {
    __atomic_add_fetch(&cupel__run.failures, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&cupel__run.result->failures, 1, __ATOMIC_RELAXED);
    const char *lack = cupel__limits_lack();
    if (lack != NULL) {
        cupel_text_add(&cupel__run.result->messages, "%s\n", lack);
    }
    if (cupel__run.on_failure != NULL) {
        cupel__run.on_failure();
    }
    if (!cupel__run.is_silent) {
        cupel_failure_break();
    }
    if (cupel__settings.break_on_failure) {
        (void)raise(SIGTRAP);
    }
    if (fatal) {
        leave_body(JUMP_STOPPED);
    }
}

void cupel__run_say(const char *file, unsigned line, const char *format, va_list arguments) {
    char text[8192];
    (void)vsnprintf(text, sizeof text, format, arguments);
    struct cupel_result *result = cupel__run.result;
    bool is_child = cupel__run.process != 0 && getpid() != cupel__run.process;
    pthread_mutex_lock(&message_lock);
    if (result->failure_file == NULL) {
        result->failure_file = file;
        result->failure_line = line;
    }
    if (result->notes.length != 0) {
        cupel_text_add_n(&result->messages, result->notes.data, result->notes.length);
        result->notes.length = 0;
    }
    if (file == NULL) {
        cupel_text_add(&result->messages, "%s\n", text);
    } else {
        cupel_text_add(&result->messages, "%s:%u: %s\n", file, line, text);
    }
    pthread_mutex_unlock(&message_lock);
    if (is_child && file != NULL && !cupel__run.is_silent && result != cupel__run.shared) { /* else told already */
        fprintf(stderr, "%s:%u: %s\n", file, line, text);
    }
}

void cupel__fail(bool fatal, const char *file, unsigned line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cupel__run_say(file, line, format, arguments);
    va_end(arguments);
    cupel__run_failed(fatal);
}

/* Notes are kept apart until something fails; where they are too many, the oldest half goes. */
void cupel_note(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&message_lock);
    struct cupel_text *notes = &cupel__run.result->notes;
    if (notes->length + sizeof text + 64 > sizeof notes->data) {
        const char *half = notes->data + notes->length / 2;
        const char *line = strchr(half, '\n');
        size_t kept = line == NULL ? 0 : notes->length - (size_t)(line + 1 - notes->data);
        memmove(notes->data, notes->data + notes->length - kept, kept);
        notes->length = (uint32_t)kept;
    }
    cupel_text_add(notes, "note: %s\n", text);
    pthread_mutex_unlock(&message_lock);
}

/* What does not balance: the number of blocks, else their bytes, else their addresses. */
static void say_what_differs(const struct cupel_counts *counts, struct cupel_text *messages) {
    int64_t blocks = (int64_t)counts->live_blocks;
    int64_t byte_count = (int64_t)counts->live_bytes;
    if (blocks > 0) {
        cupel_text_add(messages, "leak: %llu of %llu blocks, %lld bytes, were not released\n",
                       (unsigned long long)counts->live_blocks, (unsigned long long)counts->acquired,
                       (long long)byte_count);
    } else if (blocks < 0) {
        cupel_text_add(messages, "leak: %llu blocks were acquired, but %llu released\n",
                       (unsigned long long)counts->acquired, (unsigned long long)counts->released);
    } else if (counts->address_sum != 0) {
        cupel_text_add(messages, "leak: as many blocks were released as acquired, but not the same ones\n");
    } else {
        cupel_text_add(messages, "leak: every block was released, but with %lld byte%s %s than acquired\n",
                       (long long)(byte_count < 0 ? -byte_count : byte_count),
                       byte_count == 1 || byte_count == -1 ? "" : "s", byte_count < 0 ? "more" : "fewer");
    }
}

bool cupel__run_balance(void) {
    struct cupel__routed routed = cupel__route_counts();
    struct cupel_counts counts = cupel__routed_apart(&cupel__run.counting.counts, &routed);
    if (cupel_counts_are_balanced(&counts)) {
        return true;
    }
    const struct cupel__plan_item *item = cupel__run.item;
    struct cupel_text *messages = &cupel__run.result->messages;
    cupel__run.has_leaked = true;
    if (item != NULL) {
        cupel_text_add(messages, "%s:%u: ", item->test->file, item->test->line);
    }
    say_what_differs(&counts, messages);
    return false;
}

void cupel__run_print_leak(FILE *out) {
    const struct cupel_tracking *tracking = &cupel__run.tracking;
    uint64_t findings = cupel_tracking_print_findings(tracking, out);
    uint64_t told = 0; /* blocks that are live because their release was refused: the findings tell of them */
    for (uint64_t i = 0; i < findings && i < CUPEL_TRACKING_REFUSALS; i++) {
        told += tracking->refusals[i].block.base != NULL;
    }
    if (findings == 0 || cupel_tracking_live_blocks(tracking) > told) {
        (void)cupel_tracking_print(tracking, out);
    }
}

struct cupel_allocator *test_allocator(void) {
    return cupel__run.allocator != NULL ? cupel__run.allocator : cupel_libc();
}

const void *test_row(void) {
    const struct cupel__plan_item *item = cupel__run.item;
    if (item == NULL || item->row == CUPEL_NO_ROW) {
        return NULL;
    }
    return (const char *)item->test->options.rows + (size_t)item->row * item->test->options.row_size;
}

size_t test_row_index(void) {
    const struct cupel__plan_item *item = cupel__run.item;
    return item == NULL || item->row == CUPEL_NO_ROW ? 0 : item->row;
}

_Noreturn void cupel_test_skip(const char *reason) {
    (void)snprintf(cupel__run.result->reason, sizeof cupel__run.result->reason, "%s", reason);
    leave_body(JUMP_SKIPPED);
}

void cupel_benign_begin(void) {
    if (cupel__run.is_failing) {
        cupel_failing_benign_begin(&cupel__run.failing);
    }
}

void cupel_benign_end(void) {
    if (cupel__run.is_failing) {
        cupel_failing_benign_end(&cupel__run.failing);
    }
}

void cupel__not_starved(void) {
    cupel__strong_note();
}

void cupel__starved(const char *text, const char *file, unsigned line) {
    const struct cupel_failing *failing = &cupel__run.failing;
    if (!cupel__run.is_failing || failing->injected + failing->injected_benign == 0) {
        cupel__fail(true, file, line, "STARVED(%s) holds, but no fault was injected", text);
    }
    if (!cupel__strong_holds()) {
        cupel__run.has_state_changed = true;
        cupel_text_add(&cupel__run.result->messages,
                       "%s:%u: %s: the call failed, and the hash of the state is another than before it\n", file, line,
                       text);
    }
    leave_body(JUMP_STARVED);
}
