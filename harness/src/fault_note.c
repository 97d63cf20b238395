/* See fault_note.h. */
#include "harness/src/fault_note.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { STACK_TEXT_MAX = 2048, SAME_FRAMES = 4 /* outwards of them may already be the runner */ };

void cupel__fault_note_take(struct cupel__fault_note *note, const struct cupel_failing *failing) {
    memcpy(note->frames, failing->frames, sizeof note->frames);
    note->frame_count = failing->frame_count;
    note->calls = failing->first.calls;
    note->size = failing->first.size;
    note->new_size = failing->first.new_size;
    note->align = failing->first.align;
}

bool cupel__fault_is_same(const struct cupel_failing *one, const struct cupel_failing *other) {
    unsigned count = one->frame_count < SAME_FRAMES ? one->frame_count : SAME_FRAMES;
    unsigned other_count = other->frame_count < SAME_FRAMES ? other->frame_count : SAME_FRAMES;
    return count == other_count && memcmp(one->frames, other->frames, count * sizeof one->frames[0]) == 0;
}

int cupel__fault_note_stack(const void *const frames[], unsigned count, char *text, size_t size) {
    char stack[STACK_TEXT_MAX] = "";
    struct cupel_failing failing = {.frame_count = count};
    FILE *out = count == 0 ? NULL : fmemopen(stack, sizeof stack, "w");
    if (out != NULL) {
        memcpy(failing.frames, frames, count * sizeof frames[0]);
        cupel_failing_print(&failing, out);
        (void)fclose(out);
    }
    const char *own = strstr(stack, " cupel__test_");
    own = own != NULL ? own : strstr(stack, " cupel__body_");
    size_t used = own != NULL ? (size_t)(own - stack) + strcspn(own, "\n") + 1 : strlen(stack);
    const char *sweep = strstr(stack, " cupel__sweep_call");
    if (sweep != NULL) { /* of cupel_sweep: that line goes too */
        used = (size_t)(sweep - stack);
        while (used > 0 && stack[used - 1] != '\n') {
            used--;
        }
    }
    return snprintf(text, size, "%.*s", (int)used, stack);
}

/* What was asked for, where that is more than plain memory. */
static void describe(const struct cupel__fault_note *note, char *text, size_t size) {
    bool is_growth = (note->calls & 1u << CUPEL_FAULT_GROW) != 0;
    bool is_aligned = note->align > _Alignof(max_align_t);
    char from[64] = "";
    char to[64] = "";
    text[0] = '\0';
    if (note->calls == 1u << CUPEL_FAULT_VM || note->calls >= 1u << CUPEL_FAULT_READ) {
        const char *kind = note->calls == 1u << CUPEL_FAULT_VM      ? "in a virtual machine"
                           : note->calls == 1u << CUPEL_FAULT_READ  ? "a read"
                           : note->calls == 1u << CUPEL_FAULT_WRITE ? "a write"
                           : note->calls == 1u << CUPEL_FAULT_OPEN  ? "an open"
                                                                    : "a look at the clock";
        (void)snprintf(text, size, note->new_size == 0 ? " (%s)" : " (%s of %zu bytes)", kind, note->new_size);
        return;
    }
    if (is_growth) {
        (void)snprintf(from, sizeof from, "from %zu to ", note->size);
    }
    if (is_aligned) {
        (void)snprintf(to, sizeof to, ", aligned to %zu", note->align);
    }
    if (is_growth || is_aligned) {
        (void)snprintf(text, size, " (%s%s%zu bytes%s)",
                       !is_growth                                     ? ""
                       : (note->calls & 1u << CUPEL_FAULT_ALLOC) != 0 ? "growth "
                                                                      : "growth in place ",
                       from, note->new_size, to);
    }
}

void cupel__fault_note_text(const struct cupel__fault_note *note, char *text, size_t size) {
    char stack[STACK_TEXT_MAX];
    char what[256];
    size_t used = 0;
    text[0] = '\0';
    if (note->death_frame_count != 0) {
        (void)cupel__fault_note_stack(note->death_frames, note->death_frame_count, stack, sizeof stack);
        int length = snprintf(text, size, "it ended here:\n%s", stack);
        used = (size_t)length < size ? (size_t)length : size;
    }
    if (note->frame_count != 0 && used < size) {
        describe(note, what, sizeof what);
        (void)cupel__fault_note_stack(note->frames, note->frame_count, stack, sizeof stack);
        (void)snprintf(text + used, size - used, "the request that failed%s:\n%s", what, stack);
    }
}

void cupel__fault_note_add(const struct cupel__fault_note *note, struct cupel_text *messages) {
    char text[2 * STACK_TEXT_MAX + 256];
    cupel__fault_note_text(note, text, sizeof text);
    cupel_text_add_n(messages, text, strlen(text));
}
