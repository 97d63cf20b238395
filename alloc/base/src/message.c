/* Messages: see message.h. Each goes out in one write, so that lines of several processes do not mix. */
#include "alloc/base/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static const char *program_name = "cupel";

bool cupel_error_set(struct cupel_error *error, unsigned line, unsigned column, const char *format, ...) {
    if (error == NULL) {
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->line = line;
    error->column = column;
    return false;
}

void cupel_message_program(const char *name) {
    program_name = name;
}

static void write_line(const char *line, size_t length) {
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, line, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return;
        }
        line += written;
        length -= (size_t)written;
    }
}

void cupel_message(const char *format, ...) {
    char line[2048];
    int length = snprintf(line, sizeof line, "%s: ", program_name);
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
    va_end(arguments);
    if ((size_t)length > sizeof line - 2) {
        length = (int)sizeof line - 2;
    }
    line[length++] = '\n';
    write_line(line, (size_t)length);
}

void cupel_message_at(const char *file, const struct cupel_error *error) {
    if (error->line == 0 && error->column == 0) {
        cupel_message("%s: %s", file, error->text);
    } else if (error->line == 0) {
        cupel_message("%s: column %u: %s", file, error->column, error->text);
    } else if (error->column == 0) {
        cupel_message("%s:%u: %s", file, error->line, error->text);
    } else {
        cupel_message("%s:%u:%u: %s", file, error->line, error->column, error->text);
    }
}
