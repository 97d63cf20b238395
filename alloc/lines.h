/* Files and lines of code addresses, asked of a program that reads debug info: cupel-symbolise, else addr2line, else
 * llvm-symbolizer, the first that is in PATH, or what CUPEL_SYMBOLISER names. Whoever asks allocates nothing, so that
 * it may be a process that crashed. */
#ifndef ALLOC_LINES_H
#define ALLOC_LINES_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called for each answer; the texts live as long as the call. `place` is "file:line" and never unknown; with is_inlined
 * a call in there was replaced by the function's body, and more answers of the same `which` follow, outwards. */
typedef void (*cupel_lines_visit)(void *user, unsigned which, const char *function, const char *place, bool is_inlined);

/* Asks for `count` offsets in a module's file, and visits the answers in their order. False where nobody can be asked,
 * or an answer took too long, or another thread asks just now. Starts a process for each 32 of them, some 10 ms; all
 * may take some 20 seconds of a process's life. */
bool cupel_lines_ask(const char *path, const uintptr_t offsets[], unsigned count, cupel_lines_visit visit, void *user);

#ifdef __cplusplus
}
#endif

#endif
