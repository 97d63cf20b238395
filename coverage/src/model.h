/* What the files of the model share among themselves. */
#ifndef COVERAGE_SRC_MODEL_H
#define COVERAGE_SRC_MODEL_H

#include "coverage/coverage.h"

/* Adds each count of `from`; saturates. */
void cupel__cover_add_counts(struct cupel_cover_counts *into, const struct cupel_cover_counts *from);
/* Makes the table of a file's names anew, with `size` places (a power of two); false when out of memory. */
bool cupel__cover_rebuild_names(struct cupel_allocator *allocator, struct cupel_cover_file *file, size_t size);

#endif
