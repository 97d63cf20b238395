/* The few functions of the C library that sources use which are also built without one: there the environment has them,
 * since compilers themselves call them. */
#ifndef ALLOC_SRC_FREESTANDING_H
#define ALLOC_SRC_FREESTANDING_H

#if __STDC_HOSTED__

#include <assert.h>
#include <string.h>

#else

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memset(void *start, int byte, size_t length);
int memcmp(const void *left, const void *right, size_t length);

#define assert(condition) ((condition) ? (void)0 : __builtin_trap())

#endif

#endif
