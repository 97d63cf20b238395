/* Result records as bytes, between processes of one build on one machine: from a worker to its supervisor and from a
 * test program to `cupel test`. A fixed head is followed by the texts. The reader keeps a part of a record until the
 * rest comes; a writer that dies in the middle leaves a part that is dropped. */
#ifndef HARNESS_SRC_WIRE_H
#define HARNESS_SRC_WIRE_H

#include "alloc/base/message.h"
#include "harness/result.h"

#include <stdbool.h>
#include <stddef.h>

struct cupel__wire_reader {
    int fd; /* not owned */
    char *buffer;
    size_t used;     /* bytes in the buffer */
    size_t consumed; /* of them, given out already */
    bool is_ended;   /* the other side closed */
};

/* Writes one record; waits where the reader is slow. False on any error (errno). */
bool cupel__wire_write(int fd, const struct cupel_result *result);

/* False when out of memory. */
bool cupel__wire_reader_init(struct cupel__wire_reader *reader, int fd);
void cupel__wire_reader_deinit(struct cupel__wire_reader *reader);
/* The next record of what has been read, into `result`, whose pointers stay valid until the next fill. False when there
 * is none yet. A stream that is no record stream sets `is_ended` and fills `error`. */
bool cupel__wire_next(struct cupel__wire_reader *reader, struct cupel_result *result, struct cupel_error *error);
/* Reads what is there, once. False when nothing came (then `is_ended` tells an end from a pause). */
bool cupel__wire_fill(struct cupel__wire_reader *reader);

#endif
