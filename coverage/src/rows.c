/* Reads a finished model: lines, functions and branches over all variants, with exclusions applied, and the figures. */
#include "coverage/coverage.h"

#include "coverage/src/model.h"

#include <assert.h>
#include <string.h>

const struct cupel_cover_exclusion *cupel_cover_excluded(const struct cupel_cover_file *file, uint32_t line,
                                                         bool of_branches) {
    size_t low = 0;
    size_t high = file->exclusion_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->exclusions[middle].line < line) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* Whole lines sort before branches only. */
    if (low == file->exclusion_count || file->exclusions[low].line != line) {
        return NULL;
    }
    return !file->exclusions[low].is_branches_only || of_branches ? &file->exclusions[low] : NULL;
}

static bool is_same_branch(const struct cupel_cover_branch *a, const struct cupel_cover_branch *b) {
    return a->line == b->line && a->function == b->function && a->block == b->block && a->index == b->index;
}

/* The block number that a branch has in a report: branches of a second function on a line must not mix with those of
 * the first. */
static uint32_t block_number(const struct cupel_cover_file *file, size_t index) {
    const struct cupel_cover_branch *branch = &file->branches[index];
    if (branch->function == CUPEL_COVER_NO_FUNCTION) {
        return branch->block;
    }
    uint32_t number = 0;
    for (size_t i = index; i > 0 && file->branches[i - 1].line == branch->line; i--) {
        number += file->branches[i - 1].function != file->branches[i].function;
    }
    return number;
}

bool cupel_cover_next_branch(const struct cupel_cover_file *file, size_t *index, struct cupel_cover_branch *branch) {
    if (*index >= file->branch_count) {
        return false;
    }
    *branch = file->branches[*index];
    uint32_t block = block_number(file, *index);
    for (*index += 1; *index < file->branch_count && is_same_branch(branch, &file->branches[*index]); *index += 1) {
        cupel__cover_add_counts(&branch->counts, &file->branches[*index].counts);
        branch->is_reached = branch->is_reached || file->branches[*index].is_reached;
    }
    branch->block = block;
    return true;
}

bool cupel_cover_next_function(const struct cupel_cover_file *file, size_t *index,
                               struct cupel_cover_function *function) {
    if (*index >= file->function_count) {
        return false;
    }
    *function = file->functions[*index];
    for (*index += 1; *index < file->function_count && file->functions[*index].name == function->name; *index += 1) {
        const struct cupel_cover_function *next = &file->functions[*index];
        cupel__cover_add_counts(&function->counts, &next->counts);
        function->start_line = next->start_line < function->start_line ? next->start_line : function->start_line;
        function->end_line = next->end_line > function->end_line ? next->end_line : function->end_line;
    }
    return true;
}

bool cupel_cover_next_row(const struct cupel_cover_file *file, struct cupel_cover_cursor *cursor,
                          struct cupel_cover_row *row) {
    if (cursor->line >= file->line_count) {
        return false;
    }
    *row = (struct cupel_cover_row){.line = file->lines[cursor->line].line};
    for (; cursor->line < file->line_count && file->lines[cursor->line].line == row->line; cursor->line++) {
        const struct cupel_cover_line *line = &file->lines[cursor->line];
        cupel__cover_add_counts(&row->counts, &line->counts);
        row->has_unexecuted_block = row->has_unexecuted_block || line->has_unexecuted_block;
    }
    row->exclusion = cupel_cover_excluded(file, row->line, false);
    while (cursor->branch < file->branch_count && file->branches[cursor->branch].line < row->line) {
        cursor->branch++;
    }
    bool counts = cupel_cover_excluded(file, row->line, true) == NULL;
    struct cupel_cover_branch branch;
    while (cursor->branch < file->branch_count && file->branches[cursor->branch].line == row->line &&
           cupel_cover_next_branch(file, &cursor->branch, &branch)) {
        row->branches_found += counts;
        row->branches_hit += counts && branch.counts.total > 0;
    }
    return true;
}

void cupel_cover_summarise(const struct cupel_cover_file *file, struct cupel_cover_summary *summary) {
    struct cupel_cover_cursor cursor = {0};
    struct cupel_cover_row row;
    while (cupel_cover_next_row(file, &cursor, &row)) {
        summary->lines_found += row.exclusion == NULL;
        summary->lines_hit += row.exclusion == NULL && row.counts.total > 0;
    }
    struct cupel_cover_function function;
    for (size_t i = 0; cupel_cover_next_function(file, &i, &function);) {
        bool counts = cupel_cover_excluded(file, function.start_line, false) == NULL;
        summary->functions_found += counts;
        summary->functions_hit += counts && function.counts.total > 0;
    }
    struct cupel_cover_branch branch;
    for (size_t i = 0; cupel_cover_next_branch(file, &i, &branch);) {
        bool counts = cupel_cover_excluded(file, branch.line, true) == NULL;
        summary->branches_found += counts;
        summary->branches_hit += counts && branch.counts.total > 0;
    }
}
