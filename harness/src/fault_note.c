/* See fault_note.h. */
#include "harness/src/fault_note.h"
#include "harness/src/run.h"

#include <stdio.h>
#include <string.h>

void cupel__fault_note_take(const struct cupel_failing *failing) {
    struct cupel__fault_note *note = cupel__run.fault_note;
    memcpy(note->frames, failing->frames, sizeof note->frames);
    note->frame_count = failing->frame_count;
}

void cupel__fault_note_text(const struct cupel__fault_note *note, char *text, size_t size) {
    char stack[2048] = "";
    struct cupel_failing failing = {.frame_count = note->frame_count};
    text[0] = '\0';
    FILE *out = note->frame_count == 0 ? NULL : fmemopen(stack, sizeof stack, "w");
    if (out == NULL) {
        return;
    }
    memcpy(failing.frames, note->frames, sizeof failing.frames);
    cupel_failing_print(&failing, out);
    (void)fclose(out);
    const char *own = strstr(stack, " cupel__test_");
    own = own != NULL ? own : strstr(stack, " cupel__body_");
    size_t used = own != NULL ? (size_t)(own - stack) + strcspn(own, "\n") : strcspn(stack, "\n");
    (void)snprintf(text, size, "the request that failed:\n%.*s\n", (int)used, stack);
}

void cupel__fault_note_add(const struct cupel__fault_note *note, struct cupel_text *messages) {
    char text[2304];
    cupel__fault_note_text(note, text, sizeof text);
    cupel_text_add_n(messages, text, strlen(text));
}
