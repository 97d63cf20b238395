/* gcov's own text from the model, and the same with evidence classes in front: see report.h. */
#include "coverage/report.h"

#include "alloc/base/outfile.h"
#include "coverage/mark.h"
#include "coverage/src/paths.h"
#include "coverage/src/text.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* unit, property, fuzz, fault, crash */
static const char class_letters[CUPEL_COVER_CLASSES + 1] = "upzfc";

/* The marker of a line, its "N" replaced by the count. */
static void format_count(const struct cupel_cover_row *row, const struct cupel_report_text_options *options, char *text,
                         size_t size) {
    if (row == NULL) {
        (void)snprintf(text, size, "-");
        return;
    }
    enum cupel_mark mark = cupel_mark_of(row);
    if (mark == CUPEL_MARK_PARTIAL && options->no_stars) {
        mark = CUPEL_MARK_COVERED;
    }
    const char *marker = cupel_mark_look(mark)->gcov;
    if (marker[0] == 'N') {
        (void)snprintf(text, size, "%" PRIu64 "%s", row->counts.total, marker + 1);
    } else {
        (void)snprintf(text, size, "%s", marker);
    }
}

static void print_classes(const struct cupel_cover_row *row, FILE *out) {
    for (int i = 0; i < CUPEL_COVER_CLASSES; i++) {
        char letter = row == NULL ? ' ' : row->exclusion != NULL ? 'x' : '.';
        (void)fputc(row != NULL && row->counts.by_class[i] > 0 ? class_letters[i] : letter, out);
    }
    (void)fputc(' ', out);
}

bool cupel_report_text(const struct cupel_coverage *coverage, const struct cupel_cover_file *file,
                       const struct cupel_report_text_options *options, FILE *out, struct cupel_error *error) {
    char source[CUPEL__PATH_MAX];
    struct cupel__text text;
    struct cupel_error cause;
    if (!cupel__path_plain(source, coverage->root, file->path) ||
        !cupel__text_read(&text, coverage->allocator, source, SIZE_MAX / 4, &cause)) {
        return cupel_error_set(error, 0, 0, "%.160s %.80s", file->path, cause.text);
    }
    if (!options->classes) {
        (void)fprintf(out, "%9s:%5u:Source:%s\n", "-", 0U, source);
    }
    struct cupel_cover_cursor cursor = {0};
    struct cupel_cover_row row;
    bool has_row = cupel_cover_next_row(file, &cursor, &row);
    uint32_t number = 0;
    for (const char *line = text.data, *end = line + text.length; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((next == NULL ? end : next) - line);
        number++;
        while (has_row && row.line < number) {
            has_row = cupel_cover_next_row(file, &cursor, &row);
        }
        const struct cupel_cover_row *here = has_row && row.line == number ? &row : NULL;
        char count[32];
        format_count(here, options, count, sizeof count);
        if (options->classes) {
            print_classes(here, out);
        }
        (void)fprintf(out, "%9s:%5" PRIu32 ":", count, number);
        (void)fwrite(line, 1, length, out);
        (void)fputc('\n', out);
        line += length + 1;
    }
    cupel__text_free(&text);
    return true;
}

/* folder/a#src#b.c.gcov; false where it does not fit. */
static bool name_text(const char *folder, const char *path, char name[CUPEL__PATH_MAX]) {
    int length = snprintf(name, CUPEL__PATH_MAX, "%s/%s.gcov", folder, path);
    if (length < 0 || length >= CUPEL__PATH_MAX) {
        return false;
    }
    for (char *at = name + strlen(folder) + 1; *at != '\0'; at++) {
        *at = *at == '/' ? '#' : *at;
    }
    return true;
}

/* Texts of sources that are no more would be read as if they were new. */
static void remove_others(const struct cupel_coverage *coverage, const char *folder) {
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        size_t length = strlen(entry->d_name);
        bool is_ours = length <= 5 || strcmp(entry->d_name + length - 5, ".gcov") != 0;
        for (size_t i = 0; i < coverage->file_count && !is_ours; i++) {
            char name[CUPEL__PATH_MAX];
            is_ours = name_text(folder, coverage->files[i]->path, name) &&
                      strcmp(name + strlen(folder) + 1, entry->d_name) == 0;
        }
        if (!is_ours) {
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    (void)closedir(entries);
}

enum cupel_status cupel_report_texts(const struct cupel_coverage *coverage, const char *folder, bool no_stars,
                                     size_t *left_out, struct cupel_error *error) {
    struct cupel_report_text_options options = {.no_stars = no_stars};
    *left_out = 0;
    if (!cupel_make_directories(folder, error)) {
        return CUPEL_OUTPUT;
    }
    for (size_t i = 0; i < coverage->file_count; i++) {
        char name[CUPEL__PATH_MAX];
        struct cupel_outfile file;
        if (!name_text(folder, coverage->files[i]->path, name)) {
            *left_out += 1;
            continue;
        }
        if (!cupel_outfile_open(&file, name, error)) {
            return CUPEL_OUTPUT;
        }
        if (!cupel_report_text(coverage, coverage->files[i], &options, file.stream, NULL)) {
            cupel_outfile_discard(&file);
            (void)unlink(name);
            *left_out += 1;
        } else if (!cupel_outfile_commit(&file, error)) {
            return CUPEL_OUTPUT;
        }
    }
    remove_others(coverage, folder);
    return CUPEL_OK;
}
