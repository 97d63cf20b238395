/* Which system this is, what its packages are called, and how they are installed. */
#include "harness/tool/doctor.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *install;
    const char *words; /* of ID and ID_LIKE in os-release */
} systems[DOCTOR_SYSTEMS] = {
    [DOCTOR_DEBIAN] = {"debian", "apt-get install -y --no-install-recommends", "debian ubuntu"},
    [DOCTOR_FEDORA] = {"fedora", "dnf install -y", "fedora rhel"},
    [DOCTOR_ARCH] = {"arch", "pacman -S --needed", "arch"},
    [DOCTOR_HOMEBREW] = {"homebrew", "brew install", ""},
};

/* True if one of the blank-separated words of `words` is in `line`. */
static bool has_word(const char *line, const char *words) {
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        char word[32];
        (void)snprintf(word, sizeof word, "%.*s", (int)length, words);
        if (strstr(line, word) != NULL) {
            return true;
        }
        words += length;
        words += strspn(words, " ");
    }
    return false;
}

enum doctor_system doctor_find_system(const char *root) {
    enum doctor_system system = DOCTOR_SYSTEMS;
    char line[PATH_MAX];
#ifdef __APPLE__
    return DOCTOR_HOMEBREW;
#endif
    (void)snprintf(line, sizeof line, "%s/etc/os-release", root);
    FILE *stream = fopen(line, "re");
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        for (int i = 0; i < DOCTOR_SYSTEMS; i++) {
            if ((strncmp(line, "ID=", 3) == 0 || strncmp(line, "ID_LIKE=", 8) == 0) &&
                has_word(line, systems[i].words)) {
                system = (enum doctor_system)i;
            }
        }
    }
    if (stream != NULL) {
        (void)fclose(stream);
    }
    return system;
}

const char *doctor_system_name(enum doctor_system system) {
    return system < DOCTOR_SYSTEMS ? systems[system].name : "unknown";
}

/* The name of one package here, or NULL. */
static const char *find_package(enum doctor_system system, const char *package, size_t length) {
    for (size_t i = 0; i < doctor_package_count; i++) {
        const char *debian = doctor_packages[i].names[DOCTOR_DEBIAN];
        if (strlen(debian) == length && strncmp(debian, package, length) == 0) {
            const char *name = doctor_packages[i].names[system];
            return strcmp(name, "-") != 0 ? name : NULL;
        }
    }
    return NULL;
}

/* Appends one word, unless it is there already; `names` has a blank before each word. */
static bool add_word(const char *word, char *names, size_t size) {
    size_t length = strlen(word);
    for (const char *at = strstr(names, word); at != NULL; at = strstr(at + 1, word)) {
        if (at[-1] == ' ' && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    size_t used = strlen(names);
    int written = snprintf(names + used, size - used, " %s", word);
    return written > 0 && (size_t)written < size - used;
}

bool doctor_add_packages(const struct doctor_machine *machine, const char *packages, char *names, size_t size) {
    bool is_complete = machine->system < DOCTOR_SYSTEMS;
    for (const char *word = packages; is_complete && *word != '\0'; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        const char *name = find_package(machine->system, word, length);
        const char *at = name != NULL ? strchr(name, '@') : NULL;
        char full[64];
        if (at != NULL && machine->clang_major != 0) {
            (void)snprintf(full, sizeof full, "%.*s%u%s", (int)(at - name), name, machine->clang_major, at + 1);
            name = full;
        }
        is_complete = name != NULL && strchr(name, '@') == NULL && add_word(name, names, size);
        word += length;
    }
    return is_complete;
}

const char *doctor_sudo(const struct doctor_machine *machine) {
    return machine->is_superuser ? "" : "sudo ";
}

void doctor_install_command(const struct doctor_machine *machine, const char *names, char *command, size_t size) {
    const char *sudo = machine->system == DOCTOR_HOMEBREW ? "" : doctor_sudo(machine);
    (void)snprintf(command, size, "%s%s%s", sudo, systems[machine->system].install, names);
}
