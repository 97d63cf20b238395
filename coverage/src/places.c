/* Finds and prints what was not reached: see places.h. */
#include "coverage/src/places.h"

#include <inttypes.h>

static bool is_uncovered(const struct cupel_cover_row *row) {
    return row->exclusion == NULL && row->counts.total == 0;
}

bool cupel__next_uncovered(const struct cupel_cover_file *file, struct cupel_cover_cursor *cursor,
                           struct cupel__range *range) {
    struct cupel_cover_row row;
    do {
        if (!cupel_cover_next_row(file, cursor, &row)) {
            return false;
        }
    } while (!is_uncovered(&row));
    *range = (struct cupel__range){row.line, row.line};
    for (struct cupel_cover_cursor next = *cursor; cupel_cover_next_row(file, &next, &row) && is_uncovered(&row);) {
        range->last = row.line;
        *cursor = next;
    }
    return true;
}

void cupel__print_range(const struct cupel_cover_file *file, const struct cupel__range *range, FILE *out) {
    if (range->first == range->last) {
        (void)fprintf(out, "%s:%" PRIu32 ": line never ran\n", file->path, range->first);
    } else {
        (void)fprintf(out, "%s:%" PRIu32 ": lines to %" PRIu32 " never ran\n", file->path, range->first, range->last);
    }
}

void cupel__print_branches(const struct cupel_cover_file *file, const struct cupel_cover_row *row, FILE *out) {
    if (row->branches_hit < row->branches_found) {
        (void)fprintf(out, "%s:%" PRIu32 ": %u of %u branches never taken\n", file->path, row->line,
                      row->branches_found - row->branches_hit, row->branches_found);
    }
}

void cupel__print_functions(const struct cupel_cover_file *file, const struct cupel__range *range, FILE *out) {
    struct cupel_cover_function function;
    for (size_t i = 0; cupel_cover_next_function(file, &i, &function);) {
        if (function.start_line >= range->first && function.start_line <= range->last && function.counts.total == 0 &&
            cupel_cover_excluded(file, function.start_line, false) == NULL) {
            (void)fprintf(out, "%s:%" PRIu32 ": %s was never called\n", file->path, function.start_line,
                          file->names[function.name]);
        }
    }
}
