/* A program's options as one table: it parses the command line and the environment, prints --help, and fills the man
 * page and shell completion (see cupel_options_man, cupel_options_complete). Needs no heap. */
#ifndef ALLOC_BASE_OPTIONS_H
#define ALLOC_BASE_OPTIONS_H

#include "alloc/base/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cupel_option_kind {
    CUPEL_OPTION_FLAG,     /* --name, --no-name; `value` is a bool * */
    CUPEL_OPTION_INT,      /* --name=N with min..max; int64_t *; "inf" gives INT64_MAX where max is INT64_MAX */
    CUPEL_OPTION_DURATION, /* --name=10s, 500ms, 10m, 2h, bare number is seconds, "inf" as above; int64_t * in ms */
    CUPEL_OPTION_TEXT,     /* --name=WORD; const char ** (borrowed from argv) */
    CUPEL_OPTION_CHOICE,   /* --name=one of `choices` (space separated); int * set to the index */
    CUPEL_OPTION_LIST,     /* may be given again; struct cupel_option_list * (borrowed words) */
    CUPEL_OPTION_HEADING,  /* a heading of --help; only `sentence` is used */
};

struct cupel_option_list {
    const char *words[64];
    size_t count;
};

struct cupel_option {
    const char *name; /* long name without dashes; NULL ends the table (but for a heading) */
    char letter;      /* short name, or 0 */
    enum cupel_option_kind kind;
    void *value;            /* where it goes; keeps its default where the option is absent */
    const char *parameter;  /* word shown in --help for the value: "N", "FILE"; NULL for flags */
    const char *sentence;   /* what it does, with unit and default */
    int64_t min, max;       /* INT and DURATION, both included; both 0: any value that is not negative */
    const char *choices;    /* CHOICE */
    bool value_is_optional; /* --name alone is allowed; sets INT to 1, TEXT to "" */
    const char *alias;      /* another accepted long name, hidden from --help: "gtest_filter"; NULL for none */
};

struct cupel_program {
    const char *name;     /* "cupel test" */
    const char *synopsis; /* "[OPTION ...] [PROGRAM ...]" */
    const char *sentence; /* what it does */
    const char *after;    /* free text after the options in --help, or NULL */
    const struct cupel_option *options;
};

/* What parsing left to the caller. */
struct cupel_arguments {
    const char **words; /* operands, in order; points into argv, which is permuted */
    int count;
    const char **rest; /* what stood after "--" */
    int rest_count;
    bool has_help; /* --help was given and printed to standard output: the caller ends with 0 */
};

/* Parses argv (argv[0] is skipped): --name=value, --name value, --name, --no-name, -x value, -xvalue, and letters of
 * flags in one word (-qv). In names "_" and "-" are the same. A value that begins with "--" must be joined by "=". An
 * unknown flag, a bad value or a missing one gives false and a text that names the word; `column` is then its 1-based
 * position in argv[1] and the following words joined by single spaces. An unknown flag suggests the nearest known one.
 * --help and -h print the help, --help=man and --help=complete what the two functions below print, --version the name
 * and version, unless the table has options of these names. Options before an error have taken effect. */
bool cupel_options_parse(const struct cupel_program *program, int argc, char **argv, struct cupel_arguments *arguments,
                         struct cupel_error *error);

/* What a main does first: sets the program's name for messages, parses, and shows what is wrong. Returns -1 where the
 * program shall go on; otherwise the status to end with (0 after --help, CUPEL_USAGE, or CUPEL_OUTPUT where the help
 * could not be written). */
int cupel_options_begin(const struct cupel_program *program, int argc, char **argv, struct cupel_arguments *arguments);

/* Parses one variable in the style of ASAN_OPTIONS, "name=value:name:no-name"; `text` NULL is fine. Colons within a
 * value are not possible. `storage` takes a copy of the text and must live as long as the values: TEXT and LIST options
 * point into it; a text that does not fit is an error. Errors as above, with the column in `text`. */
bool cupel_options_parse_text(const struct cupel_option *options, const char *text, char *storage, size_t storage_bytes,
                              struct cupel_error *error);

void cupel_options_help(const struct cupel_program *program, FILE *out);     /* --help */
void cupel_options_man(const struct cupel_program *program, FILE *out);      /* the OPTIONS section, roff */
void cupel_options_complete(const struct cupel_program *program, FILE *out); /* one "--name<TAB>sentence" a line */

/* The version of the suite, "1.2.3"; what --version prints after the program's name. */
const char *cupel_version(void);

/* Parses a duration ("90", "1.5s", "500ms", "10m", "2h") to milliseconds; false where it is none. */
bool cupel_parse_duration(const char *text, int64_t *milliseconds);

#ifdef __cplusplus
}
#endif

#endif
