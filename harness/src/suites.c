/* See suites.h: suites are numbered through a hash table, then entries are sorted by counting. */
#include "harness/src/suites.h"

#include <stdlib.h>
#include <string.h>

/* The suite's index; a new one where the name is new. `slots` holds indices + 1, its size is mask + 1. */
static uint32_t suite_of(struct cupel__suites *suites, uint32_t *slots, size_t mask, const char *name) {
    size_t slot = (size_t)cupel__hash_text(name) & mask;
    while (slots[slot] != 0) {
        if (strcmp(suites->all[slots[slot] - 1].name, name) == 0) {
            return slots[slot] - 1;
        }
        slot = (slot + 1) & mask;
    }
    suites->all[suites->count] = (struct cupel__suite){.name = name};
    slots[slot] = ++suites->count;
    return suites->count - 1;
}

static void group(struct cupel__suites *suites, const struct cupel__plan_entry *entries, size_t count, uint32_t *slots,
                  size_t mask, uint32_t *suite_of_entry) {
    for (size_t i = 0; i < count; i++) {
        const char *name = entries[i].test->suite;
        bool is_same = i != 0 && (name == entries[i - 1].test->suite || strcmp(name, entries[i - 1].test->suite) == 0);
        suite_of_entry[i] = is_same ? suite_of_entry[i - 1] : suite_of(suites, slots, mask, name);
        suites->all[suite_of_entry[i]].count++;
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < suites->count; i++) {
        suites->all[i].first = first;
        first += suites->all[i].count;
        suites->all[i].count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct cupel__suite *suite = &suites->all[suite_of_entry[i]];
        suites->order[suite->first + suite->count++] = (uint32_t)i;
    }
}

bool cupel__suites_init(struct cupel__suites *suites, const struct cupel__plan_entry *entries, size_t count) {
    size_t slot_count = 16;
    while (slot_count < 2 * count) {
        slot_count *= 2;
    }
    *suites = (struct cupel__suites){.all = calloc(count + 1, sizeof *suites->all),
                                     .order = calloc(count + 1, sizeof *suites->order)};
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    uint32_t *suite_of_entry = calloc(count + 1, sizeof *suite_of_entry);
    bool is_good = suites->all != NULL && suites->order != NULL && slots != NULL && suite_of_entry != NULL;
    if (is_good) {
        group(suites, entries, count, slots, slot_count - 1, suite_of_entry);
    } else {
        cupel__suites_deinit(suites);
    }
    free(slots);
    free(suite_of_entry);
    return is_good;
}

void cupel__suites_deinit(struct cupel__suites *suites) {
    free(suites->all);
    free(suites->order);
    *suites = (struct cupel__suites){0};
}
