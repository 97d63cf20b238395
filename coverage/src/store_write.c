/* Writes cupel.json: see store.h. */
#include "coverage/store.h"

#include "alloc/base/json.h"

static void write_counts(struct cupel_json *json, const struct cupel_cover_counts *counts) {
    cupel_json_key(json, "count");
    cupel_json_uint(json, counts->total);
    cupel_json_key(json, "classes");
    cupel_json_object_begin(json);
    for (unsigned i = 0; i < CUPEL_COVER_CLASSES; i++) {
        if (counts->by_class[i] != 0) {
            cupel_json_key(json, cupel_cover_class_name(i));
            cupel_json_uint(json, counts->by_class[i]);
        }
    }
    cupel_json_object_end(json);
}

static void write_number(struct cupel_json *json, const char *key, uint64_t value) {
    cupel_json_key(json, key);
    cupel_json_uint(json, value);
}

/* Which function and which variant a record belongs to. */
static void write_place(struct cupel_json *json, const struct cupel_coverage *coverage,
                        const struct cupel_cover_file *file, uint32_t function, uint32_t variant) {
    if (function != CUPEL_COVER_NO_FUNCTION) {
        cupel_json_key(json, "function");
        cupel_json_string(json, file->names[function]);
    }
    cupel_json_key(json, "variant");
    cupel_json_string(json, coverage->variants[variant]);
}

static void write_part(struct cupel_json *json, const char *key, uint64_t found, uint64_t hit) {
    cupel_json_key(json, key);
    cupel_json_object_begin(json);
    write_number(json, "found", found);
    write_number(json, "hit", hit);
    cupel_json_object_end(json);
}

static void write_summary(struct cupel_json *json, const struct cupel_cover_summary *summary) {
    cupel_json_key(json, "summary");
    cupel_json_object_begin(json);
    write_part(json, "lines", summary->lines_found, summary->lines_hit);
    write_part(json, "functions", summary->functions_found, summary->functions_hit);
    write_part(json, "branches", summary->branches_found, summary->branches_hit);
    cupel_json_object_end(json);
}

static void write_functions(struct cupel_json *json, const struct cupel_coverage *coverage,
                            const struct cupel_cover_file *file) {
    cupel_json_key(json, "functions");
    cupel_json_array_begin(json);
    for (size_t i = 0; i < file->function_count; i++) {
        const struct cupel_cover_function *function = &file->functions[i];
        cupel_json_object_begin(json);
        write_place(json, coverage, file, function->name, function->variant);
        write_number(json, "line", function->start_line);
        if (function->end_line != 0) {
            write_number(json, "end_line", function->end_line);
        }
        write_counts(json, &function->counts);
        cupel_json_object_end(json);
    }
    cupel_json_array_end(json);
}

static void write_lines(struct cupel_json *json, const struct cupel_coverage *coverage,
                        const struct cupel_cover_file *file) {
    cupel_json_key(json, "lines");
    cupel_json_array_begin(json);
    for (size_t i = 0; i < file->line_count; i++) {
        const struct cupel_cover_line *line = &file->lines[i];
        cupel_json_object_begin(json);
        write_number(json, "line", line->line);
        write_place(json, coverage, file, line->function, line->variant);
        write_counts(json, &line->counts);
        if (line->has_block_facts) {
            cupel_json_key(json, "partial");
            cupel_json_bool(json, line->has_unexecuted_block);
        }
        cupel_json_object_end(json);
    }
    cupel_json_array_end(json);
}

static void write_branches(struct cupel_json *json, const struct cupel_coverage *coverage,
                           const struct cupel_cover_file *file) {
    cupel_json_key(json, "branches");
    cupel_json_array_begin(json);
    for (size_t i = 0; i < file->branch_count; i++) {
        const struct cupel_cover_branch *branch = &file->branches[i];
        cupel_json_object_begin(json);
        write_number(json, "line", branch->line);
        write_place(json, coverage, file, branch->function, branch->variant);
        write_number(json, "block", branch->block);
        write_number(json, "index", branch->index);
        cupel_json_key(json, "reached");
        cupel_json_bool(json, branch->is_reached);
        write_counts(json, &branch->counts);
        cupel_json_object_end(json);
    }
    cupel_json_array_end(json);
}

static void write_exclusions(struct cupel_json *json, const struct cupel_cover_file *file) {
    cupel_json_key(json, "excluded");
    cupel_json_array_begin(json);
    for (size_t i = 0; i < file->exclusion_count; i++) {
        cupel_json_object_begin(json);
        write_number(json, "line", file->exclusions[i].line);
        cupel_json_key(json, "branches_only");
        cupel_json_bool(json, file->exclusions[i].is_branches_only);
        cupel_json_key(json, "reason");
        cupel_json_string(json, file->exclusions[i].reason);
        cupel_json_object_end(json);
    }
    cupel_json_array_end(json);
}

static void write_head(struct cupel_json *json, const struct cupel_coverage *coverage) {
    cupel_json_key(json, "format");
    cupel_json_string(json, "cupel-coverage");
    write_number(json, "version", CUPEL_STORE_VERSION);
    cupel_json_key(json, "root");
    cupel_json_string(json, coverage->root);
    cupel_json_key(json, "variants");
    cupel_json_array_begin(json);
    for (size_t i = 0; i < coverage->variant_count; i++) {
        cupel_json_string(json, coverage->variants[i]);
    }
    cupel_json_array_end(json);
    struct cupel_cover_summary summary = {0};
    for (size_t i = 0; i < coverage->file_count; i++) {
        cupel_cover_summarise(coverage->files[i], &summary);
    }
    write_summary(json, &summary);
}

void cupel_store_write(const struct cupel_coverage *coverage, FILE *stream) {
    struct cupel_json json;
    cupel_json_init(&json, stream, 0);
    cupel_json_object_begin(&json);
    write_head(&json, coverage);
    cupel_json_key(&json, "files");
    cupel_json_array_begin(&json);
    for (size_t i = 0; i < coverage->file_count; i++) {
        const struct cupel_cover_file *file = coverage->files[i];
        struct cupel_cover_summary summary = {0};
        cupel_cover_summarise(file, &summary);
        cupel_json_object_begin(&json);
        cupel_json_key(&json, "path");
        cupel_json_string(&json, file->path);
        cupel_json_key(&json, "stale");
        cupel_json_bool(&json, file->is_stale);
        write_summary(&json, &summary);
        write_functions(&json, coverage, file);
        write_lines(&json, coverage, file);
        write_branches(&json, coverage, file);
        write_exclusions(&json, file);
        cupel_json_object_end(&json);
    }
    cupel_json_array_end(&json);
    cupel_json_object_end(&json);
    (void)fputc('\n', stream);
}
