/* Finishes a model: sorts each file's records by key and unites those of one key. What is sorted does not depend on the
 * order in which records came, because names are numbered by their alphabet first. */
#include "coverage/coverage.h"

#include "coverage/src/model.h"
#include "coverage/src/vector.h"

#include <stdlib.h>
#include <string.h>

static int compare_numbers(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int compare_lines(const void *left, const void *right) {
    const struct cupel_cover_line *a = left;
    const struct cupel_cover_line *b = right;
    int order = compare_numbers(a->line, b->line);
    if (order == 0) {
        order = compare_numbers(a->function, b->function);
    }
    return order != 0 ? order : compare_numbers(a->variant, b->variant);
}

static int compare_functions(const void *left, const void *right) {
    const struct cupel_cover_function *a = left;
    const struct cupel_cover_function *b = right;
    int order = compare_numbers(a->name, b->name);
    return order != 0 ? order : compare_numbers(a->variant, b->variant);
}

static int compare_branches(const void *left, const void *right) {
    const struct cupel_cover_branch *a = left;
    const struct cupel_cover_branch *b = right;
    int order = compare_numbers(a->line, b->line);
    if (order == 0) {
        order = compare_numbers(a->function, b->function);
    }
    if (order == 0) {
        order = compare_numbers(a->block, b->block);
    }
    if (order == 0) {
        order = compare_numbers(a->index, b->index);
    }
    return order != 0 ? order : compare_numbers(a->variant, b->variant);
}

static int compare_exclusions(const void *left, const void *right) {
    const struct cupel_cover_exclusion *a = left;
    const struct cupel_cover_exclusion *b = right;
    int order = compare_numbers(a->line, b->line);
    if (order == 0) {
        order = compare_numbers(a->is_branches_only, b->is_branches_only);
    }
    return order != 0 ? order : strcmp(a->reason, b->reason);
}

static int compare_names(const void *left, const void *right) {
    const char *const *a = left;
    const char *const *b = right;
    return strcmp(*a, *b);
}

/* Numbers the names by their alphabet, here and in the records. */
static bool sort_names(struct cupel_allocator *allocator, struct cupel_cover_file *file) {
    size_t count = file->name_count;
    if (count == 0) {
        return true;
    }
    uint32_t *new_number = CUPEL_NEW_ARRAY(allocator, uint32_t, count);
    char **old = cupel_alloc(allocator, count * sizeof old[0], _Alignof(char *));
    bool is_complete = new_number != NULL && old != NULL;
    if (is_complete) {
        memcpy(old, file->names, count * sizeof old[0]);
        qsort(file->names, count, sizeof file->names[0], compare_names);
        is_complete = cupel__cover_rebuild_names(allocator, file, file->name_table_size);
    }
    if (is_complete) {
        for (size_t i = 0; i < count; i++) {
            new_number[i] = cupel_cover_find_name(file, old[i], strlen(old[i]));
        }
        for (size_t i = 0; i < file->line_count; i++) {
            uint32_t *function = &file->lines[i].function;
            *function = *function == CUPEL_COVER_NO_FUNCTION ? *function : new_number[*function];
        }
        for (size_t i = 0; i < file->branch_count; i++) {
            uint32_t *function = &file->branches[i].function;
            *function = *function == CUPEL_COVER_NO_FUNCTION ? *function : new_number[*function];
        }
        for (size_t i = 0; i < file->function_count; i++) {
            file->functions[i].name = new_number[file->functions[i].name];
        }
    }
    CUPEL_FREE_ARRAY(allocator, uint32_t, new_number, count);
    CUPEL_FREE_ARRAY(allocator, char *, old, count);
    return is_complete;
}

static void unite_lines(struct cupel_cover_file *file) {
    size_t kept = 0;
    for (size_t i = 0; i < file->line_count; i++) {
        struct cupel_cover_line *next = &file->lines[i];
        struct cupel_cover_line *last = kept == 0 ? NULL : &file->lines[kept - 1];
        if (last == NULL || compare_lines(last, next) != 0) {
            file->lines[kept++] = *next;
            continue;
        }
        cupel__cover_add_counts(&last->counts, &next->counts);
        /* Of copies of a function in several units: a block ran where it ran in one of them. */
        if (next->has_block_facts) {
            last->has_unexecuted_block =
                next->has_unexecuted_block && (!last->has_block_facts || last->has_unexecuted_block);
            last->has_block_facts = true;
        }
    }
    file->line_count = kept;
}

static void unite_functions(struct cupel_cover_file *file) {
    size_t kept = 0;
    for (size_t i = 0; i < file->function_count; i++) {
        struct cupel_cover_function *next = &file->functions[i];
        struct cupel_cover_function *last = kept == 0 ? NULL : &file->functions[kept - 1];
        if (last == NULL || compare_functions(last, next) != 0) {
            file->functions[kept++] = *next;
            continue;
        }
        cupel__cover_add_counts(&last->counts, &next->counts);
        if (next->start_line < last->start_line) {
            last->start_line = next->start_line;
        }
        if (next->end_line > last->end_line) {
            last->end_line = next->end_line;
        }
    }
    file->function_count = kept;
}

static void unite_branches(struct cupel_cover_file *file) {
    size_t kept = 0;
    for (size_t i = 0; i < file->branch_count; i++) {
        struct cupel_cover_branch *next = &file->branches[i];
        struct cupel_cover_branch *last = kept == 0 ? NULL : &file->branches[kept - 1];
        if (last == NULL || compare_branches(last, next) != 0) {
            file->branches[kept++] = *next;
            continue;
        }
        cupel__cover_add_counts(&last->counts, &next->counts);
        last->is_reached = last->is_reached || next->is_reached;
    }
    file->branch_count = kept;
}

static void unite_exclusions(struct cupel_allocator *allocator, struct cupel_cover_file *file) {
    size_t kept = 0;
    for (size_t i = 0; i < file->exclusion_count; i++) {
        struct cupel_cover_exclusion *next = &file->exclusions[i];
        struct cupel_cover_exclusion *last = kept == 0 ? NULL : &file->exclusions[kept - 1];
        if (last == NULL || last->line != next->line || last->is_branches_only != next->is_branches_only) {
            file->exclusions[kept++] = *next;
        } else {
            cupel__cover_free_copy(allocator, next->reason);
        }
    }
    file->exclusion_count = kept;
}

static void sort(void *items, size_t count, size_t item_size, int (*compare)(const void *, const void *)) {
    if (count > 1) {
        qsort(items, count, item_size, compare);
    }
}

bool cupel_cover_finish(struct cupel_coverage *coverage) {
    for (size_t i = 0; i < coverage->file_count && !coverage->is_out_of_memory; i++) {
        struct cupel_cover_file *file = coverage->files[i];
        if (!sort_names(coverage->allocator, file)) {
            coverage->is_out_of_memory = true;
            break;
        }
        sort(file->lines, file->line_count, sizeof file->lines[0], compare_lines);
        sort(file->functions, file->function_count, sizeof file->functions[0], compare_functions);
        sort(file->branches, file->branch_count, sizeof file->branches[0], compare_branches);
        sort(file->exclusions, file->exclusion_count, sizeof file->exclusions[0], compare_exclusions);
        unite_lines(file);
        unite_functions(file);
        unite_branches(file);
        unite_exclusions(coverage->allocator, file);
    }
    return !coverage->is_out_of_memory;
}

/* Copies the records of one file, with names and variants renumbered. */
static void merge_file(struct cupel_coverage *into, struct cupel_cover_file *target,
                       const struct cupel_cover_file *file, const uint32_t variants[]) {
    target->is_stale = target->is_stale || file->is_stale;
    for (size_t i = 0; i < file->function_count; i++) {
        struct cupel_cover_function function = file->functions[i];
        const char *name = file->names[function.name];
        function.name = cupel_cover_name(into, target, name, strlen(name));
        function.variant = variants[function.variant];
        cupel_cover_add_function(into, target, &function);
    }
    for (size_t i = 0; i < file->line_count; i++) {
        struct cupel_cover_line line = file->lines[i];
        if (line.function != CUPEL_COVER_NO_FUNCTION) {
            const char *name = file->names[line.function];
            line.function = cupel_cover_name(into, target, name, strlen(name));
        }
        line.variant = variants[line.variant];
        cupel_cover_add_line(into, target, &line);
    }
    for (size_t i = 0; i < file->branch_count; i++) {
        struct cupel_cover_branch branch = file->branches[i];
        if (branch.function != CUPEL_COVER_NO_FUNCTION) {
            const char *name = file->names[branch.function];
            branch.function = cupel_cover_name(into, target, name, strlen(name));
        }
        branch.variant = variants[branch.variant];
        cupel_cover_add_branch(into, target, &branch);
    }
    for (size_t i = 0; i < file->exclusion_count; i++) {
        const struct cupel_cover_exclusion *exclusion = &file->exclusions[i];
        cupel_cover_add_exclusion(into, target, exclusion->line, exclusion->is_branches_only, exclusion->reason,
                                  strlen(exclusion->reason));
    }
}

void cupel_cover_merge(struct cupel_coverage *into, const struct cupel_coverage *from) {
    uint32_t variants[CUPEL_COVER_VARIANTS_MAX] = {0};
    for (size_t i = 0; i < from->variant_count; i++) {
        variants[i] = cupel_cover_variant(into, from->variants[i]);
    }
    for (size_t i = 0; i < from->file_count; i++) {
        const struct cupel_cover_file *file = from->files[i];
        struct cupel_cover_file *target = cupel_cover_file(into, file->path, strlen(file->path));
        if (target != NULL) {
            merge_file(into, target, file, variants);
        }
    }
}
