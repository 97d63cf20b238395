/* Traces as text: see trace.h. Modules are named from their snapshots, symbols are read from the modules' files, and
 * lines are asked for, one question a module. Buffers are static: of two reports at one time, or of one inside the
 * other (a second fault), the later does without lines. */
#include "alloc/src/symboliser.h"
#include "alloc/src/symbols.h"
#include "alloc/src/trace_modules.h"
#include "alloc/src/trace_store.h"
#include "alloc/trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINES_BYTES = 8 * 1024, LINE_BYTES = 1024 };

/* The lines that a symboliser gave for the frames, in the order in which it gave them. */
struct lines {
    char text[LINES_BYTES];
    size_t length;
    uint16_t first[CUPEL_TRACE_FRAMES_MAX]; /* of a frame's texts: "function\0place\0" each; 0: none */
    uint16_t count[CUPEL_TRACE_FRAMES_MAX];
};

static struct lines lines;

struct frame {
    uintptr_t ip;
    const struct cupel__trace_module *module; /* NULL: none */
    uintptr_t offset;                         /* in its file; of the call, which stands before the return address */
};

static void take_line(void *user, unsigned which, const char *function, const char *place, bool is_inlined) {
    (void)is_inlined;
    const unsigned *asked = user; /* frame numbers of the question */
    size_t function_size = strlen(function) + 1;
    size_t place_size = strlen(place) + 1;
    unsigned frame = asked[which];
    if (lines.length + function_size + place_size > sizeof lines.text) {
        return;
    }
    if (lines.count[frame] == 0) {
        lines.first[frame] = (uint16_t)lines.length;
    }
    memcpy(lines.text + lines.length, function, function_size);
    memcpy(lines.text + lines.length + function_size, place, place_size);
    lines.length += function_size + place_size;
    lines.count[frame]++;
}

/* One question for each module, with all frames in it. */
static void ask(const struct frame frames[], unsigned count) {
    memset(lines.count, 0, sizeof lines.count);
    lines.length = 0;
    for (unsigned i = 0; i < count; i++) {
        bool is_asked = frames[i].module == NULL || frames[i].module->name[0] != '/';
        for (unsigned j = 0; j < i; j++) {
            is_asked = is_asked || frames[j].module == frames[i].module;
        }
        uintptr_t offsets[CUPEL_TRACE_FRAMES_MAX];
        unsigned asked[CUPEL_TRACE_FRAMES_MAX];
        unsigned asked_count = 0;
        for (unsigned j = i; !is_asked && j < count; j++) {
            if (frames[j].module == frames[i].module) {
                asked[asked_count] = j;
                offsets[asked_count++] = frames[j].offset;
            }
        }
        if (asked_count != 0) {
            (void)cupel__symboliser_ask(frames[i].module->name, offsets, asked_count, take_line, asked);
        }
    }
}

struct out {
    cupel_trace_put put;
    void *user;
};

__attribute__((format(printf, 2, 3))) static void say(const struct out *out, const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    out->put(out->user, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

static void print_frame(const struct out *out, unsigned number, const struct frame *frame, bool has_lines) {
    if (frame->module == NULL) {
        say(out, "    #%u 0x%" PRIxPTR "\n", number, frame->ip);
        return;
    }
    struct cupel__place place;
    cupel__place_in_file(frame->module->name, frame->offset, &place);
    unsigned count = has_lines ? lines.count[number] : 0;
    const char *text = lines.text + lines.first[number];
    for (unsigned i = 0; i + 1 < count; i++) {
        const char *where = text + strlen(text) + 1;
        say(out, "    #%u %s at %s, inlined into\n", number, text, where);
        text = where + strlen(where) + 1;
    }
    if (place.function[0] != '\0') {
        say(out, "    #%u %s+0x%" PRIxPTR " (%s+0x%" PRIxPTR ")", number, place.function, place.function_offset,
            frame->module->name, frame->offset);
    } else if (count != 0 && text[0] != '?') {
        say(out, "    #%u %s (%s+0x%" PRIxPTR ")", number, text, frame->module->name, frame->offset);
    } else {
        say(out, "    #%u (%s+0x%" PRIxPTR ")", number, frame->module->name, frame->offset);
    }
    if (count != 0) {
        say(out, " at %s", text + strlen(text) + 1);
    }
    say(out, "\n");
}

void cupel_trace_print(cupel_trace_id id, bool is_quick, cupel_trace_put put, void *user) {
    uint32_t indices[CUPEL_TRACE_FRAMES_MAX];
    struct frame frames[CUPEL_TRACE_FRAMES_MAX];
    int error = errno;
    unsigned count = cupel__trace_store_read(cupel__trace_store_of_all, id, indices);
    for (unsigned i = 0; i < count; i++) {
        const struct cupel__trace_frame *frame = cupel__trace_frame_at(cupel__trace_store_of_all, indices[i]);
        frames[i].ip = (uintptr_t)frame->ip;
        frames[i].module = cupel__trace_module_at(frame->module);
        frames[i].offset = frames[i].module == NULL ? 0 : frames[i].ip - 1 - frames[i].module->bias;
    }
    bool has_lines = !is_quick && cupel__symboliser_enter();
    if (has_lines) {
        ask(frames, count);
    }
    struct out out = {put, user};
    for (unsigned i = 0; i < count; i++) {
        print_frame(&out, i, &frames[i], has_lines);
    }
    if (has_lines) {
        cupel__symboliser_leave();
    }
    errno = error;
}

const char *cupel_trace_lack(void) {
#if !defined(__x86_64__)
    return "on this machine stacks are walked by frame pointers only: code built without them ends a trace";
#elif !defined(DLFO_STRUCT_HAS_EH_DBASE)
    return "this C library has no _dl_find_object (glibc 2.35): stacks are walked by frame pointers only";
#else
    return NULL;
#endif
}
