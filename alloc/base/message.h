/* What a program says to its user on standard error: one line, "PROGRAM: text", with the place where there is one.
 * Not for findings, which are records and go to sinks. */
#ifndef ALLOC_BASE_MESSAGE_H
#define ALLOC_BASE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CUPEL_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define CUPEL_PRINTF(format_index, first_index)
#endif

/* An error text for a caller to show: functions that parse or read fill one instead of printing. Truncated, never
 * overrun. `column` is 1 for the first character of the text that was parsed, 0 where there is no column; `line`
 * likewise. */
struct cupel_error {
    char text[256];
    unsigned line;
    unsigned column;
};

/* Fills `error` (NULL is allowed and does nothing). Returns false, so that a parser may `return cupel_error_set(...)`.
 */
bool cupel_error_set(struct cupel_error *error, unsigned line, unsigned column, const char *format, ...)
    CUPEL_PRINTF(4, 5);

/* The name that begins each message; borrowed, must live as long as the program. Default: "cupel". */
void cupel_message_program(const char *name);

/* Prints "PROGRAM: text\n" to standard error in one write. Thread-safe; not for signal handlers. */
void cupel_message(const char *format, ...) CUPEL_PRINTF(1, 2);

/* Prints "PROGRAM: file:line:column: text" (line and column left out where 0). */
void cupel_message_at(const char *file, const struct cupel_error *error);

#ifdef __cplusplus
}
#endif

#endif
