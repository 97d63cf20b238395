/* What a dying test can still say of its death: that its stack overflowed, that it called exit, and in which phase it
 * was. Noted in memory that outlives the process, by those who note where a fault struck (fault_note.h). */
#ifndef HARNESS_SRC_LAST_WORDS_H
#define HARNESS_SRC_LAST_WORDS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum cupel__phase { CUPEL__PHASE_NONE, CUPEL__PHASE_SETUP, CUPEL__PHASE_BODY, CUPEL__PHASE_TEARDOWN };

struct cupel__last_words {
    volatile int phase; /* enum cupel__phase */
    volatile bool has_overflowed;
    volatile bool has_called_exit;
    volatile int exit_status;        /* where it did */
    volatile bool has_killed_itself; /* by kill with SIGKILL */
};

/* From now on words of this process and its children go there; a worker's, before its first test. */
void cupel__last_words_listen(struct cupel__last_words *words);
/* A signal met the process: called in its handler, on a stack of its own. */
void cupel__last_words_fault(const siginfo_t *info, const void *context);
/* That process is to be killed: noted where it is this one. */
void cupel__last_words_kill(pid_t process);
/* A new test, or its next phase. Both are cheap; without a listener they do nothing. */
void cupel__last_words_clear(void);
void cupel__last_words_phase(enum cupel__phase phase);
/* That process noted, or of the printed text, what it died of: ": stack overflow, in its teardown"; "" where nothing is
 * known. `output` is what it printed, as far as it was kept. */
void cupel__last_words_text(const struct cupel__last_words *words, const char *output, char *text, size_t size);
/* Those that this process's children and it noted; never NULL. */
const struct cupel__last_words *cupel__last_words(void);

#endif
