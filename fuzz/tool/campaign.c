/* See campaign.h. Lanes run side by side; each lane works on one target at a time with the chosen engines, then stores
 * what they found and goes to the next. */
#include "fuzz/tool/campaign.h"
#include "fuzz/tool/keep.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

volatile sig_atomic_t campaign_is_interrupted;

struct lane {
    struct engine engines[ENGINE_KINDS];
    struct outcome *outcome; /* NULL: idle */
    int64_t deadline_ms;
};

struct campaign {
    struct project *project;
    const struct campaign_options *options;
    struct outcome *outcomes;
    size_t count;
    size_t next; /* the first target without a lane yet */
    struct lane lanes[LANES_MAX];
    size_t lane_count;
    int64_t slot_seconds;
    int64_t end_ms;
    struct findings findings;
    struct cupel_progress progress;
    bool has_failed;  /* an engine or a merge did not work */
    bool has_no_room; /* output could not be written */
};

static bool is_wanted(const struct campaign *campaign, const struct target *target, int kind) {
    return campaign->options->engines[kind] && (kind == ENGINE_AFL ? target->has_afl : target->has_libfuzzer);
}

static void begin(struct campaign *campaign, struct lane *lane) {
    struct outcome *outcome = &campaign->outcomes[campaign->next++];
    struct cupel_error error;
    lane->outcome = outcome;
    lane->deadline_ms = cupel_clock_ms() + campaign->slot_seconds * 1000;
    for (int kind = 0; kind < ENGINE_KINDS; kind++) {
        lane->engines[kind] = (struct engine){.has_ended = true};
    }
    if (!keep_prepare(campaign->project, outcome->target, &error)) {
        cupel_message("%s", error.text);
        campaign->has_no_room = outcome->has_failed = true;
        return;
    }
    (void)findings_replay_stored(&campaign->findings, campaign->project, outcome->target);
    /* What a killed campaign found, before the engines add to it. */
    findings_collect(&campaign->findings, campaign->project, outcome->target, campaign->options->minimise_ms);
    for (int kind = 0; kind < ENGINE_KINDS; kind++) {
        if (!is_wanted(campaign, outcome->target, kind)) {
            continue;
        }
        outcome->has_run[kind] = engine_start(&lane->engines[kind], (enum engine_kind)kind, campaign->project,
                                              outcome->target, campaign->slot_seconds, &error);
        if (!outcome->has_run[kind]) {
            cupel_message("%s", error.text);
            campaign->has_failed = outcome->has_failed = true;
        }
    }
    lane->deadline_ms = cupel_clock_ms() + campaign->slot_seconds * 1000;
}

/* An engine that ended by itself without a finding, long before its time, did not work. */
static void check_engine(struct campaign *campaign, const struct engine *engine, size_t findings_before) {
    bool has_found = campaign->findings.count != findings_before;
    int status = cupel__process_status(&engine->process);
    bool is_bad = engine->kind == ENGINE_AFL ? engine->has_failed : status != 0;
    if (is_bad && !has_found && engine->stop_ms == 0) {
        cupel_message("%s: %s ended with status %d%s%s; its output is build/fuzzing/%s/%s.log", engine->target->name,
                      engine_name(engine->kind), status, engine->reason[0] == '\0' ? "" : ": ", engine->reason,
                      engine->target->name, engine_name(engine->kind));
        campaign->has_failed = true;
    }
}

static void finish(struct campaign *campaign, struct lane *lane) {
    struct outcome *outcome = lane->outcome;
    struct cupel_error error;
    char path[CUPEL__PATH_MAX];
    size_t findings_before = campaign->findings.count + (size_t)campaign->findings.doubles;
    lane->outcome = NULL;
    if (outcome->has_failed) {
        return;
    }
    cupel_progress_show(&campaign->progress, true, "%s: storing what was found", outcome->target->name);
    findings_collect(&campaign->findings, campaign->project, outcome->target, campaign->options->minimise_ms);
    bool has_found = campaign->findings.count + (size_t)campaign->findings.doubles != findings_before;
    for (int kind = 0; kind < ENGINE_KINDS; kind++) {
        if (outcome->has_run[kind]) {
            outcome->figures[kind] = lane->engines[kind].figures;
            check_engine(campaign, &lane->engines[kind], has_found ? SIZE_MAX : campaign->findings.count);
        }
    }
    if (!keep_inputs(campaign->project, outcome->target, &outcome->added, &error)) {
        cupel_message("%s", error.text);
        campaign->has_no_room = true;
    }
    outcome->stored = (uint64_t)cupel__store_count(path_fuzz(campaign->project, "corpora", outcome->target, path));
}

static void watch(struct campaign *campaign, struct lane *lane) {
    bool is_over = true;
    int64_t now_ms = cupel_clock_ms();
    /* A moment longer than what the engines were told themselves. */
    bool is_late = now_ms > lane->deadline_ms + 1500 || campaign_is_interrupted != 0;
    for (int kind = 0; kind < ENGINE_KINDS; kind++) {
        struct engine *engine = &lane->engines[kind];
        engine_poll(engine);
        if (!engine->has_ended && is_late) {
            engine_stop(engine);
        }
        is_over = is_over && engine->has_ended;
    }
    if (is_over) {
        finish(campaign, lane);
    }
}

static void show(struct campaign *campaign) {
    char text[1024];
    size_t used = 0;
    int64_t left_ms = campaign->end_ms - cupel_clock_ms();
    used += (size_t)snprintf(text, sizeof text, "%llds left", (long long)(left_ms > 0 ? left_ms / 1000 : 0));
    for (size_t i = 0; i < campaign->lane_count; i++) {
        const struct lane *lane = &campaign->lanes[i];
        for (int kind = 0; kind < ENGINE_KINDS && lane->outcome != NULL; kind++) {
            const struct engine *engine = &lane->engines[kind];
            if (!engine->has_started || used + 200 > sizeof text) {
                continue;
            }
            used +=
                (size_t)snprintf(text + used, sizeof text - used, " | %s %s %.0f/s, %llu inputs, %llu edges",
                                 kind == 0 || !lane->engines[0].has_started ? lane->outcome->target->name : "",
                                 engine_name(engine->kind), engine->figures.execs_per_second,
                                 (unsigned long long)engine->figures.corpus, (unsigned long long)engine->figures.edges);
        }
    }
    if (campaign->findings.count > 0) {
        (void)snprintf(text + used, sizeof text - used, " | %zu findings", campaign->findings.count);
    }
    cupel_progress_show(&campaign->progress, false, "%s", text);
}

static void run_lanes(struct campaign *campaign) {
    bool is_busy = true;
    while (is_busy) {
        is_busy = false;
        for (size_t i = 0; i < campaign->lane_count; i++) {
            struct lane *lane = &campaign->lanes[i];
            if (lane->outcome == NULL && campaign->next < campaign->count && campaign_is_interrupted == 0) {
                begin(campaign, lane);
            }
            if (lane->outcome != NULL) {
                watch(campaign, lane);
                is_busy = true;
            }
        }
        show(campaign);
        (void)poll(NULL, 0, 50);
    }
    cupel_progress_clear(&campaign->progress);
}

/* How TIME is divided: lanes side by side, each with as many slots as fit. */
static void divide(struct campaign *campaign, struct target **chosen, size_t count) {
    const struct campaign_options *options = campaign->options;
    unsigned engines = 0;
    for (int kind = 0; kind < ENGINE_KINDS; kind++) {
        engines += options->engines[kind];
    }
    assert(engines > 0 && count > 0);
    size_t lanes = options->jobs / (engines == 0 ? 1 : engines);
    lanes = lanes == 0 ? 1 : lanes > LANES_MAX ? LANES_MAX : lanes;
    campaign->lane_count = lanes < count ? lanes : count;
    int64_t time_s = options->time_ms < 1000 ? 1 : options->time_ms / 1000;
    size_t turns = (size_t)(time_s / SLOT_SECONDS_MIN);
    turns = turns == 0 ? 1 : turns;
    campaign->count = campaign_choose(campaign->project, chosen, count, turns * campaign->lane_count);
    size_t used_turns = (campaign->count + campaign->lane_count - 1) / campaign->lane_count;
    campaign->slot_seconds = time_s / (int64_t)used_turns;
    if (campaign->count < count) {
        char names[1024];
        size_t used = 0;
        names[0] = '\0';
        for (size_t i = campaign->count; i < count && used + TARGET_NAME_MAX + 2 < sizeof names; i++) {
            used += (size_t)snprintf(names + used, sizeof names - used, " %s", chosen[i]->name);
        }
        cupel_message("%llds is time for %zu of %zu targets; these wait for their turn:%s", (long long)time_s,
                      campaign->count, count, names);
    }
}

static int tell(struct campaign *campaign, size_t ran) {
    struct cupel_error error;
    campaign_table(campaign->outcomes, ran, stdout);
    if (!campaign_remember(campaign->project, campaign->outcomes, ran, &error)) {
        cupel_message("%s", error.text);
        campaign->has_no_room = true;
    }
    for (size_t i = 0; i < campaign->findings.count; i++) {
        finding_print(&campaign->findings.list[i], campaign->project, stdout);
    }
    uint64_t added = 0;
    for (size_t i = 0; i < ran; i++) {
        added += campaign->outcomes[i].added;
    }
    (void)printf("\n%zu targets, %llu new inputs stored, %zu findings (%llu doubles left out)\n", ran,
                 (unsigned long long)added, campaign->findings.count, (unsigned long long)campaign->findings.doubles);
    (void)fflush(stdout);
    if (campaign_is_interrupted != 0) {
        return CUPEL_INTERRUPTED;
    }
    return campaign->findings.count > 0 ? CUPEL_FAILED
           : campaign->has_no_room      ? CUPEL_OUTPUT
           : campaign->has_failed       ? CUPEL_FAILED
                                        : CUPEL_OK;
}

static void on_signal(int number) {
    (void)number;
    campaign_is_interrupted = 1;
}

int campaign_run(struct project *project, struct target *const *targets, size_t count,
                 const struct campaign_options *options) {
    static struct campaign campaign; /* large, and there is one a process */
    static struct outcome outcomes[TARGETS_MAX];
    static struct target *chosen[TARGETS_MAX];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    for (size_t i = 0; i < count; i++) {
        chosen[i] = targets[i];
    }
    campaign = (struct campaign){.project = project, .options = options, .outcomes = outcomes};
    cupel_progress_init(&campaign.progress, stderr);
    divide(&campaign, chosen, count);
    for (size_t i = 0; i < campaign.count; i++) {
        outcomes[i] = (struct outcome){.target = chosen[i]};
    }
    campaign.end_ms = cupel_clock_ms() + options->time_ms;
    run_lanes(&campaign);
    return tell(&campaign, campaign.next);
}
