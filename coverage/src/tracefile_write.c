/* Writes tracefiles: see tracefile.h. The order of records within a section is lcov's own. */
#include "coverage/tracefile.h"

#include <inttypes.h>

static uint64_t wanted(const struct cupel_cover_counts *counts, const struct cupel_tracefile_options *options) {
    return options->class_id == 0 ? counts->total : counts->by_class[options->class_id - 1];
}

static void write_functions(const struct cupel_cover_file *file, const struct cupel_tracefile_options *options,
                            FILE *out) {
    struct cupel_cover_function function;
    uint64_t found = 0;
    uint64_t hit = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0, number = 0; cupel_cover_next_function(file, &i, &function);) {
            if (cupel_cover_excluded(file, function.start_line, false) != NULL) {
                continue;
            }
            const char *name = file->names[function.name];
            uint64_t count = wanted(&function.counts, options);
            if (options->dialect == 2 && pass == 0) {
                (void)fprintf(out, "FNL:%zu,%" PRIu32, number, function.start_line);
                (void)fprintf(out, function.end_line == 0 ? "\n" : ",%" PRIu32 "\n", function.end_line);
                (void)fprintf(out, "FNA:%zu,%" PRIu64 ",%s\n", number, count, name);
            } else if (options->dialect != 2 && pass == 0) {
                (void)fprintf(out, "FN:%" PRIu32 ",%s\n", function.start_line, name);
            } else if (options->dialect != 2) {
                (void)fprintf(out, "FNDA:%" PRIu64 ",%s\n", count, name);
            }
            number++;
            found += pass == 0;
            hit += pass == 0 && count > 0;
        }
    }
    (void)fprintf(out, "FNF:%" PRIu64 "\nFNH:%" PRIu64 "\n", found, hit);
}

static void write_branches(const struct cupel_cover_file *file, const struct cupel_tracefile_options *options,
                           FILE *out) {
    struct cupel_cover_branch branch;
    uint64_t found = 0;
    uint64_t hit = 0;
    for (size_t i = 0; cupel_cover_next_branch(file, &i, &branch);) {
        if (cupel_cover_excluded(file, branch.line, true) != NULL) {
            continue;
        }
        uint64_t count = wanted(&branch.counts, options);
        (void)fprintf(out, "BRDA:%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",", branch.line, branch.block, branch.index);
        (void)fprintf(out, branch.is_reached || count > 0 ? "%" PRIu64 "\n" : "-\n", count);
        found++;
        hit += count > 0;
    }
    (void)fprintf(out, "BRF:%" PRIu64 "\nBRH:%" PRIu64 "\n", found, hit);
}

static void write_lines(const struct cupel_cover_file *file, const struct cupel_tracefile_options *options, FILE *out) {
    struct cupel_cover_cursor cursor = {0};
    struct cupel_cover_row row;
    uint64_t found = 0;
    uint64_t hit = 0;
    while (cupel_cover_next_row(file, &cursor, &row)) {
        if (row.exclusion == NULL) {
            uint64_t count = wanted(&row.counts, options);
            (void)fprintf(out, "DA:%" PRIu32 ",%" PRIu64 "\n", row.line, count);
            found++;
            hit += count > 0;
        }
    }
    (void)fprintf(out, "LF:%" PRIu64 "\nLH:%" PRIu64 "\n", found, hit);
}

void cupel_tracefile_write(const struct cupel_coverage *coverage, const struct cupel_tracefile_options *options,
                           FILE *stream) {
    static const struct cupel_tracefile_options defaults = {0};
    options = options == NULL ? &defaults : options;
    for (size_t i = 0; i < coverage->file_count; i++) {
        const struct cupel_cover_file *file = coverage->files[i];
        bool is_rooted = options->root != NULL && file->path[0] != '/';
        (void)fprintf(stream, "TN:\nSF:%s%s%s\n", is_rooted ? options->root : "", is_rooted ? "/" : "", file->path);
        write_functions(file, options, stream);
        write_branches(file, options, stream);
        write_lines(file, options, stream);
        (void)fprintf(stream, "end_of_record\n");
    }
}
