/* Any program can starve a function of memory, also one that asks malloc itself: link cupel::harness and the objects of
 * cupel::interpose, which put a gate before malloc. This one sweeps a function that joins words, and ends with 0 when
 * all is well. */
#include "harness/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "one, two, three"; NULL when out of memory. The caller frees it. */
static char *join(const char *const words[], size_t count) {
    char *text = strdup("");
    size_t length = 0;
    for (size_t i = 0; i < count && text != NULL; i++) {
        char *longer = realloc(text, length + strlen(words[i]) + 3);
        if (longer == NULL) {
            free(text); /* without this line the sweep says: leak at alloc:2 */
            return NULL;
        }
        text = longer;
        length += (size_t)sprintf(text + length, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    return text;
}

static enum cupel_sweep_end join_words(struct cupel_allocator *a, void *user) {
    static const char *const words[] = {"one", "two", "three"};
    (void)a; /* for code that takes its memory from an allocator of ours */
    (void)user;
    char *text = join(words, 3);
    if (text == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    enum cupel_sweep_end end = strcmp(text, "one, two, three") == 0 ? CUPEL_SWEEP_DONE : CUPEL_SWEEP_WRONG;
    free(text);
    return end;
}

int main(void) {
    struct cupel_sweep_options options = {.plain_malloc = true, .report = stdout};
    struct cupel_sweep_summary summary = cupel_sweep(join_words, NULL, &options);
    return summary.worst == CUPEL_VERDICT_OK && summary.points != 0 ? 0 : 1;
}
