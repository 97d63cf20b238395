/* Stacks with file and line: see symbolise.h. The stacks were printed where the test ran, by module and offset; here,
 * in the supervisor, a tool that reads debug info is asked, so that no test pays for it or can harm it. */
#include "harness/src/symbolise.h"

#include "alloc/base/progress.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FRAMES_MAX = 256, ANSWER_MAX = 65536, PROCESS_MS = 15000, RUN_MS = 30000, TOOL_WORDS = 6 };

/* A line of a stack; the texts are borrowed from it. */
struct frame {
    const char *line;
    const char *module;
    size_t module_length;
    char offset[20];
    const char *place; /* in the answer, or NULL */
    size_t place_length;
    bool is_asked;
};

static struct frame frames[FRAMES_MAX];
static char answer[ANSWER_MAX];
static struct cupel_text scratch;
static int64_t spent_ms; /* by all tools of this run */

static const char *const tools[][TOOL_WORDS] = {
    {"addr2line", "-e"},
    {"llvm-symbolizer", "--output-style=GNU", "--functions=none", "--no-inlines", "-e"},
};

/* The function of a frame's line, or NULL where the line is none. */
static const char *function_of(const char *line) {
    if (strncmp(line, "    #", 5) != 0) {
        return NULL;
    }
    size_t digits = strspn(line + 5, "0123456789");
    return digits != 0 && line[5 + digits] == ' ' ? line + 6 + digits : NULL;
}

static bool is_one_of(const char *function, const char *const names[], size_t count, bool as_beginning) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(function, names[i], length) == 0 && (as_beginning || strchr("+. ", function[length]) != NULL)) {
            return true;
        }
    }
    return false;
}

bool cupel__symbolise_is_needed(const struct cupel_text *text) {
    return strstr(text->data, "    #0 ") != NULL;
}

static void copy_without_runner(const char *line, struct cupel_text *out) {
    static const char *const own[] = {"cupel__test_", "cupel__body_"};
    static const char *const runner[] = {"call_test", "call_setup", "call_teardown", "call_body", "cupel__run_guarded"};
    bool is_outside = false;
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        length += line[length] == '\n';
        const char *function = function_of(line);
        bool is_first = function != NULL && strncmp(line, "    #0 ", 7) == 0;
        is_outside = is_outside && function != NULL && !is_first;
        if (function != NULL && !is_first && is_one_of(function, runner, sizeof runner / sizeof runner[0], false)) {
            is_outside = true;
        }
        if (!is_outside) {
            cupel_text_add_n(out, line, length);
        }
        if (function != NULL && is_one_of(function, own, sizeof own / sizeof own[0], true)) {
            is_outside = true;
        }
        line += length;
    }
}

/* Takes "    #0 function+0x12 (module+0x3456)" apart; false where the line is none. */
static bool parse(const char *line, struct frame *frame) {
    const char *function = function_of(line);
    if (function == NULL) {
        return false;
    }
    const char *end = function + strcspn(function, "\n");
    const char *open = function[0] == '(' ? function : memmem(function, (size_t)(end - function), " (", 2);
    const char *plus = end;
    while (open != NULL && plus > open && *plus != '+') {
        plus--;
    }
    if (open == NULL || plus == open || end[-1] != ')' || (size_t)(end - plus) - 1 > sizeof frame->offset) {
        return false;
    }
    *frame = (struct frame){.line = line, .module = open + (*open == ' ' ? 2 : 1)};
    frame->module_length = (size_t)(plus - frame->module);
    memcpy(frame->offset, plus + 1, (size_t)(end - plus) - 2);
    return true;
}

static size_t find_frames(const char *line) {
    size_t count = 0;
    while (*line != '\0' && count < FRAMES_MAX) {
        count += parse(line, &frames[count]);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return count;
}

/* Starts a tool with its standard output in *output. */
static pid_t start(char *const words[], int *output) {
    int ends[2];
    pid_t pid = -1;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    (void)sigemptyset(&none);
    (void)sigfillset(&usual);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &usual);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, words[0], &actions, &attributes, words, environ) != 0) {
        pid = -1;
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
    }
    *output = ends[0];
    return pid;
}

/* Reads all that a tool prints into `text`; false where it took too long or failed. */
static bool run_tool(char *const words[], char *text, size_t size) {
    int output;
    int64_t start_ms = cupel_clock_ms();
    int64_t allowed_ms = RUN_MS - spent_ms < PROCESS_MS ? RUN_MS - spent_ms : PROCESS_MS;
    pid_t pid = start(words, &output);
    if (pid < 0) {
        return false;
    }
    size_t length = 0;
    bool has_ended = false;
    while (!has_ended && length + 1 < size) {
        struct pollfd poller = {.fd = output, .events = POLLIN};
        int64_t left_ms = start_ms + allowed_ms - cupel_clock_ms();
        if (left_ms <= 0 || poll(&poller, 1, (int)left_ms) <= 0) {
            break;
        }
        ssize_t got = read(output, text + length, size - 1 - length);
        has_ended = got <= 0;
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
    int status = 0;
    if (!has_ended) {
        (void)kill(pid, SIGKILL);
    }
    (void)close(output);
    bool is_reaped = waitpid(pid, &status, 0) == pid;
    spent_ms += cupel_clock_ms() - start_ms;
    return has_ended && is_reaped && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Gives each asked frame its line of the answer: "file:line", with words after a space left out; "?" is not known. */
static void take_places(const char *line, const size_t asked[], size_t count) {
    for (size_t i = 0; i < count && *line != '\0'; i++) {
        size_t length = strcspn(line, " \n");
        if (length > 2 && line[0] != '?' && line[length - 1] != '?' && strncmp(line + length - 2, ":0", 2) != 0) {
            frames[asked[i]].place = line;
            frames[asked[i]].place_length = length;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

/* Asks about all frames of the module of frame `first`. Returns how much of `text` the answer takes. */
static size_t ask(size_t first, size_t count, char *text, size_t size) {
    static char module[4096];
    static char *words[TOOL_WORDS + FRAMES_MAX + 2];
    size_t asked[FRAMES_MAX];
    size_t asked_count = 0;
    const struct frame *one = &frames[first];
    (void)snprintf(module, sizeof module, "%.*s", (int)one->module_length, one->module);
    for (size_t i = first; i < count; i++) {
        if (frames[i].module_length == one->module_length &&
            memcmp(frames[i].module, one->module, one->module_length) == 0) {
            frames[i].is_asked = true;
            asked[asked_count++] = i;
        }
    }
    for (size_t tool = 0; tool < sizeof tools / sizeof tools[0] && spent_ms < RUN_MS; tool++) {
        size_t used = 0;
        for (size_t i = 0; i < TOOL_WORDS && tools[tool][i] != NULL; i++) {
            words[used++] = (char *)(uintptr_t)tools[tool][i]; /* exec reads them only */
        }
        words[used++] = module;
        for (size_t i = 0; i < asked_count; i++) {
            words[used++] = frames[asked[i]].offset;
        }
        words[used] = NULL;
        if (run_tool(words, text, size)) {
            take_places(text, asked, asked_count);
            return strlen(text) + 1;
        }
    }
    return 0;
}

static void write_places(const char *from, size_t count, struct cupel_text *out) {
    for (size_t i = 0; i < count; i++) {
        const struct frame *frame = &frames[i];
        if (frame->place == NULL) {
            continue;
        }
        const char *function = function_of(frame->line);
        size_t name_length = strcspn(function, "+ (\n");
        cupel_text_add_n(out, from, (size_t)(function - from) + name_length);
        cupel_text_add(out, "%sat %.*s", name_length == 0 ? "" : " ", (int)frame->place_length, frame->place);
        from = function + strcspn(function, "\n");
    }
    cupel_text_add_n(out, from, strlen(from));
}

static void clear(struct cupel_text *text) {
    text->length = 0;
    text->is_truncated = false;
    text->data[0] = '\0';
}

void cupel__symbolise(struct cupel_text *text) {
    clear(&scratch);
    copy_without_runner(text->data, &scratch);
    clear(text);
    size_t count = find_frames(scratch.data);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!frames[i].is_asked && used + 1 < sizeof answer) {
            used += ask(i, count, answer + used, sizeof answer - used);
        }
    }
    write_places(scratch.data, count, text);
}
