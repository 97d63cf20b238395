/* Limits of resources, the nice value, and where the standard streams lead: settings of a process that nearly no test
 * changes, and that make the tests after it fail for no fault of theirs. Part of what left_behind.h looks at. */
#ifndef HARNESS_SRC_LEFT_BEHIND_LIMITS_H
#define HARNESS_SRC_LEFT_BEHIND_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

enum {
    CUPEL__RESOURCES = 10,
    CUPEL__STREAMS = 3,
    /* What the functions below know by an index: the limits, the nice value, the streams. */
    CUPEL__LIMITED = CUPEL__RESOURCES + 1 + CUPEL__STREAMS
};

/* How they are in a process. */
struct cupel__limited {
    struct rlimit limits[CUPEL__RESOURCES];
    int nice;
    struct {
        bool is_open;
        dev_t device;
        ino_t file;
    } streams[CUPEL__STREAMS];
};

/* Notes them. A dozen cheap system calls, as the one below. */
void cupel__limited_note(struct cupel__limited *now);
/* Which of them are another way in this process than in `before`: a bit an index; 0: none. What the runner itself sets
 * for the running test (limits.h) is none. */
unsigned cupel__limited_look(const struct cupel__limited *before);
/* Of those bits: the limits and the nice value, and the streams. */
extern const unsigned cupel__limited_of_process, cupel__limited_of_streams;
/* What one of them is, and was, in words: "the limit of open files is 3, and was 1024"; puts it back where that can be.
 */
void cupel__limited_settle(const struct cupel__limited *before, unsigned index, char *text, size_t size);
/* The limits of another process, which may have ended, but was not waited for: in words, comma-separated, how they
 * differ from `before`. False where they do not. */
bool cupel__limited_of(pid_t process, const struct cupel__limited *before, char *text, size_t size);

#endif
