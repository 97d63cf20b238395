/* A stranger's library: doubles a word. */
#ifndef WORD_H
#define WORD_H

#include <stddef.h>

/* The bytes of `word` twice, from malloc, or NULL. */
char *word_twice(const char *word, size_t length);

#endif
