/* cupel alloc: looks at allocators. `check LIB.so` tries out a malloc from a shared library. */
#include "fuzz/tool/alloc_check.h"

#include "alloc/base/options.h"
#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHECK_MS = 60000 };

struct settings {
    struct fuzz_options fuzz;
    int64_t seed, runs;
    bool is_quiet;
};

static int parse(int argc, char **argv, struct settings *settings, struct cupel_arguments *arguments) {
    const struct cupel_option options[] = {{.name = "time",
                                            .letter = 't',
                                            .kind = CUPEL_OPTION_DURATION,
                                            .value = &settings->fuzz.time_ms,
                                            .parameter = "TIME",
                                            .sentence = "fuzz for so long (5s)",
                                            .min = 0,
                                            .max = INT64_MAX},
                                           {.name = "runs",
                                            .kind = CUPEL_OPTION_INT,
                                            .value = &settings->runs,
                                            .parameter = "N",
                                            .sentence = "fuzz so many runs instead; 0 is by --time (0)",
                                            .min = 0,
                                            .max = INT64_MAX},
                                           {.name = "seed",
                                            .kind = CUPEL_OPTION_INT,
                                            .value = &settings->seed,
                                            .parameter = "N",
                                            .sentence = "of the first run (1)",
                                            .min = 0,
                                            .max = INT64_MAX},
                                           {.name = "trace",
                                            .kind = CUPEL_OPTION_FLAG,
                                            .value = &settings->fuzz.is_traced,
                                            .sentence = "print every draw of the fuzzer"},
                                           {.name = "quiet",
                                            .letter = 'q',
                                            .kind = CUPEL_OPTION_FLAG,
                                            .value = &settings->is_quiet,
                                            .sentence = "print only what failed, and the totals"},
                                           {.name = NULL}};
    const struct cupel_program program = {
        .name = "cupel alloc",
        .synopsis = "check [OPTION ...] LIB.so",
        .sentence = "Tries out a malloc from a shared library: conformance, random operations, running out of memory.",
        .options = options};
    struct cupel_error error;
    if (!cupel_options_parse(&program, argc, argv, arguments, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_USAGE;
    }
    return CUPEL_OK;
}

static const char *const result_words[] = {"ok", "note", "FAILED", "lacks"};

static void print_row(const struct settings *settings, const char *name, const char *sentence,
                      const struct check_report *report) {
    if (!settings->is_quiet || report->result == CHECK_FAILED) {
        (void)printf("%-22s %-7s %s\n", name, result_words[report->result],
                     report->text[0] == '\0' ? sentence : report->text);
        (void)fflush(stdout);
    }
}

static unsigned run_table(const struct settings *settings, const struct check *checks, struct cupel_foreign *foreign) {
    unsigned failed = 0;
    for (const struct check *check = checks; check->name != NULL; check++) {
        struct check_report report;
        check_isolated(check, foreign, CHECK_MS, &report);
        print_row(settings, check->name, check->sentence, &report);
        failed += report.result == CHECK_FAILED;
    }
    return failed;
}

static unsigned run_fuzzer(const struct settings *settings, const char *library, struct cupel_foreign *foreign) {
    struct fuzz_report report;
    char summary[240];
    fuzz_isolated(foreign, &settings->fuzz, &report);
    (void)snprintf(summary, sizeof summary, "%llu runs, %llu operations: %llu requests met, %llu refused",
                   (unsigned long long)report.runs, (unsigned long long)report.operations,
                   (unsigned long long)report.succeeded, (unsigned long long)report.refused);
    print_row(settings, "random operations", summary, &report.check);
    if (report.check.result == CHECK_FAILED) {
        (void)printf("  reproduce  cupel alloc check --seed=%llu --runs=1 --trace %s\n",
                     (unsigned long long)report.seed, library);
    }
    struct check_report errnos = {.result = CHECK_OK};
    if (report.errno_findings > 0) {
        check_fail(&errnos, "%u requests failed without errno ENOMEM", report.errno_findings);
    }
    print_row(settings, "errno of failures", "every request that fails sets errno to ENOMEM", &errnos);
    return (report.check.result == CHECK_FAILED ? 1U : 0U) + (errnos.result == CHECK_FAILED ? 1U : 0U);
}

/* Thread-local storage of libraries that are loaded late is scarce, and can be asked for only at start. */
static void start_again_with_room(char **argv) {
    static const char room[] = "glibc.rtld.optional_static_tls=65536";
    const char *tunables = getenv("GLIBC_TUNABLES");
    char text[1024];
    if (tunables != NULL && strstr(tunables, "optional_static_tls") != NULL) {
        return;
    }
    (void)snprintf(text, sizeof text, "%s%s%s", tunables == NULL ? "" : tunables, tunables == NULL ? "" : ":", room);
    if (setenv("GLIBC_TUNABLES", text, 1) == 0) {
        (void)execv("/proc/self/exe", argv);
    }
}

static int check_library(const struct settings *settings, const char *library) {
    struct cupel_foreign foreign;
    struct cupel_error error;
    if (cupel_foreign_init(&foreign, library, &error) == NULL) {
        cupel_message("%s", error.text);
        return CUPEL_USAGE;
    }
    if (!settings->is_quiet) {
        (void)printf("%-22s %-7s %s\n", "check", "result", "detail");
    }
    unsigned failed = run_table(settings, checks_of_conformance, &foreign);
    failed += run_fuzzer(settings, library, &foreign);
    failed += run_table(settings, checks_of_failure, &foreign);
    (void)printf("%s: %u checks failed\n", library, failed);
    return failed > 0 ? CUPEL_FAILED : CUPEL_OK;
}

int main(int argc, char **argv) {
    struct settings settings = {.fuzz.time_ms = 5000, .seed = 1};
    struct cupel_arguments arguments;
    cupel_message_program("cupel alloc");
    start_again_with_room(argv);
    int status = parse(argc, argv, &settings, &arguments);
    if (status != CUPEL_OK || arguments.has_help) {
        return status;
    }
    if (arguments.count == 0 || strcmp(arguments.words[0], "check") != 0) {
        cupel_message(arguments.count == 0 ? "%sa verb is needed: check" : "there is no verb '%s': check",
                      arguments.count == 0 ? "" : arguments.words[0]);
        return CUPEL_USAGE;
    }
    if (arguments.count != 2) {
        cupel_message("check needs one library");
        return CUPEL_USAGE;
    }
    settings.fuzz.seed = (uint64_t)settings.seed;
    settings.fuzz.runs = (uint64_t)settings.runs;
    return check_library(&settings, arguments.words[1]);
}
