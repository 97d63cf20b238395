/* Progress lines: rewritten in place on a terminal, rare and whole in a log. */
#include "alloc/base/progress.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int64_t cupel_clock_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cupel_clock_ms(void) {
    return cupel_clock_ns() / 1000000;
}

static bool is_dumb(void) {
    const char *terminal = getenv("TERM");
    return terminal != NULL && strcmp(terminal, "dumb") == 0;
}

bool cupel_use_colour(FILE *stream) {
    const char *no_colour = getenv("NO_COLOR");
    return isatty(fileno(stream)) && (no_colour == NULL || *no_colour == '\0') && !is_dumb();
}

void cupel_progress_init(struct cupel_progress *progress, FILE *stream) {
    bool is_terminal = stream != NULL && isatty(fileno(stream)) && !is_dumb();
    *progress = (struct cupel_progress){
        .stream = stream,
        .is_terminal = is_terminal,
        .period_ms = is_terminal ? 100 : 10000,
        .last_ms = INT64_MIN / 2, /* long ago: the first text is shown */
    };
}

/* Columns of the terminal: a longer line would wrap, and the next one could not replace it. */
static int width_of(FILE *stream) {
    struct winsize size = {.ws_col = 0};
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col < 2) {
        return 79;
    }
    return size.ws_col - 1;
}

void cupel_progress_show(struct cupel_progress *progress, bool force, const char *format, ...) {
    if (progress->stream == NULL) {
        return;
    }
    int64_t now_ms = cupel_clock_ms();
    if (!force && now_ms - progress->last_ms < progress->period_ms) {
        return;
    }
    progress->last_ms = now_ms;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (progress->is_terminal) {
        (void)fprintf(progress->stream, "\r%.*s\033[K", width_of(progress->stream), line);
    } else {
        (void)fprintf(progress->stream, "%s\n", line);
    }
    (void)fflush(progress->stream);
    progress->is_line_open = progress->is_terminal;
}

void cupel_progress_clear(struct cupel_progress *progress) {
    if (progress->is_line_open) {
        (void)fputs("\r\033[K", progress->stream);
        (void)fflush(progress->stream);
        progress->is_line_open = false;
    }
}
