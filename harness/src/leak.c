/* See leak.h. */
#include "harness/src/leak.h"

#include "harness/src/directory.h"
#include "harness/src/execute.h"
#include "harness/src/route.h"
#include "harness/src/run.h"

#include <string.h>

struct cupel__left cupel__left(void) {
    struct cupel__left left = {.blocks = 0};
    struct cupel__routed routed = cupel__route_counts();
    if (routed.live_blocks != 0) {
        left = (struct cupel__left){routed.live_blocks, routed.live_bytes, cupel__route_oldest().site};
    }
    return left;
}

bool cupel__left_again(void (*again)(void *user), void *user) {
    static struct cupel_result scratch;
    static struct cupel_failing failing, before; /* large */
    struct cupel__run *run = &cupel__run;
    struct cupel__run first = *run;
    struct cupel__fault_note note = *run->fault_note;
    failing = run->failing;
    if (run->item != NULL) {
        cupel__execute_name(run->item, &scratch);
    } else {
        cupel_result_clear(&scratch);
    }
    run->result = &scratch;
    run->is_silent = true;
    run->on_request = NULL; /* its requests are not the run's */
    bool has_grown = true;
    unsigned alike = failing.frame_count == 0 ? CUPEL__LEFT_RUNS_ALIKE - 1 : 0;
    for (unsigned i = 0; has_grown && alike < CUPEL__LEFT_RUNS_ALIKE && i < CUPEL__LEFT_RUNS_MAX; i++) {
        before = run->failing;
        cupel__route_mark_left();
        again(user);
        has_grown = cupel__route_left_grew();
        alike += cupel__fault_is_same(&before, &run->failing);
    }
    run->result = first.result;
    run->on_request = first.on_request;
    run->is_silent = first.is_silent;
    run->failures = first.failures;
    run->has_leaked = first.has_leaked;
    run->has_state_changed = first.has_state_changed;
    run->death = first.death;
    *run->fault_note = note;
    cupel__route_enter();
    run->failing = failing;
    cupel__route_leave();
    cupel__directory_done(&scratch, false);
    return has_grown;
}

void cupel__left_say_leak(const struct cupel__left *left, struct cupel_text *messages) {
    const struct cupel__plan_item *item = cupel__run.item;
    if (item != NULL) {
        cupel_text_add(messages, "%s:%u: ", item->test->file, item->test->line);
    }
    cupel_text_add(messages, "leak: %llu block%s of malloc, %llu bytes, left behind, and more by a second run\n",
                   (unsigned long long)left->blocks, left->blocks == 1 ? "" : "s", (unsigned long long)left->bytes);
}

/* "function+0x12 (module+0x345)", without the frame's number. */
static void place(const void *site, char *text, size_t size) {
    struct cupel_failing failing = {.frame_count = 1, .frames = {site}};
    FILE *out = fmemopen(text, size, "w");
    text[0] = '\0';
    if (out != NULL) {
        cupel_failing_print(&failing, out);
        (void)fclose(out);
    }
    text[strcspn(text, "\n")] = '\0';
    const char *word = strstr(text, "#0 ");
    if (word != NULL) {
        memmove(text, word + 3, strlen(word + 3) + 1);
    }
}

void cupel__left_say_retained(const struct cupel__left *left, struct cupel_result *result) {
    char text[1024] = {0}; /* what a stream writes there MemorySanitizer does not see */
    place(left->site, text, sizeof text);
    (void)snprintf(result->retained, sizeof result->retained,
                   "retained once: %llu block%s, %llu bytes, first at %.180s", (unsigned long long)left->blocks,
                   left->blocks == 1 ? "" : "s", (unsigned long long)left->bytes, text);
}
