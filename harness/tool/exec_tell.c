/* Records of foreign programs: see exec.h. */
#include "harness/src/report.h"
#include "harness/src/settings.h"
#include "harness/tool/exec.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_SHOWN_MAX = 8192, COMMAND_MAX = 8192, ANSWER_MAX = 16384 };

static struct cupel_result record;
static struct cupel__exec_cases cases;
static char command[COMMAND_MAX];

/* A word for the shell: quoted where it must be. */
static void add_word(char *text, size_t size, const char *word) {
    size_t used = strlen(text);
    bool is_plain =
        word[0] != '\0' && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                             "_-./=:,+@%")] == '\0';
    used += (size_t)snprintf(text + used, size - used, is_plain ? " %s" : " '", word);
    for (; !is_plain && *word != '\0' && used + 6 < size; word++) {
        used += (size_t)snprintf(text + used, size - used, *word == '\'' ? "'\\''" : "%c", *word);
    }
    if (!is_plain && used + 2 < size) {
        (void)strcat(text, "'"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): there is room */
    }
}

/* "cupel test FLAGS --exec PROGRAM ARGUMENTS" */
static const char *command_with(const struct cupel__exec_program *program, const char *flags) {
    (void)snprintf(command, sizeof command, "cupel test%s --exec", flags);
    for (char *const *word = program->words; *word != NULL; word++) {
        add_word(command, sizeof command - 8, *word);
    }
    return command;
}

static void begin(const struct cupel__exec_program *program, const char *name) {
    cupel_result_clear(&record);
    record.program = program->path;
    record.suite = program->name;
    record.name = name;
    record.file = program->path;
    record.line = 0;
    record.row = CUPEL_NO_ROW;
    record.kind = CUPEL_KIND_TEST;
    record.isolation = CUPEL_ISOLATE_PROCESS;
    record.seed = cupel__settings.seed;
    record.exit_status = -1;
}

static void add_output(const struct cupel__exec_run *run) {
    const char *texts[] = {run->output, run->errors};
    size_t sizes[] = {run->output_bytes, run->errors_bytes};
    for (int i = 0; i < 2; i++) { /* the end tells more than the beginning */
        size_t shown = sizes[i] < OUTPUT_SHOWN_MAX ? sizes[i] : OUTPUT_SHOWN_MAX;
        cupel_text_add_n(&record.output, texts[i] + sizes[i] - shown, shown);
        if (shown != 0 && texts[i][sizes[i] - 1] != '\n') {
            cupel_text_add_n(&record.output, "\n", 1);
        }
    }
}

static void add_end(const struct cupel__exec_run *run) {
    if (run->is_hang) {
        cupel_text_add(&record.messages, "it did not end within %" PRId64 " ms\n", run->deadline_ms - run->start_ms);
    } else if (run->is_flood) {
        cupel_text_add(&record.messages, "it printed more than %" PRId64 " bytes\n",
                       cupel__settings.output_limit_bytes);
    } else if (WIFSIGNALED(run->status)) {
        record.signal = WTERMSIG(run->status);
        cupel_text_add(&record.messages, "it died by signal %d, %s\n", record.signal, strsignal(record.signal));
    } else {
        record.exit_status = WEXITSTATUS(run->status);
        cupel_text_add(&record.messages, "it ended with status %d\n", record.exit_status);
    }
}

static void add_perturbation(const struct cupel__exec_run *run) {
    char text[512];
    if (cupel__perturb_format(&run->perturbation, text, sizeof text) != 0) {
        cupel_text_add(&record.messages, "perturbed: %s\n", text);
    }
}

void cupel__exec_tell_flake(const struct cupel__exec_program *program, uint64_t first_repeat,
                            const struct cupel_flake *flake, enum cupel__exec_word word) {
    char flags[1024];
    double low;
    double high;
    begin(program, "main");
    (void)snprintf(flags, sizeof flags, " --seed=%" PRIu64 " --repeat-index=%" PRIu64 "%s", cupel__settings.seed,
                   first_repeat, cupel__settings.flags);
    record.command = command_with(program, flags);
    record.repeat = first_repeat;
    record.verdict = cupel__exec_verdict(word);
    record.flake = *flake;
    cupel_flake_interval(flake, &low, &high);
    cupel_text_add(&record.messages,
                   "failed in %" PRIu64 " of %" PRIu64 " repeats, %.1f %% (95 %% interval: %.1f to %.1f %%), first in "
                   "repeat %" PRIu64 " of seed %" PRIu64 "\n",
                   flake->failures, flake->runs, 100.0 * (double)flake->failures / (double)flake->runs, 100 * low,
                   100 * high, first_repeat, record.seed);
    if (flake->follows[0] != '\0') {
        cupel_text_add(&record.messages, "follows: %s\n", flake->follows);
    }
    cupel__reports_take(&record);
}

void cupel__exec_tell_run(const struct cupel__exec_program *program, const struct cupel__exec_run *run) {
    char flags[1024];
    enum cupel__exec_word word = cupel__exec_judge(run, NULL);
    bool has_failed = cupel_result_is_failure(&(struct cupel_result){.verdict = cupel__exec_verdict(word)});
    bool is_told = false;
    (void)snprintf(flags, sizeof flags, " --seed=%" PRIu64 " --repeat-index=%" PRIu64 "%s", cupel__settings.seed,
                   run->point, cupel__settings.flags);
    cupel__exec_cases_read(run, &cases);
    for (unsigned i = 0; i < cases.count; i++) {
        const struct cupel__exec_case *one = &cases.all[i];
        bool is_bad = one->outcome == CUPEL__CASE_FAILED || (one->outcome == CUPEL__CASE_OPEN && has_failed);
        begin(program, one->name);
        record.repeat = run->point;
        record.duration_ns = run->duration_ns / cases.count;
        record.verdict = is_bad ? (one->outcome == CUPEL__CASE_OPEN ? cupel__exec_verdict(word) : CUPEL_VERDICT_WRONG)
                         : one->outcome == CUPEL__CASE_SKIPPED ? CUPEL_VERDICT_SKIPPED
                                                               : CUPEL_VERDICT_OK;
        record.failures = is_bad;
        record.command = command_with(program, flags);
        if (is_bad) {
            is_told = true;
            cupel_text_add(&record.messages, "%s%s", one->message, one->message[0] == '\0' ? "" : "\n");
            add_end(run);
            add_perturbation(run);
            add_output(run);
        } else if (one->outcome == CUPEL__CASE_SKIPPED) {
            (void)snprintf(record.reason, sizeof record.reason, "%.200s",
                           one->message[0] != '\0' ? one->message : "by itself");
        }
        cupel__reports_take(&record);
    }
    if (cases.count != 0 && (is_told || !has_failed)) {
        return;
    }
    begin(program, "main");
    record.repeat = run->point;
    record.duration_ns = run->duration_ns;
    record.command = command_with(program, flags);
    record.verdict = cupel__exec_verdict(word);
    if (cupel__exec_is_skip(run)) {
        record.verdict = CUPEL_VERDICT_SKIPPED; /* automake's word, and ctest's and meson's */
        (void)snprintf(record.reason, sizeof record.reason, "by itself (status 77)");
    } else if (has_failed) {
        record.failures = 1;
        add_end(run);
        add_perturbation(run);
        add_output(run);
    } else if (cupel__settings.show_output) {
        add_output(run);
    }
    cupel__reports_take(&record);
}

/* Functions and lines of some addresses of one module, as addr2line tells them: two lines each. Empty where it cannot.
 */
static void ask_addr2line(const char *module, const struct cupel__exec_stack *stack, uint32_t index,
                          char answer[ANSWER_MAX]) {
    char offsets[CUPEL__EXEC_FRAMES_MAX][24];
    const char *words[CUPEL__EXEC_FRAMES_MAX + 5] = {"addr2line", "-f", "-e", module};
    size_t count = 4;
    int ends[2];
    answer[0] = '\0';
    for (unsigned i = 0; i < stack->count; i++) {
        if (stack->module[i] == index) {
            (void)snprintf(offsets[i], sizeof offsets[i], "0x%" PRIx64, stack->offset[i]);
            words[count++] = offsets[i];
        }
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    (void)close(ends[1]);
    size_t used = 0;
    ssize_t got = 0;
    while (pid > 0 && used + 1 < ANSWER_MAX && (got = read(ends[0], answer + used, ANSWER_MAX - 1 - used)) > 0) {
        used += (size_t)got;
    }
    answer[used] = '\0';
    (void)close(ends[0]);
    int status = 0;
    if (pid > 0 && (waitpid(pid, &status, 0) != pid || status != 0)) {
        answer[0] = '\0';
    }
}

struct named_frame {
    char function[128], place[256];
};

static void name_frames(const struct cupel__exec_note *note, const struct cupel__exec_stack *stack,
                        struct named_frame names[CUPEL__EXEC_FRAMES_MAX]) {
    static char answer[ANSWER_MAX];
    bool is_asked[CUPEL__EXEC_MODULES_MAX] = {false};
    memset(names, 0, CUPEL__EXEC_FRAMES_MAX * sizeof *names);
    for (unsigned i = 0; i < stack->count; i++) {
        uint32_t module = stack->module[i];
        if (module >= CUPEL__EXEC_MODULES_MAX || is_asked[module]) {
            continue;
        }
        is_asked[module] = true;
        ask_addr2line(note->modules[module], stack, module, answer);
        const char *line = answer;
        for (unsigned j = i; j < stack->count && *line != '\0'; j++) {
            if (stack->module[j] != module) {
                continue;
            }
            size_t length = strcspn(line, "\n");
            (void)snprintf(names[j].function, sizeof names[j].function, "%.*s", (int)length,
                           line[0] == '?' ? "" : line);
            line += length + (line[length] == '\n');
            length = strcspn(line, " \n");
            if (line[0] != '?' && length > 2 && line[length - 1] != '?') {
                (void)snprintf(names[j].place, sizeof names[j].place, " at %.*s", (int)length, line);
            }
            line += strcspn(line, "\n");
            line += *line == '\n';
        }
    }
}

/* Who called main, or a thread's first function. */
static bool is_start(const char *function) {
    static const char *const starts[] = {"__libc_start_", "_start", "start_thread", "clone", "__clone"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (strncmp(function, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* A stack as lines, up to main. */
static void add_stack(const struct cupel__exec_note *note, const struct cupel__exec_stack *stack) {
    static struct named_frame names[CUPEL__EXEC_FRAMES_MAX];
    name_frames(note, stack, names);
    for (unsigned i = 0; i < stack->count; i++) {
        if (i != 0 && is_start(names[i].function)) {
            break;
        }
        const char *module = stack->module[i] < CUPEL__EXEC_MODULES_MAX ? note->modules[stack->module[i]] : "";
        if (names[i].function[0] != '\0') {
            cupel_text_add(&record.messages, "    #%u %s%s\n", i, names[i].function, names[i].place);
        } else {
            cupel_text_add(&record.messages, "    #%u (%s+0x%" PRIx64 ")\n", i, module, stack->offset[i]);
        }
    }
}

void cupel__exec_tell_finding(const struct cupel__exec_program *program, const struct cupel__exec_run *run,
                              const struct cupel__exec_baseline *baseline, enum cupel__exec_word word,
                              const char *others) {
    char flags[1024];
    const struct cupel__exec_note *note = run->note;
    const struct cupel__exec_crash *crash = cupel__exec_crash_of(run, baseline);
    cupel__exec_cases_read(run, &cases);
    const struct cupel__exec_case *culprit = cupel__exec_culprit(&cases);
    begin(program, culprit == NULL ? "main" : culprit->name);
    (void)snprintf(record.fault, sizeof record.fault, "%s", run->fault);
    (void)snprintf(flags, sizeof flags, " --fault='%s'%s%s", run->fault, program->counts_all ? " --starve-all" : "",
                   cupel__settings.flags);
    record.command = command_with(program, flags);
    record.evidence = CUPEL_EVIDENCE_FAULT;
    record.is_finding = cupel__settings.sweep; /* a replay has no other record */
    record.verdict = cupel__exec_verdict(word);
    record.failures = cupel_result_is_failure(&record);
    record.duration_ns = run->duration_ns;
    (void)snprintf(record.reason, sizeof record.reason, "(%s)", cupel__exec_word_name(word));
    cupel_text_add(&record.messages, "%s: ", cupel__exec_word_name(word));
    if (crash != NULL) {
        record.signal = crash->signal;
        cupel_text_add(&record.messages, "signal %d, %s\n", crash->signal, strsignal(crash->signal));
    } else {
        add_end(run);
    }
    if (note->assertion[0] != '\0') {
        cupel_text_add(&record.messages, "the assertion: %s\n", note->assertion);
    }
    if (note->injected != 0) {
        cupel_text_add(&record.messages, "the request that was refused:\n");
        add_stack(note, &note->refused);
    }
    if (crash != NULL) {
        cupel_text_add(&record.messages, "it died at:\n");
        add_stack(note, &crash->stack);
    }
    cupel_text_add(&record.messages, "%s", others);
    add_output(run);
    cupel__reports_take(&record);
}

static void tell_sweep(const struct cupel__exec_program *program, enum cupel_verdict verdict, const char *text,
                       int64_t duration_ns, bool is_finding) {
    begin(program, cupel__settings.sweep ? "sweep" : "main");
    record.is_finding = is_finding;
    record.verdict = verdict;
    record.duration_ns = duration_ns;
    record.command = command_with(program, cupel__settings.sweep ? " --sweep" : "");
    record.evidence = CUPEL_EVIDENCE_FAULT;
    if (cupel_result_is_failure(&record)) {
        record.failures = 1;
        cupel_text_add(&record.messages, "%s\n", text);
    } else {
        (void)snprintf(record.reason, sizeof record.reason, "%s", text);
    }
    cupel__reports_take(&record);
}

void cupel__exec_tell_nondeterminism(const struct cupel__exec_program *program, const char *text, int64_t duration_ns) {
    tell_sweep(program, CUPEL_VERDICT_NONDETERMINISTIC, text, duration_ns, true);
}

void cupel__exec_tell_summary(const struct cupel__exec_program *program, enum cupel_verdict verdict, const char *text,
                              int64_t duration_ns) {
    tell_sweep(program, verdict, text, duration_ns, false);
}
