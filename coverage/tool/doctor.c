/* `cupel cover doctor`: what of compiler, gcov and lcov is here, and whether they fit each other. */
#include "alloc/base/message.h"
#include "alloc/libc.h"
#include "coverage/src/gcov.h"
#include "coverage/src/stage.h"
#include "coverage/tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether a program is on the PATH. */
static bool is_there(const char *program) {
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        char candidate[CUPEL_COVER_PATH_MAX];
        (void)snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, path, program);
        if (access(candidate, X_OK) == 0) {
            return true;
        }
        path += length;
        path += *path == ':';
    }
    return false;
}

static bool check_tool(const char *program, const char *what) {
    bool is_found = is_there(program);
    (void)printf("%-8s %s: %s\n", is_found ? "ok" : "missing", program, is_found ? "found" : what);
    return is_found;
}

static bool check_build(const char *build, const char *evidence, const struct cupel__compiler *version) {
    struct cupel__stage stage = {.allocator = cupel_libc()};
    struct cupel_error error = {0};
    enum cupel_status status = cupel__stage_find(&stage, build, evidence, version, &error);
    if (status == CUPEL_OK) {
        size_t run = 0;
        for (size_t i = 0; i < stage.count; i++) {
            bool is_run = false;
            for (unsigned j = 0; j < CUPEL_COVER_CLASSES; j++) {
                is_run = is_run || stage.objects[i].counters[j] != NULL;
            }
            run += is_run;
        }
        (void)printf("%-8s %s: %zu objects, %zu of them ran\n", "ok", build, stage.count, run);
    } else {
        (void)printf("%-8s %s\n", status == CUPEL_NOTHING ? "missing" : "wrong", error.text);
    }
    cupel__stage_deinit(&stage);
    return status == CUPEL_OK || status == CUPEL_NOTHING;
}

int cupel__cover_doctor(int argc, char **argv) {
    const char *gcov = "gcov";
    const char *build = "build/gcov";
    const char *evidence = "build/evidence/gcov";
    const struct cupel_option table[] = {{.name = "gcov",
                                          .kind = CUPEL_OPTION_TEXT,
                                          .value = &gcov,
                                          .parameter = "PROGRAM",
                                          .sentence = "the gcov to use; default gcov"},
                                         {.name = "build",
                                          .kind = CUPEL_OPTION_TEXT,
                                          .value = &build,
                                          .parameter = "DIR",
                                          .sentence = "a build with counters; default build/gcov"},
                                         {.name = "evidence",
                                          .kind = CUPEL_OPTION_TEXT,
                                          .value = &evidence,
                                          .parameter = "DIR",
                                          .sentence = "its counters; default build/evidence/gcov"},
                                         {.name = NULL}};
    const struct cupel_program program = {.name = "cupel cover doctor",
                                          .synopsis = "[OPTION ...]",
                                          .sentence =
                                              "Says what is here for coverage, and what to do about what is not.",
                                          .options = table};
    struct cupel_arguments arguments;
    int begun = cupel__cover_begin(&program, 0, argc, argv, &arguments);
    if (begun >= 0) {
        return begun;
    }
    struct cupel__compiler version;
    struct cupel_error error = {0};
    bool is_good = cupel__gcov_version(gcov, &version, &error);
    if (is_good) {
        (void)printf("%-8s %s: version %u.%u\n", "ok", gcov, version.major, version.minor);
        is_good = check_build(build, evidence, &version);
    } else {
        (void)printf("%-8s %s: install gcc\n", "missing", error.text);
    }
    is_good = check_tool("genhtml", "no HTML report: apt-get install lcov") && is_good;
    (void)printf("%-8s %s\n", cupel__gcov_can_read() ? "ok" : "missing",
                 cupel__gcov_can_read() ? "jansson: built in"
                                        : "jansson: no capture: apt-get install libjansson-dev, then build again");
    return is_good && cupel__gcov_can_read() ? CUPEL_OK : CUPEL_LACKING;
}
