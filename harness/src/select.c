/* Selection: see select.h. Patterns are matched in place, with no copies and no heap. */
#include "harness/src/select.h"
#include "harness/src/plan.h"
#include "harness/src/state.h"

#include <string.h>

extern const struct cupel_test *const __start_cupel_tests[] __attribute__((weak));
extern const struct cupel_test *const __stop_cupel_tests[] __attribute__((weak));

bool cupel__is_disabled(const struct cupel_test *test) {
    static const char prefix[] = "DISABLED_";
    return strncmp(test->suite, prefix, sizeof prefix - 1) == 0 || strncmp(test->name, prefix, sizeof prefix - 1) == 0;
}

static bool words_match(const struct cupel__settings *settings, const char *title) {
    for (int i = 0; i < settings->word_count; i++) {
        const char *word = settings->words[i];
        bool is_glob = strpbrk(word, "*?") != NULL;
        if (is_glob ? cupel__glob_matches(word, strlen(word), title) : strstr(title, word) != NULL) {
            return true;
        }
    }
    return settings->word_count == 0;
}

static bool has_tag(const char *tags, const char *tag, size_t length) {
    while (tags != NULL && *tags != '\0') {
        size_t span = strcspn(tags, " ");
        if (span == length && memcmp(tags, tag, length) == 0) {
            return true;
        }
        tags += span + strspn(tags + span, " ");
    }
    return false;
}

bool cupel__has_tag(const struct cupel_test *test, const char *tag) {
    return has_tag(test->options.tags, tag, strlen(tag));
}

/* Each --tag is a list joined by commas: any of them must be there; "-word" must not be there. */
static bool tags_match(const struct cupel__settings *settings, const char *tags) {
    for (size_t i = 0; i < settings->tags.count; i++) {
        bool wants_any = false;
        bool has_any = false;
        for (const char *word = settings->tags.words[i]; *word != '\0';) {
            size_t length = strcspn(word, ",");
            if (word[0] == '-' && has_tag(tags, word + 1, length - 1)) {
                return false;
            }
            if (word[0] != '-') {
                wants_any = true;
                has_any = has_any || has_tag(tags, word, length);
            }
            word += length + (word[length] == ',');
        }
        if (wants_any && !has_any) {
            return false;
        }
    }
    return true;
}

bool cupel__is_selected(const struct cupel__settings *settings, const struct cupel__filter *filter,
                        const struct cupel_test *test, const char *title) {
    if (filter != NULL && !cupel__filter_matches(filter, title)) {
        return false;
    }
    if (!words_match(settings, title) || !tags_match(settings, test->options.tags)) {
        return false;
    }
    if (settings->rerun_failed && !cupel__state_has_failed(title)) {
        return false;
    }
    return settings->shard_count == 0 ||
           cupel__mix(cupel__hash_text(title), 0) % settings->shard_count == settings->shard_index;
}

const struct cupel_test *cupel__property_named(const char *title) {
    for (const struct cupel_test *const *test = __start_cupel_tests; test < __stop_cupel_tests; test++) {
        size_t length = strlen((*test)->suite);
        if ((*test)->kind == CUPEL_KIND_PROPERTY && strncmp(title, (*test)->suite, length) == 0 &&
            (title[length] == '.' || title[length] == '_') && strcmp(title + length + 1, (*test)->name) == 0) {
            return *test;
        }
    }
    return NULL;
}
