/* What is varied, and within which bounds: see perturb.h. */
#include "harness/src/perturb.h"
#include "harness/src/settings.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const char *const names[CUPEL__DIMENSION_COUNT] = {
    [CUPEL__DIMENSION_ADDRESSES] = "address-space", [CUPEL__DIMENSION_ENVIRONMENT] = "environment-size",
    [CUPEL__DIMENSION_LOCALE] = "locale",           [CUPEL__DIMENSION_TIME_ZONE] = "time-zone",
    [CUPEL__DIMENSION_DESCRIPTORS] = "descriptors", [CUPEL__DIMENSION_THREADS] = "thread-start",
    [CUPEL__DIMENSION_FRESH] = "fresh-memory",      [CUPEL__DIMENSION_FREED] = "freed-memory",
    [CUPEL__DIMENSION_PLACEMENT] = "placement",
};

/* Only those that are installed count. Turkish is here for its dotless i, German for the comma in its numbers. */
static const char *const locale_names[] = {"C.UTF-8",     "de_DE.UTF-8", "tr_TR.UTF-8",
                                           "ja_JP.UTF-8", "en_US.UTF-8", "fr_FR.UTF-8"};
enum { LOCALE_NAMES = sizeof locale_names / sizeof locale_names[0] };

/* Written out, so that they need no database: the ends of the world, a quarter of an hour, summer time on each half. */
static const char *const time_zones[] = {
    "UTC0", "<+14>-14", "<-12>12", "<+0545>-5:45", "EST5EDT,M3.2.0,M11.1.0", "AEST-10AEDT,M10.1.0,M4.1.0/3"};
enum { TIME_ZONES = sizeof time_zones / sizeof time_zones[0] };

enum { DESCRIPTORS_ROOM = 64, SELECT_SIZE = 1024 };

const char *cupel__dimension_name(unsigned dimension) {
    return dimension < CUPEL__DIMENSION_COUNT ? names[dimension] : "unknown";
}

int cupel__perturb_mask_format(uint32_t mask, char *text, size_t size) {
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        if ((mask & (1u << i)) != 0) {
            const char *comma = length == 0 ? "" : ",";
            int added = snprintf(text + (length < size ? length : size - 1), length < size ? size - length : 1, "%s%s",
                                 comma, names[i]);
            length += (size_t)added;
        }
    }
    return (int)length;
}

bool cupel__perturb_mask_parse(const char *text, uint32_t *mask, struct cupel_error *error) {
    *mask = text[0] == '\0' || text[0] == '-' ? CUPEL__PERTURB_ALL : 0;
    for (const char *word = text; *word != '\0';) {
        bool is_out = *word == '-';
        word += is_out;
        size_t length = strcspn(word, ",");
        unsigned found = 0;
        while (found < CUPEL__DIMENSION_COUNT &&
               (strlen(names[found]) != length || memcmp(names[found], word, length) != 0)) {
            found++;
        }
        if (found == CUPEL__DIMENSION_COUNT) {
            char all[256];
            (void)cupel__perturb_mask_format(CUPEL__PERTURB_ALL, all, sizeof all);
            return cupel_error_set(error, 0, cupel__settings_column(word), "--perturb: '%.*s' is none of %s",
                                   (int)(length < 40 ? length : 40), word, all);
        }
        *mask = is_out ? *mask & ~(1u << found) : *mask | (1u << found);
        word += length + (word[length] == ',');
    }
    return true;
}

/* Each dimension's own number, so that none changes with another. */
static uint64_t number_of(uint64_t seed, unsigned dimension) {
    return cupel__mix(seed, 0x7065727475726200u + dimension);
}

static unsigned installed_locales(const char *found[LOCALE_NAMES]) {
    static const char *installed[LOCALE_NAMES];
    static unsigned count;
    static bool is_known;
    for (unsigned i = 0; !is_known && i < LOCALE_NAMES; i++) {
        locale_t made = newlocale(LC_ALL_MASK, locale_names[i], (locale_t)0);
        if (made != (locale_t)0) {
            freelocale(made);
            installed[count++] = locale_names[i];
        }
    }
    is_known = true;
    memcpy(found, installed, count * sizeof *installed);
    return count;
}

static void choose_descriptors(uint64_t number, struct cupel__perturbation *perturbation) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    uint64_t most = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
    /* High ones are rare: a process that forks pays for each descriptor. */
    const uint64_t near = 4 + (number >> 16) % 28;
    const uint64_t firsts[8] = {
        0, 0, near, near, near, 64 + (number >> 16) % 64, 300, SELECT_SIZE + (number >> 16) % 8};
    uint64_t first = firsts[number % 8];
    if (first + DESCRIPTORS_ROOM > most) {
        first = 0;
    }
    uint64_t low = first + DESCRIPTORS_ROOM;
    uint64_t which = (number >> 8) % 3;
    uint64_t wanted = which == 0 ? 0 : which == 1 ? low : most;
    if (wanted == 0 && limit.rlim_cur < low) {
        wanted = low; /* the first one must be within the limit */
    }
    perturbation->descriptor_first = (int)first;
    perturbation->descriptor_limit = (int)wanted;
}

static void choose_memory(const struct cupel__plan_item *item, struct cupel__perturbation *perturbation) {
    struct cupel_perturbing_options options = cupel_perturbing_choose(number_of(item->seed, CUPEL__DIMENSION_FRESH));
    if ((item->perturb & (1u << CUPEL__DIMENSION_FRESH)) == 0) {
        options.fills_fresh = false;
        options.fresh = 0;
    }
    if ((item->perturb & (1u << CUPEL__DIMENSION_FREED)) == 0) {
        options.fills_freed = false;
        options.freed = 0;
    }
    if ((item->perturb & (1u << CUPEL__DIMENSION_PLACEMENT)) == 0) {
        options.placement = CUPEL_PLACEMENT_PARENT;
    }
    perturbation->memory = options;
}

/* From the run's seed and the span of repeats, not from the test: one process serves all of them. */
static void choose_process(const struct cupel__plan_item *item, struct cupel__perturbation *perturbation) {
    uint64_t seed = cupel__mix(cupel__settings.seed, item->repeat / CUPEL__PERTURB_SPAN);
    uint64_t addresses = number_of(seed, CUPEL__DIMENSION_ADDRESSES) % 8;
    uint64_t environment = number_of(seed, CUPEL__DIMENSION_ENVIRONMENT);
    if (item->isolation == CUPEL_ISOLATE_NONE || !cupel__perturb_process_is_possible()) {
        return;
    }
    if ((item->perturb & (1u << CUPEL__DIMENSION_ADDRESSES)) != 0) {
        perturbation->addresses = addresses < 2   ? CUPEL__ADDRESSES_INHERITED
                                  : addresses < 5 ? CUPEL__ADDRESSES_FIXED
                                                  : CUPEL__ADDRESSES_RANDOM;
    }
    if ((item->perturb & (1u << CUPEL__DIMENSION_ENVIRONMENT)) != 0) {
        /* Small ones move the stack by less than a line of the cache, large ones fill fixed buffers. */
        const uint64_t sizes[] = {0, 20 + (environment >> 8) % 64, 20 + (environment >> 8) % 4096,
                                  (environment >> 8) % 65536 + 49152};
        perturbation->environment_bytes = (unsigned)sizes[environment % 4];
    }
}

struct cupel__perturbation cupel__perturb_choose(const struct cupel__plan_item *item) {
    struct cupel__perturbation perturbation = {.locale = NULL};
    uint64_t numbers[CUPEL__DIMENSION_COUNT];
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        numbers[i] = (item->perturb & (1u << i)) == 0 ? 0 : number_of(item->seed, i);
    }
    if (item->perturb == 0) {
        return perturbation;
    }
    choose_process(item, &perturbation);
    choose_memory(item, &perturbation);
    if ((item->perturb & (1u << CUPEL__DIMENSION_LOCALE)) != 0) {
        const char *installed[LOCALE_NAMES];
        unsigned count = installed_locales(installed);
        uint64_t which = numbers[CUPEL__DIMENSION_LOCALE] % (2 * (uint64_t)LOCALE_NAMES);
        perturbation.locale = count == 0 || which >= LOCALE_NAMES ? NULL : installed[which % count];
    }
    if ((item->perturb & (1u << CUPEL__DIMENSION_TIME_ZONE)) != 0) {
        uint64_t which = numbers[CUPEL__DIMENSION_TIME_ZONE] % (TIME_ZONES + 2);
        perturbation.time_zone = which < TIME_ZONES ? time_zones[which] : NULL;
    }
    if ((item->perturb & (1u << CUPEL__DIMENSION_DESCRIPTORS)) != 0) {
        /* Of the repeat, not of the test: see fill_descriptors. */
        uint64_t seed = cupel__mix(cupel__settings.seed, item->repeat);
        choose_descriptors(number_of(seed, CUPEL__DIMENSION_DESCRIPTORS), &perturbation);
    }
    if (numbers[CUPEL__DIMENSION_THREADS] % 4 != 0) {
        perturbation.thread_seed = numbers[CUPEL__DIMENSION_THREADS];
    }
    return perturbation;
}

uint32_t cupel__perturb_active(const struct cupel__perturbation *perturbation) {
    const bool is_active[CUPEL__DIMENSION_COUNT] = {
        [CUPEL__DIMENSION_ADDRESSES] = perturbation->addresses != CUPEL__ADDRESSES_INHERITED,
        [CUPEL__DIMENSION_ENVIRONMENT] = perturbation->environment_bytes != 0,
        [CUPEL__DIMENSION_LOCALE] = perturbation->locale != NULL,
        [CUPEL__DIMENSION_TIME_ZONE] = perturbation->time_zone != NULL,
        [CUPEL__DIMENSION_DESCRIPTORS] = perturbation->descriptor_first != 0 || perturbation->descriptor_limit != 0,
        [CUPEL__DIMENSION_THREADS] = perturbation->thread_seed != 0,
        [CUPEL__DIMENSION_FRESH] = perturbation->memory.fills_fresh,
        [CUPEL__DIMENSION_FREED] = perturbation->memory.fills_freed,
        [CUPEL__DIMENSION_PLACEMENT] = perturbation->memory.placement != CUPEL_PLACEMENT_PARENT,
    };
    uint32_t mask = 0;
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        mask |= (uint32_t)is_active[i] << i;
    }
    return mask;
}

int cupel__perturb_format(const struct cupel__perturbation *perturbation, char *text, size_t size) {
    static const char *const addresses[] = {"", "fixed", "random"};
    static const char *const placements[] = {"parent", "reused", "never reused", "adjacent", "misaligned"};
    uint32_t active = cupel__perturb_active(perturbation);
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        char value[64] = "";
        if ((active & (1u << i)) == 0) {
            continue;
        }
        switch ((enum cupel__dimension)i) {
        case CUPEL__DIMENSION_ADDRESSES:
            (void)snprintf(value, sizeof value, "%s", addresses[perturbation->addresses]);
            break;
        case CUPEL__DIMENSION_ENVIRONMENT:
            (void)snprintf(value, sizeof value, "+%u", perturbation->environment_bytes);
            break;
        case CUPEL__DIMENSION_LOCALE:
            (void)snprintf(value, sizeof value, "%s", perturbation->locale);
            break;
        case CUPEL__DIMENSION_TIME_ZONE:
            (void)snprintf(value, sizeof value, "%s", perturbation->time_zone);
            break;
        case CUPEL__DIMENSION_DESCRIPTORS:
            (void)snprintf(value, sizeof value, "from %d limit %d", perturbation->descriptor_first,
                           perturbation->descriptor_limit);
            break;
        case CUPEL__DIMENSION_FRESH:
            (void)snprintf(value, sizeof value, "0x%02x", perturbation->memory.fresh);
            break;
        case CUPEL__DIMENSION_FREED:
            (void)snprintf(value, sizeof value, "0x%02x", perturbation->memory.freed);
            break;
        case CUPEL__DIMENSION_PLACEMENT:
            (void)snprintf(value, sizeof value, "%s", placements[perturbation->memory.placement]);
            break;
        default:
            (void)snprintf(value, sizeof value, "delayed");
        }
        int added = snprintf(text + (length < size ? length : size - 1), length < size ? size - length : 1, "%s%s %s",
                             length == 0 ? "" : ", ", names[i], value);
        length += (size_t)added;
    }
    return (int)length;
}

void cupel__perturb_note(const struct cupel__plan_item *item, struct cupel_text *messages) {
    char text[512];
    struct cupel__perturbation perturbation = cupel__perturb_choose(item);
    if (item->perturb != 0 && cupel__perturb_format(&perturbation, text, sizeof text) != 0) {
        cupel_text_add(messages, "perturbed: %s\n", text);
    }
}
