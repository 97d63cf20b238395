/* Which targets the last change touches: the files that git says differ from the commit before the last, held against
 * the sources of the targets. */
#include "fuzz/src/process.h"
#include "fuzz/tool/project.h"

#include "alloc/base/outfile.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Rooms on which all others stand: a change there touches everything a little. */
static bool is_below_all(const char *path) {
    return strncmp(path, "alloc/", 6) == 0 || strncmp(path, "harness/", 8) == 0;
}

static void touch(struct target *target, unsigned nearness) {
    if (target->touch < nearness) {
        target->touch = nearness;
    }
}

static void take_change(struct project *project, const char *path) {
    char mark[TARGET_NAME_MAX + 2];
    for (size_t i = 0; i < project->count; i++) {
        struct target *target = &project->targets[i];
        size_t room = strcspn(target->source, "/");
        (void)snprintf(mark, sizeof mark, "/%s", target->name);
        if (strcmp(path, target->source) == 0 || strstr(path, mark) != NULL) {
            touch(target, 3);
        } else if (room > 0 && strncmp(path, target->source, room + 1) == 0) {
            touch(target, 2);
        } else if (is_below_all(path)) {
            touch(target, 1);
        }
    }
}

void project_touch(struct project *project) {
    char list[CUPEL__PATH_MAX];
    (void)snprintf(list, sizeof list, "%s/changed", project->work);
    if (!cupel_make_directories(project->work, NULL)) {
        return;
    }
    const char *since_last[] = {"git", "-C", project->root, "diff", "--name-only", "HEAD~1", NULL};
    const char *uncommitted[] = {"git", "-C", project->root, "diff", "--name-only", "HEAD", NULL};
    if (cupel__program_run(since_last, NULL, list, 10000, NULL) != 0 &&
        cupel__program_run(uncommitted, NULL, list, 10000, NULL) != 0) {
        (void)unlink(list);
        return;
    }
    FILE *file = fopen(list, "r");
    char line[CUPEL__PATH_MAX];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        take_change(project, line);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)unlink(list);
}
