/* Listing the selected tests: plain, as JSON, and in GoogleTest's format, which CMake's gtest_discover_tests reads. */
#ifndef HARNESS_SRC_LIST_H
#define HARNESS_SRC_LIST_H

#include "harness/src/plan.h"

#include <stdio.h>

void cupel__list_plain(const struct cupel__plan *plan, FILE *out);
void cupel__list_json(const struct cupel__plan *plan, FILE *out);
void cupel__list_gtest(const struct cupel__plan *plan, FILE *out);

#endif
