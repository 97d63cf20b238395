/* Example: a program that works in frames. What one frame allocates is gone with one rewind, so nothing in it is freed
 * block by block; what outlives the frames stands before the mark. After the first frame no page is asked for any more.
 *
 * Ends with 0 where everything went as it is told below. */
#include "alloc/arena.h"
#include "alloc/counting.h"
#include "alloc/libc.h"

#include <stdio.h>
#include <string.h>

struct word {
    struct word *next;
    char text[16];
};

/* A list of `count` words, all from `a`; NULL when there is no memory: the frame's rewind cleans up all the same. */
static struct word *make_list(struct cupel_allocator *a, unsigned count) {
    struct word *list = NULL;
    for (unsigned i = 0; i < count; i++) {
        struct word *word = CUPEL_NEW(a, struct word);
        if (word == NULL) {
            return NULL;
        }
        (void)snprintf(word->text, sizeof word->text, "word %u", i);
        word->next = list;
        list = word;
    }
    return list;
}

int main(void) {
    struct cupel_counting pages;
    struct cupel_arena arena;
    struct cupel_allocator *a = cupel_arena_init(&arena, cupel_counting_init(&pages, cupel_libc()), NULL);

    char *title = cupel_alloc(a, 32, 1); /* outlives every frame */
    if (title == NULL) {
        fprintf(stderr, "arena_frame: out of memory\n");
        return 1;
    }
    (void)snprintf(title, 32, "%s", "frames");

    uint64_t pages_of_first_frame = 0;
    bool as_told = true;
    struct cupel_arena_mark mark = cupel_arena_mark(&arena);
    for (unsigned frame = 0; frame < 100; frame++) {
        const struct word *list = make_list(a, 10000);
        as_told = as_told && list != NULL && strcmp(list->text, "word 9999") == 0;
        cupel_arena_rewind(&arena, mark);
        if (frame == 0) {
            pages_of_first_frame = pages.counts.acquired;
        }
    }
    struct cupel_arena_stats stats = cupel_arena_stats(&arena);
    printf("%s: a million blocks from %zu pages of %zu bytes, at most %zu in use\n", title, stats.pages,
           stats.held_bytes, stats.used_bytes_peak);
    as_told = as_told && pages.counts.acquired == pages_of_first_frame && strcmp(title, "frames") == 0;
    cupel_arena_deinit(&arena);
    return as_told && cupel_counts_are_balanced(&pages.counts) ? 0 : 1;
}
