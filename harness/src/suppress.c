/* See suppress.h. */
#include "harness/src/suppress.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/mman.h>

enum { ROWS_MAX = 256, WORD_MAX = 120, WHY_MAX = 300, NAME_MAX_BYTES = 200 };

struct row {
    unsigned line;
    char test[WORD_MAX]; /* glob of suite.name */
    unsigned verdicts;   /* 1u << each */
    char words[WORD_MAX];
    char functions[WORD_MAX]; /* globs: "inner<its caller" */
    char why[WHY_MAX];
    bool was_swept, was_found; /* in any process */
};

static struct {
    char path[512];
    unsigned count;
    struct row *rows; /* ROWS_MAX of them, shared with workers */
} known;

/* "leak,crash": false at a word that is no verdict of a failure. */
static bool read_verdicts(const char *words, unsigned *verdicts) {
    while (*words != '\0') {
        size_t length = strcspn(words, ",");
        unsigned found = 0;
        for (unsigned i = 0; i < CUPEL_VERDICT_COUNT; i++) {
            const char *name = cupel_verdict_name(i);
            bool is_it = strlen(name) == length && memcmp(name, words, length) == 0;
            found |= is_it && i != CUPEL_VERDICT_OK && i != CUPEL_VERDICT_SKIPPED ? 1u << i : 0;
        }
        if (found == 0) {
            return false;
        }
        *verdicts |= found;
        words += length + (words[length] == ',');
    }
    return *verdicts != 0;
}

static bool read_row(struct row *row, const char *line, struct cupel_error *error) {
    int used = 0;
    if (sscanf(line, "%119s %119s %119s %n", row->test, row->words, row->functions, &used) != 3 || line[used] == '\0') {
        return cupel_error_set(error, row->line, 0, "%s:%u: a row is TEST VERDICTS FUNCTION WHY", known.path,
                               row->line);
    }
    if (!read_verdicts(row->words, &row->verdicts)) {
        return cupel_error_set(error, row->line, 0,
                               "%s:%u: '%s' is no verdict of a failure, nor several joined by commas", known.path,
                               row->line, row->words);
    }
    (void)snprintf(row->why, sizeof row->why, "%s", line + used);
    return true;
}

static bool read_rows(FILE *file, struct cupel_error *error) {
    char line[1024];
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (line[strspn(line, " \t")] == '\0' || line[0] == '#') {
            continue;
        }
        if (known.count == ROWS_MAX) {
            return cupel_error_set(error, number, 0, "%s:%u: more than %u rows", known.path, number, ROWS_MAX);
        }
        known.rows[known.count].line = number;
        if (!read_row(&known.rows[known.count++], line, error)) {
            return false;
        }
    }
    return true;
}

bool cupel__suppress_load(const char *path, struct cupel_error *error) {
    known.count = 0;
    if (path == NULL) {
        return true;
    }
    (void)snprintf(known.path, sizeof known.path, "%s", path);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return cupel_error_set(error, 0, 0, "%s: %s", path, strerror(errno));
    }
    size_t size = ROWS_MAX * sizeof *known.rows;
    known.rows = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool is_good = known.rows == MAP_FAILED ? cupel_error_set(error, 0, 0, "%s: no memory for its rows", path)
                                            : read_rows(file, error);
    (void)fclose(file);
    return is_good;
}

/* The function of a line of a stack, "    #3 function+0x12 (module+0x345)" or "    #3 function at file:line": false
 * where it is none. */
static bool read_frame(const char *line, char name[NAME_MAX_BYTES]) {
    const char *at = line + strspn(line, " ");
    if (*at != '#' || at == line) {
        return false;
    }
    at += strcspn(at, " \n");
    at += *at == ' ';
    (void)snprintf(name, NAME_MAX_BYTES, "%.*s", (int)strcspn(at, "+ \n"), at);
    return true;
}

static const char *next_line(const char *line) {
    const char *end = strchr(line, '\n');
    return end != NULL ? end + 1 : NULL;
}

/* True where this line of a stack and those behind it are the calls of `chain`, "inner<its caller<...". */
static bool begins_chain(const char *line, const char *chain) {
    for (bool is_first = true; *chain != '\0'; is_first = false) {
        char glob[WORD_MAX];
        char name[NAME_MAX_BYTES];
        size_t length = strcspn(chain, "<");
        (void)snprintf(glob, sizeof glob, "%.*s", (int)length, chain);
        chain += length + (chain[length] == '<');
        /* "#0" is the first of another stack. */
        bool is_other = line != NULL && !is_first && strncmp(line + strspn(line, " "), "#0 ", 3) == 0;
        if (line == NULL || is_other || !read_frame(line, name) || fnmatch(glob, name, 0) != 0) {
            return false;
        }
        line = next_line(line);
    }
    return true;
}

static bool has_chain(const char *text, const char *chain) {
    for (const char *line = text; line != NULL; line = next_line(line)) {
        if (begins_chain(line, chain)) {
            return true;
        }
    }
    return false;
}

const char *cupel__suppress_find(const char *title, enum cupel_verdict verdict, const char *text) {
    for (unsigned i = 0; i < known.count; i++) {
        struct row *row = &known.rows[i];
        if ((row->verdicts & 1u << verdict) != 0 && fnmatch(row->test, title, 0) == 0 &&
            has_chain(text, row->functions)) {
            row->was_found = true;
            return row->why;
        }
    }
    return NULL;
}

void cupel__suppress_swept(const char *title) {
    for (unsigned i = 0; i < known.count; i++) {
        known.rows[i].was_swept = known.rows[i].was_swept || fnmatch(known.rows[i].test, title, 0) == 0;
    }
}

unsigned cupel__suppress_tell_stale(FILE *out) {
    unsigned stale = 0;
    for (unsigned i = 0; i < known.count; i++) {
        const struct row *row = &known.rows[i];
        if (row->was_swept && !row->was_found) {
            stale++;
            fprintf(out, "%s:%u: stale: nothing of %s came to %s with %s on a stack\n", known.path, row->line,
                    row->test, row->words, row->functions);
        }
    }
    return stale;
}
