/* Fault plans at the end of inputs: see bytes.h for the two forms. */
#include "harness/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_LENGTH = sizeof CUPEL_BYTES_FAULT_MAGIC - 1, TEXT_LENGTH_MAX = 255 };
static const enum cupel_fault_when whens[4] = {CUPEL_FAULT_NTH, CUPEL_FAULT_FROM, CUPEL_FAULT_EVERY, CUPEL_FAULT_PAIR};

static void read_short(const uint8_t *trailer, struct cupel_fault_plan *plan) {
    uint64_t number = (uint64_t)(trailer[1] | trailer[2] << 8);
    number = number == 0 ? 1 : number; /* requests are numbered from 1 */
    enum cupel_fault_when when = whens[trailer[0] % 4];
    *plan = (struct cupel_fault_plan){.count = 1};
    plan->rules[0] = (struct cupel_fault_rule){
        .call = CUPEL_FAULT_ALLOC, .when = when, .first = number, .second = when == CUPEL_FAULT_PAIR ? number + 1 : 0};
}

/* The plan and its seed, from `length` characters. */
static bool read_text(const uint8_t *data, size_t length, struct cupel_fault_plan *plan) {
    struct cupel_fault_plan read;
    char text[TEXT_LENGTH_MAX + 1];
    memcpy(text, data, length);
    text[length] = '\0';
    char *space = strrchr(text, ' ');
    if (space == NULL || strspn(space + 1, "0123456789") == 0 || strlen(text) != length) {
        return false;
    }
    char *end = NULL;
    uint64_t seed = strtoull(space + 1, &end, 10);
    *space = '\0';
    if (*end != '\0' || !cupel_fault_plan_parse(&read, text, NULL) || read.count == 0) {
        return false;
    }
    read.seed = seed;
    (void)cupel_fault_plan_resolve(&read, NULL); /* a rule whose function is nowhere never fires */
    *plan = read;
    return true;
}

bool cupel_bytes_fault_plan(struct cupel_bytes *bytes, struct cupel_fault_plan *plan) {
    size_t room = bytes->back - bytes->front;
    if (room < CUPEL_BYTES_FAULT_LENGTH) {
        return false;
    }
    const uint8_t *magic = bytes->data + bytes->back - MAGIC_LENGTH;
    /* The last byte first, without a call: nearly every input ends here. */
    if (magic[MAGIC_LENGTH - 1] != (uint8_t)CUPEL_BYTES_FAULT_MAGIC[MAGIC_LENGTH - 1]) {
        return false;
    }
    if (memcmp(magic, CUPEL_BYTES_FAULT_MAGIC, MAGIC_LENGTH) == 0) {
        bytes->back -= CUPEL_BYTES_FAULT_LENGTH;
        read_short(bytes->data + bytes->back, plan);
        return true;
    }
    size_t length = magic[-1];
    if (memcmp(magic, CUPEL_BYTES_FAULT_TEXT_MAGIC, MAGIC_LENGTH) != 0 || length > room - MAGIC_LENGTH - 1 ||
        !read_text(magic - 1 - length, length, plan)) {
        return false;
    }
    bytes->back -= length + 1 + MAGIC_LENGTH;
    return true;
}

static bool write_short(const struct cupel_fault_plan *plan, uint8_t *trailer) {
    const struct cupel_fault_rule *rule = &plan->rules[0];
    bool is_plain = rule->thread == 0 && rule->where[0] == '\0' && rule->how[0] == '\0' && rule->size_max == 0;
    if (plan->count != 1 || rule->call != CUPEL_FAULT_ALLOC || rule->first == 0 || rule->first > UINT16_MAX ||
        !is_plain) {
        return false;
    }
    for (uint8_t when = 0; when < 4; when++) {
        if (whens[when] == rule->when && (rule->when != CUPEL_FAULT_PAIR || rule->second == rule->first + 1)) {
            trailer[0] = when;
            trailer[1] = (uint8_t)(rule->first & 0xff);
            trailer[2] = (uint8_t)(rule->first >> 8);
            memcpy(trailer + 3, CUPEL_BYTES_FAULT_MAGIC, MAGIC_LENGTH);
            return true;
        }
    }
    return false;
}

size_t cupel_bytes_fault_trailer(const struct cupel_fault_plan *plan, uint8_t trailer[CUPEL_BYTES_FAULT_LENGTH_MAX]) {
    char text[TEXT_LENGTH_MAX + 1];
    if (plan->count == 0) {
        return 0;
    }
    if (write_short(plan, trailer)) {
        return CUPEL_BYTES_FAULT_LENGTH;
    }
    bool is_drawn = false; /* else the seed says nothing, and one input is one file whatever the seed of the run */
    for (unsigned i = 0; i < plan->count; i++) {
        is_drawn = is_drawn || plan->rules[i].when == CUPEL_FAULT_PERCENT;
    }
    size_t length = (size_t)cupel_fault_plan_format(plan, text, sizeof text);
    if (length >= sizeof text) {
        return 0;
    }
    length += (size_t)snprintf(text + length, sizeof text - length, " %" PRIu64, is_drawn ? plan->seed : (uint64_t)0);
    if (length >= sizeof text) {
        return 0;
    }
    memcpy(trailer, text, length);
    trailer[length] = (uint8_t)length;
    memcpy(trailer + length + 1, CUPEL_BYTES_FAULT_TEXT_MAGIC, MAGIC_LENGTH);
    return length + 1 + MAGIC_LENGTH;
}
