/* See filter.h. */
#include "harness/src/filter.h"

#include <stdlib.h>
#include <string.h>

/* Walks with one point to return to, the last '*': linear for the patterns that people write. */
bool cupel__glob_matches(const char *pattern, size_t pattern_length, const char *text) {
    const char *end = pattern + pattern_length;
    const char *star = NULL;
    const char *star_text = NULL;
    while (*text != '\0') {
        if (pattern < end && *pattern == '*') {
            star = pattern++;
            star_text = text;
        } else if (pattern < end && (*pattern == '?' || *pattern == *text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++star_text;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*') {
        pattern++;
    }
    return pattern == end;
}

static uint64_t hash_of(const char *text, size_t length) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
    }
    return hash;
}

static bool is_glob(const struct cupel__filter_word *word) {
    return memchr(word->text, '*', word->length) != NULL || memchr(word->text, '?', word->length) != NULL;
}

/* Whole titles behind the globs, into slots of at least twice their number. */
static bool fill_slots(struct cupel__filter_half *half, size_t count) {
    size_t slot_count = 16;
    while (slot_count < 2 * count) {
        slot_count *= 2;
    }
    half->mask = slot_count - 1;
    half->slots = calloc(slot_count, sizeof *half->slots);
    for (size_t i = half->glob_count; half->slots != NULL && i < count; i++) {
        size_t slot = (size_t)half->words[i].hash & half->mask;
        while (half->slots[slot] != 0) {
            slot = (slot + 1) & half->mask;
        }
        half->slots[slot] = (uint32_t)i + 1;
    }
    return half->slots != NULL;
}

static bool init_half(struct cupel__filter_half *half, const char *text, size_t length) {
    const char *end = text + length;
    size_t capacity = 1;
    size_t count = 0;
    for (const char *at = text; at < end; at++) {
        capacity += *at == ':';
    }
    half->words = calloc(capacity, sizeof *half->words);
    while (half->words != NULL && text <= end) {
        const char *stop = memchr(text, ':', (size_t)(end - text));
        stop = stop == NULL ? end : stop;
        struct cupel__filter_word word = {.text = text, .length = (size_t)(stop - text)};
        word.hash = hash_of(word.text, word.length);
        text = stop + 1;
        if (word.length == 0) {
            continue;
        }
        if (is_glob(&word)) { /* it changes places with the first whole title */
            half->words[count++] = half->words[half->glob_count];
            half->words[half->glob_count++] = word;
        } else {
            half->words[count++] = word;
        }
    }
    return half->words != NULL && fill_slots(half, count);
}

bool cupel__filter_init(struct cupel__filter *filter, const char *text) {
    static const char all[] = "*";
    *filter = (struct cupel__filter){0};
    const char *minus = strchr(text, '-');
    size_t length = minus == NULL ? strlen(text) : (size_t)(minus - text);
    const char *out = minus == NULL ? "" : minus + 1;
    bool is_all = length == 0 && minus != NULL;
    if (init_half(&filter->in, is_all ? all : text, is_all ? 1 : length) && init_half(&filter->out, out, strlen(out))) {
        return true;
    }
    cupel__filter_deinit(filter);
    return false;
}

static bool half_matches(const struct cupel__filter_half *half, const char *title, size_t length, uint64_t hash) {
    for (size_t i = 0; i < half->glob_count; i++) {
        if (cupel__glob_matches(half->words[i].text, half->words[i].length, title)) {
            return true;
        }
    }
    for (size_t slot = (size_t)hash & half->mask; half->slots[slot] != 0; slot = (slot + 1) & half->mask) {
        const struct cupel__filter_word *word = &half->words[half->slots[slot] - 1];
        if (word->hash == hash && word->length == length && memcmp(word->text, title, length) == 0) {
            return true;
        }
    }
    return false;
}

bool cupel__filter_matches(const struct cupel__filter *filter, const char *title) {
    size_t length = strlen(title);
    uint64_t hash = hash_of(title, length);
    return half_matches(&filter->in, title, length, hash) && !half_matches(&filter->out, title, length, hash);
}

void cupel__filter_deinit(struct cupel__filter *filter) {
    struct cupel__filter_half *halves[] = {&filter->in, &filter->out};
    for (size_t i = 0; i < 2; i++) {
        free(halves[i]->words);
        free(halves[i]->slots);
    }
    *filter = (struct cupel__filter){0};
}
