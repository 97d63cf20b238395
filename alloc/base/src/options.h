/* Shared by the parts of the options table: finding an option, setting its value. */
#ifndef ALLOC_BASE_SRC_OPTIONS_H
#define ALLOC_BASE_SRC_OPTIONS_H

#include "alloc/base/options.h"

/* One occurrence of an option. */
struct cupel__option_use {
    const struct cupel_option *option; /* NULL: no such option */
    bool is_negated;                   /* --no-name */
};

/* A row without a name ends the table, unless it is a heading. */
static inline bool cupel__option_is_end(const struct cupel_option *option) {
    return option->name == NULL && option->kind != CUPEL_OPTION_HEADING;
}

/* Finds `length` characters of a long name, alias or "no-" form. */
struct cupel__option_use cupel__options_find(const struct cupel_option *options, const char *name, size_t length);

/* True where the option must be followed by a value. */
bool cupel__option_needs_value(const struct cupel_option *option);

/* Sets the option; `value` NULL: none was given. `shown` is how the user wrote the option, for the message; `column`
 * is where the value (or, without one, the option) stands. */
bool cupel__option_set(struct cupel__option_use use, const char *value, const char *shown, unsigned column,
                       struct cupel_error *error);

/* The error for a name that is in no table, with the nearest one; `dashes` is "--" or "". */
bool cupel__options_unknown(const struct cupel_option *options, const char *dashes, const char *name, unsigned column,
                            struct cupel_error *error);

#endif
