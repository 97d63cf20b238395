/* Finds exclusion markers: see exclude.h. The rules are lcov's: the line that starts a region belongs to it, the one
 * that stops it does not. A reason stands in parentheses right behind the marker. The markers' words are put together
 * here from two halves, so that this file excludes nothing of itself. */
#include "coverage/src/exclude.h"

#include <string.h>

#define MARK(word) "LCOV_EXCL_" word

struct region {
    const char *line_mark, *start_mark, *stop_mark;
    bool is_branches_only;
    uint32_t since; /* the line that started it; 0: outside */
    const char *reason;
    size_t reason_length;
};

static const char *find(const char *line, size_t length, const char *mark) {
    return memmem(line, length, mark, strlen(mark));
}

/* The text in parentheses behind a marker; "" where there is none. */
static const char *reason_behind(const char *marker, const char *mark, const char *line_end, size_t *length) {
    const char *start = marker + strlen(mark);
    *length = 0;
    if (start >= line_end || *start != '(') {
        return start;
    }
    start++;
    const char *close = memchr(start, ')', (size_t)(line_end - start));
    *length = (size_t)((close == NULL ? line_end : close) - start);
    return start;
}

static void read_line(struct cupel_coverage *coverage, struct cupel_cover_file *file, struct region *region,
                      uint32_t number, const char *line, size_t length) {
    const char *start = find(line, length, region->start_mark);
    if (find(line, length, region->stop_mark) != NULL) {
        region->since = 0;
    } else if (start != NULL) {
        region->since = number;
        region->reason = reason_behind(start, region->start_mark, line + length, &region->reason_length);
    }
    const char *marker = find(line, length, region->line_mark);
    if (marker != NULL) {
        size_t reason_length;
        const char *reason = reason_behind(marker, region->line_mark, line + length, &reason_length);
        cupel_cover_add_exclusion(coverage, file, number, region->is_branches_only, reason, reason_length);
    } else if (region->since != 0) {
        cupel_cover_add_exclusion(coverage, file, number, region->is_branches_only, region->reason,
                                  region->reason_length);
    }
}

bool cupel__exclusions_read(struct cupel_coverage *coverage, struct cupel_cover_file *file, const char *text,
                            size_t length, struct cupel_error *error) {
    struct region regions[] = {
        {MARK("LINE"), MARK("START"), MARK("STOP"), false, 0, NULL, 0},
        {MARK("BR_LINE"), MARK("BR_START"), MARK("BR_STOP"), true, 0, NULL, 0},
    };
    uint32_t number = 0;
    for (const char *line = text, *end = text + length; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t line_length = (size_t)((next == NULL ? end : next) - line);
        number++;
        for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
            read_line(coverage, file, &regions[i], number, line, line_length);
        }
        line += line_length + 1;
    }
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        if (regions[i].since != 0) {
            return cupel_error_set(error, regions[i].since, 0, "an excluded region starts here and never stops (%s)",
                                   regions[i].stop_mark);
        }
    }
    return true;
}
