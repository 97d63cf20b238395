/* libFuzzer's part of an engine: its arguments and the lines that it prints. */
#include "fuzz/tool/engine.h"
#include "fuzz/tool/settings.h"

#include <stdlib.h>
#include <string.h>

bool libfuzzer_start(struct engine *engine, int64_t seconds, struct cupel_error *error) {
    const struct project *project = engine->project;
    const struct target *target = engine->target;
    char program[CUPEL__PATH_MAX];
    char own[CUPEL__PATH_MAX];
    char stored[CUPEL__PATH_MAX];
    char dictionary[CUPEL__PATH_MAX];
    char dictionary_word[CUPEL__PATH_MAX + 8];
    char artifacts[CUPEL__PATH_MAX];
    char artifacts_word[CUPEL__PATH_MAX + 24];
    char time_word[48];
    (void)snprintf(time_word, sizeof time_word, "-max_total_time=%lld", (long long)seconds);
    (void)snprintf(artifacts_word, sizeof artifacts_word, "-artifact_prefix=%s/",
                   path_work(project, target, "artifacts", artifacts));
    const char *words[16] = {path_engine(project, target, "fuzz", program),
                             time_word,
                             artifacts_word,
                             "-print_final_stats=1",
                             "-reload=1",
                             "-timeout=10",
                             "-rss_limit_mb=2048"};
    size_t count = 7;
    if (path_dictionary(project, target, dictionary) != NULL) {
        (void)snprintf(dictionary_word, sizeof dictionary_word, "-dict=%s", dictionary);
        words[count++] = dictionary_word;
    }
    words[count++] = path_work(project, target, "inputs", own);
    words[count++] = path_fuzz(project, "corpora", target, stored);
    struct cupel__command command = {
        .words = words, .environment = settings_sanitizers(), .output = CUPEL__OUTPUT_PIPE};
    return cupel__process_start(&engine->process, &command, error);
}

static bool find_number(const char *line, const char *name, double *value) {
    const char *at = strstr(line, name);
    if (at == NULL) {
        return false;
    }
    *value = strtod(at + strlen(name), NULL);
    return true;
}

void libfuzzer_line(struct engine *engine, const char *line) {
    struct engine_figures *figures = &engine->figures;
    double value;
    if (line[0] == '#' && find_number(line, " cov: ", &value)) {
        figures->execs = strtoull(line + 1, NULL, 10);
        figures->edges = (uint64_t)value;
        if (find_number(line, " corp: ", &value)) {
            figures->corpus = (uint64_t)value;
        }
        if (find_number(line, " exec/s: ", &value) && value > 0) {
            figures->execs_per_second = value;
        }
        /* A reload takes in what the other engine found, as far as it is new here. */
        if (strstr(line, "\tRELOAD") != NULL && figures->corpus > engine->corpus_before) {
            figures->crossed += figures->corpus - engine->corpus_before;
        }
        engine->corpus_before = figures->corpus;
    } else if (find_number(line, "stat::number_of_executed_units: ", &value)) {
        figures->execs = (uint64_t)value;
    } else if (find_number(line, "stat::average_exec_per_sec: ", &value) && value > 0) {
        figures->execs_per_second = value;
    } else if (strstr(line, "ERROR: ") != NULL || strncmp(line, "SUMMARY: ", 9) == 0) {
        (void)snprintf(engine->reason, sizeof engine->reason, "%.*s", (int)sizeof engine->reason - 1, line);
    }
}
