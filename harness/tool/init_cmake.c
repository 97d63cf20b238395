/* Just enough reading of CMake's language for `cupel init`: comments, quotes, and commands with their words. */
#include "harness/tool/init.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A command: its name, and the text between its parentheses. */
struct command {
    const char *name;
    size_t name_length;
    const char *words;
    size_t words_length;
};

/* Behind a comment that begins at `at`: a line, or #[[ ... ]] with any number of = between the brackets. */
static const char *skip_comment(const char *at) {
    if (at[1] == '[') {
        size_t level = strspn(at + 2, "=");
        if (at[2 + level] == '[') {
            for (const char *end = at; (end = strchr(end, ']')) != NULL; end++) {
                if (strspn(end + 1, "=") == level && end[1 + level] == ']') {
                    return end + level + 2;
                }
            }
            return at + strlen(at);
        }
    }
    return at + strcspn(at, "\n");
}

/* Behind a quoted text that begins at `at`. */
static const char *skip_quoted(const char *at) {
    for (at++; *at != '\0' && *at != '"'; at++) {
        at += at[0] == '\\' && at[1] != '\0';
    }
    return at + (*at == '"');
}

/* The closing parenthesis of the one at `at`, or NULL. */
static const char *find_close(const char *at) {
    unsigned depth = 0;
    while (*at != '\0') {
        if (*at == '"' || *at == '#') {
            at = *at == '"' ? skip_quoted(at) : skip_comment(at);
            continue;
        }
        depth += *at == '(';
        depth -= *at == ')';
        if (depth == 0) {
            return at;
        }
        at++;
    }
    return NULL;
}

/* The next command from *at on, which moves behind it; false at the end. */
static bool next_command(const char **at, struct command *command) {
    while (**at != '\0') {
        if (**at == '#') {
            *at = skip_comment(*at);
            continue;
        }
        if (**at == '"') {
            *at = skip_quoted(*at);
            continue;
        }
        if (!isalpha((unsigned char)**at) && **at != '_') {
            (*at)++;
            continue;
        }
        command->name = *at;
        while (isalnum((unsigned char)**at) || **at == '_') {
            (*at)++;
        }
        command->name_length = (size_t)(*at - command->name);
        const char *open = *at + strspn(*at, " \t");
        const char *close = *open == '(' ? find_close(open) : NULL;
        if (close != NULL) {
            command->words = open + 1;
            command->words_length = (size_t)(close - open - 1);
            *at = close + 1;
            return true;
        }
    }
    return false;
}

static bool is_named(const struct command *command, const char *name) {
    return command->name_length == strlen(name) && strncasecmp(command->name, name, command->name_length) == 0;
}

size_t init_find_project(const char *text, char *words, size_t size) {
    const char *at = text;
    struct command command;
    while (next_command(&at, &command)) {
        if (is_named(&command, "project")) {
            (void)snprintf(words, size, "%.*s", (int)command.words_length, command.words);
            at += strcspn(at, "\n");
            return (size_t)(at - text) + (*at == '\n');
        }
    }
    return 0;
}

bool init_find_library(const char *text, char *name, size_t size) {
    const char *at = text;
    struct command command;
    while (next_command(&at, &command)) {
        if (!is_named(&command, "add_library")) {
            continue;
        }
        const char *word = command.words + strspn(command.words, " \t\r\n");
        size_t length = strcspn(word, " \t\r\n)");
        char kind[16] = "";
        (void)sscanf(word + length, "%15s", kind);
        bool is_own = strcmp(kind, "ALIAS") != 0 && strcmp(kind, "MODULE") != 0;
        bool is_plain = length > 0 && length < size && memchr(word, '$', length) == NULL;
        bool is_imported = memmem(command.words, command.words_length, " IMPORTED", 9) != NULL;
        if (is_own && is_plain && !is_imported) {
            (void)snprintf(name, size, "%.*s", (int)length, word);
            return true;
        }
    }
    return false;
}

bool init_next_folder(const char **at, char *name, size_t size) {
    struct command command;
    while (next_command(at, &command)) {
        const char *word = command.words + strspn(command.words, " \t\r\n");
        word += *word == '"';
        size_t length = strcspn(word, " \t\r\n\")");
        bool is_plain = length > 0 && length < size && memchr(word, '$', length) == NULL;
        if (is_named(&command, "add_subdirectory") && is_plain) {
            (void)snprintf(name, size, "%.*s", (int)length, word);
            return true;
        }
    }
    return false;
}
