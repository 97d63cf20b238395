/* The parts of `cupel init`: what it writes, and the one line that it adds to a project that is there. */
#ifndef HARNESS_TOOL_INIT_H
#define HARNESS_TOOL_INIT_H

#include "alloc/base/message.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

enum { INIT_NAME_MAX = 64 };

/* What is known of the project. */
struct init_project {
    char name[INIT_NAME_MAX]; /* an identifier of C */
    char library[128];        /* that the first test links, or "" */
    char library_place[256];  /* the file that declares it, or "" where it was given */
    char folder[32];          /* of the tests, from the project's root */
    bool has_cmake;           /* there is a CMakeLists.txt */
    bool has_cplusplus;       /* its project() asks for C++ */
    const char *memory_clang; /* the compiler of the variant msan */
};

/* True where a new project may have this name for its target, its files and its functions; else the error says why. */
bool init_check_name(const char *name, struct cupel_error *error);
/* Makes a name that init_check_name() lets pass of any text. Where that is not the text itself, the result says why, to
 * be written behind the name; else NULL. */
const char *init_make_name(const char *text, char name[INIT_NAME_MAX]);

/* A file that init writes, at `path` below the project's root; both texts have the words @NAME@, @FOLDER@ and
 * @LIBRARY@ for what the project says. */
struct init_file {
    const char *path;
    const char *text;                                   /* or NULL, where */
    void (*write)(const struct init_project *, FILE *); /* writes it */
    bool is_for_new_only;                               /* left out where a project is there */
};
/* All files, in the order in which they are written; ends with a path that is NULL. */
extern const struct init_file init_files[];

/* Writes `text` with its words filled in. */
void init_fill(const struct init_project *project, const char *text, FILE *out);

/* Where project(...) of a CMakeLists.txt ends: the offset behind the line of its closing parenthesis, and what stands
 * in the parentheses (cut at `size` - 1). 0 where there is none. Comments are passed over. */
size_t init_find_project(const char *text, char *words, size_t size);
/* The name of the first library of the project's own that the text declares; false where there is none. */
bool init_find_library(const char *text, char *name, size_t size);
/* The next folder that the text adds with add_subdirectory() from *at on, which moves behind it; those whose name is
 * made of variables are passed over. False at the end. */
bool init_next_folder(const char **at, char *name, size_t size);

/* Where this program stands, as CMake sees it. */
enum init_place {
    INIT_FOUND,         /* it finds the package by itself */
    INIT_ELSEWHERE,     /* installed where it does not look */
    INIT_NOT_INSTALLED, /* a build tree, or a copy of the program alone */
};
/* The prefix under which this program stands; not set where the place is found. */
enum init_place init_find_prefix(char *prefix, size_t size);

#endif
