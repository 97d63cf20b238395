/* Walks a command line and hands each option to options_value.c. Operands are moved to the front of argv, so that they
 * are one array; nothing is lost from argv and nothing is allocated. */
#include "alloc/base/options.h"

#include "alloc/base/src/options.h"
#include "alloc/base/status.h"

#include <assert.h>
#include <string.h>

#ifndef CUPEL_VERSION
#define CUPEL_VERSION "unknown"
#endif

const char *cupel_version(void) {
    return CUPEL_VERSION;
}

/* Where the walk is. */
struct walk {
    const struct cupel_program *program;
    struct cupel_arguments *arguments;
    struct cupel_error *error;
    int argc;
    char **argv;
    int index;       /* the word being parsed */
    unsigned column; /* where that word begins */
};

static void step(struct walk *walk) {
    walk->column += (unsigned)strlen(walk->argv[walk->index]) + 1;
    walk->index++;
}

/* The next word as a value, or NULL where there is none: "--word" is taken for a forgotten value, not for one. */
static const char *next_value(struct walk *walk) {
    if (walk->index + 1 >= walk->argc || strncmp(walk->argv[walk->index + 1], "--", 2) == 0) {
        return NULL;
    }
    step(walk);
    return walk->argv[walk->index];
}

/* --help, --help=man, --help=complete, --version. */
static bool print_built_in(struct walk *walk, const char *name) {
    const struct cupel_program *program = walk->program;
    if (strcmp(name, "help") == 0) {
        cupel_options_help(program, stdout);
    } else if (strcmp(name, "help=man") == 0) {
        cupel_options_man(program, stdout);
    } else if (strcmp(name, "help=complete") == 0) {
        cupel_options_complete(program, stdout);
    } else if (strncmp(name, "help=", 5) == 0) {
        return cupel_error_set(walk->error, 0, walk->column + 7, "--help: '%.60s' is none of: man complete", name + 5);
    } else if (strcmp(name, "version") == 0) {
        (void)fprintf(stdout, "%s %s\n", program->name, cupel_version());
    } else {
        return cupel__options_unknown(program->options, "--", name, walk->column, walk->error);
    }
    walk->arguments->has_help = true;
    return true;
}

static bool parse_long(struct walk *walk) {
    const char *word = walk->argv[walk->index];
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    struct cupel__option_use use = cupel__options_find(walk->program->options, name, length);
    if (use.option == NULL) {
        return print_built_in(walk, name);
    }
    char shown[64];
    (void)snprintf(shown, sizeof shown, "--%.*s", (int)(length < 60 ? length : 60), name);
    unsigned column = walk->column;
    const char *value = NULL;
    if (name[length] == '=') {
        value = name + length + 1;
        column += (unsigned)length + 3;
    } else if (cupel__option_needs_value(use.option)) {
        value = next_value(walk);
        column = walk->column;
    }
    return cupel__option_set(use, value, shown, column, walk->error);
}

static const struct cupel_option *find_letter(const struct cupel_option *options, char letter) {
    for (; !cupel__option_is_end(options); options++) {
        if (options->letter == letter) {
            return options;
        }
    }
    return NULL;
}

static bool parse_letters(struct walk *walk) {
    const char *word = walk->argv[walk->index];
    for (const char *at = word + 1; *at != '\0'; at++) {
        char shown[] = {'-', *at, '\0'};
        unsigned column = walk->column + (unsigned)(at - word);
        struct cupel__option_use use = {.option = find_letter(walk->program->options, *at)};
        if (use.option == NULL && *at == 'h') {
            return print_built_in(walk, "help");
        }
        if (use.option == NULL) {
            return cupel_error_set(walk->error, 0, column, "unknown flag '%s' in '%.60s'", shown, word);
        }
        if (use.option->kind == CUPEL_OPTION_FLAG) {
            (void)cupel__option_set(use, NULL, shown, column, walk->error);
            continue;
        }
        const char *value = NULL;
        if (at[1] != '\0') {
            value = at + 1 + (at[1] == '=');
            column = walk->column + (unsigned)(value - word);
        } else if (cupel__option_needs_value(use.option)) {
            value = next_value(walk);
            column = value != NULL ? walk->column : column;
        }
        return cupel__option_set(use, value, shown, column, walk->error);
    }
    return true;
}

/* Moves the operand at `index` to the end of the operands, over the options before it. */
static void add_operand(struct walk *walk) {
    char *word = walk->argv[walk->index];
    int to = 1 + walk->arguments->count++;
    memmove(walk->argv + to + 1, walk->argv + to, (size_t)(walk->index - to) * sizeof *walk->argv);
    walk->argv[to] = word;
}

bool cupel_options_parse(const struct cupel_program *program, int argc, char **argv, struct cupel_arguments *arguments,
                         struct cupel_error *error) {
    assert(program->options != NULL);
    *arguments = (struct cupel_arguments){.words = (const char **)argv + (argc > 0)};
    struct walk walk = {program, arguments, error, argc, argv, 1, 1};
    for (; walk.index < argc && !arguments->has_help; step(&walk)) {
        const char *word = argv[walk.index];
        if (strcmp(word, "--") == 0) {
            arguments->rest = (const char **)argv + walk.index + 1;
            arguments->rest_count = argc - walk.index - 1;
            return true;
        }
        if (word[0] != '-' || word[1] == '\0') {
            add_operand(&walk);
        } else if (!(word[1] == '-' ? parse_long(&walk) : parse_letters(&walk))) {
            return false;
        }
    }
    return true;
}

int cupel_options_begin(const struct cupel_program *program, int argc, char **argv, struct cupel_arguments *arguments) {
    struct cupel_error error;
    cupel_message_program(program->name);
    if (!cupel_options_parse(program, argc, argv, arguments, &error)) {
        cupel_message("column %u: %s (%s --help lists all)", error.column, error.text, program->name);
        return CUPEL_USAGE;
    }
    if (!arguments->has_help) {
        return -1;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cupel_message("could not write to standard output");
        return CUPEL_OUTPUT;
    }
    return CUPEL_OK;
}

bool cupel_options_parse_text(const struct cupel_option *options, const char *text, char *storage, size_t storage_bytes,
                              struct cupel_error *error) {
    if (text == NULL) {
        return true;
    }
    size_t length = strlen(text);
    if (length >= storage_bytes) {
        return cupel_error_set(error, 0, 1, "the text has %zu characters; the most is %zu", length,
                               storage_bytes > 0 ? storage_bytes - 1 : 0);
    }
    memcpy(storage, text, length + 1);
    for (char *word = storage; word <= storage + length;) {
        size_t word_length = strcspn(word, ":");
        word[word_length] = '\0';
        size_t name_length = strcspn(word, "=");
        unsigned column = (unsigned)(word - storage) + 1;
        if (word_length > 0) {
            struct cupel__option_use use = cupel__options_find(options, word, name_length);
            if (use.option == NULL) {
                return cupel__options_unknown(options, "", word, column, error);
            }
            char *value = word[name_length] == '=' ? word + name_length + 1 : NULL;
            word[name_length] = '\0';
            if (!cupel__option_set(use, value, word, column + (value != NULL ? (unsigned)name_length + 1 : 0), error)) {
                return false;
            }
        }
        word += word_length + 1;
    }
    return true;
}
