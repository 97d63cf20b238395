/* Holds a model against gates: see gate.h. */
#include "coverage/gate.h"

#include "coverage/report.h"
#include "coverage/src/places.h"

#include <inttypes.h>
#include <string.h>

static bool is_named(const struct cupel_gate_rule *rule, const char *path) {
    if (strcmp(rule->path, ".") == 0) {
        return true;
    }
    size_t length = strlen(rule->path);
    return strncmp(path, rule->path, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* hit / found against hundredths of a per cent, without rounding; nothing to cover is covered. */
static bool is_enough(uint64_t hit, uint64_t found, unsigned limit) {
    return hit * 10000 >= found * limit;
}

/* "100", "97.5" */
static void format_limit(unsigned limit, char *text, size_t size) {
    if (limit % 100 == 0) {
        (void)snprintf(text, size, "%u", limit / 100);
    } else if (limit % 10 == 0) {
        (void)snprintf(text, size, "%u.%u", limit / 100, limit / 10 % 10);
    } else {
        (void)snprintf(text, size, "%u.%02u", limit / 100, limit % 100);
    }
}

static bool check_limit(const struct cupel_gate_rule *rule, const char *what, uint64_t hit, uint64_t found,
                        unsigned limit, FILE *out) {
    char percent[32];
    char wanted[32];
    if (limit == 0) {
        return true;
    }
    bool is_met = is_enough(hit, found, limit);
    cupel_report_percent(hit, found, percent, sizeof percent);
    format_limit(limit, wanted, sizeof wanted);
    (void)fprintf(out, "%-6s %s: %s %s (%" PRIu64 " of %" PRIu64 "), at least %s %%\n", is_met ? "ok" : "FAILED",
                  rule->path, what, percent, hit, found, wanted);
    return is_met;
}

static void print_lines(const struct cupel_cover_file *file, FILE *out) {
    struct cupel_cover_cursor cursor = {0};
    struct cupel__range range;
    while (cupel__next_uncovered(file, &cursor, &range)) {
        cupel__print_range(file, &range, out);
    }
}

static void print_branches(const struct cupel_cover_file *file, FILE *out) {
    struct cupel_cover_cursor cursor = {0};
    struct cupel_cover_row row;
    while (cupel_cover_next_row(file, &cursor, &row)) {
        cupel__print_branches(file, &row, out);
    }
}

static void print_functions(const struct cupel_cover_file *file, FILE *out) {
    cupel__print_functions(file, &(struct cupel__range){0, UINT32_MAX}, out);
}

static bool check_rule(const struct cupel_gate_rule *rule, const struct cupel_coverage *coverage, FILE *out) {
    struct cupel_cover_summary summary = {0};
    for (size_t i = 0; i < coverage->file_count; i++) {
        if (is_named(rule, coverage->files[i]->path)) {
            cupel_cover_summarise(coverage->files[i], &summary);
        }
    }
    const struct {
        bool is_met;
        void (*print)(const struct cupel_cover_file *, FILE *);
    } limits[] = {
        {check_limit(rule, "lines", summary.lines_hit, summary.lines_found, rule->lines, out), print_lines},
        {check_limit(rule, "branches", summary.branches_hit, summary.branches_found, rule->branches, out),
         print_branches},
        {check_limit(rule, "functions", summary.functions_hit, summary.functions_found, rule->functions, out),
         print_functions},
    };
    bool is_met = true;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        is_met = is_met && limits[i].is_met;
        for (size_t j = 0; j < coverage->file_count && !limits[i].is_met; j++) {
            if (is_named(rule, coverage->files[j]->path)) {
                limits[i].print(coverage->files[j], out);
            }
        }
    }
    return is_met;
}

enum cupel_status cupel_gates_check(const struct cupel_gates *gates, const struct cupel_coverage *coverage, FILE *out,
                                    struct cupel_error *error) {
    bool is_met = true;
    for (size_t i = 0; i < gates->count; i++) {
        const struct cupel_gate_rule *rule = &gates->rules[i];
        bool has_file = false;
        for (size_t j = 0; j < coverage->file_count && !has_file; j++) {
            has_file = is_named(rule, coverage->files[j]->path);
        }
        if (!has_file) {
            (void)cupel_error_set(error, rule->line, 1, "%.160s: no source of that name or below it was captured",
                                  rule->path);
            return CUPEL_USAGE;
        }
        is_met = check_rule(rule, coverage, out) && is_met;
    }
    return is_met ? CUPEL_OK : CUPEL_GATE;
}
