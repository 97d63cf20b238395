/* Goal: a written file is whole or is as it was, whatever goes wrong. Method: real files in a directory of the test's
 * own; a file-size limit and a small tmpfs as full disks; a user without rights. */
#include "alloc/base/outfile.h"
#include "harness/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[512];
static struct cupel_outfile file;
static struct cupel_error error;

/* The path of `name` in the test's directory. */
static const char *in_directory(const char *name) {
    (void)snprintf(path, sizeof path, "%s/%s", test_directory(), name);
    return path;
}

static bool write_text(const char *where, const char *text) {
    if (!cupel_outfile_open(&file, where, &error)) {
        return false;
    }
    (void)fputs(text, file.stream);
    return cupel_outfile_commit(&file, &error);
}

static const char *read_text(const char *where) {
    static char text[256];
    FILE *stream = fopen(where, "r");
    if (stream == NULL) {
        return "(none)";
    }
    size_t length = fread(text, 1, sizeof text - 1, stream);
    text[length] = '\0';
    (void)fclose(stream);
    return text;
}

static unsigned count_files(const char *directory) {
    unsigned count = 0;
    DIR *stream = opendir(directory);
    REQUIRE(stream != NULL);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    (void)closedir(stream);
    return count;
}

TEST(base, outfile_appears_whole, .tags = "slow") {
    REQUIRE(cupel_outfile_open(&file, in_directory("new"), &error));
    (void)fputs("text", file.stream);
    (void)fflush(file.stream);
    CHECK_STR_EQ(read_text(path), "(none)");
    REQUIRE(cupel_outfile_commit(&file, &error));
    CHECK_STR_EQ(read_text(path), "text");
    CHECK_UINT_EQ(count_files(test_directory()), 1);
}

TEST(base, outfile_discard_keeps_the_old_file, .tags = "slow") {
    REQUIRE(write_text(in_directory("kept"), "old"));
    REQUIRE(cupel_outfile_open(&file, path, &error));
    (void)fputs("new", file.stream);
    cupel_outfile_discard(&file);
    CHECK_STR_EQ(read_text(path), "old");
    CHECK_UINT_EQ(count_files(test_directory()), 1);
    struct cupel_outfile zeroed = {.stream = NULL};
    cupel_outfile_discard(&zeroed);
}

/* Under --sweep each open and write fails, and the disk stays full: the old file or the new one, and nothing else. */
TEST(base, outfile_is_whole_or_as_it_was, .tags = "slow", .faults = "open write") {
    cupel_aside_begin();
    REQUIRE(write_text(in_directory("kept"), "old"));
    cupel_aside_end();
    bool is_written = write_text(path, "new");
    cupel_aside_begin();
    CHECK_STR_EQ(read_text(path), is_written ? "new" : "old");
    CHECK_UINT_EQ(count_files(test_directory()), 1);
    cupel_aside_end();
    STARVED(!is_written);
}

TEST(base, outfile_makes_directories, .tags = "slow") {
    REQUIRE(write_text(in_directory("a/b/c"), "deep"));
    CHECK_STR_EQ(read_text(path), "deep");
    CHECK(cupel_make_directories(in_directory("a/b//d/"), &error));
    CHECK(cupel_make_directories(path, &error));
}

TEST(base, outfile_keeps_permissions, .tags = "slow") {
    REQUIRE(write_text(in_directory("script"), "old"));
    REQUIRE_INT_EQ(chmod(path, 0750), 0);
    REQUIRE(write_text(path, "new"));
    struct stat status;
    REQUIRE_INT_EQ(stat(path, &status), 0);
    CHECK_UINT_EQ(status.st_mode & 0777, 0750);
}

TEST(base, outfile_follows_a_link, .tags = "slow") {
    char link[512];
    (void)snprintf(link, sizeof link, "%s/link", test_directory());
    REQUIRE(write_text(in_directory("target"), "old"));
    REQUIRE_INT_EQ(symlink("target", link), 0);
    REQUIRE(write_text(link, "new"));
    CHECK_STR_EQ(read_text(path), "new");
    struct stat status;
    REQUIRE_INT_EQ(lstat(link, &status), 0);
    CHECK(S_ISLNK(status.st_mode));
}

/* (Special files are made in the test's directory: a defect here must not replace those of the system.) */
TEST(base, outfile_writes_into_a_pipe_directly, .tags = "slow") {
    char text[16] = "";
    REQUIRE_INT_EQ(mkfifo(in_directory("pipe"), 0600), 0);
    int reader = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader >= 0);
    CHECK(write_text(path, "through"));
    CHECK_INT_EQ(read(reader, text, sizeof text - 1), 7);
    CHECK_STR_EQ(text, "through");
    (void)close(reader);
    struct stat status;
    REQUIRE_INT_EQ(stat(path, &status), 0);
    CHECK(S_ISFIFO(status.st_mode));
}

TEST(base, outfile_says_that_a_device_is_full, .tags = "slow") {
    if (mknod(in_directory("full"), S_IFCHR | 0600, makedev(1, 7)) != 0 || access(path, W_OK) != 0) {
        cupel_test_skip("may not make a device");
    }
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        cupel_test_skip("devices are not allowed in the test's directory");
    }
    (void)close(descriptor);
    CHECK(!write_text(path, "too much"));
    CHECK_STR_CONTAINS(error.text, "full': No space left on device");
}

TEST(base, outfile_two_writers_do_not_meet, .tags = "slow") {
    struct cupel_outfile other;
    REQUIRE(cupel_outfile_open(&file, in_directory("same"), &error));
    REQUIRE(cupel_outfile_open(&other, path, &error));
    (void)fputs("one", file.stream);
    (void)fputs("two", other.stream);
    CHECK(cupel_outfile_commit(&file, &error));
    CHECK(cupel_outfile_commit(&other, &error));
    CHECK_STR_EQ(read_text(path), "two");
    CHECK_UINT_EQ(count_files(test_directory()), 1);
}

TEST(base, outfile_names_what_is_in_the_way, .tags = "slow") {
    REQUIRE(write_text(in_directory("plain"), "text"));
    CHECK(!write_text(in_directory("plain/below"), "x"));
    CHECK_STR_CONTAINS(error.text, "plain': Not a directory");
    CHECK(!write_text(test_directory(), "x"));
    CHECK_STR_CONTAINS(error.text, "Is a directory");
    CHECK(!write_text("", "x"));
    CHECK(!write_text("/proc/cupel/file", "x"));
    CHECK_STR_CONTAINS(error.text, "/proc/cupel");
    char longest[5000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK(!write_text(longest, "x"));
    CHECK_STR_CONTAINS(error.text, "File name too long");
    CHECK_UINT_EQ(count_files(test_directory()), 1);
}

/* The kernel lets nobody make a directory there; what it says depends on the user and on how it is mounted. */
TEST(base, make_directories_gives_the_reason_of_the_first_error) {
    REQUIRE(!cupel_make_directories("/sys/cupel-test/below", &error));
    CHECK_STR_CONTAINS(error.text, "could not make directory '/sys/cupel-test': ");
    CHECK(strstr(error.text, "No such file") == NULL);
}

TEST(base, outfile_that_cannot_be_renamed_goes, .tags = "slow") {
    REQUIRE(cupel_outfile_open(&file, in_directory("taken"), &error));
    REQUIRE_INT_EQ(mkdir(path, 0777), 0); /* somebody was quicker */
    CHECK(!cupel_outfile_commit(&file, &error));
    CHECK_STR_CONTAINS(error.text, "taken': Is a directory");
    CHECK_UINT_EQ(count_files(test_directory()), 1);
}

/* Runs `body` in a child, which may spoil its own limits, rights and mounts; its exit status. */
static int in_child(int (*body)(void)) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        _exit(body());
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

enum { CHILD_OK, CHILD_WROTE, CHILD_NO_TEXT, CHILD_LOST_OLD, CHILD_LEFT_FILE, CHILD_CANNOT };

/* Writes more than fits over the old file at `path`, and looks at what is left. */
static int overfill(const char *reason) {
    if (!cupel_outfile_open(&file, path, &error)) {
        return strstr(error.text, reason) != NULL ? CHILD_OK : CHILD_NO_TEXT;
    }
    for (int i = 0; i < 100000; i++) {
        (void)fputs("0123456789", file.stream);
    }
    if (cupel_outfile_commit(&file, &error)) {
        return CHILD_WROTE;
    }
    if (strstr(error.text, reason) == NULL) {
        (void)fprintf(stderr, "the text is: %s\n", error.text);
        return CHILD_NO_TEXT;
    }
    return strcmp(read_text(path), "old") == 0 ? CHILD_OK : CHILD_LOST_OLD;
}

static int fill_to_limit(void) {
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = 100000};
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return CHILD_CANNOT;
    }
    return overfill("File too large");
}

TEST(base, outfile_over_a_size_limit_leaves_the_old_file, .tags = "slow") {
    REQUIRE(write_text(in_directory("old"), "old"));
    CHECK_INT_EQ(in_child(fill_to_limit), CHILD_OK);
    CHECK_UINT_EQ(count_files(test_directory()), 1);
}

static int fill_small_disk(void) {
    const char *directory = test_directory();
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", directory, "tmpfs", 0, "size=64k") != 0) {
        return CHILD_CANNOT;
    }
    if (!write_text(path, "old")) {
        return CHILD_NO_TEXT;
    }
    int status = overfill("No space left on device");
    return status == CHILD_OK && count_files(directory) != 1 ? CHILD_LEFT_FILE : status;
}

TEST(base, outfile_on_a_full_disk_leaves_the_old_file, .tags = "slow") {
    (void)in_directory("old");
    int status = in_child(fill_small_disk);
    if (status == CHILD_CANNOT) {
        cupel_test_skip("may not mount a tmpfs");
    }
    CHECK_INT_EQ(status, CHILD_OK);
}

static int write_without_rights(void) {
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) {
        return CHILD_CANNOT;
    }
    return write_text(path, "x")                             ? CHILD_WROTE
           : strstr(error.text, "Permission denied") != NULL ? CHILD_OK
                                                             : CHILD_NO_TEXT;
}

TEST(base, outfile_in_a_forbidden_directory_is_refused, .tags = "slow") {
    (void)in_directory("file");
    REQUIRE_INT_EQ(chmod(test_directory(), 0555), 0);
    int status = in_child(write_without_rights);
    REQUIRE_INT_EQ(chmod(test_directory(), 0755), 0);
    if (status == CHILD_CANNOT) {
        cupel_test_skip("may not give up rights");
    }
    CHECK_INT_EQ(status, CHILD_OK);
    CHECK_UINT_EQ(count_files(test_directory()), 0);
}
