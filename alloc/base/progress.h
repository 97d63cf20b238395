/* Progress of long work: a line that updates on a terminal, a plain line now and then in a log. One thread at a time.
 */
#ifndef ALLOC_BASE_PROGRESS_H
#define ALLOC_BASE_PROGRESS_H

#include "alloc/base/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cupel_progress {
    FILE *stream; /* NULL: silent */
    bool is_terminal;
    int64_t period_ms; /* between lines: 100 on a terminal, 10 000 in a log unless set */
    int64_t last_ms;
    bool is_line_open;
};

/* Monotonic time in milliseconds. */
int64_t cupel_clock_ms(void);
/* Monotonic time in nanoseconds. */
int64_t cupel_clock_ns(void);

void cupel_progress_init(struct cupel_progress *progress, FILE *stream);
/* Shows the text if it is time, or always where `force`. */
void cupel_progress_show(struct cupel_progress *progress, bool force, const char *format, ...) CUPEL_PRINTF(3, 4);
/* Clears an open line, so that other text may be printed. */
void cupel_progress_clear(struct cupel_progress *progress);
/* True where the stream is a terminal and NO_COLOR is not set: colours may be used. */
bool cupel_use_colour(FILE *stream);

#ifdef __cplusplus
}
#endif

#endif
