/* A call with variables on its stack: see stack_variables.h. Built with debug info, and without instruments, which lay
 * variables elsewhere. */
#include "alloc/tests/stack_variables.h"

struct pair {
    long first, second;
};

#define SEEN(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

__attribute__((always_inline)) static inline void show_inlined(stack_visit visit, void *user) {
    char within[16];
    SEEN(within);
    visit(user, STACK_INLINED, within + 3);
    SEEN(within);
}

__attribute__((noinline)) static void show_computed(stack_visit visit, void *user, long length) {
    char computed[length];
    SEEN(computed);
    visit(user, STACK_COMPUTED, computed);
    SEEN(computed);
}

#if defined(STACK_VARIABLES_ARE_PLAIN)
#define stack_variables_show stack_variables_show_plain
#else
const int stack_variables_array_line = __LINE__ + 4;
#endif

__attribute__((noinline)) void stack_variables_show(stack_visit visit, void *user, long given) {
    char array[100];
    struct pair pair = {given, given + 1};
    SEEN(array);
    SEEN(&pair);
    SEEN(&given);
    visit(user, STACK_ARRAY, array + 40);
    visit(user, STACK_MEMBER, &pair.second);
    visit(user, STACK_PARAMETER, &given);
    {
        int inner[10];
        SEEN(inner);
        visit(user, STACK_BLOCK, &inner[2]);
        SEEN(inner);
    }
    show_inlined(visit, user);
    show_computed(visit, user, given);
    SEEN(array);
    SEEN(&pair);
    SEEN(&given);
}
