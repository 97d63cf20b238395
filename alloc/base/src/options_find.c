/* Finds an option by its long name, and says which one was meant where there is none. */
#include "alloc/base/nearest.h"
#include "alloc/base/src/options.h"

#include <string.h>

/* "_" and "-" are the same: variables are written with the one, flags with the other. */
static bool is_name(const char *known, const char *name, size_t length) {
    if (known == NULL || strlen(known) != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char a = known[i] == '_' ? '-' : known[i];
        char b = name[i] == '_' ? '-' : name[i];
        if (a != b) {
            return false;
        }
    }
    return true;
}

struct cupel__option_use cupel__options_find(const struct cupel_option *options, const char *name, size_t length) {
    for (const struct cupel_option *option = options; !cupel__option_is_end(option); option++) {
        if (option->kind == CUPEL_OPTION_HEADING) {
            continue;
        }
        if (is_name(option->name, name, length) || is_name(option->alias, name, length)) {
            return (struct cupel__option_use){.option = option};
        }
        if (option->kind == CUPEL_OPTION_FLAG && length > 3 && is_name("no-", name, 3) &&
            is_name(option->name, name + 3, length - 3)) {
            return (struct cupel__option_use){.option = option, .is_negated = true};
        }
    }
    return (struct cupel__option_use){.option = NULL};
}

bool cupel__options_unknown(const struct cupel_option *options, const char *dashes, const char *name, unsigned column,
                            struct cupel_error *error) {
    struct cupel_nearest nearest;
    char bare[64];
    size_t length = strcspn(name, "=");
    if (length >= sizeof bare) {
        length = sizeof bare - 1;
    }
    memcpy(bare, name, length);
    bare[length] = '\0';
    cupel_nearest_init(&nearest, bare);
    for (const struct cupel_option *option = options; !cupel__option_is_end(option); option++) {
        if (option->kind != CUPEL_OPTION_HEADING) {
            cupel_nearest_offer(&nearest, option->name);
        }
    }
    if (*dashes != '\0') {
        cupel_nearest_offer(&nearest, "help");
        cupel_nearest_offer(&nearest, "version");
    }
    const char *kind = *dashes != '\0' ? "flag" : "option";
    if (nearest.best == NULL) {
        return cupel_error_set(error, 0, column, "unknown %s '%s%s'", kind, dashes, bare);
    }
    return cupel_error_set(error, 0, column, "unknown %s '%s%s'; did you mean '%s%s'?", kind, dashes, bare, dashes,
                           nearest.best);
}
