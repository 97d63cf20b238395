/* Where things are: the project's root, its build trees, the fuzz targets in them, and the PROPERTYs in its sources
 * that they come from. */
#ifndef FUZZ_TOOL_PROJECT_H
#define FUZZ_TOOL_PROJECT_H

#include "alloc/base/message.h"
#include "fuzz/src/inputs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TARGETS_MAX = 512, TARGET_NAME_MAX = 128 };

struct target {
    char name[TARGET_NAME_MAX];       /* suite_property */
    char source[256];                 /* "room/tests/file.c" from the root; empty where no PROPERTY was found */
    unsigned line;                    /* of the PROPERTY */
    char property[TARGET_NAME_MAX];   /* "suite.name", empty likewise */
    char dictionary[TARGET_NAME_MAX]; /* that the PROPERTY names, or "" */
    bool has_libfuzzer, has_afl;      /* an executable is built */
    unsigned touch;                   /* how near the last change is: 3 its own source, 2 its room, 1 below it, 0 not */
};

struct project {
    char root[2048];
    char build[2048];
    char work[2100]; /* build/fuzzing: what may be thrown away */
    struct target targets[TARGETS_MAX];
    size_t count;
};

/* Finds the root (`root` where it is not NULL, else upward from here: the directory that holds fuzz/ and build/ or
 * CMakeLists.txt) and the targets. False and a text where there is no project. No target at all is no error. */
bool project_open(struct project *project, const char *root, const char *build, struct cupel_error *error);
/* The target of this name, by "suite_name" or "suite.name"; NULL. */
struct target *project_find(struct project *project, const char *name);
/* Sets `touch` of each target from what git says has changed since the last commit but one. Without git: all 0. */
void project_touch(struct project *project);
/* Paths, into a buffer of CUPEL__PATH_MAX bytes; each returns it. */
const char *path_engine(const struct project *project, const struct target *target, const char *variant, char *path);
const char *path_fuzz(const struct project *project, const char *kind, const struct target *target, char *path);
const char *path_work(const struct project *project, const struct target *target, const char *name, char *path);
/* The dictionary of the target in fuzz/dictionaries: the file that its PROPERTY names, else TARGET.dict. NULL where
 * there is none; `path` says then where it would be. */
const char *path_dictionary(const struct project *project, const struct target *target, char *path);
/* False and a text where the PROPERTY names a dictionary that cannot be read. */
bool project_has_dictionary(const struct project *project, const struct target *target, struct cupel_error *error);
/* A path as the user should see it: from the root, where it is under it. */
const char *path_shown(const struct project *project, const char *path);

#endif
