/* The three faces of an options table: --help in 100 columns, the OPTIONS section of a man page, and lines for a
 * shell's completion. */
#include "alloc/base/src/options.h"

#include <string.h>

enum { LINE_WIDTH = 100, SENTENCE_COLUMN = 28 };

static const struct cupel_option built_in[] = {
    {.name = "help", .letter = 'h', .sentence = "Print this help and end."},
    {.name = "version", .sentence = "Print the version and end."},
    {.name = NULL},
};

static bool has_option(const struct cupel_option *options, const char *name) {
    for (; !cupel__option_is_end(options); options++) {
        if (options->name != NULL && strcmp(options->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_letter(const struct cupel_option *options, char letter) {
    for (; !cupel__option_is_end(options); options++) {
        if (options->letter == letter) {
            return true;
        }
    }
    return false;
}

/* Calls `print` for each option and for the built-in ones that the table leaves free. */
static void each(const struct cupel_option *options, void (*print)(const struct cupel_option *, FILE *), FILE *out) {
    for (const struct cupel_option *option = options; !cupel__option_is_end(option); option++) {
        print(option, out);
    }
    for (const struct cupel_option *option = built_in; !cupel__option_is_end(option); option++) {
        if (!has_option(options, option->name)) {
            struct cupel_option free_option = *option;
            free_option.letter = has_letter(options, option->letter) ? 0 : option->letter;
            print(&free_option, out);
        }
    }
}

/* Prints words from `column` on, each further line beginning at `indent`. */
static void print_wrapped(const char *text, size_t column, size_t indent, FILE *out) {
    bool is_first = true;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (!is_first && column + 1 + length > LINE_WIDTH) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fwrite(text, 1, length, out);
        column += length;
        text += length;
        text += strspn(text, " ");
        is_first = false;
    }
    (void)fputc('\n', out);
}

static const char *parameter_of(const struct cupel_option *option) {
    return option->parameter != NULL ? option->parameter : "VALUE";
}

static void print_help(const struct cupel_option *option, FILE *out) {
    if (option->kind == CUPEL_OPTION_HEADING) {
        (void)fprintf(out, "\n%s\n", option->sentence);
        return;
    }
    char head[128];
    char letter[8] = "    ";
    if (option->letter != 0) {
        (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    }
    if (option->kind == CUPEL_OPTION_FLAG) {
        (void)snprintf(head, sizeof head, "  %s--%s", letter, option->name);
    } else {
        (void)snprintf(head, sizeof head, option->value_is_optional ? "  %s--%s[=%s]" : "  %s--%s=%s", letter,
                       option->name, parameter_of(option));
    }
    size_t column = strlen(head);
    (void)fputs(head, out);
    if (column + 2 > SENTENCE_COLUMN) {
        (void)fputc('\n', out);
        column = 0;
    }
    (void)fprintf(out, "%*s", (int)(SENTENCE_COLUMN - column), "");
    if (option->kind == CUPEL_OPTION_CHOICE) {
        char text[512];
        (void)snprintf(text, sizeof text, "%s One of: %s.", option->sentence, option->choices);
        print_wrapped(text, SENTENCE_COLUMN, SENTENCE_COLUMN, out);
        return;
    }
    print_wrapped(option->sentence, SENTENCE_COLUMN, SENTENCE_COLUMN, out);
}

void cupel_options_help(const struct cupel_program *program, FILE *out) {
    (void)fprintf(out, "usage: %s %s\n", program->name, program->synopsis);
    print_wrapped(program->sentence, 0, 0, out);
    if (program->options[0].kind != CUPEL_OPTION_HEADING) {
        (void)fputc('\n', out);
    }
    each(program->options, print_help, out);
    if (program->after != NULL) {
        (void)fprintf(out, "\n%s\n", program->after);
    }
}

/* Text as roff shows it unchanged. */
static void print_roff(const char *text, FILE *out) {
    if (*text == '.' || *text == '\'') {
        (void)fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            (void)fputs("\\e", out);
        } else if (*text == '-') {
            (void)fputs("\\-", out);
        } else {
            (void)fputc(*text, out);
        }
    }
}

static void print_man(const struct cupel_option *option, FILE *out) {
    if (option->kind == CUPEL_OPTION_HEADING) {
        (void)fputs(".SS ", out);
        print_roff(option->sentence, out);
        (void)fputc('\n', out);
        return;
    }
    (void)fputs(".TP\n", out);
    if (option->letter != 0) {
        (void)fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    }
    (void)fputs("\\fB\\-\\-", out);
    print_roff(option->name, out);
    (void)fputs("\\fR", out);
    if (option->kind != CUPEL_OPTION_FLAG) {
        (void)fputs(option->value_is_optional ? "[=\\fI" : "=\\fI", out);
        print_roff(parameter_of(option), out);
        (void)fputs(option->value_is_optional ? "\\fR]" : "\\fR", out);
    }
    (void)fputc('\n', out);
    print_roff(option->sentence, out);
    if (option->kind == CUPEL_OPTION_CHOICE) {
        (void)fputs(" One of: ", out);
        print_roff(option->choices, out);
        (void)fputc('.', out);
    }
    (void)fputc('\n', out);
}

void cupel_options_man(const struct cupel_program *program, FILE *out) {
    (void)fputs(".SH OPTIONS\n", out);
    each(program->options, print_man, out);
}

static void print_complete(const struct cupel_option *option, FILE *out) {
    if (option->kind != CUPEL_OPTION_HEADING) {
        (void)fprintf(out, "--%s\t%s\n", option->name, option->sentence);
    }
}

void cupel_options_complete(const struct cupel_program *program, FILE *out) {
    each(program->options, print_complete, out);
}
