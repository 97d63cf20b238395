/* Regressions and tests in C: see keep.h. Both are written once: regressions under the SHA-1 of what is in them, tests
 * under a name made from it. */
#include "harness/src/keep.h"

#include "harness/src/decode.h"
#include "harness/src/settings.h"

#include "alloc/base/outfile.h"
#include "alloc/base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 4096 };

static void keep_regression(const struct cupel__failing_input *input, struct cupel_text *messages) {
    char directory[PATH_BYTES_MAX];
    char name[CUPEL_SHA1_TEXT];
    bool is_new = false;
    struct cupel_error error;
    if (!cupel__inputs_directory(input->property, "regressions", directory, sizeof directory, &error) ||
        !cupel_store_add(directory, input->data, input->length, name, &is_new, &error)) {
        cupel_text_add(messages, "the regression could not be kept: %s\n", error.text);
        return;
    }
    cupel_text_add(messages, "the regression is %s: %s/%s\n", is_new ? "kept" : "kept already", directory, name);
}

/* The whole file, with a final NUL; released with free. A file that is not there is empty. NULL and a text on error. */
static char *read_text(const char *path, struct cupel_error *error) {
    FILE *file = fopen(path, "re");
    struct stat info;
    if (file == NULL && errno == ENOENT) {
        return calloc(1, 1);
    }
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        (void)cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
        if (file != NULL) {
            (void)fclose(file);
        }
        return NULL;
    }
    char *text = calloc(1, (size_t)info.st_size + 1);
    size_t length = text != NULL ? fread(text, 1, (size_t)info.st_size, file) : 0;
    if (text != NULL && ferror(file) != 0) {
        (void)cupel_error_set(error, 0, 0, "%s: cannot be read", path);
        free(text);
        text = NULL;
    } else if (text == NULL) {
        (void)cupel_error_set(error, 0, 0, "%s: no memory for its %zu bytes", path, length);
    }
    (void)fclose(file);
    return text;
}

/* What the input draws, as a comment. */
static void write_draws(FILE *out, const struct cupel__failing_input *input) {
    char *draws = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&draws, &length);
    if (stream != NULL) {
        cupel__decode_draws(stream, input->property, input->data, input->length);
        (void)fclose(stream);
    }
    fprintf(out, "/* %s.%s failed on an input that it draws as\n * ", input->property->suite, input->property->name);
    for (size_t i = 0; draws != NULL && i + 1 < length; i++) {
        bool is_mark = (draws[i] == '*' && draws[i + 1] == '/') || (draws[i] == '/' && draws[i + 1] == '*');
        fprintf(out, draws[i] == '\n' ? "\n * " : is_mark ? "%c " : "%c", draws[i]);
    }
    fputs("\n */\n", out);
    free(draws);
}

/* True where the text has that test. */
static bool has_test(const char *text, const struct cupel__failing_input *input) {
    char title[512];
    (void)snprintf(title, sizeof title, "TEST(%s, %s_input_%08" PRIx32 ")", input->property->suite,
                   input->property->name, (uint32_t)cupel__decode_hash(input->data, input->length));
    return strstr(text, title) != NULL;
}

static bool append_test(const char *path, const struct cupel__failing_input *input, struct cupel_error *error) {
    struct cupel_outfile file;
    char *text = read_text(path, error);
    bool is_done = text != NULL && has_test(text, input);
    if (text != NULL && !is_done && cupel_outfile_open(&file, path, error)) {
        if (text[0] == '\0') {
            fputs("/* Inputs on which properties failed, each a test that replays it. */\n"
                  "#include \"harness/property.h\"\n",
                  file.stream);
        }
        fprintf(file.stream, "%s\n", text);
        write_draws(file.stream, input);
        cupel__decode_test(file.stream, input->property, input->data, input->length);
        is_done = cupel_outfile_commit(&file, error);
    }
    free(text);
    return is_done;
}

/* Workers may write to one file: one after another, by a lock on what holds it. */
static int lock_directory_of(const char *path) {
    char directory[PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : (int)(slash - path) + 1;
    (void)snprintf(directory, sizeof directory, "%.*s", length, slash == NULL ? "." : path);
    int held = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (held >= 0) {
        (void)flock(held, LOCK_EX);
    }
    return held;
}

static void keep_test(const struct cupel__failing_input *input, struct cupel_text *messages) {
    char own[PATH_BYTES_MAX];
    struct cupel_error error;
    const char *path = cupel__settings.write_test;
    if (path[0] == '\0') {
        (void)snprintf(own, sizeof own, "build/reports/failures/%s_%s-%08" PRIx32 ".c", input->property->suite,
                       input->property->name, (uint32_t)cupel__decode_hash(input->data, input->length));
        path = own;
    }
    int held = lock_directory_of(path);
    if (append_test(path, input, &error)) {
        cupel_text_add(messages, "the test in C is in %s\n", path);
    } else {
        cupel_text_add(messages, "the test in C could not be written: %s\n", error.text);
    }
    if (held >= 0) {
        (void)close(held);
    }
}

void cupel__keep_failing_input(const struct cupel__failing_input *input, struct cupel_text *messages) {
    if (cupel__settings.write_regressions) {
        keep_regression(input, messages);
    }
    if (cupel__settings.write_test != NULL) {
        keep_test(input, messages);
    }
}
