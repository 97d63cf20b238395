/* Goal: the tracefile reader takes any text, and what it takes survives writing and reading again. Method: bytes as a
 * tracefile; where it is one, the model is written in both dialects, read back and written again: the texts are equal.
 */
#include "coverage/tracefile.h"
#include "harness/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *data;
    size_t length;
};

/* Writes the model; false where there was no memory for it. */
static bool write_model(const struct cupel_coverage *coverage, int dialect, struct text *text) {
    struct cupel_tracefile_options options = {.dialect = dialect};
    *text = (struct text){NULL, 0};
    FILE *stream = open_memstream(&text->data, &text->length);
    if (stream == NULL) {
        return false;
    }
    cupel_tracefile_write(coverage, &options, stream);
    bool is_bad = ferror(stream) != 0;
    return fclose(stream) == 0 && !is_bad;
}

/* A reader that had no memory says so; only then is a refusal no word about the text. */
static bool is_out_of_memory(const struct cupel_error *error) {
    return error->line == 0 && strstr(error->text, "memory") != NULL;
}

/* Reads what was written; it must be read, and mean the same. False where there was no memory. */
static bool check_written(struct cupel_allocator *a, const struct text *first, int dialect) {
    struct cupel_coverage again;
    struct cupel_error error = {.line = 0};
    struct text second = {NULL, 0};
    cupel_coverage_init(&again, a);
    bool is_read = cupel_tracefile_read(&again, first->data, first->length, &error);
    bool is_refused = !is_read && !is_out_of_memory(&error) && first->length > 0;
    if (is_refused) {
        FAIL("dialect %d: what was written is refused at line %u: %s", dialect, error.line, error.text);
    }
    bool has_memory = is_read ? cupel_cover_finish(&again) : !is_out_of_memory(&error);
    if (is_read && has_memory) {
        has_memory = write_model(&again, dialect, &second);
        if (has_memory && CHECK_UINT_EQ(second.length, first->length)) {
            CHECK_MEM_EQ(second.data, first->data, first->length);
        }
    }
    free(second.data);
    cupel_coverage_deinit(&again);
    return has_memory;
}

PROPERTY(lcov, info, .longest = 16384) {
    struct cupel_view view = cupel_draw_rest(bytes, "tracefile");
    struct cupel_coverage coverage;
    struct cupel_error error = {.line = 0};
    cupel_coverage_init(&coverage, a);
    bool is_read = cupel_tracefile_read(&coverage, (const char *)view.data, view.length, &error);
    bool has_memory = is_read || !is_out_of_memory(&error);
    if (is_read) {
        has_memory = cupel_cover_finish(&coverage);
        for (int dialect = 1; dialect <= 2 && has_memory; dialect++) {
            struct text text;
            has_memory = write_model(&coverage, dialect, &text) && check_written(a, &text, dialect);
            free(text.data);
        }
    } else if (has_memory) {
        unsigned lines = 1;
        for (size_t i = 0; i < view.length; i++) {
            lines += view.data[i] == '\n';
        }
        CHECK_UINT_LE(error.line, lines);
        CHECK(error.text[0] != '\0');
    }
    cupel_coverage_deinit(&coverage);
    STARVED(!has_memory);
}
