/* Shows inputs: see decode.h. */
#include "harness/src/decode.h"

#include "harness/src/case.h"
#include "harness/src/child.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DECODE_TIMEOUT_MS = 2000,
    DECODE_TICK_MS = 100,
    DECODE_LINES_MAX = 2000,
    LITERAL_LENGTH_MAX = 900,
    BYTES_A_LINE = 16
};

/* Where the child's draws go: a pipe, line by line, so that nothing is lost when it dies. */
struct sink {
    int file;
    unsigned lines;
};

static void write_line(void *user, unsigned depth, const char *label, const char *text) {
    struct sink *sink = user;
    char line[1024];
    if (sink->lines++ >= DECODE_LINES_MAX) {
        return;
    }
    int length = snprintf(line, sizeof line, "%*s%s = %s\n", (int)(2 * depth), "", label, text);
    size_t count = length < (int)sizeof line ? (size_t)length : sizeof line - 1;
    if (write(sink->file, line, count) != (ssize_t)count) {
        sink->lines = DECODE_LINES_MAX; /* the reader is gone: nothing more to say */
    }
}

static _Noreturn void decode_child(int file, const struct cupel_test *property, const uint8_t *data, size_t length) {
    static struct cupel__fault_note unread;
    struct sink sink = {.file = file};
    cupel__child_silence();
    cupel__case_silence(); /* the record may be in memory that is shared, and so may the note */
    cupel__run.fault_note = &unread;
    struct cupel__case one = {.property = property, .data = data, .length = length};
    struct cupel_fault_plan plan;
    struct cupel_bytes bytes;
    cupel_bytes_init(&bytes, data, length);
    if (cupel_bytes_fault_plan(&bytes, &plan)) {
        char token[128];
        (void)cupel_fault_plan_format(&plan, token, sizeof token);
        write_line(&sink, 0, "(fault)", token);
    }
    one.trace = write_line;
    one.trace_user = &sink;
    cupel__case_run(&one);
    if (sink.lines > DECODE_LINES_MAX) {
        (void)dprintf(file, "(%u more draws)\n", sink.lines - DECODE_LINES_MAX);
    }
    _exit(0);
}

/* Copies the pipe of a child until its end; false where the time was up first. */
static bool copy_until_end(int file, FILE *out, pid_t child, struct cupel__death *death) {
    char text[4096];
    bool is_line_start = true;
    for (;;) {
        struct pollfd wait = {.fd = file, .events = POLLIN};
        int ready = 0;
        for (int waited_ms = 0; ready == 0 && waited_ms < DECODE_TIMEOUT_MS; waited_ms += DECODE_TICK_MS) {
            cupel__child_is_alive();
            ready = poll(&wait, 1, DECODE_TICK_MS);
            (void)(ready == 0 && cupel__child_end_stopped(child, death));
        }
        if (ready == 0) {
            return false;
        }
        ssize_t got = read(file, text, sizeof text);
        if (got <= 0) {
            return true;
        }
        for (ssize_t i = 0; i < got; i++) {
            if (is_line_start) {
                fputs("    ", out);
            }
            fputc(text[i], out);
            is_line_start = text[i] == '\n';
        }
    }
}

void cupel__decode_draws(FILE *out, const struct cupel_test *property, const uint8_t *data, size_t length) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        fputs("    (no pipe: the draws cannot be shown)\n", out);
        return;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        decode_child(ends[1], property, data, length);
    }
    (void)close(ends[1]);
    if (child < 0) {
        fputs("    (no process: the draws cannot be shown)\n", out);
    } else {
        struct cupel__death death = {.status = 0};
        bool is_complete = copy_until_end(ends[0], out, child, &death);
        if (!is_complete) {
            (void)kill(child, SIGKILL);
        }
        int status = 0;
        (void)waitpid(child, &status, 0);
        if (death.stop_signal != 0) {
            fprintf(out, "    (here it stops itself by signal %d, SIG%s)\n", death.stop_signal,
                    sigabbrev_np(death.stop_signal));
        } else if (!is_complete) {
            fputs("    (here it hangs)\n", out);
        } else if (WIFSIGNALED(status)) {
            fprintf(out, "    (here it dies by signal %d, %s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
        } else if (WEXITSTATUS(status) != 0) {
            fprintf(out, "    (here it leaves with status %d)\n", WEXITSTATUS(status));
        }
    }
    (void)close(ends[0]);
}

void cupel__decode_literal(FILE *out, const uint8_t *data, size_t length) {
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        bool is_plain = data[i] >= ' ' && data[i] < 0x7f && data[i] != '"' && data[i] != '\\' && data[i] != '?';
        fprintf(out, is_plain ? "%c" : "\\%03o", data[i]);
    }
    fputc('"', out);
}

uint64_t cupel__decode_hash(const uint8_t *data, size_t length) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ data[i]) * 0x100000001b3;
    }
    return hash;
}

void cupel__decode_test(FILE *out, const struct cupel_test *property, const uint8_t *data, size_t length) {
    const char *suite = property->suite;
    const char *name = property->name;
    fprintf(out, "extern const struct cupel_test cupel_property_%s_%s;\n", suite, name);
    fprintf(out, "TEST(%s, %s_input_%08" PRIx32 ") {\n", suite, name, (uint32_t)cupel__decode_hash(data, length));
    if (length <= LITERAL_LENGTH_MAX) { /* longer literals than 4095 characters are not portable */
        fputs("    static const char input[] = ", out);
        cupel__decode_literal(out, data, length);
        fputs(";\n    size_t length = sizeof input - 1;\n", out);
    } else {
        fputs("    static const unsigned char input[] = {", out);
        for (size_t i = 0; i < length; i++) {
            fprintf(out, "%s%u,", i % BYTES_A_LINE == 0 ? "\n        " : " ", data[i]);
        }
        fputs("\n    };\n    size_t length = sizeof input;\n", out);
    }
    fprintf(out, "    cupel_property_replay(&cupel_property_%s_%s, input, length);\n}\n", suite, name);
}
