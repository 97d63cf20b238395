/* A worker's life: see worker.h. It leaves by _exit, so that nothing of the supervisor's is written twice. */
#include "harness/src/worker.h"
#include "harness/src/capture.h"
#include "harness/src/checker.h"
#include "harness/src/crash_note.h"
#include "harness/src/directory.h"
#include "harness/src/evidence.h"
#include "harness/src/execute.h"
#include "harness/src/left_behind.h"
#include "harness/src/perturb.h"
#include "harness/src/wire.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
static bool is_executed; /* not forked from the supervisor: what it counts is its own to write */

static size_t shared_size(unsigned slots, uint64_t picks) {
    return sizeof(struct cupel__shared) + slots * sizeof(struct cupel__slot) + picks * sizeof(struct cupel__plan_pick);
}

static struct cupel__plan_pick *picks_of(struct cupel__shared *shared, unsigned slots) {
    return (struct cupel__plan_pick *)&shared->slots[slots];
}

bool cupel__shared_create(struct cupel__sharing *sharing, unsigned slots, const struct cupel__plan *plan) {
    size_t size = shared_size(slots, plan->pick_count);
    int low = memfd_create("cupel-workers", MFD_CLOEXEC);
    int file = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 500);
    if (file >= 0) {
        (void)close(low);
    } else {
        file = low;
    }
    if (file >= 0 && ftruncate(file, (off_t)size) != 0) { /* the limit of a file's size, or none can be made */
        (void)close(file);
        file = -1;
    }
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | (file < 0 ? MAP_ANONYMOUS : 0), file, 0);
    if (memory == MAP_FAILED) {
        if (file >= 0) {
            (void)close(file);
        }
        return false;
    }
    struct cupel__shared *shared = memory;
    shared->pick_count = plan->pick_count;
    if (plan->pick_count != 0) {
        memcpy(picks_of(shared, slots), plan->picks, plan->pick_count * sizeof *plan->picks);
    }
    for (unsigned i = 0; i < slots; i++) {
        shared->slots[i].pending = CUPEL__NO_ITEM;
        shared->slots[i].handed = CUPEL__NO_ITEM;
        shared->slots[i].unsettled = CUPEL__NO_ITEM;
    }
    *sharing = (struct cupel__sharing){shared, slots, file};
    return true;
}

void cupel__shared_destroy(struct cupel__sharing *sharing) {
    (void)munmap(sharing->shared, shared_size(sharing->slots, sharing->shared->pick_count));
    if (sharing->file >= 0) {
        (void)close(sharing->file);
    }
}

int64_t cupel__timeout_ms(const struct cupel__plan_item *item) {
    unsigned own_s = item->test->options.timeout_s;
    return own_s != 0 ? (int64_t)own_s * 1000 : cupel__settings.timeout_ms;
}

bool cupel__worker_emit(const struct cupel_result *result) {
    return record_pipe >= 0 && cupel__wire_write(record_pipe, result);
}

void cupel__worker_sweeps(const char *pass, uint64_t point, uint64_t total, unsigned findings) {
    if (own_slot != NULL) {
        atomic_store(&own_slot->sweep_point, point);
        atomic_store(&own_slot->sweep_total, total);
        atomic_store(&own_slot->sweep_findings, findings);
        atomic_store(&own_slot->sweep_pass, pass);
    }
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
    cupel__left_behind_note_limits();
    if (test->options.expect_signal != 0) {
        (void)signal(test->options.expect_signal, SIG_DFL);
        cupel__left_behind_note_handler(test->options.expect_signal);
    }
}

/* False where it failed, and one before it in this process may be to blame: nothing was told of it. */
static bool run_item(const struct cupel__plan_item *item, struct cupel__slot *slot, int output) {
    prepare_death(item->test);
    slot->result.verdict = CUPEL_VERDICT_OK;
    cupel__execute_name(item, &slot->result);
    cupel__run.shared = &slot->result;
    cupel__last_words_clear();
    cupel__limits_begin(item, &slot->limits);
    atomic_store(&slot->start_ms, cupel_clock_ms());
    atomic_store(&slot->timeout_ms, cupel__timeout_ms(item));
    atomic_store(&slot->state, CUPEL__SLOT_RUNNING);
    if (output >= 0) {
        cupel__capture_begin(output);
    }
    cupel__execute(item, &slot->result);
    cupel__limits_end(item, &slot->limits, &slot->result);
    if (output >= 0) {
        (void)fflush(stdout);
        if (cupel_result_is_failure(&slot->result) || cupel__settings.show_output) {
            cupel__capture_read(output, true, &slot->result.output);
        }
    }
    if (cupel__execute_may_lose_memory(item, &slot->result)) {
        atomic_store(&slot->has_lost_memory, true);
    }
    if (cupel_result_is_failure(&slot->result) && cupel__left_behind_was_misled()) {
        cupel__directory_done(&slot->result, false);
        atomic_store(&slot->state, CUPEL__SLOT_IDLE);
        return false;
    }
    atomic_store(&slot->state, CUPEL__SLOT_DONE);
    if (!cupel__wire_write(record_pipe, &slot->result)) {
        _exit(CUPEL_INTERNAL); /* the supervisor takes the record from the slot */
    }
    atomic_store(&slot->state, CUPEL__SLOT_IDLE);
    return true;
}

/* Whether this process serves for the item. */
static bool process_fits(const struct cupel__plan_item *item) {
    if (item->perturb == 0) {
        return cupel__perturb_process_fits(&(struct cupel__perturbation){.locale = NULL});
    }
    struct cupel__perturbation wanted = cupel__perturb_choose(item);
    return cupel__perturb_process_fits(&wanted);
}

/* Signals as a program finds them at its start. */
static void reset_signals(void) {
    sigset_t none;
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The end of a worker all of whose tests passed is where LeakSanitizer may look: it sees what malloc gave to code that
 * knows nothing of the test's allocator. */
_Noreturn static void leave(int output) {
    if (is_executed) {
        cupel__evidence_finish();
    }
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

/* Takes items until there are none, or until one wants another process. `first` is taken already. */
_Noreturn static void work(struct cupel__plan *plan, const struct cupel__worker *worker, uint64_t first) {
    struct cupel__shared *shared = worker->sharing.shared;
    struct cupel__slot *slot = own_slot;
    uint64_t index = first;
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
        bool is_alone = item.isolation == CUPEL_ISOLATE_PROCESS;
        if (!is_fresh && (is_alone || !process_fits(&item))) {
            atomic_store(&slot->pending, index);
            break;
        }
        atomic_store(&slot->item, index);
        if (!run_item(&item, slot, worker->output)) {
            atomic_store(&slot->pending, index);
            break;
        }
        atomic_store(&slot->unsettled, cupel__left_behind_is_unsettled() ? index : CUPEL__NO_ITEM);
        is_fresh = false;
        if (is_alone || cupel__left_behind_is_dirty()) {
            break;
        }
    }
    cupel__left_behind_stop();
    leave(worker->output);
}

static void prepare_worker(const struct cupel__worker *worker) {
    own_slot = &worker->sharing.shared->slots[worker->slot];
    record_pipe = worker->pipe;
    cupel__run.fault_note = &own_slot->fault_note;
    cupel__crash_note_begin(&own_slot->fault_note);
    cupel__meddler_listen(&own_slot->meddling, &own_slot->item);
    if (worker->output >= 0) {
        cupel__capture_redirect(worker->output, true);
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
    }
    cupel__checker_start();
    cupel__last_words_listen(&own_slot->last_words);
    cupel__left_behind_start(cupel__directory_of_worker(worker->slot));
}

/* Executes this program anew for an item that wants it; comes back where that is not to be had. */
static void execute_anew(const struct cupel__worker *worker, const struct cupel__perturbation *wanted) {
    char word[256];
    if (worker->sharing.file < 0) {
        return;
    }
    (void)snprintf(word, sizeof word, CUPEL__WORKER_WORD "%d,%u,%u,%d,%d,%" PRIu64 ",%d,%u", worker->sharing.file,
                   worker->sharing.slots, worker->slot, worker->pipe, worker->output, cupel__settings.seed,
                   (int)wanted->addresses, wanted->environment_bytes);
    const int kept[] = {worker->sharing.file, worker->pipe, worker->output};
    for (unsigned i = 0; i < 3; i++) {
        if (kept[i] >= 0) {
            (void)fcntl(kept[i], F_SETFD, 0);
        }
    }
    cupel__perturb_process_enter(wanted, word);
    for (unsigned i = 0; i < 3; i++) {
        if (kept[i] >= 0) {
            (void)fcntl(kept[i], F_SETFD, FD_CLOEXEC);
        }
    }
}

_Noreturn void cupel__worker_main(struct cupel__plan *plan, const struct cupel__worker *worker) {
    pid_t supervisor = getppid();
    struct cupel__shared *shared = worker->sharing.shared;
    struct cupel__slot *slot = &shared->slots[worker->slot];
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor) {
        _exit(CUPEL_INTERNAL);
    }
    reset_signals();
    uint64_t index = atomic_exchange(&slot->pending, CUPEL__NO_ITEM);
    if (index == CUPEL__NO_ITEM && !atomic_load(&shared->is_stopping)) {
        index = atomic_fetch_add(&shared->next, 1);
    }
    if (index < plan->total) {
        struct cupel__plan_item item = cupel__plan_at(plan, index);
        struct cupel__perturbation wanted = cupel__perturb_choose(&item);
        if (!cupel__perturb_process_fits(&wanted)) {
            atomic_store(&slot->pending, index);
            execute_anew(worker, &wanted);
            (void)atomic_exchange(&slot->pending, CUPEL__NO_ITEM);
        }
    }
    prepare_worker(worker);
    work(plan, worker, index);
}

/* What the word says; false where it is none of ours. */
static bool parse_word(const char *word, struct cupel__worker *worker, uint64_t *seed,
                       struct cupel__perturbation *perturbation) {
    int addresses = 0;
    int got = sscanf(word, CUPEL__WORKER_WORD "%d,%u,%u,%d,%d,%" SCNu64 ",%d,%u", &worker->sharing.file,
                     &worker->sharing.slots, &worker->slot, &worker->pipe, &worker->output, seed, &addresses,
                     &perturbation->environment_bytes);
    perturbation->addresses = (enum cupel__addresses)addresses;
    return got == 8 && worker->slot < worker->sharing.slots && worker->sharing.slots <= CUPEL__JOBS_MAX;
}

bool cupel__worker_seed(const char *word, uint64_t *seed) {
    struct cupel__worker worker;
    struct cupel__perturbation perturbation;
    return parse_word(word, &worker, seed, &perturbation);
}

_Noreturn void cupel__worker_entered(struct cupel__plan *plan, const char *word) {
    struct cupel__worker worker;
    struct cupel__perturbation perturbation;
    uint64_t seed;
    struct stat status;
    if (!parse_word(word, &worker, &seed, &perturbation) || fstat(worker.sharing.file, &status) != 0) {
        _exit(CUPEL_INTERNAL);
    }
    void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, worker.sharing.file, 0);
    if (memory == MAP_FAILED) {
        _exit(CUPEL_INTERNAL);
    }
    (void)fcntl(worker.pipe, F_SETFD, FD_CLOEXEC);
    (void)fcntl(worker.sharing.file, F_SETFD, FD_CLOEXEC);
    if (worker.output >= 0) {
        (void)fcntl(worker.output, F_SETFD, FD_CLOEXEC);
    }
    worker.sharing.shared = memory;
    cupel__directory_adopt(worker.sharing.shared->directory);
    if (worker.sharing.shared->pick_count != 0) {
        *plan = cupel__plan_of_picks(plan, picks_of(worker.sharing.shared, worker.sharing.slots),
                                     worker.sharing.shared->pick_count);
    }
    cupel__perturb_process_entered(perturbation.addresses, perturbation.environment_bytes);
    prepare_worker(&worker);
    atomic_store(&own_slot->is_foreign, true);
    is_executed = true;
    cupel__evidence_start();
    work(plan, &worker, atomic_exchange(&own_slot->pending, CUPEL__NO_ITEM));
}
