/* The table on the terminal and the list of places: see report.h. */
#include "coverage/report.h"

#include "coverage/src/places.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_COLUMN = 36, RANGES_COLUMN = NAME_COLUMN + 3 * 9 + 2, ROW_MAX = 4096 };

void cupel_report_percent(uint64_t hit, uint64_t found, char *text, size_t size) {
    if (found == 0) {
        (void)snprintf(text, size, "-");
        return;
    }
    /* In thousandths; found is far below 2^54. */
    uint64_t thousandths = hit * 1000 / found;
    (void)snprintf(text, size, "%" PRIu64 ".%" PRIu64 " %%", thousandths / 10, thousandths % 10);
}

static size_t room_length(const char *path) {
    const char *slash = path[0] == '/' ? NULL : strchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

static void print_row(const char *name, int name_length, const struct cupel_cover_summary *summary, const char *ranges,
                      FILE *out) {
    char lines[32];
    char branches[32];
    char functions[32];
    cupel_report_percent(summary->lines_hit, summary->lines_found, lines, sizeof lines);
    cupel_report_percent(summary->branches_hit, summary->branches_found, branches, sizeof branches);
    cupel_report_percent(summary->functions_hit, summary->functions_found, functions, sizeof functions);
    (void)fprintf(out, "%-*.*s %8s %8s %8s%s%s\n", NAME_COLUMN, name_length, name, lines, branches, functions,
                  ranges[0] == '\0' ? "" : "  ", ranges);
}

/* "12-15 20", as much as has room. */
static void list_ranges(const struct cupel_cover_file *file, char *text, size_t size) {
    struct cupel_cover_cursor cursor = {0};
    struct cupel__range range;
    size_t length = 0;
    text[0] = '\0';
    while (cupel__next_uncovered(file, &cursor, &range)) {
        char one[32];
        int written =
            range.first == range.last
                ? snprintf(one, sizeof one, "%s%" PRIu32, length == 0 ? "" : " ", range.first)
                : snprintf(one, sizeof one, "%s%" PRIu32 "-%" PRIu32, length == 0 ? "" : " ", range.first, range.last);
        if (length + (size_t)written + 4 >= size) {
            memcpy(text + length, " ..", 4);
            return;
        }
        memcpy(text + length, one, (size_t)written + 1);
        length += (size_t)written;
    }
}

void cupel_report_table(const struct cupel_coverage *coverage, unsigned width, FILE *out) {
    struct cupel_cover_summary total = {0};
    size_t ranges_size = width == 0 ? ROW_MAX : width > RANGES_COLUMN + 16 ? width - RANGES_COLUMN : 16;
    char ranges[ROW_MAX];
    (void)fprintf(out, "%-*s %8s %8s %8s  %s\n", NAME_COLUMN, "", "lines", "branches", "functions", "never ran");
    for (size_t i = 0; i < coverage->file_count;) {
        const char *room = coverage->files[i]->path;
        size_t length = room_length(room);
        size_t end = i;
        struct cupel_cover_summary summary = {0};
        for (; end < coverage->file_count && room_length(coverage->files[end]->path) == length &&
               memcmp(coverage->files[end]->path, room, length) == 0;
             end++) {
            cupel_cover_summarise(coverage->files[end], &summary);
            cupel_cover_summarise(coverage->files[end], &total);
        }
        print_row(length == 0 ? "." : room, length == 0 ? 1 : (int)length, &summary, "", out);
        for (; i < end; i++) {
            const struct cupel_cover_file *file = coverage->files[i];
            struct cupel_cover_summary one = {0};
            char name[NAME_COLUMN + 1];
            cupel_cover_summarise(file, &one);
            list_ranges(file, ranges, ranges_size < sizeof ranges ? ranges_size : sizeof ranges);
            const char *path = length == 0 ? file->path : file->path + length + 1;
            size_t path_length = strlen(path);
            /* The end of a long path says more than its start. */
            (void)snprintf(name, sizeof name, "  %s%s", path_length > NAME_COLUMN - 2 ? ".." : "",
                           path_length > NAME_COLUMN - 2 ? path + path_length - (NAME_COLUMN - 4) : path);
            print_row(name, NAME_COLUMN, &one, ranges, out);
        }
    }
    print_row("total", NAME_COLUMN, &total, "", out);
}

void cupel_report_places(const struct cupel_coverage *coverage, FILE *out) {
    for (size_t i = 0; i < coverage->file_count; i++) {
        const struct cupel_cover_file *file = coverage->files[i];
        struct cupel_cover_cursor cursor = {0};
        struct cupel_cover_cursor runs = {0};
        struct cupel_cover_row row;
        struct cupel__range range = {0};
        bool has_range = cupel__next_uncovered(file, &runs, &range);
        while (cupel_cover_next_row(file, &cursor, &row)) {
            if (row.counts.total > 0) {
                cupel__print_branches(file, &row, out);
            }
            if (has_range && row.line == range.first) {
                cupel__print_range(file, &range, out);
                cupel__print_functions(file, &range, out);
                has_range = cupel__next_uncovered(file, &runs, &range);
            }
        }
    }
}
