/* cupel fuzz: campaigns over the fuzz targets, and the care of their inputs. */
#include "fuzz/tool/verbs.h"

#include "alloc/base/options.h"
#include "alloc/base/status.h"
#include "alloc/base/workers.h"

#include <stdlib.h>
#include <string.h>

enum verb { VERB_LIST, VERB_RUN, VERB_CMIN, VERB_TMIN, VERB_FMT, VERB_REGRESS, VERB_STATUS, VERB_COUNT };

static const char *const verb_names[VERB_COUNT] = {"list", "run", "cmin", "tmin", "fmt", "regress", "status"};
static const char engine_choices[] = "ensemble libfuzzer afl";

struct settings {
    int64_t time_ms, minimise_ms, jobs;
    const char *root, *build;
    struct cupel_option_list targets;
    int engine; /* index into engine_choices */
};

static int parse(int argc, char **argv, struct settings *settings, struct cupel_arguments *arguments) {
    const struct cupel_option options[] = {
        {.name = "time",
         .letter = 't',
         .kind = CUPEL_OPTION_DURATION,
         .value = &settings->time_ms,
         .parameter = "TIME",
         .sentence = "run: time of the engines in all (60s); tmin: at most so long (10s)",
         .min = 1000,
         .max = INT64_MAX},
        {.name = "target",
         .kind = CUPEL_OPTION_LIST,
         .value = &settings->targets,
         .parameter = "NAME",
         .sentence = "only this target, as suite_name or suite.name; may be given again (all)"},
        {.name = "engine",
         .letter = 'e',
         .kind = CUPEL_OPTION_CHOICE,
         .value = &settings->engine,
         .parameter = "ENGINE",
         .sentence = "ensemble, libfuzzer or afl (ensemble)",
         .choices = engine_choices},
        {.name = "jobs",
         .letter = 'j',
         .kind = CUPEL_OPTION_INT,
         .value = &settings->jobs,
         .parameter = "N",
         .sentence = "engine processes at once (one a core)",
         .min = 1,
         .max = 1024},
        {.name = "minimise",
         .kind = CUPEL_OPTION_DURATION,
         .value = &settings->minimise_ms,
         .parameter = "TIME",
         .sentence = "time to make each finding smaller (5s)",
         .min = 0,
         .max = INT64_MAX,
         .alias = "minimize"},
        {.name = "root",
         .kind = CUPEL_OPTION_TEXT,
         .value = &settings->root,
         .parameter = "DIR",
         .sentence = "the project (the directory upward from here that holds fuzz/)"},
        {.name = "build",
         .kind = CUPEL_OPTION_TEXT,
         .value = &settings->build,
         .parameter = "DIR",
         .sentence = "its build trees (build/ of the project)"},
        {.name = NULL}};
    const struct cupel_program program = {
        .name = "cupel fuzz",
        .synopsis = "list|run|regress|status|cmin|tmin|fmt [OPTION ...] [TARGET [FILE]]",
        .sentence = "Fuzzes every PROPERTY with libFuzzer and AFL++ on one corpus, and takes care of the inputs.",
        .after = "  list     the targets: engines built, stored inputs, source\n"
                 "  run      a campaign; finds go to fuzz/regressions, inputs that add coverage to fuzz/corpora\n"
                 "  regress  replays what is stored\n"
                 "  status   the table of the last campaign\n"
                 "  cmin     makes a stored corpus smaller, with the same coverage\n"
                 "  tmin     TARGET FILE: makes a failing input smaller\n"
                 "  fmt      TARGET FILE: shows an input as the values that it means\n",
        .options = options};
    struct cupel_error error;
    if (!cupel_options_parse(&program, argc, argv, arguments, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_USAGE;
    }
    return CUPEL_OK;
}

static int find_verb(const char *word) {
    for (int i = 0; i < VERB_COUNT; i++) {
        if (strcmp(word, verb_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static bool select_one(struct request *request, const char *name) {
    struct target *target = project_find(request->project, name);
    if (target == NULL) {
        cupel_message("there is no target '%s'; cupel fuzz list shows the %zu there are", name,
                      request->project->count);
        return false;
    }
    request->targets[request->count++] = target;
    return true;
}

/* The targets that operands and --target name; all where there are none. */
static bool select_targets(struct request *request, const struct settings *settings,
                           const struct cupel_arguments *arguments, int verb) {
    bool takes_file = verb == VERB_TMIN || verb == VERB_FMT;
    int names = arguments->count - 1 - (takes_file ? 1 : 0);
    for (int i = 0; i < names; i++) {
        if (!select_one(request, arguments->words[1 + i])) {
            return false;
        }
    }
    for (size_t i = 0; i < settings->targets.count; i++) {
        if (!select_one(request, settings->targets.words[i])) {
            return false;
        }
    }
    if (takes_file) {
        request->file = arguments->words[arguments->count - 1];
        if (request->count != 1 || names < 1) {
            cupel_message("%s needs a TARGET and a FILE", verb_names[verb]);
            return false;
        }
    }
    for (size_t i = 0; request->count == 0 && i < request->project->count; i++) {
        request->targets[i] = &request->project->targets[i];
    }
    request->count = request->count == 0 ? request->project->count : request->count;
    return true;
}

/* Leaves out the engines that are not there: a word to each lack. */
static int choose_engines(const struct request *request, const struct settings *settings,
                          struct campaign_options *options) {
    bool has_built[ENGINE_KINDS] = {false, false};
    for (size_t i = 0; i < request->count; i++) {
        has_built[ENGINE_LIBFUZZER] |= request->targets[i]->has_libfuzzer;
        has_built[ENGINE_AFL] |= request->targets[i]->has_afl;
    }
    bool has_afl = cupel__program_is_there("afl-fuzz");
    options->engines[ENGINE_LIBFUZZER] = settings->engine != 2 && has_built[ENGINE_LIBFUZZER];
    options->engines[ENGINE_AFL] = settings->engine != 1 && has_built[ENGINE_AFL] && has_afl;
    if (settings->engine != 1 && !options->engines[ENGINE_AFL]) {
        cupel_message(has_afl ? "no target is built for AFL++: cmake --preset afl && cmake --build --preset afl%s"
                              : "afl-fuzz is not there: ci/bootstrap fuzz%s",
                      settings->engine == 0 ? "; going on with libFuzzer alone" : "");
    }
    if (settings->engine != 2 && !options->engines[ENGINE_LIBFUZZER]) {
        cupel_message("no target is built for libFuzzer: cmake --preset fuzz && cmake --build --preset fuzz");
    }
    return options->engines[ENGINE_LIBFUZZER] || options->engines[ENGINE_AFL] ? CUPEL_OK : CUPEL_LACKING;
}

static int run(const struct request *request, const struct settings *settings) {
    struct campaign_options options = {.time_ms = settings->time_ms < 0 ? 60000 : settings->time_ms,
                                       .jobs = settings->jobs > 0 ? (unsigned)settings->jobs : cupel_core_count(),
                                       .minimise_ms = settings->minimise_ms};
    struct cupel_error error;
    for (size_t i = 0; i < request->count; i++) {
        if (!project_has_dictionary(request->project, request->targets[i], &error)) {
            cupel_message("%s", error.text);
            return CUPEL_USAGE;
        }
    }
    int status = choose_engines(request, settings, &options);
    if (status != CUPEL_OK) {
        return status;
    }
    project_touch(request->project);
    return campaign_run(request->project, request->targets, request->count, &options);
}

int main(int argc, char **argv) {
    static struct project project;
    static struct request request;
    struct settings settings = {.time_ms = -1, .minimise_ms = 5000};
    struct cupel_arguments arguments;
    struct cupel_error error;
    cupel_message_program("cupel fuzz");
    int status = parse(argc, argv, &settings, &arguments);
    if (status != CUPEL_OK || arguments.has_help) {
        return status;
    }
    int verb = arguments.count > 0 ? find_verb(arguments.words[0]) : -1;
    if (verb < 0) {
        cupel_message(arguments.count > 0 ? "there is no verb '%s': list, run, regress, status, cmin, tmin, fmt"
                                          : "%sa verb is needed: list, run, regress, status, cmin, tmin, fmt",
                      arguments.count > 0 ? arguments.words[0] : "");
        return CUPEL_USAGE;
    }
    if (!project_open(&project, settings.root, settings.build, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_USAGE;
    }
    request.project = &project;
    request.time_ms = settings.time_ms < 0 ? 10000 : settings.time_ms;
    if (verb == VERB_STATUS) {
        return campaign_status(&project);
    }
    if (!select_targets(&request, &settings, &arguments, verb)) {
        return CUPEL_USAGE;
    }
    if (request.count == 0) {
        cupel_message("no fuzz target is built in %s: cmake --preset fuzz && cmake --build --preset fuzz",
                      path_shown(&project, project.build));
        return CUPEL_NOTHING;
    }
    switch (verb) {
    case VERB_RUN:
        return run(&request, &settings);
    case VERB_REGRESS:
        return verb_regress(&request);
    case VERB_CMIN:
        return verb_cmin(&request);
    case VERB_TMIN:
        return verb_tmin(&request);
    case VERB_FMT:
        return verb_fmt(&request);
    default:
        return verb_list(&request);
    }
}
