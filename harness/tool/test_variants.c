/* cupel test --variants: the suite in every variant that is built, and one matrix of what did not pass everywhere. See
 * test.h. */
#include "harness/tool/test.h"

#include "alloc/base/json.h"
#include "alloc/base/outfile.h"
#include "alloc/base/status.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VARIANTS_MAX = 16, NAME_MAX_BYTES = 32, TITLE_MAX_BYTES = 600, NOT_RUN = 255 };

/* One test in all variants. */
struct row {
    char *title; /* "program suite.name/row" */
    uint8_t verdicts[VARIANTS_MAX];
};

struct column {
    char name[NAME_MAX_BYTES];
    uint64_t passed, failed, skipped;
    int status;
};

static struct column columns[VARIANTS_MAX];
static unsigned column_count;
static struct row *rows; /* a hash table: a power of two, never full */
static size_t row_count, row_capacity;
static unsigned present; /* the variant that runs */
static bool is_out_of_memory;

static size_t hash_of(const char *title) {
    uint64_t hash = 14695981039346656037U;
    for (; *title != '\0'; title++) {
        hash = (hash ^ (unsigned char)*title) * 1099511628211U;
    }
    return (size_t)(hash ^ (hash >> 32));
}

/* Its place, or the free one where it goes. */
static struct row *place_of(struct row *table, size_t capacity, const char *title) {
    size_t at = hash_of(title) & (capacity - 1);
    while (table[at].title != NULL && strcmp(table[at].title, title) != 0) {
        at = (at + 1) & (capacity - 1);
    }
    return &table[at];
}

static bool grow(void) {
    size_t capacity = row_capacity == 0 ? 1024 : row_capacity * 2;
    struct row *table = calloc(capacity, sizeof *table);
    if (table == NULL) {
        return false;
    }
    for (size_t i = 0; i < row_capacity; i++) {
        if (rows[i].title != NULL) {
            *place_of(table, capacity, rows[i].title) = rows[i];
        }
    }
    free(rows);
    rows = table;
    row_capacity = capacity;
    return true;
}

/* NULL when out of memory. */
static struct row *row_of(const char *title) {
    if (row_count * 2 >= row_capacity && !grow()) {
        return NULL;
    }
    struct row *row = place_of(rows, row_capacity, title);
    if (row->title == NULL) {
        row->title = strdup(title);
        memset(row->verdicts, NOT_RUN, sizeof row->verdicts);
        row_count += row->title != NULL;
    }
    return row->title == NULL ? NULL : row;
}

static bool is_failure(unsigned verdict) {
    return verdict != NOT_RUN && verdict != CUPEL_VERDICT_OK && verdict != CUPEL_VERDICT_SKIPPED;
}

/* Repeats, and the findings of a sweep, are records of one test: a failure stays. */
static void take(const char *program, const struct cupel_result *result) {
    char title[TITLE_MAX_BYTES];
    const char *slash = strrchr(program, '/');
    int length = snprintf(title, sizeof title, "%s ", slash == NULL ? program : slash + 1);
    (void)cupel_result_title(result, title + length, sizeof title - (size_t)length);
    struct row *row = row_of(title);
    if (row == NULL) {
        is_out_of_memory = true;
        return;
    }
    if (!is_failure(row->verdicts[present])) {
        row->verdicts[present] = (uint8_t)result->verdict;
    }
}

static const char *word_of(unsigned verdict) {
    return verdict == NOT_RUN ? "-" : cupel_verdict_name((enum cupel_verdict)verdict);
}

static bool is_shown(const struct row *row) {
    for (unsigned i = 0; i < column_count; i++) {
        if (row->verdicts[i] != NOT_RUN && row->verdicts[i] != CUPEL_VERDICT_OK) {
            return true;
        }
    }
    return false;
}

/* The one variant in which it fails though it ran in others; -1 where there is no such. */
static int only_in(const struct row *row) {
    int found = -1;
    unsigned ran = 0;
    for (unsigned i = 0; i < column_count; i++) {
        ran += row->verdicts[i] != NOT_RUN;
        if (is_failure(row->verdicts[i]) && found >= 0) {
            return -1;
        }
        found = is_failure(row->verdicts[i]) ? (int)i : found;
    }
    return ran > 1 ? found : -1;
}

static int compare(const void *left, const void *right) {
    const struct row *a = left;
    const struct row *b = right;
    if (a->title == NULL || b->title == NULL) {
        return (a->title == NULL) - (b->title == NULL);
    }
    return strcmp(a->title, b->title);
}

static const char *test_of(const struct row *row) {
    return strchr(row->title, ' ') + 1;
}

static void print_matrix(FILE *out) {
    size_t width = 4;
    for (size_t i = 0; i < row_count; i++) {
        size_t length = strlen(test_of(&rows[i]));
        width = is_shown(&rows[i]) && length > width ? length : width;
    }
    fprintf(out, "\n%-*s", (int)width, "test");
    for (unsigned i = 0; i < column_count; i++) {
        fprintf(out, " %-*s", i + 1 < column_count ? 15 : 1, columns[i].name);
    }
    fputc('\n', out);
    for (size_t i = 0; i < row_count; i++) {
        if (!is_shown(&rows[i])) {
            continue;
        }
        fprintf(out, "%-*s", (int)width, test_of(&rows[i]));
        for (unsigned j = 0; j < column_count; j++) {
            fprintf(out, " %-*s", j + 1 < column_count ? 15 : 1, word_of(rows[i].verdicts[j]));
        }
        fputc('\n', out);
    }
    fputc('\n', out);
    for (size_t i = 0; i < row_count; i++) {
        int only = only_in(&rows[i]);
        if (only >= 0) {
            fprintf(out, "only in %s: %s (%s)\n", columns[only].name, test_of(&rows[i]),
                    word_of(rows[i].verdicts[only]));
        }
    }
    for (unsigned i = 0; i < column_count; i++) {
        uint64_t absent = 0;
        for (size_t j = 0; j < row_count; j++) {
            absent += rows[j].verdicts[i] == NOT_RUN;
        }
        fprintf(out, "%s: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped", columns[i].name,
                columns[i].passed, columns[i].failed, columns[i].skipped);
        fprintf(out, absent == 0 ? "\n" : ", %" PRIu64 " not there\n", absent);
    }
}

static bool write_json(const char *path, struct cupel_error *error) {
    struct cupel_outfile file;
    struct cupel_json json;
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    cupel_json_init(&json, file.stream, 1);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "variants");
    cupel_json_array_begin(&json);
    for (unsigned i = 0; i < column_count; i++) {
        cupel_json_object_begin(&json);
        cupel_json_key(&json, "name");
        cupel_json_string(&json, columns[i].name);
        cupel_json_key(&json, "status");
        cupel_json_int(&json, columns[i].status);
        cupel_json_key(&json, "passed");
        cupel_json_uint(&json, columns[i].passed);
        cupel_json_key(&json, "failed");
        cupel_json_uint(&json, columns[i].failed);
        cupel_json_key(&json, "skipped");
        cupel_json_uint(&json, columns[i].skipped);
        cupel_json_object_end(&json);
    }
    cupel_json_array_end(&json);
    cupel_json_key(&json, "tests");
    cupel_json_array_begin(&json);
    for (size_t i = 0; i < row_count; i++) {
        if (!is_shown(&rows[i])) {
            continue;
        }
        cupel_json_object_begin(&json);
        cupel_json_key(&json, "program");
        cupel_json_string_n(&json, rows[i].title, strcspn(rows[i].title, " "));
        cupel_json_key(&json, "test");
        cupel_json_string(&json, test_of(&rows[i]));
        cupel_json_key(&json, "verdicts");
        cupel_json_object_begin(&json);
        for (unsigned j = 0; j < column_count; j++) {
            if (rows[i].verdicts[j] != NOT_RUN) {
                cupel_json_key(&json, columns[j].name);
                cupel_json_string(&json, word_of(rows[i].verdicts[j]));
            }
        }
        cupel_json_object_end(&json);
        if (only_in(&rows[i]) >= 0) {
            cupel_json_key(&json, "only");
            cupel_json_string(&json, columns[only_in(&rows[i])].name);
        }
        cupel_json_object_end(&json);
    }
    cupel_json_array_end(&json);
    cupel_json_object_end(&json);
    (void)fputc('\n', file.stream);
    return cupel_outfile_commit(&file, error);
}

/* Their order in the matrix: as they are listed here, then by name. */
static unsigned rank_of(const char *name) {
    static const char *const order[] = {"dev", "release", "asan", "tsan", "msan", "gcov"};
    unsigned rank = 0;
    while (rank < sizeof order / sizeof order[0] && strcmp(order[rank], name) != 0) {
        rank++;
    }
    return rank;
}

static int compare_columns(const void *left, const void *right) {
    const struct column *a = left;
    const struct column *b = right;
    unsigned ranks[2] = {rank_of(a->name), rank_of(b->name)};
    return ranks[0] != ranks[1] ? (ranks[0] > ranks[1]) - (ranks[0] < ranks[1]) : strcmp(a->name, b->name);
}

/* Whether that variant has test programs. */
static bool is_built(const char *name) {
    static struct cupel__test_programs programs;
    struct cupel_error error;
    bool is_there = cupel__test_locate(&programs, name, &error) && cupel__test_find_all(&programs, &error);
    bool has_programs = is_there && programs.count != 0;
    cupel__test_programs_deinit(&programs);
    return has_programs;
}

static bool add_column(const char *name, size_t length) {
    if (column_count == VARIANTS_MAX || length >= NAME_MAX_BYTES) {
        return false;
    }
    struct column *column = &columns[column_count];
    *column = (struct column){.status = CUPEL_NOTHING};
    memcpy(column->name, name, length);
    column_count += is_built(column->name);
    return true;
}

/* All that are built beside this program's own. */
static bool find_built(struct cupel_error *error) {
    static struct cupel__test_programs programs;
    if (!cupel__test_locate(&programs, ".", error)) {
        return false;
    }
    char *end = strstr(programs.directory, "/./bin/tests");
    DIR *directory = NULL;
    if (end != NULL) {
        *end = '\0';
        directory = opendir(programs.directory);
    }
    if (directory == NULL) {
        return cupel_error_set(error, 0, 0, "--variants: %s: %s", programs.directory, strerror(errno));
    }
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)add_column(entry->d_name, strlen(entry->d_name));
        }
    }
    (void)closedir(directory);
    qsort(columns, column_count, sizeof columns[0], compare_columns);
    return column_count != 0 || cupel_error_set(error, 0, 0, "--variants: none is built");
}

static bool find_named(const char *list, struct cupel_error *error) {
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        unsigned before = column_count;
        if (!add_column(list, length) || column_count == before) {
            return cupel_error_set(error, 0, 0, "--variants: '%.*s' is not built: make VARIANT=%.*s", (int)length, list,
                                   (int)length, list);
        }
        list += length + (list[length] == ',');
    }
    return true;
}

/* What outranks what, the worst first. */
static int worst_status(void) {
    static const int order[] = {CUPEL_INTERRUPTED, CUPEL_INTERNAL, CUPEL_FAILED,
                                CUPEL_USAGE,       CUPEL_OUTPUT,   CUPEL_LACKING};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        for (unsigned j = 0; j < column_count; j++) {
            if (columns[j].status == order[i]) {
                return order[i];
            }
        }
    }
    for (unsigned j = 0; j < column_count; j++) {
        if (columns[j].status == CUPEL_OK) {
            return CUPEL_OK;
        }
    }
    return CUPEL_NOTHING;
}

static void forget_all(void) {
    for (size_t i = 0; i < row_capacity; i++) {
        free(rows[i].title);
    }
    free(rows);
    rows = NULL;
    row_count = row_capacity = 0;
}

int cupel__test_variants(const char *list, const char *json_path,
                         int (*run)(const char *variant, cupel__test_take on_record,
                                    struct cupel__test_counts *counts)) {
    struct cupel_error error;
    if (!(list[0] == '\0' ? find_built(&error) : find_named(list, &error))) {
        cupel_message("%s", error.text);
        return CUPEL_LACKING;
    }
    for (present = 0; present < column_count; present++) {
        struct cupel__test_counts counts = {0, 0, 0};
        struct column *column = &columns[present];
        printf("%s: ", column->name);
        (void)fflush(stdout);
        column->status = run(column->name, take, &counts);
        column->passed = counts.passed;
        column->failed = counts.failed;
        column->skipped = counts.skipped;
        if (column->status == CUPEL_INTERRUPTED) {
            break;
        }
    }
    if (row_count != 0) {
        qsort(rows, row_capacity, sizeof rows[0], compare);
    }
    print_matrix(stdout);
    int status = is_out_of_memory ? CUPEL_INTERNAL : worst_status();
    if (is_out_of_memory) {
        cupel_message("--variants: out of memory for all tests");
    }
    if (json_path != NULL && !write_json(json_path, &error)) {
        cupel_message("%s", error.text);
        status = status == CUPEL_OK || status == CUPEL_NOTHING ? CUPEL_OUTPUT : status;
    }
    forget_all();
    return status;
}
