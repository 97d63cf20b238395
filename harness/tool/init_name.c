/* The names that `cupel init` gives to new projects. A name is that of a target of CMake, of a header in a directory of
 * headers, and the beginning of a function's, so that not every identifier will do: CMake keeps some targets for
 * itself, cupel has some, the linker takes a target for the library of that name, and the compiler its header for the
 * system's. */
#include "harness/tool/init.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Targets that CMake makes or forbids with one generator or another, from its policy CMP0037 and what 3.25 refuses. */
static const char targets_of_cmake[] =
    " all all_build clean codegen depend edit_cache help install list_install_components none package package_source"
    " preinstall rebuild_cache run_tests test zero_check continuous experimental nightly ";
/* Targets and libraries that the first test and the harness have; all that begins with cupel is ours too. */
static const char targets_of_cupel[] =
    " test_first fuzz_first_reverses_twice first_reverses_twice_seed_corpus c m dl rt pthread ";
/* Headers of the compiler; those of the C library are looked for. */
static const char headers_of_c[] =
    " assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic"
    " stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype ";

static bool is_word_of(const char *words, const char *name) {
    size_t length = strlen(name);
    for (const char *at = words; (at = strcasestr(at, name)) != NULL; at++) {
        if (at[-1] == ' ' && at[length] == ' ') {
            return true;
        }
    }
    return false;
}

/* Who has this identifier already; NULL where nobody has. */
static const char *find_owner(const char *name) {
    char path[INIT_NAME_MAX + 32];
    if (is_word_of(targets_of_cmake, name)) {
        return "CMake has that name for a target of its own";
    }
    if (strncasecmp(name, "cupel", 5) == 0 || is_word_of(targets_of_cupel, name)) {
        return "cupel or what it links has that name already";
    }
    (void)snprintf(path, sizeof path, "/usr/include/%s.h", name);
    return is_word_of(headers_of_c, name) || access(path, F_OK) == 0 ? "the system has a header of that name" : NULL;
}

static bool is_identifier(const char *name) {
    size_t length = strlen(name);
    return length > 0 && length < INIT_NAME_MAX && !isdigit((unsigned char)name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == length;
}

bool init_check_name(const char *name, struct cupel_error *error) {
    if (!is_identifier(name)) {
        cupel_error_set(error, 0, 0, "'%.100s' is no identifier of C with less than %d characters", name,
                        INIT_NAME_MAX);
        return false;
    }
    const char *owner = find_owner(name);
    if (owner != NULL) {
        cupel_error_set(error, 0, 0, "'%s' will not do: %s", name, owner);
    }
    return owner == NULL;
}

const char *init_make_name(const char *text, char name[INIT_NAME_MAX]) {
    static char why[256];
    static const char prefix[] = "my_";
    size_t length = 0;
    size_t most = INIT_NAME_MAX - sizeof prefix;
    bool is_gap = false;
    /* What is neither a letter nor a digit becomes one underline, but not at either end; digits do not begin a name. */
    for (const char *at = text; *at != '\0' && length + 1 < most; at++) {
        bool is_letter = isalpha((unsigned char)*at) || (length > 0 && isdigit((unsigned char)*at));
        if (is_letter && is_gap) {
            name[length++] = '_';
        }
        if (is_letter) {
            name[length++] = (char)tolower((unsigned char)*at);
        }
        is_gap = !is_letter && length > 0;
    }
    name[length] = '\0';
    if (length == 0) {
        (void)snprintf(name, INIT_NAME_MAX, "start");
    }
    const char *owner = find_owner(name);
    if (owner != NULL) {
        memmove(name + strlen(prefix), name, strlen(name) + 1);
        memcpy(name, prefix, strlen(prefix));
        (void)snprintf(why, sizeof why, " (not '%s': %s)", name + strlen(prefix), owner);
        return why;
    }
    return strcasecmp(name, text) == 0 ? NULL : " (made of the directory's name)";
}
