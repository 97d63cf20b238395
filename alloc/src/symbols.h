/* Names of functions and objects from the symbol tables of the loaded modules: static functions too, where the module
 * is not stripped. Reads the files with mmap; never allocates. What looks for loaded modules takes the loader's lock,
 * so it is not for signal handlers. */
#ifndef ALLOC_SRC_SYMBOLS_H
#define ALLOC_SRC_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an address is. */
struct cupel__place {
    char module[256];          /* path of the executable or shared object; "" where the address is in none */
    uintptr_t offset;          /* in the module, as addr2line -e MODULE takes it */
    char function[128];        /* "" where there is no symbol */
    uintptr_t function_offset; /* from the function's start */
};

/* Fills `place`; false where no module holds the address. O(symbols of the module). */
bool cupel__place_find(const void *address, struct cupel__place *place);

/* The same for an offset in a module's file, which need not be loaded: fills `place`, whose module is then the path.
 * Takes no lock; snprintf aside, it is made of system calls. */
void cupel__place_in_file(const char *path, uintptr_t offset, struct cupel__place *place);

/* A function or an object. */
struct cupel__symbol {
    char name[128];   /* cut where it is longer */
    uintptr_t asked;  /* the offset in the file that was asked for */
    uintptr_t offset; /* of it, from the symbol's start */
    size_t size;
};

/* The smallest symbol, of code or data, that holds this offset of a module's file; false where none does. Made of
 * system calls: no lock, and safe in signal handlers. O(symbols of the module). */
bool cupel__symbol_in_file(const char *path, uintptr_t offset, struct cupel__symbol *symbol);

/* Calls visit with each function of a module's file, its place as an offset in the file's addresses; `high` is one past
 * the last byte. Made of system calls. */
void cupel__symbols_walk(const char *path, void (*visit)(void *user, const char *name, uintptr_t low, uintptr_t high),
                         void *user);
/* Where a section of a module's file is, as offsets like those; false where there is none. */
bool cupel__section_in_file(const char *path, const char *name, uintptr_t *low, uintptr_t *high);

struct cupel__range {
    uintptr_t low, high; /* high is one past the last byte */
};

/* Where the functions of this name are in memory; names that the compiler derived from it ("name.part.0") count.
 * Returns how many there are; the first `max` are written. */
unsigned cupel__symbol_ranges(const char *function, struct cupel__range ranges[], unsigned max);

#endif
