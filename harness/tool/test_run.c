/* Runs test programs and gathers their records: each writes them to a pipe, so that this process is the only one that
 * reports. See test.h. */
#include "harness/src/report.h"
#include "harness/src/settings.h"
#include "harness/src/wire.h"
#include "harness/tool/test.h"

#include "alloc/base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 64, WAIT_MS = 200 };

struct job {
    pid_t pid; /* 0: none */
    const char *program;
    struct cupel__wire_reader reader;
    unsigned long long failures; /* of its records */
    bool has_junk;               /* what it sent was no record */
};

static struct job jobs[JOBS_MAX];
static struct cupel_result record;
static bool is_stopping;
static cupel__test_take on_record; /* of the present run */
static volatile sig_atomic_t has_interrupt;

static void note_interrupt(int number) {
    (void)number;
    has_interrupt = 1;
}

/* In the child. `records` is -1 where it writes none. */
_Noreturn static void become_program(const struct cupel__test_run *run, const char *program, int records) {
    const char *words[CUPEL__WRAP_MAX + CUPEL__PASSED_ON_MAX + 5];
    char report[64];
    char sites[5100] = "--sites=";
    size_t count = 0;
    for (size_t i = 0; i < run->wrap_count; i++) {
        words[count++] = run->wrap[i];
    }
    words[count++] = program;
    if (records >= 0) {
        (void)snprintf(report, sizeof report, "--report=records:%d", records);
        (void)fcntl(records, F_SETFD, 0);
        words[count++] = "--style=none";
        words[count++] = report;
    }
    if (records >= 0 && run->sites != NULL) {
        size_t used = strlen(sites);
        cupel__test_sites_part(run->sites, program, sites + used, sizeof sites - used);
        words[count++] = sites;
    }
    for (size_t i = 0; i < run->passed_on_count; i++) {
        words[count++] = run->passed_on[i];
    }
    words[count] = NULL;
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)execvp(words[0], (char *const *)(uintptr_t)words);
    cupel_message("%s: %s", words[0], strerror(errno));
    _exit(CUPEL_LACKING);
}

static bool spawn(struct job *job, const struct cupel__test_run *run, const char *program) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        become_program(run, program, ends[1]);
    }
    (void)close(ends[1]);
    if (pid < 0 || !cupel__wire_reader_init(&job->reader, ends[0])) {
        (void)close(ends[0]);
        return false;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    job->pid = pid;
    job->program = program;
    job->failures = 0;
    job->has_junk = false;
    return true;
}

static void drain(struct job *job) {
    struct cupel_error error = {.text = ""};
    do {
        while (cupel__wire_next(&job->reader, &record, &error)) {
            job->failures += cupel_result_is_failure(&record);
            cupel__reports_take(&record);
            if (on_record != NULL) {
                on_record(job->program, &record);
            }
        }
    } while (cupel__wire_fill(&job->reader));
    if (error.text[0] != '\0') {
        cupel_message("%s: %s", job->program, error.text);
        job->has_junk = true;
    }
}

/* A program whose end no record explains is a failure of its own. */
static int judge(const struct job *job, int status) {
    if (is_stopping && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) {
        return CUPEL_OK; /* it was told to stop when it was about to end */
    }
    int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (!job->has_junk && (exit_status == CUPEL_OK || exit_status == CUPEL_NOTHING || exit_status == CUPEL_SKIPPED ||
                           exit_status == CUPEL_INTERRUPTED || (exit_status == CUPEL_FAILED && job->failures != 0))) {
        return CUPEL_OK;
    }
    if (exit_status == CUPEL_USAGE || exit_status == CUPEL_LACKING || exit_status == CUPEL_OUTPUT) {
        return exit_status;
    }
    cupel_result_clear(&record);
    const char *slash = strrchr(job->program, '/');
    record.program = job->program;
    record.suite = "program";
    record.name = slash == NULL ? job->program : slash + 1;
    record.file = job->program;
    record.verdict = CUPEL_VERDICT_CRASH;
    record.seed = cupel__settings.seed;
    record.failures = 1;
    record.exit_status = exit_status;
    record.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (job->has_junk) {
        cupel_text_add(&record.messages, "what the program sent is no stream of result records\n");
    } else if (record.signal != 0) {
        cupel_text_add(&record.messages, "the program itself died by signal %d\n", record.signal);
    } else {
        cupel_text_add(&record.messages, "the program itself ended with status %d, which none of its tests explains\n",
                       exit_status);
    }
    cupel__reports_take(&record);
    if (on_record != NULL) {
        on_record(job->program, &record);
    }
    return CUPEL_OK;
}

static int finish(struct job *job) {
    int status = 0;
    if (job->reader.is_ended) { /* before the wait: what goes on sending what is no record must not wait for us */
        (void)close(job->reader.fd);
    }
    while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!job->reader.is_ended) {
        drain(job);
        (void)close(job->reader.fd);
    }
    cupel__wire_reader_deinit(&job->reader);
    job->pid = 0;
    return judge(job, status);
}

static void stop_all(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (jobs[i].pid != 0) {
            (void)kill(jobs[i].pid, SIGINT);
        }
    }
}

/* Waits for records and ends; returns the worst status of what ended. */
static int step(unsigned job_count) {
    struct pollfd polls[JOBS_MAX];
    int worst = CUPEL_OK;
    for (unsigned i = 0; i < job_count; i++) {
        polls[i] = (struct pollfd){.fd = jobs[i].pid != 0 ? jobs[i].reader.fd : -1, .events = POLLIN};
    }
    (void)poll(polls, job_count, WAIT_MS);
    for (unsigned i = 0; i < job_count; i++) {
        if (jobs[i].pid == 0) {
            continue;
        }
        drain(&jobs[i]);
        siginfo_t info = {.si_pid = 0};
        /* Something that a test left behind may hold the pipe open: the process's own end counts. */
        bool has_ended =
            jobs[i].reader.is_ended ||
            (waitid(P_PID, (id_t)jobs[i].pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0);
        if (has_ended) {
            int status = finish(&jobs[i]);
            worst = worst == CUPEL_OK ? status : worst;
        }
    }
    return worst;
}

static unsigned alive(unsigned count) {
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += jobs[i].pid != 0;
    }
    return sum;
}

int cupel__test_run(const struct cupel__test_run *run, bool *is_interrupted, bool *is_cut) {
    struct sigaction action = {.sa_handler = note_interrupt};
    unsigned job_count = run->jobs < JOBS_MAX ? run->jobs : JOBS_MAX;
    size_t next = 0;
    int worst = CUPEL_OK;
    is_stopping = false;
    on_record = run->on_record;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    while (alive(job_count) != 0 || (!is_stopping && next < run->programs->count)) {
        for (unsigned i = 0; i < job_count && !is_stopping && next < run->programs->count; i++) {
            if (jobs[i].pid == 0 && !spawn(&jobs[i], run, run->programs->paths[next++])) {
                cupel_message("cannot start a program: %s", strerror(errno));
                worst = CUPEL_LACKING;
                is_stopping = true;
            }
        }
        int status = step(job_count);
        worst = worst == CUPEL_OK ? status : worst;
        bool is_over = run->failure_limit != 0 && cupel__reports_totals()->failed >= run->failure_limit;
        if (!is_stopping && (has_interrupt || is_over)) {
            is_stopping = true;
            *is_interrupted = has_interrupt != 0;
            *is_cut = is_over;
            stop_all(job_count);
        }
    }
    return worst;
}

int cupel__test_run_plain(const struct cupel__test_run *run) {
    int worst = CUPEL_NOTHING;
    for (size_t i = 0; i < run->programs->count; i++) {
        (void)fflush(NULL);
        pid_t pid = fork();
        int status = 0;
        if (pid == 0) {
            become_program(run, run->programs->paths[i], -1);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid) {
            cupel_message("%s: %s", run->programs->paths[i], strerror(errno));
            return CUPEL_LACKING;
        }
        int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : CUPEL_INTERNAL;
        if (exit_status == CUPEL_OK) {
            worst = worst == CUPEL_NOTHING ? CUPEL_OK : worst;
        } else if (exit_status != CUPEL_NOTHING) {
            worst = exit_status;
        }
    }
    return worst;
}
