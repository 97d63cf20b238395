/* The options of a debug allocator as rows of a table, for who has more of them. */
#ifndef ALLOC_SRC_DEBUG_OPTIONS_H
#define ALLOC_SRC_DEBUG_OPTIONS_H

#include "alloc/base/options.h"
#include "alloc/debug.h"

/* As cupel_debug_parse, where the text may also say what `more` (ended as any table, at most 8 rows) has. */
bool cupel__debug_parse_with(struct cupel_debug_options *options, const struct cupel_option *more, const char *text,
                             struct cupel_error *error);

#endif
