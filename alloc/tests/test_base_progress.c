/* Goal: what is said to the user goes out whole, when due, and fits the terminal. Method: memory streams, a pseudo
 * terminal, and standard error of a child. */
#include "alloc/base/message.h"
#include "alloc/base/progress.h"
#include "harness/harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(base, progress_in_a_log_is_whole_lines_when_due) {
    char text[256] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    REQUIRE(stream != NULL);
    struct cupel_progress progress;
    cupel_progress_init(&progress, stream);
    CHECK(!progress.is_terminal);
    CHECK_INT_EQ(progress.period_ms, 10000);
    cupel_progress_show(&progress, false, "%d of 3", 1);
    progress.period_ms = INT64_MAX / 4; /* never due again */
    cupel_progress_show(&progress, false, "%d of 3", 2);
    cupel_progress_show(&progress, true, "%d of 3", 3);
    cupel_progress_clear(&progress);
    (void)fclose(stream);
    CHECK_STR_EQ(text, "1 of 3\n3 of 3\n");
}

TEST(base, progress_on_a_terminal_rewrites_its_line) {
    char text[256] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    REQUIRE(stream != NULL);
    struct cupel_progress progress;
    cupel_progress_init(&progress, stream);
    progress.is_terminal = true;
    cupel_progress_show(&progress, true, "half");
    cupel_progress_clear(&progress);
    cupel_progress_clear(&progress);
    (void)fclose(stream);
    CHECK_STR_EQ(text, "\rhalf\033[K\r\033[K");
}

TEST(base, progress_may_be_silent) {
    struct cupel_progress progress;
    cupel_progress_init(&progress, NULL);
    cupel_progress_show(&progress, true, "nothing");
    cupel_progress_clear(&progress);
    CHECK(!progress.is_line_open);
}

/* A pseudo terminal of 20 columns: the end that programs see as a stream, the other as a descriptor. */
static FILE *open_terminal(int *other) {
    struct winsize size = {.ws_row = 10, .ws_col = 20};
    *other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (*other < 0 || grantpt(*other) != 0 || unlockpt(*other) != 0) {
        cupel_test_skip("no pseudo terminals here");
    }
    int descriptor = open(ptsname(*other), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(descriptor >= 0);
    REQUIRE_INT_EQ(ioctl(descriptor, TIOCSWINSZ, &size), 0);
    FILE *stream = fdopen(descriptor, "w");
    REQUIRE(stream != NULL);
    return stream;
}

TEST(base, progress_fits_the_terminal, .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow") {
    int other = -1;
    char text[128] = "";
    struct cupel_progress progress;
    REQUIRE_INT_EQ(setenv("TERM", "xterm", 1), 0);
    FILE *stream = open_terminal(&other);
    cupel_progress_init(&progress, stream);
    CHECK(progress.is_terminal);
    CHECK_INT_EQ(progress.period_ms, 100);
    cupel_progress_show(&progress, true, "a line that is longer than twenty columns");
    CHECK_INT_GT(read(other, text, sizeof text - 1), 0);
    CHECK_STR_EQ(text, "\ra line that is long\033[K");
    (void)fclose(stream);
    (void)close(other);
}

TEST(base, colours_are_for_terminals_that_want_them, .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow") {
    int other = -1;
    FILE *stream = open_terminal(&other);
    REQUIRE(setenv("TERM", "xterm", 1) == 0 && unsetenv("NO_COLOR") == 0);
    CHECK(cupel_use_colour(stream));
    REQUIRE_INT_EQ(setenv("NO_COLOR", "", 1), 0);
    CHECK(cupel_use_colour(stream));
    REQUIRE_INT_EQ(setenv("NO_COLOR", "1", 1), 0);
    CHECK(!cupel_use_colour(stream));
    REQUIRE(unsetenv("NO_COLOR") == 0 && setenv("TERM", "dumb", 1) == 0);
    CHECK(!cupel_use_colour(stream));
    struct cupel_progress progress;
    cupel_progress_init(&progress, stream);
    CHECK(!progress.is_terminal);
    (void)fclose(stream);
    (void)close(other);
    FILE *file = fopen("/dev/null", "we");
    REQUIRE(file != NULL && setenv("TERM", "xterm", 1) == 0);
    CHECK(!cupel_use_colour(file));
    (void)fclose(file);
}

/* What a child that runs `speak` writes to standard error. */
static const char *said(void (*speak)(void)) {
    static char text[4096];
    size_t length = 0;
    int ends[2];
    REQUIRE_INT_EQ(pipe(ends), 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        speak();
        _exit(0);
    }
    (void)close(ends[1]);
    for (ssize_t got = 1; got > 0 && length < sizeof text - 1; length += (size_t)got) {
        got = read(ends[0], text + length, sizeof text - 1 - length);
        REQUIRE(got >= 0);
    }
    text[length] = '\0';
    (void)close(ends[0]);
    REQUIRE(waitpid(child, NULL, 0) == child);
    return text;
}

static void speak_of_places(void) {
    struct cupel_error error;
    cupel_message_program("example");
    cupel_message("%d of %d", 1, 2);
    (void)cupel_error_set(&error, 0, 0, "wrong");
    cupel_message_at("file", &error);
    (void)cupel_error_set(&error, 0, 7, "wrong");
    cupel_message_at("file", &error);
    (void)cupel_error_set(&error, 3, 0, "wrong");
    cupel_message_at("file", &error);
    (void)cupel_error_set(&error, 3, 7, "wrong");
    cupel_message_at("file", &error);
}

TEST(base, messages_name_the_place, .tags = "slow") {
    CHECK_STR_EQ(said(speak_of_places), "example: 1 of 2\n"
                                        "example: file: wrong\n"
                                        "example: file: column 7: wrong\n"
                                        "example: file:3: wrong\n"
                                        "example: file:3:7: wrong\n");
}

static void speak_at_length(void) {
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cupel_message("%s", text);
}

TEST(base, messages_are_cut_and_end_their_line, .tags = "slow") {
    const char *text = said(speak_at_length);
    CHECK_UINT_EQ(strlen(text), 2047);
    CHECK_INT_EQ(text[strlen(text) - 1], '\n');
}

TEST(base, errors_need_no_place_to_go) {
    struct cupel_error error;
    CHECK(!cupel_error_set(NULL, 1, 1, "lost"));
    CHECK(!cupel_error_set(&error, 1, 2, "%0300d", 7));
    CHECK_UINT_EQ(strlen(error.text), sizeof error.text - 1);
}

TEST(base, clock_does_not_go_back) {
    int64_t before = cupel_clock_ns();
    CHECK_INT_GE(cupel_clock_ns(), before);
}
