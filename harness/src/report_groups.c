/* See report_groups.h. */
#include "harness/src/report_groups.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool cupel__result_is_disabled(const struct cupel_result *result) {
    static const char prefix[] = "DISABLED_";
    return result->verdict == CUPEL_VERDICT_SKIPPED && (strncmp(result->name, prefix, sizeof prefix - 1) == 0 ||
                                                        strncmp(result->suite, prefix, sizeof prefix - 1) == 0);
}

bool cupel__result_is_error(const struct cupel_result *result) {
    return result->verdict == CUPEL_VERDICT_CRASH || result->verdict == CUPEL_VERDICT_HANG ||
           result->verdict == CUPEL_VERDICT_ABORTED;
}

int64_t cupel__report_time_ms(const struct cupel_result *result) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return result == NULL ? now_ms : now_ms - result->duration_ns / 1000000;
}

void cupel__report_timestamp(int64_t time_ms, bool has_fraction, char *text) {
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    size_t length = gmtime_r(&seconds, &parts) == NULL ? 0 : strftime(text, 24, "%Y-%m-%dT%H:%M:%S", &parts);
    text[length] = '\0';
    if (has_fraction) {
        (void)snprintf(text + length, 32 - length, ".%03d", (int)(time_ms % 1000));
    }
}

static void *grown(void *block, size_t *capacity, size_t needed, size_t size_bytes) {
    size_t wanted = *capacity < 16 ? 16 : *capacity;
    while (wanted < needed) {
        wanted *= 2;
    }
    void *all = wanted == *capacity ? block : realloc(block, wanted * size_bytes);
    *capacity = all == NULL ? *capacity : wanted;
    return all;
}

/* The group of that name, an old one or a new one; NULL when out of memory. */
static struct cupel__group *find(struct cupel__groups *groups, const char *name) {
    if (groups->count != 0 && strcmp(groups->all[groups->last].name, name) == 0) {
        return &groups->all[groups->last]; /* nearly always */
    }
    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(groups->all[i].name, name) == 0) {
            groups->last = i;
            return &groups->all[i];
        }
    }
    struct cupel__group *all = grown(groups->all, &groups->capacity, groups->count + 1, sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    groups->all = all;
    struct cupel__group group = {.name = strdup(name), .text = calloc(1, 1), .capacity_bytes = 1};
    if (group.name == NULL || group.text == NULL) {
        free(group.name);
        free(group.text);
        return NULL;
    }
    groups->last = groups->count++;
    groups->all[groups->last] = group;
    return &groups->all[groups->last];
}

FILE *cupel__groups_begin(struct cupel__groups *groups, const char *name, const struct cupel_result *result) {
    struct cupel__group *group = find(groups, name);
    groups->member = group == NULL ? NULL : open_memstream(&groups->member_text, &groups->member_bytes);
    if (group == NULL || groups->member == NULL) {
        cupel__reports_lose();
        return NULL;
    }
    bool is_failure = cupel_result_is_failure(result);
    bool is_error = cupel__result_is_error(result);
    if (group->count++ == 0) {
        group->start_ms = cupel__report_time_ms(result);
    }
    group->failed += is_failure && !is_error;
    group->errors += is_error;
    group->disabled += cupel__result_is_disabled(result);
    group->skipped += result->verdict == CUPEL_VERDICT_SKIPPED && !cupel__result_is_disabled(result);
    group->duration_ns += result->duration_ns;
    return groups->member;
}

void cupel__groups_end(struct cupel__groups *groups) {
    struct cupel__group *group = &groups->all[groups->last];
    bool is_whole = fclose(groups->member) == 0;
    char *text =
        !is_whole ? NULL : grown(group->text, &group->capacity_bytes, group->size_bytes + groups->member_bytes + 1, 1);
    if (text == NULL) {
        cupel__reports_lose();
    } else {
        memcpy(text + group->size_bytes, groups->member_text, groups->member_bytes + 1);
        group->text = text;
        group->size_bytes += groups->member_bytes;
    }
    free(groups->member_text);
    groups->member_text = NULL;
}

struct cupel__group cupel__groups_sum(const struct cupel__groups *groups) {
    struct cupel__group sum = {0};
    for (size_t i = 0; i < groups->count; i++) {
        const struct cupel__group *group = &groups->all[i];
        sum.count += group->count;
        sum.failed += group->failed;
        sum.errors += group->errors;
        sum.skipped += group->skipped;
        sum.disabled += group->disabled;
        sum.duration_ns += group->duration_ns;
        sum.start_ms = i == 0 || group->start_ms < sum.start_ms ? group->start_ms : sum.start_ms;
    }
    return sum;
}

void cupel__groups_deinit(struct cupel__groups *groups) {
    for (size_t i = 0; i < groups->count; i++) {
        free(groups->all[i].name);
        free(groups->all[i].text);
    }
    free(groups->all);
    *groups = (struct cupel__groups){0};
}
