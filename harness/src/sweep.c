/* --sweep: the engine over tests and properties of a test program. See execute.h for the entry, sweep_engine.h for the
 * engine. A test is one subject; a property is one for each of its files and a few random cases. */
#include "harness/src/sweep_engine.h"

#include "harness/src/child.h"
#include "harness/src/directory.h"
#include "harness/src/evidence.h"
#include "harness/src/execute.h"
#include "harness/src/io.h"
#include "harness/src/left_behind.h"
#include "harness/src/property.h"
#include "harness/src/quote.h"
#include "harness/src/run.h"
#include "harness/src/settings.h"
#include "harness/src/suppress.h"
#include "harness/src/worker.h"

#include "alloc/base/json.h"

#include <stdio.h>
#include <string.h>

enum { RANDOM_CASES = 16, FILES_MAX = 64 };

/* What is swept now. */
struct subject {
    const struct cupel__plan_item *item;
    const uint8_t *data; /* a property's input; NULL for tests */
    size_t length;
    char origin[512]; /* of the input */
};

static struct cupel_result record; /* of one run, in the process that runs it */
static struct cupel_result finding_record;
static const struct cupel_fault_plan no_faults;
static struct cupel__sweep sweep; /* of one test, or of one property with all its inputs */

static void take_record(struct cupel__sweep_run *run) {
    const struct cupel_failing *failing = &cupel__run.failing;
    bool is_unfailed = run->plan == NULL;
    run->calls = failing->calls;
    memcpy(run->asked.all, failing->asked, sizeof run->asked.all);
    memcpy(run->asked.can_be_short, failing->asked_short, sizeof run->asked.can_be_short);
    run->injected = is_unfailed ? 0 : failing->injected + failing->injected_benign + failing->moved;
    run->has_left = cupel__left_behind_has_changed();
    run->verdict = record.verdict;
    if (record.verdict == CUPEL_VERDICT_NOT_REACHED) { /* the engine judges that by the count */
        run->verdict = CUPEL_VERDICT_OK;
    }
    if (run->verdict != CUPEL_VERDICT_OK) {
        run->key = is_unfailed ? 0 : record.failure_line;
        size_t length = record.messages.length < sizeof run->text ? record.messages.length : sizeof run->text - 1;
        memcpy(run->text, record.messages.data, length);
        run->text[length] = '\0';
    }
}

/* What the engine wants to know of the run. */
static void hook(const struct cupel__sweep_run *run) {
    cupel__run.on_request = run->on_request;
    cupel__run.is_swept = true;
    cupel__run.looks_closely = run->looks_closely;
    cupel__run.fault_note = run->refused;
}

static void unhook(struct cupel__fault_note *before) {
    cupel__run.on_request = NULL;
    cupel__run.is_swept = false;
    cupel__run.looks_closely = false;
    cupel__run.fault_note = before;
}

static void run_test(void *user, struct cupel__sweep_run *run) {
    struct subject *subject = user;
    cupel__execute_name(subject->item, &record);
    struct cupel__fault_note *before = cupel__run.fault_note;
    hook(run);
    cupel__execute_once(subject->item, run->plan != NULL ? run->plan : &no_faults, &record);
    unhook(before);
    cupel__directory_done(&record, false); /* one a point: the token makes it again */
    take_record(run);
}

static void run_input(void *user, struct cupel__sweep_run *run) {
    struct subject *subject = user;
    struct cupel__case one = {.property = subject->item->test, .data = subject->data, .length = subject->length};
    cupel__execute_name(subject->item, &record);
    cupel__run.item = subject->item;
    cupel__run.result = &record;
    one.faults = run->plan != NULL ? run->plan : &no_faults;
    cupel__evidence_begin(run->plan != NULL ? CUPEL_EVIDENCE_FAULT : CUPEL_EVIDENCE_PROPERTY);
    struct cupel__fault_note *before = cupel__run.fault_note;
    hook(run);
    cupel__case_run(&one);
    unhook(before);
    cupel__evidence_end();
    record.verdict = cupel__case_verdict(&one);
    cupel__directory_done(&record, false);
    take_record(run);
}

/* Known findings are told as skipped: they are nobody's news, and not forgotten. `input`: a property's file, or "". */
static void excuse(struct cupel_result *result, const struct cupel_sweep_finding *finding, const char *input) {
    char title[CUPEL_REASON_MAX / 2];
    (void)cupel_result_title(result, title, sizeof title);
    const char *why = cupel__suppress_find(title, finding->verdict, finding->text);
    result->verdict = CUPEL_VERDICT_SKIPPED;
    result->failures = 0;
    (void)snprintf(result->reason, sizeof result->reason, "known %s at %s: %.90s%s%.110s",
                   cupel_verdict_name(finding->verdict), finding->token, why != NULL ? why : "",
                   input[0] != '\0' ? "; with " : "", input);
}

static bool is_known(void *sink, const struct cupel_sweep_finding *finding) {
    struct subject *subject = sink;
    char title[CUPEL_REASON_MAX / 2];
    cupel__execute_name(subject->item, &finding_record);
    (void)cupel_result_title(&finding_record, title, sizeof title);
    const char *why = cupel__suppress_find(title, finding->verdict, finding->text);
    sweep.known_as = (uintptr_t)why; /* it stays where it is, in all processes */
    return why != NULL;
}

static char unfailed_text[CUPEL__SWEEP_TEXT_MAX]; /* of a run without a fault that failed */

static void tell_finding(void *sink, const struct cupel_sweep_finding *finding) {
    struct subject *subject = sink;
    struct cupel_result *result = &finding_record;
    if (finding->token[0] == '\0' && finding->verdict != CUPEL_VERDICT_NONDETERMINISTIC) {
        (void)snprintf(unfailed_text, sizeof unfailed_text, "%s", finding->text);
        return;
    }
    cupel__execute_name(subject->item, result);
    result->is_finding = true;
    result->verdict = finding->verdict;
    result->evidence = CUPEL_EVIDENCE_FAULT;
    result->failures = 1;
    (void)snprintf(result->fault, sizeof result->fault, "%s", finding->token);
    const char *warm_up = finding->is_behind_first_run && !cupel__settings.warm_up ? " --warm-up" : "";
    size_t used = strlen(result->flags);
    (void)snprintf(result->flags + used, sizeof result->flags - used, "%s", warm_up);
    const struct cupel_test *test = subject->item->test;
    bool is_death = finding->verdict == CUPEL_VERDICT_CRASH || finding->verdict == CUPEL_VERDICT_HANG ||
                    finding->verdict == CUPEL_VERDICT_ABORTED;
    if (is_death && strncmp(finding->text, test->file, strlen(test->file)) != 0) { /* as a replay says it */
        cupel_text_add(&result->messages, "%s:%u: ", test->file, test->line);
    }
    cupel_text_add(&result->messages, "%s", finding->text);
    char path[4096] = "";
    if (subject->data != NULL) {
        struct cupel_error error;
        cupel_text_add(&result->messages, "with the input %s\n", subject->origin);
        if (!cupel__failing_input_store(test, subject->data, subject->length, path, sizeof path, &error)) {
            cupel_text_add(&result->messages, "it could not be stored: %s\n", error.text);
            path[0] = '\0';
        } else {
            char words[2][4096];
            cupel_text_add(&result->messages, "this input alone: %s --replay=%s.%s%s --fault='%s' %s\n",
                           cupel__quote(cupel__settings.program, words[0], sizeof words[0]), test->suite, test->name,
                           warm_up, finding->token, cupel__quote(path, words[1], sizeof words[1]));
        }
    }
    if (finding->is_known) {
        excuse(result, finding, path);
    }
    cupel__emit(result);
}

/* A test that names a limit has a reason; half of it, so that the runner does not step in first. */
static int64_t timeout_of(const struct cupel_test *test) {
    return (int64_t)test->options.timeout_s * 1000 / 2;
}

static FILE *log_stream; /* of the sweep whose points are told */

/* A line a fault, in one piece: several processes may write to the file. */
static void log_point(void *user, const struct cupel_sweep_finding *point) {
    const struct subject *subject = user;
    char title[512];
    struct cupel_json json;
    log_stream = log_stream != NULL ? log_stream : fopen(cupel__settings.sweeping.log, "ae");
    if (log_stream == NULL) {
        return;
    }
    (void)cupel__plan_title(subject->item->test, subject->item->row, title, sizeof title);
    cupel_json_init(&json, log_stream, 0);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "test");
    cupel_json_string(&json, title);
    if (subject->data != NULL) {
        cupel_json_key(&json, "input");
        cupel_json_string(&json, subject->origin);
    }
    cupel_json_key(&json, "fault");
    cupel_json_string(&json, point->token);
    cupel_json_key(&json, "verdict");
    cupel_json_string(&json, cupel_verdict_name(point->verdict));
    if (point->is_behind_first_run) {
        cupel_json_key(&json, "warm_up");
        cupel_json_bool(&json, true);
    }
    cupel_json_object_end(&json);
    fputc('\n', log_stream);
    (void)fflush(log_stream);
}

/* Sweeps one subject. */
static struct cupel_sweep_summary sweep_subject(struct subject *subject,
                                                void (*run)(void *user, struct cupel__sweep_run *run)) {
    const struct cupel__sweep_settings *given = &cupel__settings.sweeping;
    sweep.run = run;
    sweep.user = subject;
    cupel__sweep_on_progress = cupel__worker_sweeps;
    cupel__child_on_life = cupel__worker_is_alive; /* the time limit is of a run, not of all of them */
    sweep.options.in_process = subject->item->isolation == CUPEL_ISOLATE_NONE;
    sweep.is_apart = subject->item->isolation != CUPEL_ISOLATE_NONE;
    sweep.output_limit_bytes = cupel__settings.output_limit_bytes;
    sweep.options.timeout_ms = timeout_of(subject->item->test);
    sweep.options.modes = given->modes;
    if (cupel__settings.warm_up) { /* a property's runs do that: none of them is a first one */
        sweep.options.modes = (given->modes != 0 ? given->modes : CUPEL_SWEEP_ALL) & ~(unsigned)CUPEL_SWEEP_FIRST_RUN;
    }
    sweep.options.per_stack = (uint64_t)given->per_stack;
    sweep.options.points_max = (uint64_t)given->max;
    sweep.options.shard_index = given->shard_index;
    sweep.options.shard_count = given->shard_count;
    sweep.options.time_ms = given->for_ms;
    sweep.options.seed = cupel__settings.seed;
    sweep.options.on_point = given->log != NULL ? log_point : NULL;
    sweep.options.on_finding = tell_finding;
    sweep.options.is_known = is_known;
    sweep.options.sink = subject;
    sweep.options.progress = cupel__settings.capture ? NULL : stderr;
    struct cupel_sweep_summary summary = cupel__sweep_all(&sweep);
    if (log_stream != NULL) {
        (void)fclose(log_stream); /* what could not be written is missing there, and no verdict hangs on it */
        log_stream = NULL;
    }
    return summary;
}

static void add_summary(struct cupel_sweep_summary *total, const struct cupel_sweep_summary *part) {
    total->allocations = part->allocations > total->allocations ? part->allocations : total->allocations;
    total->growths = part->growths > total->growths ? part->growths : total->growths;
    total->aligned = part->aligned > total->aligned ? part->aligned : total->aligned;
    total->first_run = part->first_run > total->first_run ? part->first_run : total->first_run;
    total->first_run_untried += part->first_run_untried;
    total->stacks += part->stacks;
    total->points += part->points;
    total->known += part->known;
    total->left_out += part->left_out;
    total->is_cut = total->is_cut || part->is_cut;
    for (unsigned i = 0; i < CUPEL_VERDICT_COUNT; i++) {
        total->verdicts[i] += part->verdicts[i];
    }
    if (part->worst != CUPEL_VERDICT_OK && total->worst == CUPEL_VERDICT_OK) {
        total->worst = part->worst;
        total->is_baseline = part->is_baseline;
    }
}

/* All inputs of a property, until one fails even without a fault. */
static struct cupel_sweep_summary sweep_property(const struct cupel__plan_item *item) {
    struct cupel_sweep_summary total = {.points = 0};
    struct cupel__inputs inputs;
    struct cupel_error error;
    struct subject subject = {.item = item};
    bool is_open = cupel__inputs_init(&inputs, item->test, item->seed, RANDOM_CASES, &error);
    size_t count = is_open ? cupel__inputs_count(&inputs) : 0;
    for (size_t i = 0; i < count && !total.is_baseline; i++) {
        /* Of a large corpus, files behind the first ones add the call stacks that those before them had not. */
        sweep.new_stacks_only = i >= FILES_MAX && i < inputs.files.count;
        if (!cupel__inputs_load(&inputs, i, &subject.length, &error)) {
            break;
        }
        subject.data = inputs.data;
        cupel__inputs_name(&inputs, i, subject.origin, sizeof subject.origin);
        struct cupel_sweep_summary part = sweep_subject(&subject, run_input);
        add_summary(&total, &part);
    }
    cupel__inputs_deinit(&inputs);
    return total;
}

static void write_summary(const struct cupel_sweep_summary *summary, struct cupel_result *result) {
    char text[CUPEL_REASON_MAX];
    (void)cupel__sweep_summary_text(summary, text, sizeof text);
    (void)snprintf(result->reason, sizeof result->reason, "%s", text);
    if (summary->worst == CUPEL_VERDICT_OK) {
        return;
    }
    char groups[CUPEL_TEXT_MAX / 2] = "";
    FILE *out = fmemopen(groups, sizeof groups, "w");
    size_t used = strlen(result->flags);
    (void)cupel__sweep_settings_text(result->flags + used, sizeof result->flags - used);
    result->failures++;
    cupel_text_add(&result->messages, "sweep: %s\n", text);
    if (out != NULL) {
        cupel__sweep_groups(sweep.kinds, sweep.kind_count, out);
        (void)fclose(out);
        cupel_text_add_n(&result->messages, groups, strlen(groups));
    }
}

/* It fails, is skipped or crashes by itself: then that is what is told. But where that is so only of runs after the
 * first in one process, nothing can be swept, and that is not green. */
static void tell_unfailed(const struct cupel__plan_item *item, enum cupel_verdict verdict,
                          struct cupel_result *result) {
    cupel__execute_once(item, NULL, result);
    if (result->verdict == CUPEL_VERDICT_OK && verdict != CUPEL_VERDICT_SKIPPED) {
        size_t used = strlen(result->flags);
        (void)cupel__sweep_settings_text(result->flags + used, sizeof result->flags - used);
        result->evidence = CUPEL_EVIDENCE_FAULT;
        result->verdict = verdict;
        result->failures++;
        cupel_text_add(&result->messages,
                       "it cannot be swept: it passes alone, and run again in one process, without a fault, it is "
                       "told %s\n%s",
                       cupel_verdict_name(verdict), unfailed_text);
    }
}

void cupel__sweep_execute(const struct cupel__plan_item *item, struct cupel_result *result) {
    struct subject subject = {.item = item};
    struct cupel_error error;
    unfailed_text[0] = '\0';
    memset(&sweep, 0, sizeof sweep);
    if (!cupel__io_declared(item->test, &sweep.calls, &error)) {
        cupel__run.result = result;
        cupel__fail(false, item->test->file, item->test->line, "%s", error.text);
        result->verdict = CUPEL_VERDICT_WRONG;
        return;
    }
    struct cupel_sweep_summary summary =
        item->test->kind == CUPEL_KIND_PROPERTY ? sweep_property(item) : sweep_subject(&subject, run_test);
    cupel__sweep_end(&sweep);
    cupel__worker_sweeps(NULL, 0, 0, 0);
    if (summary.is_baseline && summary.worst != CUPEL_VERDICT_NONDETERMINISTIC) {
        tell_unfailed(item, summary.worst, result);
        return;
    }
    cupel__run.item = item;
    cupel__run.result = result;
    char title[CUPEL_REASON_MAX / 2];
    (void)cupel_result_title(result, title, sizeof title);
    cupel__suppress_swept(title);
    result->verdict = summary.worst;
    uint64_t asked = summary.allocations + summary.growths + summary.first_run;
    if (summary.worst == CUPEL_VERDICT_OK && asked == 0 && summary.points == 0) {
        result->has_nothing_to_starve = true; /* it passed, as without the sweep; nothing was learnt of faults */
        (void)snprintf(result->reason, sizeof result->reason,
                       "nothing to starve: no code under test asked for memory in this process");
        return;
    }
    result->evidence = CUPEL_EVIDENCE_FAULT;
    write_summary(&summary, result);
}
