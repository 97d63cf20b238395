/* Goal: cupel doctor sees each lack and prints the command that mends it. Method: the built program on a machine of our
 * making: PATH holds stand-ins only, --root a directory with the settings. */
#include "harness/tests/tool.h"

#include <unistd.h>

#define DOCTOR TOOL_BIN "cupel-doctor"
/* Nothing but stand-ins in PATH, and the settings of the test's directory. */
#define BARE "PATH=\"$PWD/path\" " DOCTOR " --root=\"$PWD\" "

/* A Debian machine on which nothing is installed. */
static void make_machine(void) {
    REQUIRE_INT_EQ(tool("mkdir -p path etc proc/sys/kernel/yama proc/sys/vm")->status, 0);
    tool_write("etc/os-release", "NAME=\"Test\"\nID=debian\n");
    tool_write("proc/sys/kernel/core_pattern", "core\n");
    tool_write("proc/sys/vm/mmap_rnd_bits", "28\n");
}

static const char *sudo(void) {
    return geteuid() == 0 ? "" : "sudo ";
}

/* Checks that the text holds the lines of one lack. */
static void check_lack(const char *text, const char *name, const char *found, const char *mend) {
    char line[512];
    (void)snprintf(line, sizeof line, " %-16s %s", name, found);
    const char *at = strstr(text, line);
    CHECK_STR_CONTAINS(text, line);
    if (at != NULL) {
        (void)snprintf(line, sizeof line, "\n         mend: %s", mend);
        const char *mend_at = strstr(at, "\n         mend: ");
        REQUIRE(mend_at != NULL);
        CHECK_INT_EQ(strncmp(mend_at, line, strlen(line)), 0);
    }
}

TEST(doctor_tool, names_a_package_for_each_missing_program, .tags = "slow") {
    char mend[256];
    make_machine();
    const struct tool_run *run = tool(BARE);
    CHECK_INT_EQ(run->status, 5);
    CHECK_STR_EQ(run->errors, "");
    (void)snprintf(mend, sizeof mend, "%sapt-get install -y --no-install-recommends ninja-build\n", sudo());
    check_lack(run->output, "ninja", "not found", mend);
    (void)snprintf(mend, sizeof mend, "%sapt-get install -y --no-install-recommends afl++-clang\n", sudo());
    check_lack(run->output, "afl-clang-fast", "a trial failed", mend);
    (void)snprintf(mend, sizeof mend, "%sapt-get install -y --no-install-recommends libjansson-dev\n", sudo());
    check_lack(run->output, "jansson", "not found", mend);
    const char *all = strstr(run->output, "\nAll packages at once: ");
    REQUIRE(all != NULL);
    const char *lcov = strstr(all, " lcov ");
    REQUIRE(lcov != NULL);
    CHECK(strstr(lcov + 1, " lcov ") == NULL); /* it serves two checks and is named once */
    CHECK_STR_CONTAINS(run->output, "\nNot ready: ");
    check_lack(run->output, "clang runtime", "a trial failed", "ci/bootstrap\n"); /* its name needs clang's version */
    const char *first = strstr(run->output, "mend: ci/bootstrap");
    REQUIRE(first != NULL);
    CHECK(strstr(first + 1, "mend: ci/bootstrap") == NULL); /* every other name is in ci/packages.txt */
}

TEST(doctor_tool, speaks_the_package_manager_of_the_system, .tags = "slow") {
    make_machine();
    tool_write("etc/os-release", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n");
    CHECK_STR_CONTAINS(tool(BARE)->output, "dnf install -y american-fuzzy-lop\n");
    tool_write("etc/os-release", "ID=arch\n");
    CHECK_STR_CONTAINS(tool(BARE)->output, "pacman -S --needed ninja\n");
    tool_write("etc/os-release", "ID=plan9\n");
    CHECK_STR_CONTAINS(tool(BARE "--json")->output, "\"system\": \"unknown\"");
}

TEST(doctor_tool, holds_versions_against_what_is_needed, .tags = "slow") {
    make_machine();
    tool_write("path/gcc", "#!/bin/sh\necho 11.4.0\n");
    tool_write("path/cmake", "#!/bin/sh\necho 'cmake version 3.9.6'\n");
    tool_write("path/ninja", "#!/bin/sh\necho 1.11.1\n");
    tool_write("path/afl-fuzz", "#!/bin/sh\nprintf '\\033[1;36mafl-fuzz\\033[1;97m++4.04c\\n'\nexit 1\n");
    tool_write("path/valgrind", "#!/bin/sh\necho valgrind-3.19.0\n");
    tool_write("path/clang", "#!/bin/sh\necho 19\n");
    const struct tool_run *run = tool(BARE);
    CHECK_STR_CONTAINS(run->output, "LACKING  gcc              11.4.0 is too old: 12.0 or newer is needed\n");
    CHECK_STR_CONTAINS(run->output, "LACKING  cmake            3.9.6 is too old: 3.25 or newer is needed\n");
    CHECK_STR_CONTAINS(run->output, "ok       ninja            1.11.1\n");
    CHECK_STR_CONTAINS(run->output, "ok       afl-fuzz         4.04\n");
    CHECK_STR_CONTAINS(run->output, "ok       valgrind         3.19.0\n");
    CHECK_STR_CONTAINS(run->output, "ok       clang            19\n");
    CHECK_STR_CONTAINS(run->output, "ok       core pattern     core\n");
}

TEST(doctor_tool, puts_the_compilers_version_into_the_runtimes_name, .tags = "slow") {
    make_machine();
    tool_write("path/clang", "#!/bin/sh\n[ \"$1\" = -dumpversion ] && echo 14.0.6\n");
    CHECK_STR_CONTAINS(tool(BARE)->output, "apt-get install -y --no-install-recommends libclang-rt-14-dev\n");
}

TEST(doctor_tool, wants_gcov_to_be_of_gccs_version, .tags = "slow") {
    make_machine();
    tool_write("path/gcc", "#!/bin/sh\necho 12.2.0\n");
    tool_write("path/gcov", "#!/bin/sh\necho 'gcov (Test 13.1.0-1) 13.1.0'\n");
    CHECK_STR_CONTAINS(tool(BARE)->output, "gcov is of version 13, gcc of 12");
    tool_write("path/gcov", "#!/bin/sh\necho 'gcov (Test 12.2.0-14) 12.2.0'\n");
    CHECK_STR_CONTAINS(tool(BARE)->output, "ok       gcov             12, as gcc\n");
}

TEST(doctor_tool, reads_the_kernels_settings, .tags = "slow") {
    char mend[256];
    make_machine();
    tool_write("path/clang", "#!/bin/sh\necho 14.0.6\n");
    tool_write("proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n");
    tool_write("proc/sys/kernel/yama/ptrace_scope", "3\n");
    tool_write("proc/sys/vm/mmap_rnd_bits", "32\n");
    const struct tool_run *run = tool(BARE);
    (void)snprintf(mend, sizeof mend, "echo core | %stee /proc/sys/kernel/core_pattern\n", sudo());
    check_lack(run->output, "core pattern", "crashes are piped to '/usr/lib/systemd/systemd-coredump", mend);
    (void)snprintf(mend, sizeof mend, "%ssysctl -w kernel.yama.ptrace_scope=1\n", sudo());
    check_lack(run->output, "ptrace", "kernel.yama.ptrace_scope is 3", mend);
    (void)snprintf(mend, sizeof mend, "%ssysctl -w vm.mmap_rnd_bits=28\n", sudo());
    check_lack(run->output, "random bits", "vm.mmap_rnd_bits is 32", mend);
    tool_write("path/clang", "#!/bin/sh\necho 18.1.0\n"); /* its sanitizers can live with that */
    CHECK_STR_CONTAINS(tool(BARE)->output, "ok       random bits      32\n");
}

TEST(doctor_tool, tries_the_build_directory, .tags = "slow") {
    make_machine();
    tool_write("plain", "");
    const struct tool_run *run = tool(BARE "--build=plain/build");
    check_lack(run->output, "build directory", "'plain': Not a directory", "mv 'plain' 'plain.old'\n");
    CHECK_STR_CONTAINS(tool(BARE "--build=not/yet/there")->output, "ok       build directory  writable\n");
    CHECK_INT_EQ(tool("[ ! -e not ] && [ -z \"$(ls -d .cupel-doctor-* 2>/dev/null)\" ]")->status, 0);
}

TEST(doctor_tool, knows_nothing_of_settings_that_are_not_there, .tags = "slow") {
    make_machine();
    const struct tool_run *run =
        tool("rm proc/sys/vm/mmap_rnd_bits proc/sys/kernel/core_pattern; " BARE "--build=/proc/no");
    CHECK_STR_CONTAINS(run->output, "ok       random bits      no setting\n");
    CHECK_STR_CONTAINS(run->output, "ok       core pattern     no setting\n");
    CHECK_STR_CONTAINS(run->output, "LACKING  build directory  '/proc': ");
    CHECK_STR_CONTAINS(run->output, "chown -R \"$(id -un)\" '/proc'\n");
}

TEST(doctor_tool, sees_a_disk_that_is_read_only, .tags = "slow") {
    make_machine();
    const struct tool_run *run = tool("mkdir disk && unshare -m sh -c 'mount -t tmpfs -o ro,size=64k none disk && " BARE
                                      "--build=disk; exit 0'");
    if (run->status != 0 || strstr(run->errors, "mount") != NULL) {
        cupel_test_skip("may not mount a tmpfs");
    }
    CHECK_STR_CONTAINS(run->output, "LACKING  build directory  'disk': Read-only file system\n");
    CHECK_STR_CONTAINS(run->output, "mount -o remount,rw \"$(stat -c %m 'disk')\"\n");
}

TEST(doctor_tool, sees_that_it_may_not_mount, .tags = "slow") {
    if (geteuid() != 0 || tool("command -v setpriv && setpriv --bounding-set=-sys_admin true")->status != 0) {
        cupel_test_skip("may not give up a right");
    }
    make_machine();
    const struct tool_run *run = tool("ln -s \"$(command -v setpriv)\" path; PATH=\"$PWD/path\" setpriv "
                                      "--bounding-set=-sys_admin " DOCTOR " --root=\"$PWD\"");
    check_lack(run->output, "mounts", "refused", "docker run --cap-add=SYS_ADMIN ...\n");
}

TEST(doctor_tool, sees_a_small_disk, .tags = "slow") {
    make_machine();
    const struct tool_run *run = tool("mkdir disk && unshare -m sh -c 'mount -t tmpfs -o size=64k none disk && " BARE
                                      "--build=disk/build; exit 0'");
    if (run->status != 0 || strstr(run->errors, "mount") != NULL) {
        cupel_test_skip("may not mount a tmpfs");
    }
    check_lack(run->output, "disk space", "0.0 GiB free: 1 GiB is needed", "make clean; df -h 'disk'\n");
}

TEST(doctor_tool, writes_json_that_agrees_with_its_status, .tags = "slow") {
    make_machine();
    CHECK_INT_EQ(tool(BARE "--json >json; status=$?; python3 -c 'import json,sys; d = json.load(open(\"json\")); "
                           "lacks = [c for c in d[\"checks\"] if c[\"is_lacking\"]]; "
                           "sys.exit(d[\"version\"] != 1 or d[\"is_ready\"] or len(d[\"checks\"]) < 30 or "
                           "not all(c[\"mend\"] and c[\"without\"] for c in lacks) or len(lacks) < 25)' "
                           "&& [ $status = 5 ]")
                     ->status,
                 0);
}

TEST(doctor_tool, status_follows_what_is_needed_on_this_machine, .tags = "slow") {
    const struct tool_run *run = tool("%s", DOCTOR);
    bool is_ready = strstr(run->output, "\nReady for make test and make fuzz") != NULL;
    CHECK_INT_EQ(is_ready, strstr(run->output, "LACKING") == NULL);
    CHECK_INT_EQ(run->status, is_ready ? 0 : 5);
}

TEST(doctor_tool, leaves_nothing_behind, .tags = "slow") {
    make_machine();
    const struct tool_run *run = tool("mkdir scratch && TMPDIR=\"$PWD/scratch\" " BARE ">/dev/null; ls -A scratch");
    CHECK_STR_EQ(run->output, "");
}

static const struct bad_use {
    const char *words;
    int status;
    const char *says;
} bad_uses[] = {
    {DOCTOR " --jsno", 2, "cupel doctor: column 1: unknown flag '--jsno'; did you mean '--json'?"},
    {DOCTOR " --json --build", 2, "cupel doctor: column 8: --build needs a value: --build=DIR"},
    {DOCTOR " everything", 2, "cupel doctor: 'everything' is not understood"},
    {"TMPDIR=/nowhere " DOCTOR, 6, "could not make the directory '/nowhere/cupel-doctor-"},
    {"PATH=/nowhere " DOCTOR " >/dev/full", 6, "could not write to standard output: No space left on device"},
    {"PATH=/nowhere " DOCTOR " --json >/dev/full", 6, "could not write to standard output"},
};

TEST(doctor_tool, says_what_is_wrong, TABLE(bad_uses), .tags = "slow") {
    const struct bad_use *row = test_row();
    const struct tool_run *run = tool("%s", row->words);
    CHECK_INT_EQ(run->status, row->status);
    CHECK_STR_CONTAINS(run->errors, row->says);
}

TEST(doctor_tool, manual_has_the_options_as_they_are, .tags = "slow") {
    static char page[16384];
    tool_read(CUPEL_TEST_SOURCE_DIR "/harness/doc/cupel-doctor.1", page, sizeof page);
    const struct tool_run *run = tool("%s --help=man", DOCTOR);
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(page, run->output);
}
