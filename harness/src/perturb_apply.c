/* What is set before a perturbed test and taken back after it: see perturb.h. */
#include "harness/src/perturb.h"
#include "harness/src/run.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FILLED_MAX = 2048, WORD_MAX = 128, RESERVE = 32 };

uint64_t cupel__thread_delay_seed;
uint64_t cupel__thread_delay_count;

/* A variable of the environment as it was. */
struct variable {
    const char *name;
    bool is_changed;
    bool was_set;
    char value[WORD_MAX];
};

static struct {
    struct variable locale, time_zone;
    char previous_locale[WORD_MAX];
    int filled[FILLED_MAX]; /* descriptors of ours that keep low numbers taken */
    unsigned filled_count;
    int filled_to; /* the lowest number that is left to the test; 0: as it was */
    struct rlimit limit;
    bool has_limit;
} applied = {.locale.name = "LC_ALL", .time_zone.name = "TZ"};

static bool set_variable(struct variable *variable, const char *value) {
    const char *previous = getenv(variable->name);
    if (previous != NULL && strlen(previous) >= sizeof variable->value) {
        return false;
    }
    variable->was_set = previous != NULL;
    if (previous != NULL) {
        memcpy(variable->value, previous, strlen(previous) + 1);
    }
    variable->is_changed = setenv(variable->name, value, 1) == 0;
    return variable->is_changed;
}

static bool restore_variable(struct variable *variable) {
    if (!variable->is_changed) {
        return false;
    }
    variable->is_changed = false;
    if (variable->was_set) {
        (void)setenv(variable->name, variable->value, 1);
    } else {
        (void)unsetenv(variable->name);
    }
    return true;
}

static int lowest_free(void) {
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (lowest >= 0) {
        (void)close(lowest);
    }
    return lowest;
}

static void release_descriptors(void) {
    for (unsigned i = 0, end; i < applied.filled_count; i = end) {
        for (end = i + 1; end < applied.filled_count && applied.filled[end] == applied.filled[end - 1] + 1; end++) {
        }
        (void)close_range((unsigned)applied.filled[i], (unsigned)applied.filled[end - 1], 0);
    }
    applied.filled_count = 0;
    applied.filled_to = 0;
}

/* Takes every number below `first`, so that the test's own descriptors begin there. Tests of one repeat share that
 * number, and the descriptors stay from one to the next: many of them are slow to come by. */
static void fill_descriptors(int first) {
    if (first == applied.filled_to && (first == 0 || lowest_free() == first)) {
        return;
    }
    release_descriptors();
    int one = first == 0 ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (one >= 0 && one < first && applied.filled_count < FILLED_MAX) {
        applied.filled[applied.filled_count++] = one;
        one = fcntl(one, F_DUPFD_CLOEXEC, 3);
    }
    if (one >= 0) {
        (void)close(one);
    }
    applied.filled_to = first;
}

static void set_descriptors(const struct cupel__perturbation *perturbation) {
    if (perturbation->descriptor_limit != 0 && getrlimit(RLIMIT_NOFILE, &applied.limit) == 0) {
        struct rlimit wanted = {.rlim_cur = (rlim_t)perturbation->descriptor_limit, .rlim_max = applied.limit.rlim_max};
        applied.has_limit = setrlimit(RLIMIT_NOFILE, &wanted) == 0;
    }
    fill_descriptors(perturbation->descriptor_first);
}

void cupel__perturb_begin(const struct cupel__perturbation *perturbation) {
    if (perturbation->locale != NULL) {
        const char *previous = setlocale(LC_ALL, NULL);
        (void)snprintf(applied.previous_locale, sizeof applied.previous_locale, "%s",
                       previous != NULL ? previous : "C");
        if (set_variable(&applied.locale, perturbation->locale)) {
            (void)setlocale(LC_ALL, perturbation->locale);
        }
    }
    if (perturbation->time_zone != NULL && set_variable(&applied.time_zone, perturbation->time_zone)) {
        tzset();
    }
    set_descriptors(perturbation);
    __atomic_store_n(&cupel__thread_delay_count, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&cupel__thread_delay_seed, perturbation->thread_seed, __ATOMIC_RELAXED);
    cupel__run.memory = perturbation->memory;
}

void cupel__perturb_end(void) {
    if (applied.has_limit) {
        (void)setrlimit(RLIMIT_NOFILE, &applied.limit);
        applied.has_limit = false;
        if ((rlim_t)applied.filled_to + RESERVE > applied.limit.rlim_cur) {
            release_descriptors(); /* else the harness itself could open nothing */
        }
    }
    if (restore_variable(&applied.time_zone)) {
        tzset();
    }
    if (restore_variable(&applied.locale)) {
        (void)setlocale(LC_ALL, applied.previous_locale);
    }
    __atomic_store_n(&cupel__thread_delay_seed, 0, __ATOMIC_RELAXED);
    cupel__run.memory = (struct cupel_perturbing_options){.placement = CUPEL_PLACEMENT_PARENT};
}
