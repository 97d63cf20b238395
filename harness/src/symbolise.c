/* Stacks with file and line: see symbolise.h. The stacks were printed where the test ran, by module and offset; here,
 * in the supervisor, the program that reads debug info is asked, so that no test pays for it or can harm it. */
#include "harness/src/symbolise.h"

#include "alloc/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 256, PLACES_BYTES = 65536 };

/* A line of a stack; the texts are borrowed from it. */
struct frame {
    const char *line;
    const char *module;
    size_t module_length;
    uintptr_t offset;
    const char *place; /* in `places`, or NULL */
    bool is_asked;
};

static struct frame frames[FRAMES_MAX];
static char places[PLACES_BYTES];
static size_t places_used;
static struct cupel_text scratch;

/* The function of a frame's line, or NULL where the line is none. */
static const char *function_of(const char *line) {
    if (strncmp(line, "    #", 5) != 0) {
        return NULL;
    }
    size_t digits = strspn(line + 5, "0123456789");
    return digits != 0 && line[5 + digits] == ' ' ? line + 6 + digits : NULL;
}

static bool is_one_of(const char *function, const char *const names[], size_t count, bool as_beginning) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(function, names[i], length) == 0 && (as_beginning || strchr("+. ", function[length]) != NULL)) {
            return true;
        }
    }
    return false;
}

bool cupel__symbolise_is_needed(const struct cupel_text *text) {
    return strstr(text->data, "    #0 ") != NULL;
}

static void copy_without_runner(const char *line, struct cupel_text *out) {
    static const char *const own[] = {"cupel__test_", "cupel__body_"};
    static const char *const runner[] = {"call_test", "call_setup", "call_teardown", "call_body", "cupel__run_guarded"};
    bool is_outside = false;
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        length += line[length] == '\n';
        const char *function = function_of(line);
        bool is_first = function != NULL && strncmp(line, "    #0 ", 7) == 0;
        is_outside = is_outside && function != NULL && !is_first;
        if (function != NULL && !is_first && is_one_of(function, runner, sizeof runner / sizeof runner[0], false)) {
            is_outside = true;
        }
        if (!is_outside) {
            cupel_text_add_n(out, line, length);
        }
        if (function != NULL && is_one_of(function, own, sizeof own / sizeof own[0], true)) {
            is_outside = true;
        }
        line += length;
    }
}

/* Takes "    #0 function+0x12 (module+0x3456)" apart; false where the line is none. */
static bool parse(const char *line, struct frame *frame) {
    const char *function = function_of(line);
    if (function == NULL) {
        return false;
    }
    const char *end = function + strcspn(function, "\n");
    const char *open = function[0] == '(' ? function : memmem(function, (size_t)(end - function), " (", 2);
    const char *plus = end;
    while (open != NULL && plus > open && *plus != '+') {
        plus--;
    }
    if (open == NULL || plus == open || end[-1] != ')') {
        return false;
    }
    *frame = (struct frame){.line = line, .module = open + (*open == ' ' ? 2 : 1)};
    frame->module_length = (size_t)(plus - frame->module);
    frame->offset = (uintptr_t)strtoull(plus + 1, NULL, 16);
    return true;
}

static size_t find_frames(const char *line) {
    size_t count = 0;
    while (*line != '\0' && count < FRAMES_MAX) {
        count += parse(line, &frames[count]);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return count;
}

/* Keeps the place of the code itself; of whom it was inlined into nothing is printed. */
static void take_place(void *user, unsigned which, const char *function, const char *place, bool is_inlined) {
    const size_t *asked = user;
    struct frame *frame = &frames[asked[which]];
    size_t size = strlen(place) + 1;
    (void)function, (void)is_inlined;
    if (frame->place == NULL && size <= sizeof places - places_used) {
        frame->place = memcpy(places + places_used, place, size);
        places_used += size;
    }
}

/* Asks about all frames of the module of frame `first`. */
static void ask(size_t first, size_t count) {
    static char module[4096];
    uintptr_t offsets[FRAMES_MAX];
    size_t asked[FRAMES_MAX];
    unsigned asked_count = 0;
    const struct frame *one = &frames[first];
    (void)snprintf(module, sizeof module, "%.*s", (int)one->module_length, one->module);
    for (size_t i = first; i < count; i++) {
        if (frames[i].module_length == one->module_length &&
            memcmp(frames[i].module, one->module, one->module_length) == 0) {
            frames[i].is_asked = true;
            asked[asked_count] = i;
            offsets[asked_count++] = frames[i].offset;
        }
    }
    (void)cupel_lines_ask(module, offsets, asked_count, take_place, asked);
}

static void write_places(const char *from, size_t count, struct cupel_text *out) {
    for (size_t i = 0; i < count; i++) {
        const struct frame *frame = &frames[i];
        if (frame->place == NULL) {
            continue;
        }
        const char *function = function_of(frame->line);
        size_t name_length = strcspn(function, "+ (\n");
        cupel_text_add_n(out, from, (size_t)(function - from) + name_length);
        cupel_text_add(out, "%sat %s", name_length == 0 ? "" : " ", frame->place);
        from = function + strcspn(function, "\n");
    }
    cupel_text_add_n(out, from, strlen(from));
}

static void clear(struct cupel_text *text) {
    text->length = 0;
    text->is_truncated = false;
    text->data[0] = '\0';
}

void cupel__symbolise(struct cupel_text *text) {
    clear(&scratch);
    copy_without_runner(text->data, &scratch);
    clear(text);
    size_t count = find_frames(scratch.data);
    places_used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!frames[i].is_asked) {
            ask(i, count);
        }
    }
    write_places(scratch.data, count, text);
}
