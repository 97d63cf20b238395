/* The checks that ask the kernel: settings, rights, and room on the disk. */
#include "harness/tool/doctor.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* Trees of all variants with their tests and fuzz executables, a campaign's corpora and an HTML report. */
#define SPACE_MIN_BYTES ((uint64_t)1 << 30)

enum {
    RANDOM_BITS_MAX = 28,       /* more, and shadow memory of older sanitizers is hit by a mapping */
    CLANG_WITH_RANDOM_BITS = 18 /* since then sanitizers start themselves again without randomisation */
};

/* The first line of a file under the root; false where it cannot be read. */
static bool read_line(const struct doctor_machine *machine, const char *path, char *line, int size) {
    char full[PATH_MAX];
    (void)snprintf(full, sizeof full, "%s%s", machine->root, path);
    FILE *stream = fopen(full, "re");
    if (stream == NULL) {
        return false;
    }
    bool is_read = fgets(line, size, stream) != NULL;
    (void)fclose(stream);
    line[is_read ? strcspn(line, "\n") : 0] = '\0';
    return is_read;
}

void doctor_look_core_pattern(const struct doctor_machine *machine, const struct doctor_check *check,
                              struct doctor_finding *finding) {
    char line[128] = "";
    (void)check;
    if (!read_line(machine, "/proc/sys/kernel/core_pattern", line, sizeof line) || line[0] != '|') {
        (void)snprintf(finding->found, sizeof finding->found, "%s", line[0] != '\0' ? line : "no setting");
        return;
    }
    finding->is_lacking = true;
    (void)snprintf(finding->found, sizeof finding->found, "crashes are piped to '%.100s'", line + 1);
    (void)snprintf(finding->mend, sizeof finding->mend, "echo core | %stee /proc/sys/kernel/core_pattern",
                   doctor_sudo(machine));
}

void doctor_look_random_bits(const struct doctor_machine *machine, const struct doctor_check *check,
                             struct doctor_finding *finding) {
    char line[128] = "";
    (void)check;
    if (!read_line(machine, "/proc/sys/vm/mmap_rnd_bits", line, sizeof line)) {
        (void)snprintf(finding->found, sizeof finding->found, "no setting");
        return;
    }
    finding->is_lacking = strtol(line, NULL, 10) > RANDOM_BITS_MAX && machine->clang_major < CLANG_WITH_RANDOM_BITS;
    (void)snprintf(finding->found, sizeof finding->found,
                   finding->is_lacking ? "vm.mmap_rnd_bits is %s: too many for this clang" : "%s", line);
    if (finding->is_lacking) {
        (void)snprintf(finding->mend, sizeof finding->mend, "%ssysctl -w vm.mmap_rnd_bits=%d", doctor_sudo(machine),
                       RANDOM_BITS_MAX);
    }
}

/* Runs `trial` in a child; true if it says so. */
static bool succeeds_in_child(bool (*trial)(void)) {
    int status = 1;
    pid_t child = fork();
    if (child == 0) {
        _exit(trial() ? 0 : 1); /* LCOV_EXCL_LINE(in a child, which leaves with its counters) */
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* LCOV_EXCL_START(in a child, which leaves with its counters) */
static bool may_be_traced(void) {
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}
/* LCOV_EXCL_STOP */

void doctor_look_ptrace(const struct doctor_machine *machine, const struct doctor_check *check,
                        struct doctor_finding *finding) {
    char line[32] = "0";
    (void)check;
    (void)read_line(machine, "/proc/sys/kernel/yama/ptrace_scope", line, sizeof line);
    if (strtol(line, NULL, 10) >= 2) {
        finding->is_lacking = true;
        (void)snprintf(finding->found, sizeof finding->found, "kernel.yama.ptrace_scope is %s", line);
        (void)snprintf(finding->mend, sizeof finding->mend, "%ssysctl -w kernel.yama.ptrace_scope=1",
                       doctor_sudo(machine));
    } else if (!succeeds_in_child(may_be_traced)) {
        finding->is_lacking = true;
        (void)snprintf(finding->found, sizeof finding->found, "refused, as containers do");
        (void)snprintf(finding->mend, sizeof finding->mend, "docker run --cap-add=SYS_PTRACE ...");
    } else {
        (void)snprintf(finding->found, sizeof finding->found, "allowed");
    }
}

/* LCOV_EXCL_START(in a child, which leaves with its counters) */
static bool may_mount(void) {
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/tmp", "tmpfs", 0, "size=64k") == 0;
}
/* LCOV_EXCL_STOP */

void doctor_look_mount(const struct doctor_machine *machine, const struct doctor_check *check,
                       struct doctor_finding *finding) {
    (void)check;
    finding->is_lacking = !succeeds_in_child(may_mount);
    (void)snprintf(finding->found, sizeof finding->found, finding->is_lacking ? "refused" : "allowed");
    if (finding->is_lacking) {
        (void)snprintf(finding->mend, sizeof finding->mend, "%s",
                       machine->is_superuser ? "docker run --cap-add=SYS_ADMIN ..." : "sudo make test");
    }
}

/* The build directory, or the nearest directory above it that is there. */
static void existing_directory(const char *build, char *path, size_t size) {
    (void)snprintf(path, size, "%s", build);
    while (access(path, F_OK) != 0) {
        char *slash = strrchr(path, '/');
        if (slash == NULL || slash == path) {
            (void)snprintf(path, size, slash == NULL ? "." : "/");
            return;
        }
        *slash = '\0';
    }
}

/* Makes a directory in `path` and removes it again: rights alone do not tell. 0, or errno. */
static int try_directory(const char *path) {
    char trial[PATH_MAX + 32];
    (void)snprintf(trial, sizeof trial, "%s/.cupel-doctor-XXXXXX", path);
    if (mkdtemp(trial) == NULL) {
        return errno;
    }
    return rmdir(trial) == 0 ? 0 : errno;
}

void doctor_look_writable(const struct doctor_machine *machine, const struct doctor_check *check,
                          struct doctor_finding *finding) {
    char path[PATH_MAX];
    (void)check;
    existing_directory(machine->build, path, sizeof path);
    int number = try_directory(path);
    if (number == 0) {
        (void)snprintf(finding->found, sizeof finding->found, "writable");
        return;
    }
    finding->is_lacking = true;
    (void)snprintf(finding->found, sizeof finding->found, "'%.100s': %s", path, strerror(number));
    if (number == EROFS) {
        (void)snprintf(finding->mend, sizeof finding->mend, "%smount -o remount,rw \"$(stat -c %%m '%.300s')\"",
                       doctor_sudo(machine), path);
    } else if (number == ENOTDIR) {
        (void)snprintf(finding->mend, sizeof finding->mend, "mv '%.200s' '%.200s.old'", path, path);
    } else {
        (void)snprintf(finding->mend, sizeof finding->mend, "%schown -R \"$(id -un)\" '%.300s'", doctor_sudo(machine),
                       path);
    }
}

void doctor_look_space(const struct doctor_machine *machine, const struct doctor_check *check,
                       struct doctor_finding *finding) {
    char path[PATH_MAX];
    struct statvfs space;
    (void)check;
    existing_directory(machine->build, path, sizeof path);
    if (statvfs(path, &space) != 0) {
        (void)snprintf(finding->found, sizeof finding->found, "unknown: %s", strerror(errno));
        return;
    }
    uint64_t bytes = (uint64_t)space.f_bavail * space.f_frsize;
    finding->is_lacking = bytes < SPACE_MIN_BYTES;
    (void)snprintf(finding->found, sizeof finding->found, "%.1f GiB free%s", (double)bytes / (double)(1 << 30),
                   finding->is_lacking ? ": 1 GiB is needed" : "");
    if (finding->is_lacking) {
        (void)snprintf(finding->mend, sizeof finding->mend, "make clean; df -h '%.300s'", path);
    }
}
