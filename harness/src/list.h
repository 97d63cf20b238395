/* Listing the selected tests: plain, as JSON, in GoogleTest's format, which CMake's gtest_discover_tests reads, and in
 * its XML and JSON, from which test explorers take files and lines. */
#ifndef HARNESS_SRC_LIST_H
#define HARNESS_SRC_LIST_H

#include "harness/src/plan.h"
#include "harness/src/suites.h"

#include <stdio.h>

void cupel__list_plain(const struct cupel__plan *plan, FILE *out);
void cupel__list_json(const struct cupel__plan *plan, FILE *out);
void cupel__list_gtest(const struct cupel__plan *plan, const struct cupel__suites *suites, FILE *out);
void cupel__list_gtest_json(const struct cupel__plan *plan, const struct cupel__suites *suites, FILE *out);
void cupel__list_gtest_xml(const struct cupel__plan *plan, const struct cupel__suites *suites, FILE *out);

#endif
