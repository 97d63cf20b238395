/* A call with variables on its stack, of which each is shown to a visitor while it lives. */
#ifndef ALLOC_TESTS_STACK_VARIABLES_H
#define ALLOC_TESTS_STACK_VARIABLES_H

enum stack_variable {
    STACK_ARRAY,     /* the byte at 40 of `char array[100]` */
    STACK_MEMBER,    /* the second member of `struct pair pair` */
    STACK_PARAMETER, /* of the parameter `long given` */
    STACK_BLOCK,     /* the third of `int inner[10]`, in a block */
    STACK_INLINED,   /* the byte at 3 of `char within[16]`, of a function that was inlined */
    STACK_COMPUTED,  /* of an array whose length is not known before */
    STACK_VARIABLES
};

typedef void (*stack_visit)(void *user, enum stack_variable which, const volatile void *address);

extern const int stack_variables_array_line; /* where `array` is declared */

void stack_variables_show(stack_visit visit, void *user, long given);
/* The same, not optimised. */
void stack_variables_show_plain(stack_visit visit, void *user, long given);

#endif
