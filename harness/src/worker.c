/* A worker's life: see worker.h. It leaves by _exit, so that nothing of the supervisor's is written twice. */
#include "harness/src/worker.h"
#include "harness/src/capture.h"
#include "harness/src/execute.h"
#include "harness/src/wire.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#endif

/* Where extra records go: set in a worker only. */
static int record_pipe = -1;
static struct cupel__slot *own_slot;

static size_t shared_size(unsigned slots) {
    return sizeof(struct cupel__shared) + slots * sizeof(struct cupel__slot);
}

struct cupel__shared *cupel__shared_create(unsigned slots) {
    void *memory = mmap(NULL, shared_size(slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    struct cupel__shared *shared = memory;
    for (unsigned i = 0; i < slots; i++) {
        shared->slots[i].pending = CUPEL__NO_ITEM;
        shared->slots[i].handed = CUPEL__NO_ITEM;
    }
    return shared;
}

void cupel__shared_destroy(struct cupel__shared *shared, unsigned slots) {
    (void)munmap(shared, shared_size(slots));
}

int64_t cupel__timeout_ms(const struct cupel__plan_item *item) {
    unsigned own_s = item->test->options.timeout_s;
    return own_s != 0 ? (int64_t)own_s * 1000 : cupel__settings.timeout_ms;
}

bool cupel__worker_emit(const struct cupel_result *result) {
    return record_pipe >= 0 && cupel__wire_write(record_pipe, result);
}

void cupel__worker_is_alive(void) {
    if (own_slot != NULL) {
        atomic_store(&own_slot->start_ms, cupel_clock_ms());
    }
}

/* A signal that the test shall die by must neither be caught by a sanitizer nor leave a core behind. */
static void prepare_death(const struct cupel_test *test) {
    if (test->options.expect_signal == 0 && test->options.expect_exit == 0) {
        return;
    }
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    if (test->options.expect_signal != 0) {
        (void)signal(test->options.expect_signal, SIG_DFL);
    }
}

static void run_item(const struct cupel__plan_item *item, struct cupel__slot *slot, int output) {
    prepare_death(item->test);
    slot->result.verdict = CUPEL_VERDICT_OK;
    cupel__execute_name(item, &slot->result);
    cupel__run.shared = &slot->result;
    atomic_store(&slot->start_ms, cupel_clock_ms());
    atomic_store(&slot->timeout_ms, cupel__timeout_ms(item));
    atomic_store(&slot->state, CUPEL__SLOT_RUNNING);
    if (output >= 0) {
        cupel__capture_begin(output);
    }
    cupel__execute(item, &slot->result);
    if (output >= 0) {
        (void)fflush(stdout);
        if (cupel_result_is_failure(&slot->result) || cupel__settings.show_output) {
            cupel__capture_read(output, true, &slot->result.output);
        }
    }
    if (cupel__execute_may_lose_memory(item, &slot->result)) {
        atomic_store(&slot->has_lost_memory, true);
    }
    atomic_store(&slot->state, CUPEL__SLOT_DONE);
    if (!cupel__wire_write(record_pipe, &slot->result)) {
        _exit(CUPEL_INTERNAL); /* the supervisor takes the record from the slot */
    }
    atomic_store(&slot->state, CUPEL__SLOT_IDLE);
}

/* Signals as a program finds them at its start. */
static void reset_signals(void) {
    sigset_t none;
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The end of a worker all of whose tests passed is where LeakSanitizer may look: it sees what malloc gave to code that
 * knows nothing of the test's allocator. */
_Noreturn static void leave(int output) {
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
    if (!atomic_load(&own_slot->has_lost_memory)) {
        if (output >= 0) {
            cupel__capture_begin(output);
        }
        if (__lsan_do_recoverable_leak_check() != 0) {
            _exit(CUPEL_FAILED);
        }
    }
#else
    (void)output;
#endif
    _exit(CUPEL_OK);
}

_Noreturn void cupel__worker_main(struct cupel__plan *plan, struct cupel__shared *shared, struct cupel__slot *slot,
                                  int pipe, int output) {
    pid_t supervisor = getppid();
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor) {
        _exit(CUPEL_INTERNAL);
    }
    reset_signals();
    record_pipe = pipe;
    own_slot = slot;
    cupel__run.fault_note = &slot->fault_note;
    if (output >= 0) {
        cupel__capture_redirect(output, true);
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
    }
    uint64_t index = atomic_exchange(&slot->pending, CUPEL__NO_ITEM);
    for (bool is_fresh = true; !atomic_load(&shared->is_stopping); index = CUPEL__NO_ITEM) {
        if (index == CUPEL__NO_ITEM) {
            index = atomic_fetch_add(&shared->next, 1);
        }
        if (index >= plan->total) {
            break;
        }
        struct cupel__plan_item item = cupel__plan_at(plan, index);
        if (item.isolation == CUPEL_ISOLATE_NONE) {
            /* The supervisor runs it between two workers. */
            atomic_store(&slot->handed, index);
            break;
        }
        if (item.isolation == CUPEL_ISOLATE_PROCESS && !is_fresh) {
            atomic_store(&slot->pending, index);
            break;
        }
        atomic_store(&slot->item, index);
        run_item(&item, slot, output);
        is_fresh = false;
        if (item.isolation == CUPEL_ISOLATE_PROCESS) {
            break;
        }
    }
    leave(output);
}
