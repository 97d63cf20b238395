/* Names with stars: what rules and options match functions with. */
#ifndef ALLOC_SRC_GLOB_H
#define ALLOC_SRC_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* `*` stands for anything, `?` for one character; what is behind the pattern may be anything too where is_open. */
bool cupel__glob(const char *pattern, size_t pattern_length, const char *name, size_t length, bool is_open);

#endif
