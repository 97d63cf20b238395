/* Code without frame pointers, for the tests of call stacks. */
#ifndef ALLOC_TESTS_FRAMES_FOREIGN_H
#define ALLOC_TESTS_FRAMES_FOREIGN_H

/* Both call `call`, the outer one through the inner one. */
void frames_foreign_inner(void (*call)(void));
void frames_foreign_outer(void (*call)(void));

#endif
