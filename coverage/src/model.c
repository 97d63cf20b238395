/* Holds the model's records: adding, looking up, freeing. Uniting them is unite.c, reading them rows.c. */
#include "coverage/coverage.h"

#include "coverage/src/model.h"
#include "coverage/src/vector.h"

#include <assert.h>
#include <string.h>

const char *cupel_cover_class_name(unsigned class_id) {
    static const char *const names[] = {"unit", "property", "fuzz", "fault", "crash", "total"};
    return class_id <= CUPEL_COVER_TOTAL ? names[class_id] : "unknown";
}

uint64_t cupel_cover_add_saturating(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void cupel__cover_add_counts(struct cupel_cover_counts *into, const struct cupel_cover_counts *from) {
    into->total = cupel_cover_add_saturating(into->total, from->total);
    for (int i = 0; i < CUPEL_COVER_CLASSES; i++) {
        into->by_class[i] = cupel_cover_add_saturating(into->by_class[i], from->by_class[i]);
    }
}

void cupel_cover_count(struct cupel_cover_counts *counts, unsigned class_id, uint64_t count) {
    assert(class_id <= CUPEL_COVER_TOTAL);
    if (class_id == CUPEL_COVER_TOTAL) {
        counts->total = count;
    } else {
        counts->by_class[class_id] = count;
    }
}

void cupel_coverage_init(struct cupel_coverage *coverage, struct cupel_allocator *allocator) {
    *coverage = (struct cupel_coverage){.allocator = allocator};
}

static void free_array(struct cupel_allocator *allocator, void *items, size_t capacity, size_t item_size) {
    cupel_free(allocator, items, capacity * item_size, _Alignof(max_align_t));
}

static void free_file(struct cupel_allocator *allocator, struct cupel_cover_file *file) {
    for (size_t i = 0; i < file->name_count; i++) {
        cupel__cover_free_copy(allocator, file->names[i]);
    }
    for (size_t i = 0; i < file->exclusion_count; i++) {
        cupel__cover_free_copy(allocator, file->exclusions[i].reason);
    }
    free_array(allocator, file->names, file->name_capacity, sizeof file->names[0]);
    free_array(allocator, file->lines, file->line_capacity, sizeof file->lines[0]);
    free_array(allocator, file->functions, file->function_capacity, sizeof file->functions[0]);
    free_array(allocator, file->branches, file->branch_capacity, sizeof file->branches[0]);
    free_array(allocator, file->exclusions, file->exclusion_capacity, sizeof file->exclusions[0]);
    CUPEL_FREE_ARRAY(allocator, uint32_t, file->name_table, file->name_table_size);
    cupel__cover_free_copy(allocator, file->path);
    CUPEL_FREE(allocator, struct cupel_cover_file, file);
}

void cupel_coverage_deinit(struct cupel_coverage *coverage) {
    if (coverage->allocator == NULL) {
        return;
    }
    for (size_t i = 0; i < coverage->file_count; i++) {
        free_file(coverage->allocator, coverage->files[i]);
    }
    free_array(coverage->allocator, coverage->files, coverage->file_capacity, sizeof(void *));
    *coverage = (struct cupel_coverage){.allocator = coverage->allocator};
}

uint32_t cupel_cover_variant(struct cupel_coverage *coverage, const char *name) {
    for (size_t i = 0; i < coverage->variant_count; i++) {
        if (strcmp(coverage->variants[i], name) == 0) {
            return (uint32_t)i;
        }
    }
    size_t length = strlen(name);
    if (coverage->variant_count == CUPEL_COVER_VARIANTS_MAX || length >= CUPEL_COVER_VARIANT_NAME_MAX) {
        coverage->is_out_of_memory = true;
        return 0;
    }
    memcpy(coverage->variants[coverage->variant_count], name, length + 1);
    return (uint32_t)coverage->variant_count++;
}

/* Compares a terminated text with one of a given length, as strcmp. */
static int compare_text(const char *text, const char *other, size_t length) {
    int order = strncmp(text, other, length);
    return order != 0 ? order : text[length] != '\0';
}

struct cupel_cover_file *cupel_cover_file(struct cupel_coverage *coverage, const char *path, size_t length) {
    if (coverage->is_out_of_memory) {
        return NULL;
    }
    size_t low = 0;
    size_t high = coverage->file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_text(coverage->files[middle]->path, path, length);
        if (order == 0) {
            return coverage->files[middle];
        }
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    struct cupel_cover_file *file = CUPEL_NEW(coverage->allocator, struct cupel_cover_file);
    if (file != NULL) {
        file->path = cupel__cover_copy(coverage->allocator, path, length);
    }
    if (file == NULL || file->path == NULL ||
        !cupel__cover_grow(coverage->allocator, &coverage->files, &coverage->file_capacity, coverage->file_count,
                           sizeof(void *))) {
        if (file != NULL) {
            free_file(coverage->allocator, file);
        }
        coverage->is_out_of_memory = true;
        return NULL;
    }
    struct cupel_cover_file **place = coverage->files + low;
    memmove(place + 1, place, (coverage->file_count - low) * sizeof(void *));
    *place = file;
    coverage->file_count++;
    return file;
}

/* FNV-1a, from the description of Fowler, Noll and Vo. */
static size_t hash_text(const char *text, size_t length) {
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3U;
    }
    return (size_t)(hash ^ (hash >> 32));
}

/* Where a name is in the table, or the empty place where it would be. */
static uint32_t *find_place(const struct cupel_cover_file *file, const char *name, size_t length) {
    size_t mask = file->name_table_size - 1;
    size_t place = hash_text(name, length) & mask;
    while (file->name_table[place] != 0 && compare_text(file->names[file->name_table[place] - 1], name, length) != 0) {
        place = (place + 1) & mask;
    }
    return &file->name_table[place];
}

bool cupel__cover_rebuild_names(struct cupel_allocator *allocator, struct cupel_cover_file *file, size_t size) {
    uint32_t *table = cupel_alloc_zeroed(allocator, size * sizeof table[0], _Alignof(uint32_t));
    if (table == NULL) {
        return false;
    }
    CUPEL_FREE_ARRAY(allocator, uint32_t, file->name_table, file->name_table_size);
    file->name_table = table;
    file->name_table_size = size;
    for (size_t i = 0; i < file->name_count; i++) {
        *find_place(file, file->names[i], strlen(file->names[i])) = (uint32_t)i + 1;
    }
    return true;
}

uint32_t cupel_cover_find_name(const struct cupel_cover_file *file, const char *name, size_t length) {
    uint32_t found = file->name_table_size == 0 ? 0 : *find_place(file, name, length);
    return found == 0 ? CUPEL_COVER_NO_FUNCTION : found - 1;
}

uint32_t cupel_cover_name(struct cupel_coverage *coverage, struct cupel_cover_file *file, const char *name,
                          size_t length) {
    if (coverage->is_out_of_memory) {
        return 0;
    }
    /* At most half full. */
    if (file->name_count * 2 >= file->name_table_size &&
        !cupel__cover_rebuild_names(coverage->allocator, file,
                                    file->name_table_size == 0 ? 32 : file->name_table_size * 2)) {
        coverage->is_out_of_memory = true;
        return 0;
    }
    uint32_t *place = find_place(file, name, length);
    if (*place != 0) {
        return *place - 1;
    }
    char *copy = NULL;
    if (!cupel__cover_grow(coverage->allocator, &file->names, &file->name_capacity, file->name_count,
                           sizeof file->names[0]) ||
        (copy = cupel__cover_copy(coverage->allocator, name, length)) == NULL) {
        coverage->is_out_of_memory = true;
        return 0;
    }
    file->names[file->name_count++] = copy;
    *place = (uint32_t)file->name_count;
    return *place - 1;
}

/* Makes room in one of a file's arrays; the name of the array gives those of its count and capacity. */
#define HAS_ROOM(coverage, file, items, prefix)                                                                        \
    (!(coverage)->is_out_of_memory &&                                                                                  \
     (cupel__cover_grow((coverage)->allocator, &(file)->items, &(file)->prefix##_capacity, (file)->prefix##_count,     \
                        sizeof(file)->items[0]) ||                                                                     \
      ((coverage)->is_out_of_memory = true, false)))

void cupel_cover_add_line(struct cupel_coverage *coverage, struct cupel_cover_file *file,
                          const struct cupel_cover_line *line) {
    if (HAS_ROOM(coverage, file, lines, line)) {
        file->lines[file->line_count++] = *line;
    }
}

void cupel_cover_add_function(struct cupel_coverage *coverage, struct cupel_cover_file *file,
                              const struct cupel_cover_function *function) {
    if (HAS_ROOM(coverage, file, functions, function)) {
        file->functions[file->function_count++] = *function;
    }
}

void cupel_cover_add_branch(struct cupel_coverage *coverage, struct cupel_cover_file *file,
                            const struct cupel_cover_branch *branch) {
    if (HAS_ROOM(coverage, file, branches, branch)) {
        file->branches[file->branch_count++] = *branch;
    }
}

void cupel_cover_add_exclusion(struct cupel_coverage *coverage, struct cupel_cover_file *file, uint32_t line,
                               bool is_branches_only, const char *reason, size_t length) {
    if (!HAS_ROOM(coverage, file, exclusions, exclusion)) {
        return;
    }
    char *copy = cupel__cover_copy(coverage->allocator, reason, length);
    if (copy == NULL) {
        coverage->is_out_of_memory = true;
        return;
    }
    file->exclusions[file->exclusion_count++] =
        (struct cupel_cover_exclusion){.line = line, .is_branches_only = is_branches_only, .reason = copy};
}
