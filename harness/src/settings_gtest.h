/* The words of GoogleTest: its flags that are no aliases of ours, its variables, and what follows from them. IDEs,
 * CMake's gtest_discover_tests and Bazel speak them. Parts of settings.c; nobody else calls these. */
#ifndef HARNESS_SRC_SETTINGS_GTEST_H
#define HARNESS_SRC_SETTINGS_GTEST_H

#include "alloc/base/message.h"
#include "alloc/base/options.h"
#include "harness/src/settings.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the rows to `to`, no end; how many. */
size_t cupel__gtest_append(struct cupel_option *to, size_t capacity);
/* Before the command line: GTEST_FILTER and its like, each as if its flag stood first. */
bool cupel__gtest_environment(const struct cupel_program *table, struct cupel_error *error);
/* After the command line: what its flags, and variables that have none, mean for the settings. */
bool cupel__gtest_apply(struct cupel__settings *settings, int argc, char **argv, struct cupel_error *error);
/* GTEST_TOTAL_SHARDS and GTEST_SHARD_INDEX, or Bazel's TEST_...; touches the shard status file. */
bool cupel__gtest_shard(struct cupel__settings *settings, struct cupel_error *error);

/* The file of TEST_PREMATURE_EXIT_FILE, which is there while tests run: whoever waits for this program knows by it that
 * it left without saying so. */
void cupel__gtest_premature_begin(void);
void cupel__gtest_premature_end(void);

#endif
