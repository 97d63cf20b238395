/* A strict reader of TAP 14, for tests: every line must be one that the standard has at its place. */
#ifndef HARNESS_TESTS_TAP_H
#define HARNESS_TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap {
    unsigned points, failed, skipped, todo;
    char error[160]; /* "" where all is well */
};

static inline bool tap__wrong(struct tap *tap, unsigned line, const char *why) {
    (void)snprintf(tap->error, sizeof tap->error, "line %u: %s", line, why);
    return false;
}

/* "ok N - words # DIRECTIVE words"; numbers in sequence. */
static inline bool tap__point(struct tap *tap, unsigned number, const char *line) {
    bool is_ok = strncmp(line, "ok ", 3) == 0;
    char *end = NULL;
    unsigned long id = strtoul(line + (is_ok ? 3 : 7), &end, 10);
    if (id != ++tap->points) {
        return tap__wrong(tap, number, "the points are not numbered in sequence");
    }
    if (strncmp(end, " - ", 3) != 0 || end[3] == '\0') {
        return tap__wrong(tap, number, "a point without ' - ' and words");
    }
    const char *hash = end;
    while ((hash = strchr(hash, '#')) != NULL && hash[-1] == '\\') {
        hash++;
    }
    bool is_skip = hash != NULL && strncmp(hash, "# SKIP ", 7) == 0;
    bool is_expected = hash != NULL && strncmp(hash, "# TODO ", 7) == 0; /* lint: allow todo: TAP's word */
    if (hash != NULL && !is_skip && !is_expected) {
        return tap__wrong(tap, number, "'#' that begins no directive");
    }
    tap->skipped += is_skip;
    tap->todo += is_expected;
    tap->failed += !is_ok && !is_expected;
    return true;
}

/* Where a line is read: outside of a YAML block, between its keys, or in a literal text of at least four blanks. */
enum tap__place { TAP__TOP, TAP__KEYS, TAP__LITERAL };

static inline bool tap__yaml(struct tap *tap, unsigned number, const char *line, enum tap__place *place) {
    if (*place == TAP__LITERAL && (line[0] == '\0' || strncmp(line, "    ", 4) == 0)) {
        return true;
    }
    if (strcmp(line, "  ...") == 0) {
        *place = TAP__TOP;
        return true;
    }
    const char *colon = strstr(line, ": ");
    if (strncmp(line, "  ", 2) != 0 || line[2] < 'a' || line[2] > 'z' || colon == NULL || colon[2] == '\0') {
        return tap__wrong(tap, number, "no key of a YAML block");
    }
    bool is_quoted = colon[2] == '"';
    if (is_quoted && (strlen(colon + 2) < 2 || line[strlen(line) - 1] != '"')) {
        return tap__wrong(tap, number, "a quoted text without its end");
    }
    *place = strcmp(colon, ": |") == 0 ? TAP__LITERAL : TAP__KEYS;
    return true;
}

static inline bool tap__line(struct tap *tap, unsigned number, const char *line, enum tap__place *place, long *plan) {
    if (number == 1) {
        return strcmp(line, "TAP version 14") == 0 || tap__wrong(tap, number, "no 'TAP version 14'");
    }
    if (*place != TAP__TOP) {
        return tap__yaml(tap, number, line, place);
    }
    if (*plan >= 0) {
        return tap__wrong(tap, number, "something stands behind the plan");
    }
    if (strncmp(line, "ok ", 3) == 0 || strncmp(line, "not ok ", 7) == 0) {
        return tap__point(tap, number, line);
    }
    if (strcmp(line, "  ---") == 0 && tap->points != 0) {
        *place = TAP__KEYS;
        return true;
    }
    if (strncmp(line, "1..", 3) == 0) {
        *plan = strtol(line + 3, NULL, 10);
        return true;
    }
    return line[0] == '#' || tap__wrong(tap, number, "no line of TAP 14");
}

/* Reads a whole document, which is cut into lines. False with the reason in tap->error. */
static inline bool tap_read(struct tap *tap, char *text) {
    enum tap__place place = TAP__TOP;
    long plan = -1;
    unsigned number = 0;
    *tap = (struct tap){0};
    while (*text != '\0') {
        char *line = text;
        char *end = strchr(text, '\n');
        if (end == NULL) {
            return tap__wrong(tap, number + 1, "the last line has no end");
        }
        *end = '\0';
        text = end + 1;
        if (!tap__line(tap, ++number, line, &place, &plan)) {
            return false;
        }
    }
    if (place != TAP__TOP) {
        return tap__wrong(tap, number, "a YAML block without its end");
    }
    return plan == (long)tap->points || tap__wrong(tap, number, "the plan is not the number of points");
}

#endif
