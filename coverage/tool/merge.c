/* `cupel cover merge`: unites models and tracefiles. */
#include "alloc/base/message.h"
#include "alloc/libc.h"
#include "coverage/store.h"
#include "coverage/tool/tool.h"
#include "coverage/tracefile.h"

#include <string.h>

static void write_store(const void *coverage, FILE *stream) {
    cupel_store_write(coverage, stream);
}

static void write_tracefile(const void *coverage, FILE *stream) {
    const struct cupel_coverage *model = coverage;
    struct cupel_tracefile_options options = {.root = model->root[0] == '\0' ? NULL : model->root};
    cupel_tracefile_write(model, &options, stream);
}

int cupel__cover_merge(int argc, char **argv) {
    const char *output = NULL;
    const char *root = ".";
    const struct cupel_option table[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CUPEL_OPTION_TEXT,
         .value = &output,
         .parameter = "FILE",
         .sentence = "what to write: cupel.json where the name ends in .json, else a tracefile; must be given"},
        {.name = "root",
         .kind = CUPEL_OPTION_TEXT,
         .value = &root,
         .parameter = "DIR",
         .sentence = "of the sources: relative paths start from it; default ."},
        {.name = NULL}};
    const struct cupel_program program = {.name = "cupel cover merge",
                                          .synopsis = "-o FILE FILE ...",
                                          .sentence = "Unites cupel.json and tracefiles: counts of one line are added.",
                                          .options = table};
    struct cupel_arguments arguments;
    int status = cupel_options_begin(&program, argc, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    if (output == NULL || arguments.count == 0) {
        cupel_message("%s", output == NULL ? "--output is missing" : "no file to merge");
        return CUPEL_USAGE;
    }
    struct cupel_coverage coverage;
    cupel_coverage_init(&coverage, cupel_libc());
    status = CUPEL_OK;
    for (int i = 0; i < arguments.count && status == CUPEL_OK; i++) {
        status = (int)cupel__cover_load(&coverage, arguments.words[i], root);
    }
    if (status == CUPEL_OK) {
        size_t length = strlen(output);
        bool is_json = length > 5 && strcmp(output + length - 5, ".json") == 0;
        status = (int)cupel__cover_save(output, is_json ? write_store : write_tracefile, &coverage);
    }
    cupel_coverage_deinit(&coverage);
    return status;
}
