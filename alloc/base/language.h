/* What C99, C11, C23 and C++ say in different words, for public headers: these compile in all of them. */
#ifndef ALLOC_BASE_LANGUAGE_H
#define ALLOC_BASE_LANGUAGE_H

/* A function that never returns; stands before its type. */
#define CUPEL_NORETURN __attribute__((noreturn))

/* A member or variable that is aligned as any type may need; stands before its type. */
#define CUPEL_MAX_ALIGNED __attribute__((aligned))

#ifdef __cplusplus
#define CUPEL_ALIGNOF(type) alignof(type)
#else
#define CUPEL_ALIGNOF(type) (__extension__ _Alignof(type))
#endif

#endif
