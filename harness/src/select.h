/* Which tests a run takes: a filter in GoogleTest's syntax, words, tags, a shard, those that failed last time. */
#ifndef HARNESS_SRC_SELECT_H
#define HARNESS_SRC_SELECT_H

#include "harness/harness.h"
#include "harness/src/filter.h"
#include "harness/src/settings.h"

#include <stdbool.h>

/* True if a test of that title ("suite.name" or "suite.name/row") is in every selection that was asked for. `filter` is
 * settings->filter, read; NULL for none. */
bool cupel__is_selected(const struct cupel__settings *settings, const struct cupel__filter *filter,
                        const struct cupel_test *test, const char *title);
/* True if the test carries this tag. */
bool cupel__has_tag(const struct cupel_test *test, const char *tag);
/* The property of this program by "suite.name" or "suite_name"; NULL where it has none. */
const struct cupel_test *cupel__property_named(const char *title);
/* True if the suite or the test begins with "DISABLED_". */
bool cupel__is_disabled(const struct cupel_test *test);

#endif
