/* A sweep from its beginning to its summary: see sweep_engine.h. Owns the memory that its processes share. */
#include "harness/src/sweep_engine.h"

#include "alloc/base/progress.h"

#include <string.h>
#include <sys/mman.h>

enum cupel_verdict cupel__sweep_worst(const uint64_t counts[CUPEL_VERDICT_COUNT]) {
    /* From bad to worse: what corrupts, what is lost, what is only unclear. */
    static const enum cupel_verdict order[] = {
        CUPEL_VERDICT_CRASH,         CUPEL_VERDICT_HANG,          CUPEL_VERDICT_WRONG,
        CUPEL_VERDICT_NOT_RECOVERED, CUPEL_VERDICT_STATE_CHANGED, CUPEL_VERDICT_SWALLOWED,
        CUPEL_VERDICT_LEAK,          CUPEL_VERDICT_ABORTED,       CUPEL_VERDICT_NONDETERMINISTIC,
        CUPEL_VERDICT_NOT_REACHED,   CUPEL_VERDICT_SKIPPED};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (counts[order[i]] != 0) {
            return order[i];
        }
    }
    return CUPEL_VERDICT_OK;
}

/* Address space; pages come with the first touch. */
static void *map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Hands every point that was tried to the one who asked. */
static void tell_points(const struct cupel__sweep *sweep) {
    uint64_t end = sweep->note->base + (sweep->note->has_schedule ? sweep->note->scheduled : 0);
    for (uint64_t i = 0; sweep->options.on_point != NULL && i < end; i++) {
        if (sweep->region->verdicts[i] != 0) {
            const struct cupel__sweep_point *one = &sweep->region->points[i];
            char token[CUPEL__SWEEP_TOKEN_MAX];
            cupel__sweep_token(token, sizeof token, one);
            struct cupel_sweep_finding point = {.verdict = sweep->region->verdicts[i] - 1u,
                                                .token = token,
                                                .text = "",
                                                .is_behind_first_run =
                                                    cupel__sweep_is_behind_first_run(sweep, one->stage)};
            sweep->options.on_point(sweep->options.sink, &point);
        }
    }
}

static struct cupel_sweep_summary summarise(const struct cupel__sweep *sweep) {
    const struct cupel__sweep_note *note = sweep->note;
    struct cupel_sweep_summary summary = {.allocations = note->calls,
                                          .growths = note->growths,
                                          .aligned = note->aligned,
                                          .stacks = note->stacks,
                                          .first_run = note->first_only,
                                          .first_run_untried = note->cold_untried,
                                          .points = note->tally.points,
                                          .left_out = note->left_out,
                                          .known = note->tally.known,
                                          .worst = cupel__sweep_worst(note->tally.verdicts),
                                          .is_baseline = sweep->is_baseline_bad,
                                          .is_cut = note->is_cut};
    memcpy(summary.verdicts, note->tally.verdicts, sizeof summary.verdicts);
    return summary;
}

/* A machine that has no room for the notes of a sweep cannot say that anything was borne. */
static struct cupel_sweep_summary refuse(const struct cupel__sweep *sweep) {
    struct cupel_sweep_finding finding = {
        .verdict = CUPEL_VERDICT_NOT_REACHED, .token = "", .text = "no memory for the notes of the sweep\n"};
    if (sweep->options.report != NULL) {
        fputs(finding.text, sweep->options.report);
    }
    if (sweep->options.on_finding != NULL) {
        sweep->options.on_finding(sweep->options.sink, &finding);
    }
    return (struct cupel_sweep_summary){.worst = finding.verdict, .verdicts[CUPEL_VERDICT_NOT_REACHED] = 1};
}

struct cupel_sweep_summary cupel__sweep_all(struct cupel__sweep *sweep) {
    sweep->stacks = sweep->stacks != NULL ? sweep->stacks : map(CUPEL__SWEEP_STACKS_MAX * sizeof *sweep->stacks);
    sweep->region = map(sizeof *sweep->region);
    if (sweep->region == NULL || sweep->stacks == NULL) {
        return refuse(sweep);
    }
    sweep->note = &sweep->region->note;
    sweep->serial++;
    sweep->findings_file = -1;
    sweep->is_baseline_bad = false;
    sweep->is_warm = false;
    sweep->interrupt = 0;
    sweep->options.modes = sweep->options.modes == 0 ? CUPEL_SWEEP_ALL : sweep->options.modes;
    if ((sweep->options.modes & CUPEL_SWEEP_PAIRS) != 0) {
        sweep->options.modes |= CUPEL_SWEEP_ONCE; /* in which they are found */
    }
    sweep->deadline_ns = sweep->options.time_ms != 0 ? cupel_clock_ns() + sweep->options.time_ms * 1000000 : 0;
    sweep->note->kind_count = sweep->kind_count;
    memcpy(sweep->note->kinds, sweep->kinds, sweep->kind_count * sizeof sweep->kinds[0]);
    if (sweep->options.in_process) {
        cupel__sweep_points(sweep);
    } else {
        cupel__sweep_watch(sweep);
    }
    struct cupel_sweep_summary summary = summarise(sweep);
    tell_points(sweep);
    cupel__sweep_tell(sweep, &summary);
    sweep->kind_count = sweep->note->kind_count;
    memcpy(sweep->kinds, sweep->note->kinds, sweep->kind_count * sizeof sweep->kinds[0]);
    (void)munmap(sweep->region, sizeof *sweep->region);
    sweep->region = NULL;
    sweep->note = NULL;
    if (sweep->interrupt != 0) {
        (void)raise(sweep->interrupt); /* all is told; now it ends as it would have ended */
    }
    return summary;
}

void cupel__sweep_end(struct cupel__sweep *sweep) {
    if (sweep->stacks != NULL) {
        (void)munmap(sweep->stacks, CUPEL__SWEEP_STACKS_MAX * sizeof *sweep->stacks);
        sweep->stacks = NULL;
    }
}
