/* The checks that run a program: is it there, is it new enough, does it work. */
#include "harness/tool/doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

int doctor_run(const char *command, char *output, size_t size) {
    char line[2048];
    char rest[512];
    size_t length = 0;
    int written = snprintf(line, sizeof line, "{ %s\n} </dev/null 2>/dev/null", command);
    output[0] = '\0';
    if (written < 0 || (size_t)written >= sizeof line) {
        return -1;
    }
    FILE *stream = popen(line, "re"); /* the commands are constants of the table */
    if (stream == NULL) {
        return -1;
    }
    length = fread(output, 1, size - 1, stream);
    output[length] = '\0';
    while (fread(rest, 1, sizeof rest, stream) > 0) { /* to its end, so that it does not die of a closed pipe */
    }
    int status = pclose(stream);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Digits at `text` as a number; the text after them. */
static const char *read_number(const char *text, unsigned *number) {
    for (*number = 0; *text >= '0' && *text <= '9'; text++) {
        *number = *number < 1000000 ? *number * 10 + (unsigned)(*text - '0') : *number;
    }
    return text;
}

bool doctor_find_version(const char *text, struct doctor_version *version) {
    static const char digits[] = "0123456789";
    bool is_found = false;
    for (const char *at = text + strcspn(text, digits); *at != '\0'; at += strcspn(at, digits)) {
        struct doctor_version here = {.text = at, .length = (int)strspn(at, "0123456789.")};
        const char *after = read_number(at, &here.major);
        bool has_minor = after[0] == '.' && after[1] >= '0' && after[1] <= '9';
        if (has_minor) {
            (void)read_number(after + 1, &here.minor);
        }
        if (has_minor || !is_found) {
            *version = here;
            is_found = true;
        }
        if (has_minor) {
            break;
        }
        at += here.length;
    }
    return is_found;
}

/* The command that installs what is lacking, or the script that knows more. */
static void mend_by_package(const struct doctor_machine *machine, const char *packages,
                            struct doctor_finding *finding) {
    char names[256] = "";
    if (doctor_add_packages(machine, packages, names, sizeof names)) {
        doctor_install_command(machine, names, finding->mend, sizeof finding->mend);
    } else {
        (void)snprintf(finding->mend, sizeof finding->mend, "ci/bootstrap");
    }
}

void doctor_look_version(const struct doctor_machine *machine, const struct doctor_check *check,
                         struct doctor_finding *finding) {
    char output[4096];
    struct doctor_version version;
    (void)doctor_run(check->command, output, sizeof output); /* some print their version and fail */
    if (!doctor_find_version(output, &version)) {
        finding->is_lacking = true;
        (void)snprintf(finding->found, sizeof finding->found, "not found");
    } else if (version.major < check->major || (version.major == check->major && version.minor < check->minor)) {
        finding->is_lacking = true;
        (void)snprintf(finding->found, sizeof finding->found, "%.*s is too old: %u.%u or newer is needed",
                       version.length, version.text, check->major, check->minor);
    } else {
        (void)snprintf(finding->found, sizeof finding->found, "%.*s", version.length, version.text);
    }
    if (finding->is_lacking) {
        mend_by_package(machine, check->packages, finding);
    }
}

void doctor_look_works(const struct doctor_machine *machine, const struct doctor_check *check,
                       struct doctor_finding *finding) {
    char output[256];
    int status = doctor_run(check->command, output, sizeof output);
    finding->is_lacking = status != 0;
    (void)snprintf(finding->found, sizeof finding->found, status == 0 ? "works" : "a trial failed with status %d",
                   status);
    if (finding->is_lacking) {
        mend_by_package(machine, check->packages, finding);
    }
}

void doctor_look_gcov(const struct doctor_machine *machine, const struct doctor_check *check,
                      struct doctor_finding *finding) {
    char output[1024];
    struct doctor_version gcov = {.length = 0};
    struct doctor_version gcc = {.length = 0};
    (void)doctor_run(check->command, output, sizeof output);
    bool has_gcov = doctor_find_version(output, &gcov);
    (void)doctor_run("gcc -dumpfullversion", output, sizeof output);
    bool has_gcc = doctor_find_version(output, &gcc);
    finding->is_lacking = !has_gcov || (has_gcc && gcc.major != gcov.major);
    if (!has_gcov) {
        (void)snprintf(finding->found, sizeof finding->found, "not found");
    } else if (finding->is_lacking) {
        (void)snprintf(finding->found, sizeof finding->found,
                       "gcov is of version %u, gcc of %u: it cannot read gcc's counters", gcov.major, gcc.major);
    } else {
        (void)snprintf(finding->found, sizeof finding->found, "%u, as gcc", gcov.major);
    }
    if (finding->is_lacking) {
        mend_by_package(machine, check->packages, finding);
    }
}
