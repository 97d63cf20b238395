/* The coverage model: what is known of each line, function and branch of each file, by evidence class and build
 * variant.
 *
 * Records are added in any order and as often as they come; cupel_cover_finish sorts them and unites those of one key,
 * (file, line, function, variant) for a line, by adding their counts. A header that many units include is one file.
 * Equal input, in whatever order, gives an equal model. Functions without an own status set `is_out_of_memory` and do
 * nothing from then on; cupel_cover_finish tells it. Counts saturate. All memory comes from the allocator given at the
 * start. One thread at a time. */
#ifndef COVERAGE_COVERAGE_H
#define COVERAGE_COVERAGE_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a line was reached. `total` is kept apart: a tracefile knows nothing else. */
enum cupel_cover_class {
    CUPEL_COVER_UNIT,
    CUPEL_COVER_PROPERTY,
    CUPEL_COVER_FUZZ,
    CUPEL_COVER_FAULT,
    CUPEL_COVER_CRASH,
    CUPEL_COVER_CLASSES,
    CUPEL_COVER_TOTAL = CUPEL_COVER_CLASSES,
};

/* "unit", "property", ...; borrowed. */
const char *cupel_cover_class_name(unsigned class_id);

struct cupel_cover_counts {
    uint64_t total;
    uint64_t by_class[CUPEL_COVER_CLASSES];
};

/* In place of a function's number: it is not known. */
#define CUPEL_COVER_NO_FUNCTION UINT32_MAX

struct cupel_cover_line {
    uint32_t line;     /* from 1 */
    uint32_t function; /* index in the file's names */
    uint32_t variant;  /* index in the model's variants */
    bool has_block_facts;
    bool has_unexecuted_block; /* some block of the line never ran: gcov's star */
    struct cupel_cover_counts counts;
};

struct cupel_cover_function {
    uint32_t name; /* index in the file's names */
    uint32_t variant;
    uint32_t start_line;
    uint32_t end_line; /* 0: not known */
    struct cupel_cover_counts counts;
};

struct cupel_cover_branch {
    uint32_t line;
    uint32_t function;
    uint32_t block; /* of a tracefile; 0 where the function is known */
    uint32_t index; /* in the line and function, or block */
    uint32_t variant;
    bool is_reached; /* the condition itself was evaluated */
    struct cupel_cover_counts counts;
};

/* Lines that the author excluded, with the reason that stands in the source. */
struct cupel_cover_exclusion {
    uint32_t line;
    bool is_branches_only;
    char *reason; /* may be empty */
};

struct cupel_cover_file {
    char *path;    /* as in the reports: below the root where it is, else absolute */
    bool is_stale; /* the source is newer than its object */
    char **names;  /* of functions; sorted once finished */
    size_t name_count, name_capacity;
    uint32_t *name_table; /* hash to index + 1 */
    size_t name_table_size;
    struct cupel_cover_line *lines;
    size_t line_count, line_capacity;
    struct cupel_cover_function *functions;
    size_t function_count, function_capacity;
    struct cupel_cover_branch *branches;
    size_t branch_count, branch_capacity;
    struct cupel_cover_exclusion *exclusions;
    size_t exclusion_count, exclusion_capacity;
};

enum { CUPEL_COVER_VARIANTS_MAX = 16, CUPEL_COVER_VARIANT_NAME_MAX = 32, CUPEL_COVER_PATH_MAX = 4096 };

struct cupel_coverage {
    struct cupel_allocator *allocator;
    bool is_out_of_memory;
    struct cupel_cover_file **files; /* sorted by path */
    size_t file_count, file_capacity;
    char variants[CUPEL_COVER_VARIANTS_MAX][CUPEL_COVER_VARIANT_NAME_MAX];
    size_t variant_count;
    char root[CUPEL_COVER_PATH_MAX]; /* what relative paths start from, without a slash at the end; "": not known */
};

/* An empty model. The allocator is borrowed and must outlive it. */
void cupel_coverage_init(struct cupel_coverage *coverage, struct cupel_allocator *allocator);
/* Frees all. A zeroed struct is allowed. */
void cupel_coverage_deinit(struct cupel_coverage *coverage);
/* Sets the root: absolute, links resolved where it exists. False where it is too long. */
bool cupel_coverage_set_root(struct cupel_coverage *coverage, const char *path);

/* The number of a variant, added where new. A variant too many, or a name too long, sets is_out_of_memory. */
uint32_t cupel_cover_variant(struct cupel_coverage *coverage, const char *name);
/* The file of that path, added where new; NULL when out of memory. The model owns it. */
struct cupel_cover_file *cupel_cover_file(struct cupel_coverage *coverage, const char *path, size_t length);
/* The number of a function's name in a file, added where new. */
uint32_t cupel_cover_name(struct cupel_coverage *coverage, struct cupel_cover_file *file, const char *name,
                          size_t length);
/* The number of a name that is there, else CUPEL_COVER_NO_FUNCTION. */
uint32_t cupel_cover_find_name(const struct cupel_cover_file *file, const char *name, size_t length);

/* Add one record, as it is. */
void cupel_cover_add_line(struct cupel_coverage *coverage, struct cupel_cover_file *file,
                          const struct cupel_cover_line *line);
void cupel_cover_add_function(struct cupel_coverage *coverage, struct cupel_cover_file *file,
                              const struct cupel_cover_function *function);
void cupel_cover_add_branch(struct cupel_coverage *coverage, struct cupel_cover_file *file,
                            const struct cupel_cover_branch *branch);
void cupel_cover_add_exclusion(struct cupel_coverage *coverage, struct cupel_cover_file *file, uint32_t line,
                               bool is_branches_only, const char *reason, size_t length);
/* Adds all of `from`, a finished model, to `into`; finish `into` afterwards. */
void cupel_cover_merge(struct cupel_coverage *into, const struct cupel_coverage *from);

/* Sorts and unites. False where memory ran out at any time since the start. Must come before all that follows. */
bool cupel_cover_finish(struct cupel_coverage *coverage);

/* A count in one class, or CUPEL_COVER_TOTAL, of a fresh record. */
void cupel_cover_count(struct cupel_cover_counts *counts, unsigned class_id, uint64_t count);
uint64_t cupel_cover_add_saturating(uint64_t a, uint64_t b);

/* One line of a file, over all functions and variants. */
struct cupel_cover_row {
    uint32_t line;
    struct cupel_cover_counts counts;
    bool has_unexecuted_block;
    const struct cupel_cover_exclusion *exclusion; /* of the whole line, or NULL */
    unsigned branches_found, branches_hit;         /* 0 where branches are excluded */
};

/* Walks over the rows of a finished file in order; start with a zeroed cursor. False at the end. */
struct cupel_cover_cursor {
    size_t line, branch, exclusion;
};
bool cupel_cover_next_row(const struct cupel_cover_file *file, struct cupel_cover_cursor *cursor,
                          struct cupel_cover_row *row);
/* The exclusion of a line, or NULL; of branches also counts where `of_branches`. */
const struct cupel_cover_exclusion *cupel_cover_excluded(const struct cupel_cover_file *file, uint32_t line,
                                                         bool of_branches);

/* What counts: excluded lines do not. A function in two variants is one. */
struct cupel_cover_summary {
    uint64_t lines_found, lines_hit, functions_found, functions_hit, branches_found, branches_hit;
};
/* Adds the figures of one finished file. */
void cupel_cover_summarise(const struct cupel_cover_file *file, struct cupel_cover_summary *summary);
/* The next function after `*index`, variants united: false at the end. Start with 0. */
bool cupel_cover_next_function(const struct cupel_cover_file *file, size_t *index,
                               struct cupel_cover_function *function);
/* The next branch, variants united and block numbers assigned: the first function on a line has block 0. */
bool cupel_cover_next_branch(const struct cupel_cover_file *file, size_t *index, struct cupel_cover_branch *branch);

#ifdef __cplusplus
}
#endif

#endif
