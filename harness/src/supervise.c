/* See supervise.h. Signals are blocked but while it waits, so that none is missed; children are reaped where the wait
 * returned. Each worker leads a process group, which is killed whole when the worker ends, however it ended. */
#include "harness/src/supervise.h"
#include "harness/src/capture.h"
#include "harness/src/checker.h"
#include "harness/src/child.h"
#include "harness/src/directory.h"
#include "harness/src/here.h"
#include "harness/src/left_behind.h"
#include "harness/src/obituary.h"
#include "harness/src/perturb.h"
#include "harness/src/report.h"
#include "harness/src/symbolise.h"
#include "harness/src/wire.h"
#include "harness/src/worker.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 250, LIMITED_TICK_MS = 5, EARLY_DEATHS_MAX = 3 };

struct job {
    pid_t pid; /* 0: none */
    struct cupel__wire_reader reader;
    int output; /* capture file, or -1 */
    struct cupel__slot *slot;
    enum cupel__death_cause cause; /* why we killed it, if we did */
    uint64_t cause_item;
    int stop_signal;      /* by which it stopped, where that is the cause */
    int64_t memory_bytes; /* by which it grew, where that is the cause */
    uint64_t suspect;     /* item that may have set those limits: the next record tells; or CUPEL__NO_ITEM */
    char executed[32];    /* the program that its process had become; "": it had not */
    char limits[512];     /* of its process, where they were others than ours when it ended */
    bool has_sent;        /* a record came from this process */
};

struct supervisor {
    struct cupel__plan *plan;
    struct cupel__shared *shared;
    struct cupel__sharing sharing;
    bool (*take)(const struct cupel_result *result);
    struct cupel__run_end *end;
    struct cupel_error *error;
    struct job jobs[CUPEL__JOBS_MAX];
    unsigned job_count;
    unsigned early_deaths;
    int64_t deadline_ms; /* of the run; 0: none */
    bool has_failed;     /* the machine failed us; the text is in *error */
    sigset_t original_mask;
    struct cupel__limited limited; /* as we have it */
};

static struct supervisor supervisor;
static struct cupel_result record;
static volatile sig_atomic_t has_child_ended;

static void note_signal(int number, siginfo_t *info, void *context) {
    (void)context;
    if (number == SIGCHLD) {
        has_child_ended = 1;
    } else {
        cupel__meddler_note(number, info);
    }
}

static void fail_run(const char *what) {
    if (!supervisor.has_failed) {
        (void)cupel_error_set(supervisor.error, 0, 0, "%s: %s", what, strerror(errno));
    }
    supervisor.has_failed = true;
    atomic_store(&supervisor.shared->is_stopping, true);
}

static void kill_group(const struct job *job) {
    if (job->pid != 0) {
        (void)kill(-job->pid, SIGKILL);
        (void)kill(job->pid, SIGKILL); /* it may not lead its group yet */
    }
}

static void stop_at_once(void) {
    atomic_store(&supervisor.shared->is_stopping, true);
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        kill_group(&supervisor.jobs[i]);
    }
}

static void give(const struct cupel_result *result) {
    static struct cupel_result shown;
    if (cupel_result_is_failure(result) && cupel__symbolise_is_needed(&result->messages)) {
        cupel_result_copy(&shown, result);
        cupel__symbolise(&shown.messages);
        result = &shown;
    }
    if (!supervisor.end->is_cut && !supervisor.take(result)) {
        supervisor.end->is_cut = true;
        stop_at_once();
    }
}

static bool spawn(struct job *job) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        fail_run("pipe");
        return false;
    }
    int high = fcntl(ends[1], F_DUPFD_CLOEXEC, 500); /* out of the way of the tests */
    if (high >= 0) {
        (void)close(ends[1]);
        ends[1] = high;
    }
    atomic_store(&job->slot->has_lost_memory, false);
    atomic_store(&job->slot->is_foreign, false);
    atomic_store(&job->slot->unsettled, CUPEL__NO_ITEM);
    (void)fflush(NULL); /* what is buffered here must not be written there too */
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        cupel__worker_main(supervisor.plan, &(struct cupel__worker){.sharing = supervisor.sharing,
                                                                    .slot = (unsigned)(job - supervisor.jobs),
                                                                    .pipe = ends[1],
                                                                    .output = job->output});
    }
    (void)close(ends[1]);
    if (pid < 0 || !cupel__wire_reader_init(&job->reader, ends[0])) {
        (void)close(ends[0]);
        fail_run("cannot start a worker");
        return false;
    }
    (void)setpgid(pid, pid); /* the child does the same; whoever comes first */
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    job->pid = pid;
    job->cause = CUPEL__DEATH_OWN;
    job->has_sent = false;
    return true;
}

/* The worker died with other limits than ours, behind a test that was not looked at: one of the two is to blame. What
 * died runs once more, in a process that is as it should be. */
static bool is_suspicious(struct job *job) {
    uint64_t index = atomic_exchange(&job->slot->unsettled, CUPEL__NO_ITEM);
    job->suspect = job->limits[0] != '\0' && job->suspect == CUPEL__NO_ITEM ? index : CUPEL__NO_ITEM;
    return job->suspect != CUPEL__NO_ITEM;
}

/* What died passed then. */
static void blame_suspect(struct job *job) {
    static struct cupel_text text;
    struct cupel__plan_item item = cupel__plan_at(supervisor.plan, job->suspect);
    text.length = 0;
    cupel_text_add(&text, "%s:%u: left behind: %s\n", item.test->file, item.test->line, job->limits);
    cupel__left_behind_blame(&item, &text);
}

static void drain(struct job *job) {
    struct cupel_error error = {.text = ""};
    do {
        while (cupel__wire_next(&job->reader, &record, &error)) {
            job->has_sent = true;
            give(&record);
            if (job->suspect != CUPEL__NO_ITEM && !cupel_result_is_failure(&record)) {
                blame_suspect(job);
            }
            job->suspect = CUPEL__NO_ITEM;
        }
    } while (cupel__wire_fill(&job->reader));
}

/* The record of a worker that executed itself: what points into its image is said anew. */
static void naturalise(struct cupel__slot *slot, const struct cupel__plan_item *item) {
    slot->result.program = cupel__settings.program;
    slot->result.suite = item->test->suite;
    slot->result.name = item->test->name;
    slot->result.file = item->test->file;
    slot->result.failure_file = NULL;
    slot->result.failure_line = 0;
    slot->fault_note.frame_count = 0;
    slot->fault_note.death_frame_count = 0;
}

/* The test that a dead worker was running gets its record from shared memory. */
static void bury(struct job *job, int status) {
    struct cupel__slot *slot = job->slot;
    int state = atomic_load(&slot->state);
    atomic_store(&slot->state, CUPEL__SLOT_IDLE);
    if (state == CUPEL__SLOT_IDLE || supervisor.end->is_interrupted || supervisor.end->is_cut) {
        return;
    }
    struct cupel__plan_item item = cupel__plan_at(supervisor.plan, atomic_load(&slot->item));
    if (atomic_load(&slot->is_foreign)) {
        naturalise(slot, &item);
    }
    if (state == CUPEL__SLOT_DONE) {
        bool has_closed = WIFEXITED(status) && WEXITSTATUS(status) == CUPEL_INTERNAL;
        cupel_text_add(&slot->result.messages, has_closed ? "the test closed the harness's own descriptor\n"
                                                          : "the worker died after the test had ended\n");
        slot->result.verdict = has_closed ? CUPEL_VERDICT_WRONG : CUPEL_VERDICT_CRASH;
        if (!has_closed && job->output >= 0) {
            cupel__capture_read(job->output, false, &slot->result.output);
        }
        give(&slot->result);
        return;
    }
    if (job->cause != CUPEL__DEATH_OWN && atomic_load(&slot->item) != job->cause_item) {
        atomic_store(&slot->pending, atomic_load(&slot->item)); /* the one we meant had just ended */
        return;
    }
    if (job->cause == CUPEL__DEATH_OWN && is_suspicious(job)) {
        atomic_store(&slot->pending, atomic_load(&slot->item)); /* once more, in a process that is as it should be */
        return;
    }
    slot->result.duration_ns = (cupel_clock_ms() - atomic_load(&slot->start_ms)) * 1000000;
    struct cupel__death_facts facts = {.status = status,
                                       .cause = job->cause,
                                       .executed = job->executed,
                                       .stop_signal = job->stop_signal,
                                       .memory_bytes = job->memory_bytes,
                                       .output = job->output,
                                       .fault_note = &slot->fault_note,
                                       .last_words = &slot->last_words,
                                       .limits = &slot->limits};
    cupel__obituary(&item, &facts, &slot->result);
    cupel__perturb_note(&item, &slot->result.messages);
    give(&slot->result);
}

/* The item that a worker handed up runs in this process, with the signals as the program found them. */
static void run_handed(struct job *job) {
    uint64_t index = atomic_exchange(&job->slot->handed, CUPEL__NO_ITEM);
    if (index == CUPEL__NO_ITEM || atomic_load(&supervisor.shared->is_stopping)) {
        return;
    }
    sigset_t blocked;
    (void)sigprocmask(SIG_SETMASK, &supervisor.original_mask, &blocked);
    struct cupel__plan_item item = cupel__plan_at(supervisor.plan, index);
    cupel__here_begin(job->output);
    cupel__here_run(&item, &record);
    cupel__here_end();
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
    give(&record);
}

static bool has_more(const struct job *job) {
    const struct cupel__shared *shared = supervisor.shared;
    return !atomic_load(&shared->is_stopping) &&
           (atomic_load(&job->slot->pending) != CUPEL__NO_ITEM || atomic_load(&shared->next) < supervisor.plan->total);
}

/* A worker that ran its tests and then ended with a status of its own: a tool around it (valgrind, LeakSanitizer)
 * looked at the end and found something. */
static void blame_checker(struct job *job, pid_t pid, int status, bool was_idle) {
    if (!was_idle || atomic_load(&job->slot->has_lost_memory) || supervisor.end->is_interrupted ||
        supervisor.end->is_cut || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        return;
    }
    /* LCOV_EXCL_START(only where a sanitizer or valgrind looks at the end of a worker) */
    cupel_result_clear(&record);
    record.program = cupel__settings.program;
    record.suite = "worker";
    record.name = "end";
    record.file = cupel__settings.program;
    record.seed = cupel__settings.seed;
    record.failures = 1;
    record.verdict = CUPEL_VERDICT_LEAK;
    record.isolation = CUPEL_ISOLATE_WORKER;
    cupel__obituary_describe(status, &record);
    cupel_text_add(&record.messages, "after its last test: a checker around it found something\n");
    cupel__checker_start();
    (void)cupel__checker_tell(pid, &record.messages);
    if (job->output >= 0) {
        cupel__capture_read(job->output, false, &record.output);
    }
    give(&record);
    /* LCOV_EXCL_STOP */
}

static void finish(struct job *job, int status) {
    pid_t pid = job->pid;
    (void)kill(-job->pid, SIGKILL);
    drain(job);
    bool was_idle = atomic_load(&job->slot->state) == CUPEL__SLOT_IDLE;
    bool is_early = !job->has_sent && atomic_load(&job->slot->state) == CUPEL__SLOT_IDLE &&
                    atomic_load(&job->slot->handed) == CUPEL__NO_ITEM &&
                    !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(job->reader.fd);
    cupel__wire_reader_deinit(&job->reader);
    job->pid = 0;
    bury(job, status);
    if (job->has_sent && !is_early && job->cause == CUPEL__DEATH_OWN) {
        blame_checker(job, pid, status, was_idle);
    }
    run_handed(job);
    supervisor.early_deaths = is_early ? supervisor.early_deaths + 1 : 0;
    if (supervisor.early_deaths == EARLY_DEATHS_MAX) {
        errno = ECHILD;
        fail_run("workers die before they run a test");
    }
    if (has_more(job)) {
        (void)spawn(job);
    }
}

/* Ends the worker on account of its running test. */
static void end_job(struct job *job, enum cupel__death_cause cause) {
    if (job->cause == CUPEL__DEATH_OWN) {
        job->cause = cause;
        job->cause_item = atomic_load(&job->slot->item);
        kill_group(job);
    }
}

/* Of a worker that ended on a test: what is known only until it is waited for. */
static void note_end(void) {
    siginfo_t info = {.si_pid = 0};
    (void)waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        struct job *job = &supervisor.jobs[i];
        if (job->pid != 0 && job->pid == info.si_pid && atomic_load(&job->slot->state) == CUPEL__SLOT_RUNNING) {
            job->limits[0] = job->executed[0] = '\0';
            (void)(job->slot->limits.descriptors == 0 &&
                   cupel__limited_of(job->pid, &supervisor.limited, job->limits, sizeof job->limits));
            (void)(!atomic_load(&job->slot->is_foreign) &&
                   cupel__child_has_executed(job->pid, job->executed, sizeof job->executed));
        }
    }
}

static void reap(void) {
    has_child_ended = 0;
    int status;
    for (pid_t pid; note_end(), (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
        for (unsigned i = 0; i < supervisor.job_count; i++) {
            struct job *job = &supervisor.jobs[i];
            if (job->pid == pid && WIFSTOPPED(status)) { /* nobody would ever wake it */
                job->stop_signal = WSTOPSIG(status);
                end_job(job, CUPEL__DEATH_STOPPED);
                break;
            }
            if (job->pid == pid) {
                finish(job, status);
                break;
            }
        }
    }
}

/* Kills what runs too long or prints too much. Returns the time until it has to look again. */
static int64_t check_limits(void) {
    int64_t now_ms = cupel_clock_ms();
    int64_t wait_ms = TICK_MS;
    if (supervisor.deadline_ms != 0 && now_ms >= supervisor.deadline_ms) {
        atomic_store(&supervisor.shared->is_stopping, true);
    }
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        struct job *job = &supervisor.jobs[i];
        struct cupel__slot *slot = job->slot;
        if (job->pid == 0 || job->cause != CUPEL__DEATH_OWN || atomic_load(&slot->state) != CUPEL__SLOT_RUNNING) {
            continue;
        }
        int64_t timeout_ms = atomic_load(&slot->timeout_ms);
        int64_t left_ms = timeout_ms == 0 ? INT64_MAX : atomic_load(&slot->start_ms) + timeout_ms - now_ms;
        bool prints_too_much =
            job->output >= 0 && cupel__capture_size(job->output) > cupel__settings.output_limit_bytes;
        job->memory_bytes = cupel__limits_exceeded(job->pid, &slot->limits);
        if (job->memory_bytes != 0) {
            end_job(job, CUPEL__DEATH_MEMORY);
        } else if (left_ms <= 0 || prints_too_much) {
            end_job(job, prints_too_much ? CUPEL__DEATH_OUTPUT : CUPEL__DEATH_TIMEOUT);
        }
        wait_ms = left_ms > 0 && left_ms < wait_ms ? left_ms : wait_ms;
        if (atomic_load(&slot->limits.is_own) && wait_ms > LIMITED_TICK_MS) {
            wait_ms = LIMITED_TICK_MS;
        }
    }
    return wait_ms;
}

static void wait_for_news(int64_t wait_ms) {
    struct pollfd polls[CUPEL__JOBS_MAX];
    struct timespec timeout = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        const struct job *job = &supervisor.jobs[i];
        bool is_open = job->pid != 0 && !job->reader.is_ended;
        polls[i] = (struct pollfd){.fd = is_open ? job->reader.fd : -1, .events = POLLIN};
    }
    sigset_t mask = supervisor.original_mask;
    (void)sigdelset(&mask, SIGCHLD);
    (void)sigdelset(&mask, SIGINT);
    (void)sigdelset(&mask, SIGTERM);
    if (ppoll(polls, supervisor.job_count, &timeout, &mask) <= 0) {
        return;
    }
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        if (polls[i].revents != 0) {
            drain(&supervisor.jobs[i]);
        }
    }
}

static bool is_any_alive(void) {
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        if (supervisor.jobs[i].pid != 0) {
            return true;
        }
    }
    return false;
}

/* How far the sweeps are that go on. */
static void show_sweeps(void) {
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        struct cupel__slot *slot = supervisor.jobs[i].slot;
        const char *pass = atomic_load(&slot->sweep_pass);
        if (supervisor.jobs[i].pid != 0 && pass != NULL && !atomic_load(&slot->is_foreign) &&
            atomic_load(&slot->state) == CUPEL__SLOT_RUNNING) {
            char title[512];
            char text[1024];
            struct cupel__plan_item item = cupel__plan_at(supervisor.plan, atomic_load(&slot->item));
            (void)cupel__plan_title(item.test, item.row, title, sizeof title);
            (void)snprintf(text, sizeof text, "%s: %s, fault %" PRIu64 " of %" PRIu64 "; %" PRIu64 " findings", title,
                           pass, atomic_load(&slot->sweep_point), atomic_load(&slot->sweep_total),
                           atomic_load(&slot->sweep_findings));
            cupel__reports_progress(text);
        }
    }
}

/* The worker that runs that item, or something that it started, sent that signal: a finding, and the run goes on. */
static void accuse(uint64_t index, int number, bool is_sure) {
    struct cupel__plan_item item = cupel__plan_at(supervisor.plan, index);
    cupel__execute_name(&item, &record);
    record.verdict = CUPEL_VERDICT_WRONG;
    record.failures = 1;
    cupel_text_add(&record.messages, "%s:%u: it sent the runner signal %d (SIG%s)\n%s", item.test->file,
                   item.test->line, number, sigabbrev_np(number),
                   is_sure ? "" : "by this test or one of those before it in the same process\n");
    give(&record);
}

/* Signals that are to end the run; those of tests do not. */
static void take_signals(void) {
    struct cupel__meddler_signal signal;
    while (cupel__meddler_next(&signal)) {
        bool is_ours = false;
        for (unsigned i = 0; i < supervisor.job_count && !is_ours; i++) {
            struct job *job = &supervisor.jobs[i];
            uint64_t index;
            bool is_sure = cupel__meddler_take(&job->slot->meddling, signal.number, &index);
            is_ours = is_sure || cupel__meddler_is_of(signal.sender, job->pid);
            if (is_ours) {
                accuse(is_sure ? index : atomic_load(&job->slot->item), signal.number, is_sure);
            }
        }
        if (!is_ours && !supervisor.end->is_interrupted) {
            supervisor.end->is_interrupted = true;
            stop_at_once();
        }
    }
}

static void loop(void) {
    while (is_any_alive()) {
        wait_for_news(check_limits());
        if (cupel__settings.sweep) {
            show_sweeps();
        }
        take_signals();
        reap();
    }
}

static void begin_signals(struct sigaction previous[4]) {
    static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO};
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    for (unsigned i = 0; i < 4; i++) {
        (void)sigaddset(&blocked, numbers[i]);
        (void)sigaction(numbers[i], &action, &previous[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &blocked, &supervisor.original_mask);
    has_child_ended = 0;
}

static void end_signals(const struct sigaction previous[4]) {
    static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    (void)sigprocmask(SIG_SETMASK, &supervisor.original_mask, NULL); /* what a test sent at the very end is ours */
    take_signals();
    for (unsigned i = 0; i < 4; i++) {
        (void)sigaction(numbers[i], &previous[i], NULL);
    }
}

/* Workers that execute the program anew learn of it there. */
static void begin_directory(void) {
    cupel__directory_begin_run();
    (void)snprintf(supervisor.sharing.shared->directory, sizeof supervisor.sharing.shared->directory, "%s",
                   cupel__directory_of_run());
}

/* In this very process, but for the tests that must have one of their own. */
static void run_here(void) {
    struct job *job = &supervisor.jobs[0];
    cupel__here_begin(job->output);
    for (uint64_t index = 0; index < supervisor.plan->total && !atomic_load(&supervisor.shared->is_stopping); index++) {
        struct cupel__plan_item item = cupel__plan_at(supervisor.plan, index);
        if (item.isolation == CUPEL_ISOLATE_NONE) {
            cupel__here_run(&item, &record);
            give(&record);
        } else {
            struct sigaction previous[4];
            begin_signals(previous);
            begin_directory();
            atomic_store(&supervisor.shared->next, UINT64_MAX / 2); /* this one only */
            atomic_store(&job->slot->pending, index);
            if (spawn(job)) {
                loop();
            }
            end_signals(previous);
        }
        if (cupel__here_is_interrupted()) {
            supervisor.end->is_interrupted = true;
        }
        if (supervisor.end->is_interrupted ||
            (supervisor.deadline_ms != 0 && cupel_clock_ms() >= supervisor.deadline_ms)) {
            break;
        }
    }
    cupel__here_end();
}

static void run_workers(void) {
    struct sigaction previous[4];
    begin_signals(previous);
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        if (!has_more(&supervisor.jobs[i]) || !spawn(&supervisor.jobs[i])) {
            break;
        }
    }
    loop();
    cupel__child_end_orphans();
    end_signals(previous);
}

bool cupel__supervise(struct cupel__plan *plan, bool (*take)(const struct cupel_result *result),
                      struct cupel__run_end *end, struct cupel_error *error) {
    const struct cupel__settings *settings = plan->settings;
    bool is_here = settings->isolate == 2;
    supervisor = (struct supervisor){.plan = plan, .take = take, .end = end, .error = error};
    cupel__limited_note(&supervisor.limited);
    supervisor.job_count = is_here ? 1 : (unsigned)settings->jobs;
    if (supervisor.job_count > plan->total) {
        supervisor.job_count = (unsigned)plan->total;
    }
    if (!cupel__shared_create(&supervisor.sharing, supervisor.job_count, plan)) {
        return cupel_error_set(error, 0, 0, "no memory to share with workers: %s", strerror(errno));
    }
    supervisor.shared = supervisor.sharing.shared;
    if (settings->for_ms != 0 && plan->picks == NULL) {
        supervisor.deadline_ms = cupel_clock_ms() + settings->for_ms;
    }
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        supervisor.jobs[i].suspect = CUPEL__NO_ITEM;
        supervisor.jobs[i].slot = &supervisor.shared->slots[i];
        supervisor.jobs[i].output = settings->capture ? cupel__capture_open() : -1;
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (is_here) { /* which may end in a debugger: no directory before one is asked for */
        run_here();
    } else {
        begin_directory();
        run_workers();
    }
    cupel__directory_end_run();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 0);
    for (unsigned i = 0; i < supervisor.job_count; i++) {
        if (supervisor.jobs[i].output >= 0) {
            (void)close(supervisor.jobs[i].output);
        }
    }
    cupel__shared_destroy(&supervisor.sharing);
    return !supervisor.has_failed;
}

void cupel__emit(const struct cupel_result *result) {
    if (!cupel__worker_emit(result)) {
        give(result);
    }
}
