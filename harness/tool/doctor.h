/* Shared by the parts of cupel doctor: what a check is, what it finds, and how a lack is mended on this system. */
#ifndef HARNESS_TOOL_DOCTOR_H
#define HARNESS_TOOL_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

enum doctor_need {
    DOCTOR_FOR_TEST, /* make test */
    DOCTOR_FOR_FUZZ, /* make fuzz */
    DOCTOR_OPTIONAL, /* something works less well without it */
};

enum doctor_system { DOCTOR_DEBIAN, DOCTOR_FEDORA, DOCTOR_ARCH, DOCTOR_HOMEBREW, DOCTOR_SYSTEMS };

/* What all checks know of the machine. */
struct doctor_machine {
    const char *root;          /* where /proc and /etc are looked for: "" or a directory */
    const char *build;         /* the build directory */
    enum doctor_system system; /* DOCTOR_SYSTEMS: unknown */
    unsigned clang_major;      /* 0: no clang */
    bool is_superuser;
};

/* What one check found. */
struct doctor_finding {
    bool is_lacking;
    char found[160]; /* a version, or what is wrong */
    char mend[512];  /* the command that mends it; "" where all is well */
};

/* One row of the table of checks. */
struct doctor_check {
    const char *name;
    enum doctor_need need;
    const char *without;   /* what does not work without it */
    const char *packages;  /* Debian's names in ci/packages.txt, separated by blanks, or NULL */
    const char *command;   /* for the shell; $CUPEL_DOCTOR_DIR is an empty directory */
    unsigned major, minor; /* the oldest version that will do */
    void (*look)(const struct doctor_machine *, const struct doctor_check *, struct doctor_finding *);
};

/* The table, ended by a row without a name. */
extern const struct doctor_check doctor_checks[];

/* A package's names, by enum doctor_system; "-" where there is none. Made from ci/packages.txt. */
struct doctor_package {
    const char *names[DOCTOR_SYSTEMS];
};
extern const struct doctor_package doctor_packages[];
extern const size_t doctor_package_count;

/* The system that /etc/os-release names. */
enum doctor_system doctor_find_system(const char *root);
const char *doctor_system_name(enum doctor_system system);
/* Appends to `names` what Debian's `packages` are called on this system, each with a blank before it, the compiler's
 * version put in for "@", and each only once. False where one of them has no name here that is known. */
bool doctor_add_packages(const struct doctor_machine *machine, const char *packages, char *names, size_t size);
/* The command that installs packages (as doctor_add_packages gives them) on this system. */
void doctor_install_command(const struct doctor_machine *machine, const char *names, char *command, size_t size);
/* The words "sudo " where a command needs them and the user is not root, else "". */
const char *doctor_sudo(const struct doctor_machine *machine);

/* Runs a shell command without input and keeps the first `size` - 1 bytes that it prints; its exit status, or -1. */
int doctor_run(const char *command, char *output, size_t size);
/* A version within a text: the digits and dots that begin at `text`. */
struct doctor_version {
    const char *text;
    int length;
    unsigned major, minor;
};
/* Finds the first "N.N" (or else whole number) in a text; false where there is none. */
bool doctor_find_version(const char *text, struct doctor_version *version);

/* Looks of the table's rows. */
typedef void doctor_look(const struct doctor_machine *, const struct doctor_check *, struct doctor_finding *);
doctor_look doctor_look_version;      /* the command prints a version that is new enough */
doctor_look doctor_look_works;        /* the command ends with 0 */
doctor_look doctor_look_gcov;         /* gcov is of the compiler's version */
doctor_look doctor_look_core_pattern; /* crashes are not piped to a program */
doctor_look doctor_look_random_bits;  /* address randomisation leaves sanitizers room */
doctor_look doctor_look_ptrace;       /* processes may be traced */
doctor_look doctor_look_mount;        /* a test may mount a small disk */
doctor_look doctor_look_writable;     /* the build directory */
doctor_look doctor_look_space;        /* free bytes under it */

#endif
