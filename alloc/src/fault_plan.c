/* What a fault plan means: which requests a rule looks at, which of them fail, and the plan as text. Parsing is in
 * fault_parse.c. */
#include "alloc/failing.h"

#include "alloc/src/fault_words.h"
#include "alloc/src/symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const cupel__fault_calls[CUPEL__FAULT_CALLS] = {
    [CUPEL_FAULT_ALLOC] = "alloc", [CUPEL_FAULT_GROW] = "grow",   [CUPEL_FAULT_VM] = "vm",
    [CUPEL_FAULT_ANY] = "any",     [CUPEL_FAULT_READ] = "read",   [CUPEL_FAULT_WRITE] = "write",
    [CUPEL_FAULT_OPEN] = "open",   [CUPEL_FAULT_CLOCK] = "clock",
};

const struct cupel__fault_how *cupel__fault_how_find(const char *name, size_t length) {
    static const struct cupel__fault_how hows[] = {
        {"null", 0},        {"short", 0},
        {"move", 0},        {"back", 0},
        {"forward", 0},     {"EACCES", EACCES},
        {"EAGAIN", EAGAIN}, {"EBADF", EBADF},
        {"EBUSY", EBUSY},   {"ECONNRESET", ECONNRESET},
        {"EDQUOT", EDQUOT}, {"EEXIST", EEXIST},
        {"EFBIG", EFBIG},   {"EINTR", EINTR},
        {"EINVAL", EINVAL}, {"EIO", EIO},
        {"EISDIR", EISDIR}, {"ELOOP", ELOOP},
        {"EMFILE", EMFILE}, {"ENFILE", ENFILE},
        {"ENOENT", ENOENT}, {"ENOMEM", ENOMEM},
        {"ENOSPC", ENOSPC}, {"ENXIO", ENXIO},
        {"EPERM", EPERM},   {"EPIPE", EPIPE},
        {"EROFS", EROFS},   {"ETIMEDOUT", ETIMEDOUT},
    };
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        if (strlen(hows[i].name) == length && memcmp(hows[i].name, name, length) == 0) {
            return &hows[i];
        }
    }
    return NULL;
}

int cupel_fault_errno(const struct cupel_fault_rule *rule) {
    const struct cupel__fault_how *how = cupel__fault_how_find(rule->how, strlen(rule->how));
    return how == NULL ? 0 : how->error;
}

/* A good mix of all bits of its argument (splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", 2014), so that a choice depends on nothing but seed, rule and request. */
static uint64_t mix(uint64_t value) {
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static bool is_drawn(const struct cupel_fault_plan *plan, const struct cupel_fault_rule *rule) {
    if (rule->seen < rule->window_min || (rule->window_max != 0 && rule->seen > rule->window_max)) {
        return false;
    }
    uint64_t rule_index = (uint64_t)(rule - plan->rules);
    return mix(mix(plan->seed + rule_index) ^ rule->seen) % 100 < rule->first;
}

static bool is_in_code(const struct cupel_fault_rule *rule, const struct cupel_fault_request *request) {
    for (unsigned i = 0; i < request->frame_count; i++) {
        /* A return address may be one past the end of the function that called. */
        uintptr_t address = (uintptr_t)request->frames[i] - 1;
        for (unsigned j = 0; j < rule->range_count; j++) {
            if (address >= rule->ranges[j].low && address < rule->ranges[j].high) {
                return true;
            }
        }
    }
    return false;
}

static bool looks_at(const struct cupel_fault_rule *rule, const struct cupel_fault_request *request) {
    unsigned calls = 1u << rule->call;
    if (rule->call == CUPEL_FAULT_ANY) {
        calls = 1u << CUPEL_FAULT_ALLOC | 1u << CUPEL_FAULT_GROW;
    }
    if ((calls & request->calls) == 0 || (rule->thread != 0 && rule->thread != request->thread)) {
        return false;
    }
    bool wants_part = rule->call == CUPEL_FAULT_READ || rule->call == CUPEL_FAULT_WRITE;
    if (wants_part && strcmp(rule->how, "short") == 0 && !request->can_be_short) {
        return false;
    }
    if (rule->size_max != 0 && (request->size < rule->size_min || request->size > rule->size_max)) {
        return false;
    }
    return rule->where[0] == '\0' || is_in_code(rule, request);
}

static bool fires(const struct cupel_fault_plan *plan, const struct cupel_fault_rule *rule, uint64_t live_bytes) {
    switch (rule->when) {
    case CUPEL_FAULT_NTH:
        return rule->seen == rule->first;
    case CUPEL_FAULT_FROM:
        return rule->seen >= rule->first;
    case CUPEL_FAULT_PAIR:
        return rule->seen == rule->first || rule->seen == rule->second;
    case CUPEL_FAULT_EVERY:
        return rule->seen % rule->first == 0;
    case CUPEL_FAULT_PERCENT:
        return is_drawn(plan, rule);
    case CUPEL_FAULT_BUDGET:
    default:
        return live_bytes > rule->first;
    }
}

const struct cupel_fault_rule *cupel_fault_plan_next(struct cupel_fault_plan *plan,
                                                     const struct cupel_fault_request *request) {
    const struct cupel_fault_rule *fired = NULL;
    for (unsigned i = 0; i < plan->count; i++) {
        struct cupel_fault_rule *rule = &plan->rules[i];
        if (looks_at(rule, request)) {
            rule->seen++;
            bool is_open = fired == NULL || cupel__fault_moves(fired); /* a refusal goes before a move */
            if (is_open && fires(plan, rule, request->live_bytes)) {
                fired = fired == NULL || !cupel__fault_moves(rule) ? rule : fired;
            }
        }
    }
    return fired;
}

bool cupel_fault_plan_wants_frames(const struct cupel_fault_plan *plan) {
    for (unsigned i = 0; i < plan->count; i++) {
        if (plan->rules[i].where[0] != '\0') {
            return true;
        }
    }
    return false;
}

static bool resolve(struct cupel_fault_rule *rule, unsigned number, struct cupel_error *error) {
    rule->range_count = 0;
    if (rule->where[0] == '\0') {
        return true;
    }
    if (strchr(rule->where, ':') != NULL) {
        return cupel_error_set(error, 0, 0,
                               "rule %u: \"%s\" names a line: that needs a reader of debug information, which this "
                               "build lacks; name the function instead",
                               number, rule->where);
    }
    struct cupel__range ranges[CUPEL_FAULT_RANGES_MAX];
    unsigned count = cupel__symbol_ranges(rule->where, ranges, CUPEL_FAULT_RANGES_MAX);
    if (count == 0) {
        return cupel_error_set(error, 0, 0, "rule %u: no loaded module has a function \"%s\"", number, rule->where);
    }
    rule->range_count = count < CUPEL_FAULT_RANGES_MAX ? count : CUPEL_FAULT_RANGES_MAX;
    for (unsigned i = 0; i < rule->range_count; i++) {
        rule->ranges[i] = (struct cupel_fault_range){ranges[i].low, ranges[i].high};
    }
    return true;
}

bool cupel_fault_plan_resolve(struct cupel_fault_plan *plan, struct cupel_error *error) {
    bool ok = true;
    for (unsigned i = 0; i < plan->count; i++) {
        ok = resolve(&plan->rules[i], i + 1, ok ? error : NULL) && ok;
    }
    return ok;
}

struct writer {
    char *text;
    size_t size;
    size_t length; /* of the whole text, which may not fit */
};

static void put(struct writer *writer, const char *format, ...) CUPEL_PRINTF(2, 3);
static void put(struct writer *writer, const char *format, ...) {
    size_t room = writer->length < writer->size ? writer->size - writer->length : 0;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(room == 0 ? NULL : writer->text + writer->length, room, format, arguments);
    va_end(arguments);
    writer->length += (size_t)length; /* which cannot fail: nothing here is of wide characters */
}

static void put_when(struct writer *writer, const struct cupel_fault_rule *rule) {
    switch (rule->when) {
    case CUPEL_FAULT_NTH:
        put(writer, "%" PRIu64, rule->first);
        break;
    case CUPEL_FAULT_FROM:
        put(writer, "%" PRIu64 "+", rule->first);
        break;
    case CUPEL_FAULT_PAIR:
        put(writer, "%" PRIu64 ",%" PRIu64, rule->first, rule->second);
        break;
    case CUPEL_FAULT_EVERY:
        put(writer, "*/%" PRIu64, rule->first);
        break;
    case CUPEL_FAULT_PERCENT:
        put(writer, "%" PRIu64 "%%", rule->first);
        if (rule->window_min != 0) {
            put(writer, "%" PRIu64 "..", rule->window_min);
        }
        if (rule->window_max != 0) {
            put(writer, "%" PRIu64, rule->window_max);
        }
        break;
    case CUPEL_FAULT_BUDGET:
    default:
        put(writer, ">%" PRIu64, rule->first);
        break;
    }
}

int cupel_fault_plan_format(const struct cupel_fault_plan *plan, char *text, size_t size) {
    struct writer writer = {text, size, 0};
    if (size > 0) {
        text[0] = '\0';
    }
    for (unsigned i = 0; i < plan->count; i++) {
        const struct cupel_fault_rule *rule = &plan->rules[i];
        put(&writer, "%s%s:", i == 0 ? "" : ";", cupel__fault_calls[rule->call]);
        put_when(&writer, rule);
        if (rule->thread != 0) {
            put(&writer, "#%u", rule->thread);
        }
        if (rule->how[0] != '\0') {
            put(&writer, "=%s", rule->how);
        }
        if (rule->where[0] != '\0') {
            put(&writer, "@%s", rule->where);
        } else if (rule->size_max != 0) {
            put(&writer, "@size=%zu..%zu", rule->size_min, rule->size_max);
        }
    }
    return (int)writer.length;
}
