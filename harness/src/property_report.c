/* Tells a failing input: see property.h. The input is stored first, so that the command that follows works as it
 * stands. What failed under the plan of the run has that plan behind it, as its fault trailer: else it would pass
 * wherever it is replayed without the flag. */
#include "harness/src/plural.h"
#include "harness/src/property.h"
#include "harness/src/quote.h"

#include "harness/src/decode.h"
#include "harness/src/keep.h"
#include "harness/src/settings.h"

#include "alloc/base/outfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where failing inputs are kept, relative to the directory of the run. */
#define FAILURES_DIRECTORY "build/reports/failures"

bool cupel__failing_input_store(const struct cupel_test *property, const uint8_t *data, size_t length, char *path,
                                size_t size, struct cupel_error *error) {
    struct cupel_outfile file;
    (void)snprintf(path, size, FAILURES_DIRECTORY "/%s_%s-%016" PRIx64, property->suite, property->name,
                   cupel__decode_hash(data, length));
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    (void)fwrite(data, 1, length, file.stream);
    return cupel_outfile_commit(&file, error);
}

/* `path` NULL: the input could not be stored. */
static void write_story(FILE *out, const struct cupel__failing_input *input, const char *path) {
    const struct cupel_test *property = input->property;
    const char *program = cupel__settings.program != NULL ? cupel__settings.program : "PROGRAM";
    fprintf(out, "failing input: %zu byte%s, shrunk from %zu (%s) in %u step%s%s\n",
            input->length - input->fault_length, cupel__s(input->length - input->fault_length), input->origin_length,
            input->origin, input->steps, cupel__s(input->steps), input->was_cut ? ", cut short" : "");
    if (input->fault_length != 0) {
        fprintf(out, "behind it stand %zu bytes that say its faults\n", input->fault_length);
    }
    cupel__decode_draws(out, property, input->data, input->length);
    fputs("as bytes: ", out);
    cupel__decode_literal(out, input->data, input->length);
    fputs("\nas a C test (needs \"harness/property.h\"):\n", out);
    cupel__decode_test(out, property, input->data, input->length);
    if (path == NULL) { /* there is no file to run */
        return;
    }
    char words[4096];
    fprintf(out, "run it again: %s --replay=%s.%s", cupel__quote(program, words, sizeof words), property->suite,
            property->name);
    if (cupel__settings.fault_plan.count != 0) {
        char token[256];
        (void)cupel_fault_plan_format(&cupel__settings.fault_plan, token, sizeof token);
        fprintf(out, " --fault='%s'", token);
    }
    fprintf(out, " %s\n", path);
}

/* The input with the plan of the run behind it, instead of one that it may have; released with free. NULL where there
 * is no memory. */
static uint8_t *with_faults(struct cupel__failing_input *input, struct cupel_text *messages) {
    struct cupel_bytes bytes;
    struct cupel_fault_plan own;
    uint8_t *data = malloc(input->length + CUPEL_BYTES_FAULT_LENGTH_MAX);
    if (data == NULL) {
        return NULL;
    }
    cupel_bytes_init(&bytes, input->data, input->length);
    size_t drawn = cupel_bytes_fault_plan(&bytes, &own) ? bytes.back : input->length;
    memcpy(data, input->data, drawn);
    input->fault_length = cupel_bytes_fault_trailer(&cupel__settings.fault_plan, data + drawn);
    input->data = data;
    input->length = drawn + input->fault_length;
    if (input->fault_length == 0) {
        cupel_text_add(messages, "the fault plan is too long to stand behind the input: what is kept needs --fault\n");
    }
    return data;
}

static void tell(const struct cupel__failing_input *input, struct cupel_text *messages) {
    char path[4096];
    char *story = NULL;
    size_t length = 0;
    struct cupel_error error = {.line = 0};
    bool is_stored = cupel__failing_input_store(input->property, input->data, input->length, path, sizeof path, &error);
    if (!is_stored) {
        cupel_text_add(messages, "the failing input could not be stored: %s\n", error.text);
    }
    FILE *out = open_memstream(&story, &length);
    if (out == NULL) {
        cupel_text_add(messages, "no memory to show the failing input%s%s\n", is_stored ? "; it is in " : "",
                       is_stored ? path : "");
        return;
    }
    write_story(out, input, is_stored ? path : NULL);
    if (fclose(out) == 0) {
        cupel_text_add_n(messages, story, length);
        char story_path[4200];
        struct cupel_outfile file;
        (void)snprintf(story_path, sizeof story_path, "%s.txt", path);
        if (is_stored && cupel_outfile_open(&file, story_path, &error)) {
            (void)fwrite(story, 1, length, file.stream);
            (void)cupel_outfile_commit(&file, &error);
        }
    }
    free(story);
    cupel__keep_failing_input(input, messages);
}

void cupel__failing_input_report(const struct cupel__failing_input *input) {
    struct cupel__failing_input told = *input;
    struct cupel_text *messages = &cupel__run.result->messages;
    uint8_t *carried = cupel__settings.fault_plan.count != 0 ? with_faults(&told, messages) : NULL;
    tell(&told, messages);
    free(carried);
}
