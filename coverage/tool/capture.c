/* `cupel cover capture`: makes cupel.json. */
#include "coverage/capture.h"

#include "alloc/base/message.h"
#include "alloc/libc.h"
#include "coverage/store.h"
#include "coverage/tool/tool.h"

#include <stdio.h>
#include <string.h>

static void write_store(const void *coverage, FILE *stream) {
    cupel_store_write(coverage, stream);
}

/* What the command line says. */
static struct cupel_capture_options options = {.root = ".", .variant = "gcov", .gcov = "gcov"};
static const char *output = CUPEL__COVER_DEFAULT_DATA;
static bool is_quiet;
static struct cupel_option_list excluded;

static const struct cupel_option table[] = {
    {.name = "build",
     .kind = CUPEL_OPTION_TEXT,
     .value = &options.build,
     .parameter = "DIR",
     .sentence = "where the objects' notes (.gcno) are; default build/VARIANT"},
    {.name = "evidence",
     .kind = CUPEL_OPTION_TEXT,
     .value = &options.evidence,
     .parameter = "DIR",
     .sentence = "where the counters are, by class; default build/evidence/VARIANT"},
    {.name = "variant",
     .kind = CUPEL_OPTION_TEXT,
     .value = &options.variant,
     .parameter = "NAME",
     .sentence = "the build's name in the result; default gcov"},
    {.name = "root",
     .kind = CUPEL_OPTION_TEXT,
     .value = &options.root,
     .parameter = "DIR",
     .sentence = "of the sources; what lies outside is left out; default ."},
    {.name = "exclude",
     .kind = CUPEL_OPTION_LIST,
     .value = &excluded,
     .parameter = "PATTERN",
     .sentence = "leave out sources whose path below the root matches, as in '*/tests/*'; may be given again"},
    {.name = "gcov",
     .kind = CUPEL_OPTION_TEXT,
     .value = &options.gcov,
     .parameter = "PROGRAM",
     .sentence = "the gcov of the compiler that built; default gcov"},
    {.name = "allow-stale",
     .kind = CUPEL_OPTION_FLAG,
     .value = &options.allow_stale,
     .sentence = "mark sources newer than their objects instead of refusing them"},
    {.name = "stage",
     .kind = CUPEL_OPTION_TEXT,
     .value = &options.stage,
     .parameter = "DIR",
     .sentence = "keep what is given to gcov (notes and the sum of all counters) in this new folder"},
    {.name = "output",
     .letter = 'o',
     .kind = CUPEL_OPTION_TEXT,
     .value = &output,
     .parameter = "FILE",
     .sentence = "what to write; default " CUPEL__COVER_DEFAULT_DATA},
    {.name = "quiet",
     .letter = 'q',
     .kind = CUPEL_OPTION_FLAG,
     .value = &is_quiet,
     .sentence = "print nothing where all is well"},
    {.name = NULL}};

static int capture(void) {
    struct cupel_coverage coverage;
    struct cupel_capture_result result;
    struct cupel_error error = {0};
    cupel_coverage_init(&coverage, cupel_libc());
    if (!cupel_coverage_set_root(&coverage, options.root)) {
        cupel_message("%s: too long a path", options.root);
        return CUPEL_USAGE;
    }
    enum cupel_status status = cupel_capture(&coverage, &options, &result, &error);
    if (status != CUPEL_OK) {
        cupel_message("%s", error.text);
    } else {
        status = cupel__cover_save(output, write_store, &coverage);
    }
    if (status == CUPEL_OK && result.stale_sources > 0) {
        cupel_message("%zu sources are newer than their objects and are marked stale", result.stale_sources);
    }
    if (status == CUPEL_OK && !is_quiet) {
        (void)printf("captured %zu sources from %zu objects (%zu of them ran) into %s\n", result.sources,
                     result.objects, result.objects_run, output);
    }
    cupel_coverage_deinit(&coverage);
    return (int)status;
}

int cupel__cover_capture(int argc, char **argv) {
    const struct cupel_program program = {
        .name = "cupel cover capture",
        .synopsis = "[OPTION ...]",
        .sentence = "Reads the counters that the tests of a build with counters left, through gcov.",
        .options = table};
    struct cupel_arguments arguments;
    int status = cupel__cover_begin(&program, 0, argc, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    char build[CUPEL_COVER_PATH_MAX];
    char evidence[CUPEL_COVER_PATH_MAX];
    (void)snprintf(build, sizeof build, "build/%s", options.variant);
    (void)snprintf(evidence, sizeof evidence, "build/evidence/%s", options.variant);
    options.build = options.build == NULL ? build : options.build;
    options.evidence = options.evidence == NULL ? evidence : options.evidence;
    options.excluded = excluded.words;
    options.excluded_count = excluded.count;
    if (strlen(options.variant) >= CUPEL_COVER_VARIANT_NAME_MAX) {
        cupel_message("--variant: '%s' is longer than %d characters", options.variant,
                      CUPEL_COVER_VARIANT_NAME_MAX - 1);
        return CUPEL_USAGE;
    }
    return capture();
}
