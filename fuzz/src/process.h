/* Child processes of the fuzzing tools: started with a list of words (no shell), in a process group of their own, and
 * killed by the kernel when the tool itself is killed. Output goes to a file, or through a pipe or a pseudo-terminal
 * whose text the tool reads. One thread. */
#ifndef FUZZ_SRC_PROCESS_H
#define FUZZ_SRC_PROCESS_H

#include "alloc/base/message.h"

#include <stdint.h>
#include <sys/types.h>

enum cupel__output {
    CUPEL__OUTPUT_FILE,     /* standard output and error into `output_path` */
    CUPEL__OUTPUT_PIPE,     /* both to cupel__process_read */
    CUPEL__OUTPUT_TERMINAL, /* the same, and the child believes in a terminal of 80 by 25 */
};

struct cupel__process {
    pid_t pid;      /* 0: not started, or its end was seen */
    int descriptor; /* to read from, -1: none */
    int status;     /* of waitpid, once it ended */
    int64_t started_ms;
};

struct cupel__command {
    const char *const *words;       /* NULL-terminated; the first is looked up in PATH where it has no slash */
    const char *const *environment; /* "NAME=value" words added to the tool's own, NULL-terminated; may be NULL */
    enum cupel__output output;
    const char *output_path;
};

/* Starts. False and a text where it could not. A program that cannot be executed ends with 127. */
bool cupel__process_start(struct cupel__process *process, const struct cupel__command *command,
                          struct cupel_error *error);
/* Reads what there is without waiting; the number of bytes, 0 where there is nothing. */
size_t cupel__process_read(struct cupel__process *process, char *text, size_t size);
/* True once the process has ended (and from then on). Does not wait. */
bool cupel__process_has_ended(struct cupel__process *process);
/* Sends a signal to its group. Nothing where it has ended. */
void cupel__process_signal(const struct cupel__process *process, int number);
/* Waits at most timeout_ms, reading and dropping its output, then kills its group; its end is seen when this returns.
 * False where it had to be killed. */
bool cupel__process_finish(struct cupel__process *process, int64_t timeout_ms);
/* Runs a command to its end, at most timeout_ms; its output goes to `output_path` (NULL: /dev/null). Returns its exit
 * status, 128 + the signal, 124 on a time-out, or -1 with a text where it could not be started. */
int cupel__program_run(const char *const *words, const char *const *environment, const char *output_path,
                       int64_t timeout_ms, struct cupel_error *error);
/* The exit status as cupel__program_run tells it. */
int cupel__process_status(const struct cupel__process *process);
/* True where a program of this name is in PATH. */
bool cupel__program_is_there(const char *name);

#endif
