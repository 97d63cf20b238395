/* cupel doctor: goes through the table of checks, and tells what this machine can do, what it cannot, and the command
 * that mends each lack. It changes nothing. */
#include "harness/tool/doctor.h"

#include "alloc/base/json.h"
#include "alloc/base/message.h"
#include "alloc/base/options.h"
#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHECKS_MAX = 64 };

static bool wants_json;
static const char *build_directory = "build";
static const char *root_directory = "";

static const struct cupel_option options[] = {
    {.name = "json", .value = &wants_json, .sentence = "Print the findings as JSON."},
    {.name = "build",
     .kind = CUPEL_OPTION_TEXT,
     .value = &build_directory,
     .parameter = "DIR",
     .sentence = "The build directory that must be writable (default: build)."},
    {.name = "root",
     .kind = CUPEL_OPTION_TEXT,
     .value = &root_directory,
     .parameter = "DIR",
     .sentence = "Look for /proc and /etc below DIR, for the settings of another system."},
    {.name = NULL},
};

static const struct cupel_program program = {
    .name = "cupel doctor",
    .synopsis = "[OPTION ...]",
    .sentence = "Says what this machine can and cannot do, each lack with the command that mends it.",
    .after = "The status is 0 if make test and make fuzz have all they need, 5 otherwise. Optional lacks do not count.",
    .options = options,
};

static const char *const need_words[] = {
    [DOCTOR_FOR_TEST] = "test", [DOCTOR_FOR_FUZZ] = "fuzz", [DOCTOR_OPTIONAL] = "optional"};

/* Runs every check. The commands of the table share one scratch directory, which is gone afterwards. */
static bool look_everywhere(const struct doctor_machine *machine, struct doctor_finding *findings) {
    const char *parent = getenv("TMPDIR");
    char directory[PATH_MAX];
    char output[64];
    int length = snprintf(directory, sizeof directory, "%s/cupel-doctor-XXXXXX", parent != NULL ? parent : "/tmp");
    if (length < 0 || (size_t)length >= sizeof directory || mkdtemp(directory) == NULL ||
        setenv("CUPEL_DOCTOR_DIR", directory, 1) != 0) {
        cupel_message("could not make the directory '%s': %s (TMPDIR says where)", directory, strerror(errno));
        return false;
    }
    for (size_t i = 0; doctor_checks[i].name != NULL; i++) {
        assert(i < CHECKS_MAX);
        doctor_checks[i].look(machine, &doctor_checks[i], &findings[i]);
    }
    if (doctor_run("PATH=\"$PATH:/usr/bin:/bin\" rm -rf \"$CUPEL_DOCTOR_DIR\"", output, sizeof output) != 0) {
        cupel_message("could not remove the directory '%s'", directory);
    }
    return true;
}

static unsigned count_lacks(const struct doctor_finding *findings, bool optional) {
    unsigned count = 0;
    for (size_t i = 0; doctor_checks[i].name != NULL; i++) {
        count += findings[i].is_lacking && (doctor_checks[i].need == DOCTOR_OPTIONAL) == optional;
    }
    return count;
}

static void print_finding(const struct doctor_check *check, const struct doctor_finding *finding, bool use_colour) {
    const char *colour = !use_colour ? "" : !finding->is_lacking ? "\033[32m" : "\033[31m";
    const char *word = !finding->is_lacking ? "ok" : check->need == DOCTOR_OPTIONAL ? "optional" : "LACKING";
    (void)printf("%s%-8s%s %-16s %s\n", colour, word, use_colour ? "\033[m" : "", check->name, finding->found);
    if (finding->is_lacking) {
        (void)printf("         without it: %s\n         mend: %s\n", check->without, finding->mend);
    }
}

/* One command for all packages that are lacking. */
static void print_packages(const struct doctor_machine *machine, const struct doctor_finding *findings) {
    char names[1024] = "";
    for (size_t i = 0; doctor_checks[i].name != NULL; i++) {
        if (findings[i].is_lacking && doctor_checks[i].packages != NULL) {
            (void)doctor_add_packages(machine, doctor_checks[i].packages, names, sizeof names);
        }
    }
    if (names[0] != '\0') {
        char command[1200];
        doctor_install_command(machine, names, command, sizeof command);
        (void)printf("\nAll packages at once: %s\n", command);
    }
}

static void print_text(const struct doctor_machine *machine, const struct doctor_finding *findings) {
    static const char *const headings[] = {[DOCTOR_FOR_TEST] = "To build and test (make test):",
                                           [DOCTOR_FOR_FUZZ] = "\nTo fuzz and show coverage (make fuzz):",
                                           [DOCTOR_OPTIONAL] = "\nFor the rest:"};
    bool use_colour = cupel_use_colour(stdout);
    for (int need = DOCTOR_FOR_TEST; need <= DOCTOR_OPTIONAL; need++) {
        (void)printf("%s\n", headings[need]);
        for (size_t i = 0; doctor_checks[i].name != NULL; i++) {
            if ((int)doctor_checks[i].need == need) {
                print_finding(&doctor_checks[i], &findings[i], use_colour);
            }
        }
    }
    print_packages(machine, findings);
    unsigned needed = count_lacks(findings, false);
    unsigned optional = count_lacks(findings, true);
    if (needed == 0) {
        (void)printf("\nReady for make test and make fuzz; %u optional lacks.\n", optional);
    } else {
        (void)printf("\nNot ready: %u lacks, and %u optional ones.\n", needed, optional);
    }
}

static void print_json(const struct doctor_machine *machine, const struct doctor_finding *findings) {
    struct cupel_json json;
    cupel_json_init(&json, stdout, 2);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "version");
    cupel_json_uint(&json, 1);
    cupel_json_key(&json, "system");
    cupel_json_string(&json, doctor_system_name(machine->system));
    cupel_json_key(&json, "is_ready");
    cupel_json_bool(&json, count_lacks(findings, false) == 0);
    cupel_json_key(&json, "checks");
    cupel_json_array_begin(&json);
    for (size_t i = 0; doctor_checks[i].name != NULL; i++) {
        cupel_json_object_begin(&json);
        cupel_json_key(&json, "name");
        cupel_json_string(&json, doctor_checks[i].name);
        cupel_json_key(&json, "need");
        cupel_json_string(&json, need_words[doctor_checks[i].need]);
        cupel_json_key(&json, "is_lacking");
        cupel_json_bool(&json, findings[i].is_lacking);
        cupel_json_key(&json, "found");
        cupel_json_string(&json, findings[i].found);
        if (findings[i].is_lacking) {
            cupel_json_key(&json, "without");
            cupel_json_string(&json, doctor_checks[i].without);
            cupel_json_key(&json, "mend");
            cupel_json_string(&json, findings[i].mend);
        }
        cupel_json_object_end(&json);
    }
    cupel_json_array_end(&json);
    cupel_json_object_end(&json);
    (void)putchar('\n');
}

int main(int argc, char **argv) {
    static struct doctor_finding findings[CHECKS_MAX];
    struct cupel_arguments arguments;
    char output[256];
    struct doctor_version clang = {.length = 0};
    int status = cupel_options_begin(&program, argc, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    if (arguments.count > 0 || arguments.rest_count > 0) {
        cupel_message("'%s' is not understood (cupel doctor --help)",
                      arguments.count > 0 ? arguments.words[0] : arguments.rest[0]);
        return CUPEL_USAGE;
    }
    struct doctor_machine machine = {
        .root = root_directory,
        .build = build_directory,
        .system = doctor_find_system(root_directory),
        .is_superuser = geteuid() == 0,
    };
    (void)doctor_run("clang -dumpversion", output, sizeof output);
    machine.clang_major = doctor_find_version(output, &clang) ? clang.major : 0;
    if (!look_everywhere(&machine, findings)) {
        return CUPEL_OUTPUT;
    }
    if (wants_json) {
        print_json(&machine, findings);
    } else {
        print_text(&machine, findings);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cupel_message("could not write to standard output: %s", strerror(errno));
        return CUPEL_OUTPUT;
    }
    return count_lacks(findings, false) == 0 ? CUPEL_OK : CUPEL_LACKING;
}
