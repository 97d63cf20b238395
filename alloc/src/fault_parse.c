/* Reads fault plans: the grammar in failing.h, OpenSSL's form, and the environment. A cursor goes once over the text;
 * every error says which word at which column. */
#include "alloc/failing.h"

#include "alloc/src/fault_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
    const char *text;
    const char *at;
    struct cupel_error *error;
};

static unsigned column_of(const struct cursor *cursor, const char *at) {
    return (unsigned)(at - cursor->text) + 1;
}

/* The word that begins at `at`, which is not the end, for messages: up to the next separator, at most 32 characters. */
static int word_length(const char *at) {
    size_t length = strcspn(at, ";:@=#");
    return length > 32 ? 32 : length == 0 ? 1 : (int)length;
}

/* "column 7: 'word' is no ..." */
static bool refuse(const struct cursor *cursor, const char *at, const char *reason) {
    if (*at == '\0') {
        return cupel_error_set(cursor->error, 0, column_of(cursor, at), "column %u: the plan ends where %s",
                               column_of(cursor, at), reason);
    }
    return cupel_error_set(cursor->error, 0, column_of(cursor, at), "column %u: '%.*s' stands where %s",
                           column_of(cursor, at), word_length(at), at, reason);
}

static bool accept(struct cursor *cursor, char c) {
    if (*cursor->at != c) {
        return false;
    }
    cursor->at++;
    return true;
}

static bool read_number(struct cursor *cursor, uint64_t min, uint64_t max, const char *reason, uint64_t *number) {
    const char *start = cursor->at;
    uint64_t value = 0;
    if (!isdigit((unsigned char)*start)) {
        return refuse(cursor, start, reason);
    }
    while (isdigit((unsigned char)*cursor->at)) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*cursor->at - '0'), &value)) {
            return refuse(cursor, start, reason);
        }
        cursor->at++;
    }
    if (value < min || value > max) {
        return refuse(cursor, start, reason);
    }
    *number = value;
    return true;
}

static bool read_call(struct cursor *cursor, struct cupel_fault_rule *rule) {
    size_t length = strcspn(cursor->at, ":;@=#");
    for (unsigned i = 0; i < CUPEL__FAULT_CALLS; i++) {
        if (strlen(cupel__fault_calls[i]) == length && memcmp(cupel__fault_calls[i], cursor->at, length) == 0) {
            rule->call = (enum cupel_fault_call)i;
            cursor->at += length;
            if (!accept(cursor, ':')) {
                return refuse(cursor, cursor->at, "':' must follow the call");
            }
            return true;
        }
    }
    return refuse(cursor, cursor->at, "a call must stand (alloc, grow, vm, any, read, write, open or clock)");
}

static const char number_reason[] = "a request number must stand (the first is 1)";

/* What follows the first number of `when`. */
static bool read_after_number(struct cursor *cursor, struct cupel_fault_rule *rule) {
    const char *start = cursor->at;
    if (accept(cursor, '%')) {
        rule->when = CUPEL_FAULT_PERCENT;
        if (!isdigit((unsigned char)*cursor->at)) {
            return true;
        }
        if (!read_number(cursor, 1, UINT64_MAX, number_reason, &rule->window_min)) {
            return false;
        }
        if (strncmp(cursor->at, "..", 2) != 0) {
            return refuse(cursor, cursor->at, "'..' must follow the first request of a range");
        }
        cursor->at += 2;
        return !isdigit((unsigned char)*cursor->at) ||
               read_number(cursor, rule->window_min, UINT64_MAX, "the last request of the range must stand",
                           &rule->window_max);
    }
    if (accept(cursor, '+')) {
        rule->when = CUPEL_FAULT_FROM;
        return true;
    }
    if (accept(cursor, ',')) {
        rule->when = CUPEL_FAULT_PAIR;
        return read_number(cursor, rule->first < UINT64_MAX ? rule->first + 1 : UINT64_MAX, UINT64_MAX,
                           "a later request number must stand", &rule->second);
    }
    rule->when = CUPEL_FAULT_NTH;
    if (strchr(";@=#", *start) == NULL) {
        return refuse(cursor, start, "'+', ',', '%', '#', '=', '@', ';' or the end must follow the number");
    }
    return true;
}

static bool read_when(struct cursor *cursor, struct cupel_fault_rule *rule) {
    const char *start = cursor->at;
    if (accept(cursor, '>')) {
        rule->when = CUPEL_FAULT_BUDGET;
        return read_number(cursor, 0, UINT64_MAX, "a number of bytes must stand", &rule->first);
    }
    if (accept(cursor, '*')) {
        rule->when = CUPEL_FAULT_EVERY;
        if (!accept(cursor, '/')) {
            return refuse(cursor, cursor->at, "'/' must follow '*'");
        }
        return read_number(cursor, 1, UINT64_MAX, "a distance of at least 1 must stand", &rule->first);
    }
    if (!read_number(cursor, 0, UINT64_MAX, "a request number, '*' or '>' must stand", &rule->first)) {
        return false;
    }
    if (*cursor->at == '%' ? rule->first > 100 : rule->first == 0) {
        return refuse(cursor, start, *cursor->at == '%' ? "a percentage from 0 to 100 must stand" : number_reason);
    }
    return read_after_number(cursor, rule);
}

static bool read_how(struct cursor *cursor, struct cupel_fault_rule *rule) {
    size_t length = strcspn(cursor->at, ";:@=#");
    const struct cupel__fault_how *how = cupel__fault_how_find(cursor->at, length);
    if (how == NULL) {
        return refuse(cursor, cursor->at,
                      "a way to fail must stand (null, short, move, back, forward, or an errno name such as EIO)");
    }
    if (strcmp(how->name, "move") == 0 && rule->call != CUPEL_FAULT_GROW) {
        return refuse(cursor, cursor->at, "a way to fail must stand (move is for grow only)");
    }
    bool is_step = strcmp(how->name, "back") == 0 || strcmp(how->name, "forward") == 0;
    if (is_step && rule->call != CUPEL_FAULT_CLOCK) {
        return refuse(cursor, cursor->at, "a way to fail must stand (back and forward are for clock only)");
    }
    memcpy(rule->how, cursor->at, length);
    cursor->at += length;
    return true;
}

static bool read_where(struct cursor *cursor, struct cupel_fault_rule *rule) {
    if (strncmp(cursor->at, "size=", 5) == 0) {
        uint64_t min = 0;
        uint64_t max = 0;
        cursor->at += 5;
        if (!read_number(cursor, 0, SIZE_MAX, "a size in bytes must stand", &min)) {
            return false;
        }
        if (strncmp(cursor->at, "..", 2) != 0) {
            return refuse(cursor, cursor->at, "'..' must follow the smallest size");
        }
        cursor->at += 2;
        if (!read_number(cursor, min == 0 ? 1 : min, SIZE_MAX, "a size not below the first, and not 0, must stand",
                         &max)) {
            return false;
        }
        rule->size_min = (size_t)min;
        rule->size_max = (size_t)max;
        return true;
    }
    size_t length = strcspn(cursor->at, ";@=#");
    const char *colon = memchr(cursor->at, ':', length);
    size_t name_length = colon == NULL ? length : (size_t)(colon - cursor->at);
    if (name_length == 0 || isdigit((unsigned char)*cursor->at)) {
        return refuse(cursor, cursor->at, "a function, file:line or size=A..B must stand");
    }
    if (length >= sizeof rule->where) {
        return refuse(cursor, cursor->at, "a name of at most 63 characters must stand");
    }
    for (size_t i = 0; i < length; i++) {
        if (!isprint((unsigned char)cursor->at[i]) || cursor->at[i] == ' ') {
            return refuse(cursor, cursor->at + i, "a name must go on without blanks");
        }
    }
    if (colon != NULL) {
        size_t digits = strspn(colon + 1, "0123456789");
        if (digits == 0 || digits != length - name_length - 1) {
            return refuse(cursor, colon + 1, "a line number must stand");
        }
    }
    memcpy(rule->where, cursor->at, length);
    cursor->at += length;
    return true;
}

static bool read_rule(struct cursor *cursor, struct cupel_fault_rule *rule) {
    if (!read_call(cursor, rule) || !read_when(cursor, rule)) {
        return false;
    }
    if (accept(cursor, '#')) {
        uint64_t thread = 0;
        if (!read_number(cursor, 1, UINT32_MAX, "a thread number must stand (the first is 1)", &thread)) {
            return false;
        }
        rule->thread = (unsigned)thread;
    }
    if (accept(cursor, '=') && !read_how(cursor, rule)) {
        return false;
    }
    return !accept(cursor, '@') || read_where(cursor, rule);
}

static struct cupel_fault_rule *next_rule(struct cursor *cursor, const char *at, struct cupel_fault_plan *plan) {
    if (plan->count == CUPEL_FAULT_RULES_MAX) {
        (void)refuse(cursor, at, "the plan must end: it has eight rules, which is the most");
        return NULL;
    }
    return &plan->rules[plan->count++];
}

static bool read_rules(struct cursor *cursor, struct cupel_fault_plan *plan) {
    do {
        struct cupel_fault_rule *rule = next_rule(cursor, cursor->at, plan);
        if (rule == NULL || !read_rule(cursor, rule)) {
            return false;
        }
    } while (accept(cursor, ';'));
    if (*cursor->at != '\0') {
        return refuse(cursor, cursor->at, "';' or the end must follow the rule");
    }
    return true;
}

/* OpenSSL's fields, each `[count][@percent]` (percent 0 where it is left out): so many requests fail with that
 * probability, then the next field holds; count 0 and the last field hold for ever. */
static bool read_openssl(struct cursor *cursor, struct cupel_fault_plan *plan) {
    uint64_t next = 1;
    bool is_open = true;
    do {
        const char *start = cursor->at;
        uint64_t count = 0;
        uint64_t percent = 0;
        bool has_count = isdigit((unsigned char)*cursor->at);
        if (has_count && !read_number(cursor, 0, UINT32_MAX, "a count below 4294967296 must stand", &count)) {
            return false;
        }
        if (accept(cursor, '@')) {
            if (!read_number(cursor, 0, 100, "a whole percentage from 0 to 100 must stand", &percent)) {
                return false;
            }
        } else if (!has_count) {
            return refuse(cursor, start, "a field count@percent must stand");
        }
        bool is_last = *cursor->at == '\0' || count == 0;
        if (is_open && percent != 0) {
            struct cupel_fault_rule *rule = next_rule(cursor, start, plan);
            if (rule == NULL) {
                return false;
            }
            *rule = (struct cupel_fault_rule){.call = CUPEL_FAULT_ALLOC, .when = CUPEL_FAULT_PERCENT, .first = percent};
            rule->window_min = next;
            rule->window_max = is_last ? 0 : next + count - 1;
            if (percent == 100 && (is_last || count == 1)) { /* has a plainer form */
                rule->when = is_last ? CUPEL_FAULT_FROM : CUPEL_FAULT_NTH;
                rule->first = next;
                rule->window_min = rule->window_max = 0;
            }
        }
        next += count;
        is_open = is_open && !is_last;
    } while (accept(cursor, ';'));
    if (*cursor->at != '\0') {
        return refuse(cursor, cursor->at, "';' or the end must follow the field");
    }
    return true;
}

bool cupel_fault_plan_parse(struct cupel_fault_plan *plan, const char *text, struct cupel_error *error) {
    memset(plan, 0, sizeof *plan);
    const char *seed = getenv("CUPEL_SEED");
    uint64_t seed_value = seed == NULL ? 0 : strtoull(seed, NULL, 0);
    if (text != NULL && *text != '\0') {
        struct cursor cursor = {text, text, error};
        bool is_openssl = isdigit((unsigned char)*text) || *text == '@';
        if (!(is_openssl ? read_openssl(&cursor, plan) : read_rules(&cursor, plan))) {
            memset(plan, 0, sizeof *plan);
            return false;
        }
    }
    plan->seed = seed_value;
    return true;
}

bool cupel_fault_plan_from_environment(struct cupel_fault_plan *plan, struct cupel_error *error) {
    static const char *const names[] = {"CUPEL_FAULT", "OPENSSL_MALLOC_FAILURES", "MALLOC_NUMBER_TO_FAIL"};
    struct cupel_error inner = {"", 0, 0};
    const char *name = NULL;
    const char *text = NULL;
    for (unsigned i = 0; i < 3 && text == NULL; i++) {
        name = names[i];
        text = getenv(name);
    }
    bool ok;
    if (text != NULL && name == names[2]) {
        struct cursor cursor = {text, text, &inner};
        uint64_t number = 0;
        (void)cupel_fault_plan_parse(plan, "alloc:1", NULL);
        ok = read_number(&cursor, 0, UINT32_MAX, "a request number must stand (the first is 0)", &number);
        if (ok && *cursor.at != '\0') {
            ok = refuse(&cursor, cursor.at, "the number must end");
        }
        if (ok) {
            plan->rules[0].first = number + 1;
        } else {
            memset(plan, 0, sizeof *plan);
        }
    } else {
        ok = cupel_fault_plan_parse(plan, text, &inner);
    }
    if (!ok) {
        (void)cupel_error_set(error, 0, inner.column, "%s: %s", name, inner.text);
    }
    return ok;
}
