/* Reads the rules of gates: see gate.h. */
#include "coverage/gate.h"

#include "coverage/src/text.h"

#include <string.h>

struct parser {
    const char *line, *at, *end; /* the current line */
    unsigned number;
    struct cupel_error *error;
};

static bool fail(const struct parser *parser, const char *place, const char *what) {
    return cupel_error_set(parser->error, parser->number, (unsigned)(place - parser->line) + 1, "%s", what);
}

static void skip_blanks(struct parser *parser) {
    while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\r')) {
        parser->at++;
    }
}

static bool is_word_end(const struct parser *parser) {
    return parser->at == parser->end || strchr(" \t\r#", *parser->at) != NULL;
}

static bool is_digit(const struct parser *parser) {
    return parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9';
}

/* A per cent with at most two decimals, in hundredths. */
static bool read_limit(struct parser *parser, unsigned *limit) {
    const char *start = parser->at;
    unsigned value = 0;
    if (!is_digit(parser)) {
        return fail(parser, start, "a limit is missing here: a number from 0 to 100");
    }
    for (; is_digit(parser) && value <= 100; parser->at++) {
        value = value * 10 + (unsigned)(*parser->at - '0');
    }
    value *= 100;
    if (parser->at < parser->end && *parser->at == '.') {
        parser->at++;
        for (unsigned weight = 10; weight > 0 && is_digit(parser); weight /= 10, parser->at++) {
            value += weight * (unsigned)(*parser->at - '0');
        }
    }
    if (!is_word_end(parser) || value > 10000) {
        return fail(parser, start, "a limit is a number from 0 to 100, with at most two decimals");
    }
    *limit = value;
    return true;
}

static bool read_path(struct parser *parser, struct cupel_gate_rule *rule) {
    const char *start = parser->at;
    while (!is_word_end(parser)) {
        parser->at++;
    }
    size_t length = (size_t)(parser->at - start);
    while (length > 1 && start[length - 1] == '/') {
        length--;
    }
    if (length >= sizeof rule->path) {
        return fail(parser, start, "this path is too long");
    }
    if (memchr(start, '=', length) != NULL) {
        return fail(parser, start, "a rule begins with a path, then come its limits");
    }
    memcpy(rule->path, start, length);
    rule->path[length] = '\0';
    return true;
}

static bool read_rule(struct parser *parser, struct cupel_gate_rule *rule) {
    *rule = (struct cupel_gate_rule){.line = parser->number};
    if (!read_path(parser, rule)) {
        return false;
    }
    const struct {
        const char *word;
        unsigned *limit;
    } limits[] = {{"lines=", &rule->lines}, {"branches=", &rule->branches}, {"functions=", &rule->functions}};
    size_t count = 0;
    for (skip_blanks(parser); parser->at < parser->end && *parser->at != '#'; skip_blanks(parser), count++) {
        const char *start = parser->at;
        for (size_t i = 0; i < sizeof limits / sizeof limits[0] && parser->at == start; i++) {
            size_t length = strlen(limits[i].word);
            if ((size_t)(parser->end - start) >= length && memcmp(start, limits[i].word, length) == 0) {
                parser->at += length;
                if (!read_limit(parser, limits[i].limit)) {
                    return false;
                }
            }
        }
        if (parser->at == start) {
            return fail(parser, start, "unknown word: lines=, branches= and functions= are known");
        }
    }
    return count > 0 || fail(parser, parser->at, "this rule has no limit");
}

bool cupel_gates_parse(struct cupel_gates *gates, const char *text, size_t length, struct cupel_error *error) {
    struct parser parser = {.error = error};
    gates->count = 0;
    for (const char *line = text, *end = text + length; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        parser.line = parser.at = line;
        parser.end = next == NULL ? end : next;
        parser.number++;
        const char *zero = memchr(line, '\0', (size_t)(parser.end - line));
        if (zero != NULL) {
            return fail(&parser, zero, "a zero byte: this is no text");
        }
        skip_blanks(&parser);
        if (parser.at < parser.end && *parser.at != '#') {
            if (gates->count == CUPEL_GATE_RULES_MAX) {
                return fail(&parser, parser.at, "more rules than are allowed");
            }
            if (!read_rule(&parser, &gates->rules[gates->count++])) {
                return false;
            }
        }
        line = parser.end + 1;
    }
    return gates->count > 0 || cupel_error_set(error, 0, 0, "there is no rule in it");
}

bool cupel_gates_read(struct cupel_gates *gates, struct cupel_allocator *allocator, const char *path,
                      struct cupel_error *error) {
    struct cupel__text text;
    if (!cupel__text_read(&text, allocator, path, CUPEL_GATE_FILE_MAX, error)) {
        return false;
    }
    bool is_good = cupel_gates_parse(gates, text.data, text.length, error);
    cupel__text_free(&text);
    return is_good;
}
