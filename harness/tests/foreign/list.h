/* Code under test for programs of other frameworks: a list of words that is read from a text. With PLANTED it has
 * defects, each of which shows only where an allocation fails. */
#ifndef HARNESS_TESTS_FOREIGN_LIST_H
#define HARNESS_TESTS_FOREIGN_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    char **words;
    size_t count, capacity;
};

/* False when out of memory: the list is then as it was. */
bool list_add(struct list *list, const char *word);
/* Cuts at blanks; NULL when out of memory. */
struct list *list_read(const char *text);
/* The words in reverse order, joined by commas; owned by the caller, NULL when out of memory. */
char *list_join_backwards(const struct list *list);
void list_free(struct list *list);

#endif
