/* What campaigns leave for the next one: build/fuzzing/state, one line a target: name, the number of the campaign that
 * last ran it. From it comes the rotation: where TIME is too short for all, those that the last change touches go
 * first, but a third of the places are kept for those that have waited longest, so that none waits for ever. */
#include "fuzz/tool/campaign.h"

#include "alloc/base/outfile.h"
#include "alloc/base/status.h"

#include <stdlib.h>
#include <string.h>

struct memory {
    unsigned long long campaign; /* the last one's number */
    unsigned long long last_run[TARGETS_MAX];
};

static const char *state_path(const struct project *project, char *path) {
    (void)snprintf(path, CUPEL__PATH_MAX, "%s/state", project->work);
    return path;
}

static void recall(const struct project *project, struct memory *memory) {
    char path[CUPEL__PATH_MAX];
    char line[256];
    *memory = (struct memory){.campaign = 0};
    FILE *file = fopen(state_path(project, path), "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char name[TARGET_NAME_MAX];
        unsigned long long number;
        if (sscanf(line, "%127s %llu", name, &number) != 2) {
            continue;
        }
        memory->campaign = number > memory->campaign ? number : memory->campaign;
        for (size_t i = 0; i < project->count; i++) {
            if (strcmp(project->targets[i].name, name) == 0) {
                memory->last_run[i] = number;
            }
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static struct memory memory;
static const struct project *sorted_project;

static bool is_older(const struct target *left, const struct target *right) {
    unsigned long long left_run = memory.last_run[left - sorted_project->targets];
    unsigned long long right_run = memory.last_run[right - sorted_project->targets];
    return left_run != right_run ? left_run < right_run : strcmp(left->name, right->name) < 0;
}

static bool is_nearer(const struct target *left, const struct target *right) {
    return left->touch != right->touch ? left->touch > right->touch : is_older(left, right);
}

/* By insertion: there are some hundred at most. */
static void sort(struct target **targets, size_t count,
                 bool (*comes_first)(const struct target *, const struct target *)) {
    for (size_t i = 1; i < count; i++) {
        struct target *moved = targets[i];
        size_t place = i;
        for (; place > 0 && comes_first(moved, targets[place - 1]); place--) {
            targets[place] = targets[place - 1];
        }
        targets[place] = moved;
    }
}

size_t campaign_choose(struct project *project, struct target **targets, size_t count, size_t slots) {
    if (slots >= count) {
        return count;
    }
    recall(project, &memory);
    sorted_project = project;
    size_t by_change = slots - slots / 3;
    sort(targets, count, is_nearer);
    sort(targets + by_change, count - by_change, is_older);
    return slots;
}

bool campaign_remember(const struct project *project, const struct outcome *outcomes, size_t count,
                       struct cupel_error *error) {
    char path[CUPEL__PATH_MAX];
    recall(project, &memory);
    for (size_t i = 0; i < count; i++) {
        memory.last_run[outcomes[i].target - project->targets] = memory.campaign + 1;
    }
    struct cupel_outfile file;
    if (!cupel_outfile_open(&file, state_path(project, path), error)) {
        return false;
    }
    for (size_t i = 0; i < project->count; i++) {
        if (memory.last_run[i] != 0) {
            (void)fprintf(file.stream, "%s %llu\n", project->targets[i].name, memory.last_run[i]);
        }
    }
    if (!cupel_outfile_commit(&file, error)) {
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/last.txt", project->work);
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    campaign_table(outcomes, count, file.stream);
    return cupel_outfile_commit(&file, error);
}

int campaign_status(const struct project *project) {
    char path[CUPEL__PATH_MAX];
    char line[512];
    (void)snprintf(path, sizeof path, "%s/last.txt", project->work);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        cupel_message("no campaign has ended yet in %s", path_shown(project, project->work));
        return CUPEL_NOTHING;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        (void)fputs(line, stdout);
    }
    (void)fclose(file);
    return CUPEL_OK;
}

void campaign_table(const struct outcome *outcomes, size_t count, FILE *out) {
    (void)fprintf(out, "%-28s %-10s %10s %8s %8s %7s %10s %8s %8s\n", "target", "engine", "executions", "exec/s",
                  "inputs", "edges", "stability", "crossed", "stored");
    for (size_t i = 0; i < count; i++) {
        const struct outcome *outcome = &outcomes[i];
        bool is_first = true;
        for (int kind = 0; kind < ENGINE_KINDS; kind++) {
            const struct engine_figures *figures = &outcome->figures[kind];
            char stability[16] = "-";
            char stored[32] = "";
            if (!outcome->has_run[kind]) {
                continue;
            }
            if (figures->stability >= 0) {
                (void)snprintf(stability, sizeof stability, "%.2f%%", figures->stability);
            }
            if (is_first) {
                (void)snprintf(stored, sizeof stored, "%llu+%llu",
                               (unsigned long long)(outcome->stored - outcome->added),
                               (unsigned long long)outcome->added);
            }
            (void)fprintf(out, "%-28s %-10s %10llu %8.0f %8llu %7llu %10s %8llu %8s\n", outcome->target->name,
                          engine_name((enum engine_kind)kind), (unsigned long long)figures->execs,
                          figures->execs_per_second, (unsigned long long)figures->corpus,
                          (unsigned long long)figures->edges, stability, (unsigned long long)figures->crossed, stored);
            is_first = false;
        }
    }
    (void)fprintf(out,
                  "crossed: inputs of the other engine that this one took; stored: files in fuzz/corpora, old + new\n");
}
