/* Goal: what the base asks of the system may be refused, at any step, and it says so or goes on; and the corners of its
 * readers of words and numbers. Method: a kernel that refuses one call, names and folders of extreme lengths, sockets,
 * full pipes, and signals in the middle. */
#include "alloc/base/json.h"
#include "alloc/base/message.h"
#include "alloc/base/nearest.h"
#include "alloc/base/options.h"
#include "alloc/base/outfile.h"
#include "alloc/base/poison.h"
#include "alloc/base/progress.h"
#include "alloc/base/status.h"
#include "alloc/base/store.h"
#include "alloc/base/workers.h"
#include "alloc/tests/refusing.h"
#include "harness/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static struct cupel_error error;
static struct cupel_outfile file;

static const char *path_of(const char *name) {
    static char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", test_directory(), name);
    return path;
}

static bool write_text(const char *path) {
    if (!cupel_outfile_open(&file, path, &error)) {
        return false;
    }
    (void)fputs("text", file.stream);
    return cupel_outfile_commit(&file, &error);
}

#define SLOWLY .tags = "slow", .no_sweep = "the system refuses by itself"

TEST(base_refused, names_of_extreme_lengths, SLOWLY) {
    static char deep[PATH_MAX + 10];
    CHECK(!cupel_make_directories("", &error));
    CHECK_STR_CONTAINS(error.text, "No such file or directory");
    memset(deep, 'x', sizeof deep - 1);
    CHECK(!cupel_make_directories(deep, &error));
    CHECK_STR_CONTAINS(error.text, "File name too long");
    CHECK_STR_CONTAINS(error.text, "'...xxxx"); /* cut where it is not the name */
    /* A folder so deep that the file fits and the name beside it does not. */
    size_t length = strlen(path_of("d"));
    memcpy(deep, path_of("d"), length);
    for (; length < PATH_MAX - 150; length++) {
        deep[length] = length % 200 == 0 ? '/' : 'x';
    }
    deep[length - 1] = 'x';
    deep[length] = '\0';
    REQUIRE(cupel_make_directories(deep, &error));
    memset(deep + length, 'y', PATH_MAX - 1 - length);
    deep[length] = '/';
    deep[PATH_MAX - 1] = '\0';
    CHECK(!write_text(deep));
    CHECK_STR_CONTAINS(error.text, "File name too long");
    deep[length + 60] = '\0';
    CHECK(write_text(deep));
    CHECK_INT_EQ(unlink(deep), 0);
}

TEST(base_refused, a_socket_is_no_file, SLOWLY) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path_of("socket")) >= sizeof address.sun_path) {
        cupel_test_skip("the test's directory has too long a name for a socket");
    }
    (void)strcpy(address.sun_path, path_of("socket"));
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(listener >= 0 && bind(listener, (const struct sockaddr *)&address, sizeof address) == 0);
    CHECK(!write_text(path_of("socket")));
    CHECK_STR_CONTAINS(error.text, "No such device or address");
    (void)close(listener);
}

TEST(base_refused, an_error_that_the_stream_has_noticed_is_told, SLOWLY) {
    REQUIRE(cupel_outfile_open(&file, "/dev/full", &error));
    REQUIRE(setvbuf(file.stream, NULL, _IONBF, 0) == 0);
    (void)fputs("text", file.stream); /* refused here, and there is nothing left to flush */
    CHECK(!cupel_outfile_commit(&file, &error));
    CHECK_STR_CONTAINS(error.text, "could not write '/dev/full': Input/output error");
}

TEST(base_refused, a_name_without_a_folder, SLOWLY, .isolate = CUPEL_ISOLATE_PROCESS,
     .may_leave = CUPEL_LEFT_DIRECTORY) {
    REQUIRE(chdir(test_directory()) == 0);
    CHECK(write_text("plain"));
    CHECK_INT_EQ(access(path_of("plain"), R_OK), 0);
}

#if defined(__x86_64__)
#define REFUSED                                                                                                        \
    .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash", .no_sweep = "the system refuses by itself",                \
    .may_leave = CUPEL_LEFT_DESCRIPTORS | CUPEL_LEFT_STREAMS | CUPEL_LEFT_SIGNAL_HANDLERS

enum { FRESH = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC };

/* A call that is refused, on which path (below the test's directory, but for the first), and the reason that is told.
 */
static const struct {
    struct refusal refusal;
    const char *path, *reason;
} outfiles[] = {
    {{SYS_openat, EACCES, 3, FRESH}, "/cupel-test-nowhere", "'/cupel-test-nowhere': Permission denied"},
    {{SYS_openat, EEXIST, 3, FRESH}, "new", "new': File exists"}, /* whatever number is tried */
    {{SYS_openat, EMFILE, 3, FRESH}, "old", "old': Too many open files"},
    {{SYS_readlink, EACCES, 0, 0}, "old", "old': Permission denied"},
    {{SYS_fcntl, EBADF, 2, F_GETFL}, "old", "old': Bad file descriptor"},
    {{SYS_rename, EROFS, 0, 0}, "old", "old': Read-only file system"},
    {{SYS_newfstatat, EACCES, 0, 0}, "new", ": Not a directory"}, /* nobody can tell what the folder is */
    {{SYS_mkdir, EROFS, 0, 0}, "folder/new", "folder': Read-only file system"},
    {{SYS_mkdir, EROFS, 0, 0}, "old/new", "old': Read-only file system"},
    {{SYS_mkdir, EROFS, 0, 0}, "new", NULL}, /* the folder is there */
    {{SYS_fchmod, EPERM, 0, 0}, "old", NULL},
};

TEST(base_refused, outfiles_tell_the_reason, REFUSED, CUPEL_TABLE(outfiles)) {
    size_t row = test_row_index();
    REQUIRE(write_text(path_of("old")));
    const char *path = outfiles[row].path[0] == '/' ? outfiles[row].path : path_of(outfiles[row].path);
    error.text[0] = '\0';
    refuse(outfiles[row].refusal);
    CHECK_INT_EQ(write_text(path), outfiles[row].reason == NULL);
    CHECK_STR_CONTAINS(error.text, outfiles[row].reason == NULL ? "" : outfiles[row].reason);
    CHECK(file.stream == NULL);
    CHECK_STR_EQ(file.temporary, "");
}

TEST(base_refused, a_close_that_fails_is_told, REFUSED) {
    REQUIRE(cupel_outfile_open(&file, path_of("new"), &error));
    (void)fputs("text", file.stream);
    refuse((struct refusal){SYS_close, EIO, 1, (uint64_t)fileno(file.stream)});
    CHECK(!cupel_outfile_commit(&file, &error));
    CHECK_STR_CONTAINS(error.text, "new': Input/output error");
    CHECK(access(path_of("new"), F_OK) != 0);
}

static atomic_uint done;

static void count_job(void *user, size_t index, unsigned worker) {
    (void)user;
    (void)index;
    CHECK_UINT_EQ(worker, 0);
    atomic_fetch_add(&done, 1);
}

TEST(base_refused, without_threads_the_caller_works_alone, REFUSED) {
    refuse((struct refusal){SYS_clone3, EAGAIN, 0, 0});
    refuse((struct refusal){SYS_clone, EAGAIN, 0, 0});
    cupel_workers_run(4, 10, count_job, NULL);
    CHECK_UINT_EQ(atomic_load(&done), 10);
}

TEST(base_refused, processors_are_counted_in_another_way, REFUSED) {
    CHECK_UINT_GE(cupel_core_count(), 1);
    refuse((struct refusal){SYS_sched_getaffinity, EINVAL, 0, 0});
    CHECK_UINT_EQ(cupel_core_count(), (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
}

/* A pipe that is full when a line is written, until the second of the signals that interrupt the writer empties it. */
static int full_pipe[2];
static volatile sig_atomic_t interruptions;

static void on_alarm(int number) {
    static char bytes[1 << 16];
    (void)number;
    if (++interruptions == 2) {
        (void)!read(full_pipe[0], bytes, sizeof bytes);
    }
}

TEST(base_refused, a_message_goes_on_after_a_signal, REFUSED) {
    char text[64] = "";
    char bytes[4096] = {0};
    const struct itimerval often = {{0, 5000}, {0, 5000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    REQUIRE(sigaction(SIGALRM, &action, NULL) == 0 && pipe(full_pipe) == 0);
    REQUIRE(fcntl(full_pipe[1], F_SETPIPE_SZ, 4096) == 4096);
    REQUIRE(write(full_pipe[1], bytes, 4096) == 4096);
    int before = dup(STDERR_FILENO);
    REQUIRE(before >= 0 && dup2(full_pipe[1], STDERR_FILENO) == STDERR_FILENO);
    cupel_message_program("asked");
    REQUIRE(setitimer(ITIMER_REAL, &often, NULL) == 0);
    cupel_message("one %s", "line");
    REQUIRE(setitimer(ITIMER_REAL, &never, NULL) == 0);
    REQUIRE(dup2(before, STDERR_FILENO) == STDERR_FILENO);
    CHECK_INT_GE(interruptions, 2);
    CHECK_INT_EQ(read(full_pipe[0], text, sizeof text - 1), 16);
    CHECK_STR_EQ(text, "asked: one line\n");
}

TEST(base_refused, a_message_that_nobody_takes_is_given_up, REFUSED) {
    refuse((struct refusal){SYS_write, EPIPE, 1, STDERR_FILENO});
    errno = 0;
    cupel_message("nobody reads this");
    CHECK_INT_EQ(errno, EPIPE);
}
#endif

static bool flag;
static int64_t number;
static const char *word;
static const struct cupel_option options[] = {
    {.name = "Words", .kind = CUPEL_OPTION_HEADING},
    {.name = "flag", .letter = 'f', .sentence = "what it does", .kind = CUPEL_OPTION_FLAG, .value = &flag},
    {.name = "number",
     .letter = 'n',
     .sentence = "what it does",
     .kind = CUPEL_OPTION_INT,
     .value = &number,
     .min = -10,
     .max = INT64_MAX},
    {.name = "wait",
     .sentence = "what it does",
     .kind = CUPEL_OPTION_DURATION,
     .value = &number,
     .min = 100,
     .max = 1000},
    {.name = "a-name-that-is-longer-than-what-is-shown-of-it-in-what-is-said-of-it",
     .value = &word,
     .sentence = "what it does",
     .kind = CUPEL_OPTION_TEXT},
    {.name = NULL}};

static bool parse(const char *given) {
    static char words[3][200];
    static char program_word[] = "program";
    char *argv[] = {program_word, words[0], NULL};
    struct cupel_arguments arguments;
    (void)snprintf(words[0], sizeof words[0], "%s", given);
    error.text[0] = '\0';
    return cupel_options_parse(&(struct cupel_program){.name = "asked", .options = options}, 2, argv, &arguments,
                               &error);
}

/* A word, and what is said of it; NULL: it is taken, and the number is this. */
static const struct {
    const char *given, *said;
    int64_t number;
} words[] = {
    {"--number=0x1f", NULL, 31},
    {"--number=0X1F", NULL, 31},
    {"--number=07", NULL, 7},
    {"--number=-0x5", NULL, -5},
    {"--number=-11", "is less than -10", 0},
    {"--number=0x", "no whole number", 0},
    {"--number=99999999999999999999", "no whole number", 0},
    {"--wait=5s", "is not within 100 to 1000 ms", 0},
    {"--number", "--number needs a value: --number=VALUE", 0},
    {"--Words=1", "unknown flag '--Words", 0},
    {"-x", "unknown flag '-x' in '-x'", 0},
    {"--a-name-that-is-longer-than-what-is-shown-of-it-in-what-is-said-of-it",
     "--a-name-that-is-longer-than-what-is-shown-of-it-in-what-is- needs a value", 0},
};

TEST(base_refused, words_of_options, CUPEL_TABLE(words)) {
    size_t row = test_row_index();
    number = 0;
    CHECK_INT_EQ(parse(words[row].given), words[row].said == NULL);
    CHECK_STR_CONTAINS(error.text, words[row].said == NULL ? "" : words[row].said);
    CHECK_INT_EQ(number, words[row].number);
}

TEST(base_refused, help_ends_the_words, SLOWLY, .isolate = CUPEL_ISOLATE_PROCESS,
     .may_leave = CUPEL_LEFT_DESCRIPTORS | CUPEL_LEFT_STREAMS) {
    static char program_word[] = "program";
    static char help[] = "-h";
    static char unknown[] = "--unknown";
    char *argv[] = {program_word, help, unknown, NULL};
    struct cupel_arguments arguments;
    const struct cupel_program program = {.name = "asked", .sentence = "Asks.", .options = options};
    REQUIRE(freopen(path_of("help"), "w", stdout) != NULL);
    CHECK(cupel_options_parse(&program, 3, argv, &arguments, &error));
    CHECK(arguments.has_help);
    REQUIRE(freopen("/dev/full", "w", stdout) != NULL);
    CHECK_INT_EQ(cupel_options_begin(&program, 3, argv, &arguments), CUPEL_OUTPUT);
    char text[256] = "";
    FILE *stream = fopen(path_of("help"), "r");
    REQUIRE(stream != NULL && fread(text, 1, sizeof text - 1, stream) > 0 && fclose(stream) == 0);
    CHECK_STR_CONTAINS(text, "usage: asked");
}

TEST(base_refused, no_words_at_all) {
    char *none[] = {NULL};
    char room[4];
    struct cupel_arguments arguments;
    CHECK(
        cupel_options_parse(&(struct cupel_program){.name = "asked", .options = options}, 0, none, &arguments, &error));
    CHECK_INT_EQ(arguments.count, 0);
    CHECK_PTR_EQ(arguments.words, none);
    CHECK(!cupel_options_parse_text(options, "flag=1", room, sizeof room, &error));
    CHECK_STR_CONTAINS(error.text, "6 characters; the most is 3");
    CHECK(!cupel_options_parse_text(options, "", room, 0, &error));
    CHECK_STR_CONTAINS(error.text, "0 characters; the most is 0");
}

TEST(base_refused, what_is_nearest) {
    static char longest[200];
    struct cupel_nearest nearest;
    memset(longest, 'a', sizeof longest - 1);
    cupel_nearest_init(&nearest, "abc");
    cupel_nearest_offer(&nearest, longest); /* too long to be looked at */
    CHECK(nearest.best == NULL);
    cupel_nearest_offer(&nearest, "abd");
    cupel_nearest_offer(&nearest, "abe"); /* no nearer than the one before */
    CHECK_STR_EQ(nearest.best, "abd");
    cupel_nearest_init(&nearest, longest);
    cupel_nearest_offer(&nearest, longest);
    CHECK(nearest.best == NULL);
    cupel_nearest_init(&nearest, "a");
    cupel_nearest_offer(&nearest, "b"); /* nothing of it is the same */
    CHECK(nearest.best == NULL);
}

TEST(base_refused, a_store_of_too_long_a_name) {
    static char folder[PATH_MAX];
    char name[CUPEL_SHA1_TEXT];
    bool is_new;
    memset(folder, 'x', sizeof folder - 1);
    CHECK(!cupel_store_add(folder, "abc", 3, name, &is_new, &error));
    CHECK_STR_CONTAINS(error.text, "the path is too long: xxxx");
    CHECK_STR_EQ(name, "a9993e364706816aba3e25717850c26c9cd0d89d"); /* of the standard (FIPS 180-4) */
}
