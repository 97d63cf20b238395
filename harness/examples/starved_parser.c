/* The sweep in a program of one's own, with no tests and no runner: each allocation of a small parser fails in turn.
 * The parser splits "name=value,name=value" into a list; on failure it gives back what it had and returns NULL. */
#include "harness/sweep.h"

#include <stdio.h>
#include <string.h>

struct pair {
    struct pair *next;
    size_t size; /* of the text, with its end */
    char *text;
};

static void release_pairs(struct cupel_allocator *a, struct pair *pairs) {
    while (pairs != NULL) {
        struct pair *next = pairs->next;
        cupel_free(a, pairs->text, pairs->size, 1);
        CUPEL_FREE(a, struct pair, pairs);
        pairs = next;
    }
}

static struct pair *parse_pairs(struct cupel_allocator *a, const char *text) {
    struct pair *pairs = NULL;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        struct pair *pair = CUPEL_NEW(a, struct pair);
        char *copy = pair == NULL ? NULL : cupel_alloc(a, length + 1, 1);
        if (copy == NULL) {
            if (pair != NULL) {
                CUPEL_FREE(a, struct pair, pair);
            }
            release_pairs(a, pairs); /* forget this line, and the sweep says: leak at alloc:3 */
            return NULL;
        }
        memcpy(copy, text, length);
        copy[length] = '\0';
        *pair = (struct pair){.next = pairs, .size = length + 1, .text = copy};
        pairs = pair;
        text += length + (text[length] == ',');
    }
    return pairs;
}

static enum cupel_sweep_end parse_once(struct cupel_allocator *a, void *user) {
    struct pair *pairs = parse_pairs(a, user);
    if (pairs == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    release_pairs(a, pairs);
    return CUPEL_SWEEP_DONE;
}

int main(void) {
    char text[] = "colour=red,size=12,shape=round";
    struct cupel_sweep_summary summary = cupel_sweep(parse_once, text, &(struct cupel_sweep_options){.report = stdout});
    return summary.worst == CUPEL_VERDICT_OK && summary.points >= 2 * summary.allocations ? 0 : 1;
}
