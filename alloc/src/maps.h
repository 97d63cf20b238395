/* The mappings of this process, one after the other, as /proc/self/maps says. Through open and read, without memory of
 * anybody's: inside malloc and in signal handlers too. */
#ifndef ALLOC_SRC_MAPS_H
#define ALLOC_SRC_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct cupel__mapping {
    uintptr_t low, high; /* high is one past the last byte */
    bool is_readable, is_writable, is_private;
    char name[64]; /* the beginning of the path, "[stack]" and the like, or "" */
};

/* Calls visit for each mapping, lowest first, until it returns false. False where the file cannot be read. */
bool cupel__maps_walk(bool (*visit)(void *user, const struct cupel__mapping *mapping), void *user);

#endif
