/* Reading suppressions: see suppressions_read.h. The forms are those of the manuals of LeakSanitizer ("Suppressions")
 * and of valgrind ("Suppressing errors"). */
#include "alloc/src/suppressions_read.h"

#include "alloc/src/text.h"

#include <string.h>

/* A line without the blanks around it. */
struct line {
    const char *start; /* of the whole line, for columns */
    const char *text;
    size_t length;
    unsigned number;
};

#define BIT(kind) (UINT32_C(1) << CUPEL_FINDING_##kind)

static const uint32_t all_leaks = BIT(LEAK) | BIT(REACHABLE);

/* What valgrind's memcheck calls errors. */
static const struct {
    const char *word; /* or how it begins */
    bool is_beginning;
    uint32_t kinds;
} memcheck[] = {
    {"Leak", false, BIT(LEAK) | BIT(REACHABLE)},
    {"Free", false,
     BIT(DOUBLE_FREE) | BIT(RESIZE_AFTER_FREE) | BIT(INTERIOR) | BIT(STACK) | BIT(STATIC) | BIT(WILD) | BIT(FOREIGN) |
         BIT(WRONG_SIZE) | BIT(WRONG_ALIGN) | BIT(WRONG_FAMILY)},
    {"Addr", true, BIT(USE_AFTER_FREE) | BIT(OUT_OF_BOUNDS) | BIT(WRITE_AFTER_FREE) | BIT(OVERFLOW) | BIT(UNDERFLOW)}};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line that says something; false at the end. */
static bool next_line(struct cupel__suppression_text *rules, struct line *line) {
    while (*rules->at != '\0') {
        line->start = rules->at;
        line->number = rules->line;
        size_t length = strcspn(rules->at, "\n");
        rules->at += length;
        if (*rules->at == '\n') {
            rules->at++;
            rules->line++;
        }
        line->text = line->start;
        while (length > 0 && is_blank(*line->text)) {
            line->text++;
            length--;
        }
        while (length > 0 && is_blank(line->text[length - 1])) {
            length--;
        }
        line->length = length;
        if (length > 0 && *line->text != '#') {
            return true;
        }
    }
    return false;
}

static enum cupel__suppressions_end wrong(const struct line *line, struct cupel_error *error, const char *what) {
    (void)cupel_error_set(error, line->number, (unsigned)(line->text - line->start) + 1, "%s: '%.*s'", what,
                          (int)(line->length < 60 ? line->length : 60), line->text);
    return CUPEL__SUPPRESSIONS_WRONG;
}

static bool begins(const struct line *line, const char *word) {
    size_t length = strlen(word);
    return line->length >= length && memcmp(line->text, word, length) == 0;
}

static bool kinds_of(const char *word, size_t length, uint32_t *kinds) {
    enum cupel_finding_kind kind;
    if (cupel__text_is("*", word, length)) {
        *kinds = UINT32_MAX;
        return true;
    }
    if (!cupel_finding_kind_of(word, length, &kind)) {
        return false;
    }
    *kinds = kind == CUPEL_FINDING_LEAK ? all_leaks : UINT32_C(1) << kind;
    return true;
}

/* "fun:", "obj:" or "src:" in front is taken off; false where there is none of them. */
static bool take_prefix(struct cupel__pattern *pattern) {
    static const struct {
        const char *word;
        enum cupel__pattern_of of;
    } prefixes[] = {{"fun:", CUPEL__OF_FUNCTION}, {"obj:", CUPEL__OF_MODULE}, {"src:", CUPEL__OF_SOURCE}};
    enum { PREFIX = 4 };
    for (unsigned i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (pattern->length > PREFIX && memcmp(pattern->text, prefixes[i].word, PREFIX) == 0) {
            pattern->of = prefixes[i].of;
            pattern->text += PREFIX;
            pattern->length -= PREFIX;
            return true;
        }
    }
    return false;
}

static enum cupel__suppressions_end read_line_rule(const struct line *line, struct cupel__suppression *rule,
                                                   struct cupel_error *error) {
    const char *colon = memchr(line->text, ':', line->length);
    if (colon == NULL) {
        return wrong(line, error, "a suppression is KIND:PATTERN or a block in braces");
    }
    size_t word = (size_t)(colon - line->text);
    if (!kinds_of(line->text, word, &rule->kinds)) {
        return wrong(line, error, "no kind of finding stands before the colon");
    }
    rule->patterns[0] = (struct cupel__pattern){CUPEL__OF_ANY, colon + 1, line->length - word - 1};
    if (rule->patterns[0].length == 0) {
        return wrong(line, error, "no pattern stands behind the colon");
    }
    (void)take_prefix(&rule->patterns[0]);
    rule->count = 1;
    return CUPEL__SUPPRESSION;
}

/* "Memcheck:Leak", "Memcheck,Addrcheck:Addr4", "cupel:double-free"; what other tools find is found here by none. */
static bool read_block_kind(const struct line *line, struct cupel__suppression *rule) {
    const char *colon = memchr(line->text, ':', line->length);
    if (colon == NULL) {
        return false;
    }
    const char *word = colon + 1;
    size_t length = line->length - (size_t)(word - line->text);
    if (begins(line, "cupel:")) {
        return kinds_of(word, length, &rule->kinds);
    }
    for (unsigned i = 0; i < sizeof memcheck / sizeof memcheck[0] && begins(line, "Memcheck"); i++) {
        size_t known = strlen(memcheck[i].word);
        if (cupel__text_is(memcheck[i].word, word, length) ||
            (memcheck[i].is_beginning && length > known && memcmp(word, memcheck[i].word, known) == 0)) {
            rule->kinds = memcheck[i].kinds;
        }
    }
    return true;
}

/* "match-leak-kinds: definite,reachable". */
static void limit_leaks(const struct line *line, struct cupel__suppression *rule) {
    const char *colon = memchr(line->text, ':', line->length);
    size_t length = line->length - (size_t)(colon + 1 - line->text);
    bool is_reachable = memmem(colon + 1, length, "reachable", strlen("reachable")) != NULL;
    bool is_all = memmem(colon + 1, length, "all", strlen("all")) != NULL;
    bool is_lost = memmem(colon + 1, length, "definite", strlen("definite")) != NULL ||
                   memmem(colon + 1, length, "indirect", strlen("indirect")) != NULL ||
                   memmem(colon + 1, length, "possible", strlen("possible")) != NULL;
    rule->kinds &= (is_all || is_reachable ? BIT(REACHABLE) : 0) | (is_all || is_lost ? BIT(LEAK) : 0);
}

static enum cupel__suppressions_end read_frames(struct cupel__suppression_text *rules, struct cupel__suppression *rule,
                                                struct line *line, struct cupel_error *error) {
    while (next_line(rules, line)) {
        if (begins(line, "}")) {
            return rule->count > 0 ? CUPEL__SUPPRESSION : wrong(line, error, "a block names no frame");
        }
        struct cupel__pattern pattern = {CUPEL__OF_FRAMES, line->text, line->length};
        if (begins(line, "match-leak-kinds:")) {
            limit_leaks(line, rule);
            continue;
        }
        if (rule->count == CUPEL__PATTERNS_MAX || (!begins(line, "...") && !take_prefix(&pattern))) {
            return wrong(line, error,
                         rule->count == CUPEL__PATTERNS_MAX ? "a block has too many frames"
                                                            : "a frame is fun:, obj:, src: or ...");
        }
        rule->patterns[rule->count++] = pattern;
    }
    return wrong(line, error, "a block is not closed behind");
}

enum cupel__suppressions_end cupel__suppressions_next(struct cupel__suppression_text *rules,
                                                      struct cupel__suppression *rule, struct cupel_error *error) {
    struct line line = {rules->at, rules->at, 0, rules->line};
    rule->kinds = 0;
    rule->count = 0;
    if (!next_line(rules, &line)) {
        return CUPEL__SUPPRESSIONS_DONE;
    }
    rule->is_block = begins(&line, "{");
    if (!rule->is_block) {
        return read_line_rule(&line, rule, error);
    }
    bool has_name = next_line(rules, &line);
    if (!has_name || !next_line(rules, &line) || !read_block_kind(&line, rule)) {
        return wrong(&line, error, "a block begins with its name and TOOL:KIND, not");
    }
    return read_frames(rules, rule, &line, error);
}
