/* Sets one option from its text: the only place that knows how a value of each kind is written. */
#include "alloc/base/nearest.h"
#include "alloc/base/src/options.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Words of the user are cut in messages, so that the end of the sentence is never lost. */
#define WORD "%.60s"

bool cupel_parse_duration(const char *text, int64_t *milliseconds) {
    static const struct {
        const char *suffix;
        uint64_t milliseconds;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t whole = 0;
    uint64_t fraction = 0;
    uint64_t denominator = 1;
    bool has_digits = false;
    for (; *text >= '0' && *text <= '9'; text++, has_digits = true) {
        whole = whole * 10 + (uint64_t)(*text - '0');
        if (whole > INT64_MAX / 3600000 - 1) {
            return false;
        }
    }
    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++, has_digits = true) {
            if (denominator < 1000000000) { /* further digits are below a millisecond */
                fraction = fraction * 10 + (uint64_t)(*text - '0');
                denominator *= 10;
            }
        }
    }
    for (size_t i = 0; has_digits && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text, units[i].suffix) == 0) {
            *milliseconds = (int64_t)(whole * units[i].milliseconds + fraction * units[i].milliseconds / denominator);
            return true;
        }
    }
    return false;
}

static bool parse_int(const char *text, int64_t *result) {
    const char *digits = text + (*text == '-');
    bool is_hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    if (*digits < '0' || *digits > '9') {
        return false; /* strtoll would take blanks and a plus */
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, is_hex ? 16 : 10);
    *result = value;
    return errno == 0 && *end == '\0';
}

static bool set_number(const struct cupel_option *option, const char *value, const char *shown, unsigned column,
                       struct cupel_error *error) {
    bool is_duration = option->kind == CUPEL_OPTION_DURATION;
    bool has_range = option->min != 0 || option->max != 0;
    int64_t max = has_range ? option->max : INT64_MAX;
    int64_t number = 0;
    if (strcmp(value, "inf") == 0 && max == INT64_MAX) {
        number = INT64_MAX;
    } else if (!(is_duration ? cupel_parse_duration(value, &number) : parse_int(value, &number))) {
        return cupel_error_set(error, 0, column,
                               is_duration ? WORD ": '" WORD "' is no duration (500ms, 10s, 5m, 2h)"
                                           : WORD ": '" WORD "' is no whole number",
                               shown, value);
    }
    if (number < option->min || number > max) {
        const char *unit = is_duration ? " ms" : "";
        return max == INT64_MAX
                   ? cupel_error_set(error, 0, column, WORD ": '" WORD "' is less than %" PRId64 "%s", shown, value,
                                     option->min, unit)
                   : cupel_error_set(error, 0, column, WORD ": '" WORD "' is not within %" PRId64 " to %" PRId64 "%s",
                                     shown, value, option->min, max, unit);
    }
    *(int64_t *)option->value = number;
    return true;
}

static bool set_flag(const struct cupel_option *option, const char *value, const char *shown, unsigned column,
                     struct cupel_error *error) {
    static const char *const words[] = {"0", "1", "no", "yes", "false", "true", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(value, words[i]) == 0) {
            *(bool *)option->value = i % 2 != 0;
            return true;
        }
    }
    return cupel_error_set(error, 0, column, WORD ": '" WORD "' is neither yes (1) nor no (0)", shown, value);
}

static bool set_choice(const struct cupel_option *option, const char *value, const char *shown, unsigned column,
                       struct cupel_error *error) {
    size_t length = strlen(value);
    int index = 0;
    for (const char *word = option->choices; *word != '\0'; index++) {
        size_t word_length = strcspn(word, " ");
        if (word_length == length && strncmp(word, value, length) == 0) {
            *(int *)option->value = index;
            return true;
        }
        word += word_length;
        word += strspn(word, " ");
    }
    return cupel_error_set(error, 0, column, WORD ": '" WORD "' is none of: %.100s", shown, value, option->choices);
}

static bool add_to_list(const struct cupel_option *option, const char *value, const char *shown, unsigned column,
                        struct cupel_error *error) {
    struct cupel_option_list *list = option->value;
    size_t max = sizeof list->words / sizeof list->words[0];
    if (list->count == max) {
        return cupel_error_set(error, 0, column, WORD " is given more than %zu times", shown, max);
    }
    list->words[list->count++] = value;
    return true;
}

bool cupel__option_needs_value(const struct cupel_option *option) {
    return option->kind != CUPEL_OPTION_FLAG && !option->value_is_optional;
}

/* The option alone, without a value. */
static bool set_bare(const struct cupel_option *option, bool flag, const char *shown, unsigned column,
                     struct cupel_error *error) {
    if (cupel__option_needs_value(option)) {
        return cupel_error_set(error, 0, column, WORD " needs a value: " WORD "=%.60s", shown, shown,
                               option->parameter != NULL ? option->parameter : "VALUE");
    }
    if (option->kind == CUPEL_OPTION_FLAG) {
        *(bool *)option->value = flag;
    } else if (option->kind == CUPEL_OPTION_TEXT) {
        *(const char **)option->value = "";
    } else if (option->kind == CUPEL_OPTION_LIST) {
        return add_to_list(option, "", shown, column, error);
    } else {
        return cupel__option_set((struct cupel__option_use){.option = option}, "1", shown, column, error);
    }
    return true;
}

bool cupel__option_set(struct cupel__option_use use, const char *value, const char *shown, unsigned column,
                       struct cupel_error *error) {
    const struct cupel_option *option = use.option;
    assert(option->value != NULL);
    if (use.is_negated && value != NULL) {
        return cupel_error_set(error, 0, column, WORD " takes no value, and '" WORD "' was given", shown, value);
    }
    if (value == NULL) {
        return set_bare(option, !use.is_negated, shown, column, error);
    }
    switch (option->kind) { /* LCOV_EXCL_BR_LINE(a heading has no name to be found by) */
    case CUPEL_OPTION_FLAG:
        return set_flag(option, value, shown, column, error);
    case CUPEL_OPTION_INT:
    case CUPEL_OPTION_DURATION:
        return set_number(option, value, shown, column, error);
    case CUPEL_OPTION_TEXT:
        *(const char **)option->value = value;
        return true;
    case CUPEL_OPTION_CHOICE:
        return set_choice(option, value, shown, column, error);
    case CUPEL_OPTION_LIST:
        return add_to_list(option, value, shown, column, error);
    case CUPEL_OPTION_HEADING:
        break;
    }
    /* LCOV_EXCL_START(a heading has no name to be found by) */
    assert(false);
    return false;
    /* LCOV_EXCL_STOP */
}
