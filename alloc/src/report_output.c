/* Where findings go: see cupel_sink_finding and report_output.h. */
#include "alloc/src/report_output.h"

#if __STDC_HOSTED__
#include <unistd.h>
#endif

/* Writes all of it; what cannot be written is lost, for there is no one to tell. */
static void write_all(int file, const char *text, size_t length) {
#if __STDC_HOSTED__
    while (length > 0) {
        ssize_t written = write(file, text, length);
        if (written <= 0) {
            break;
        }
        text += written;
        length -= (size_t)written;
    }
#else
    (void)file, (void)text, (void)length;
#endif
}

void cupel__output_flush(struct cupel__output *output) {
    const struct cupel_sink *sink = output->sink;
    if (sink->put == NULL) {
        write_all(sink->file, output->text, output->used);
    } else if (output->used > 0) {
        sink->put(sink->user, output->text, output->used);
    }
    output->used = 0;
}

static void put_output(void *user, const char *text, size_t length) {
    struct cupel__output *output = user;
    for (size_t i = 0; i < length; i++) {
        if (output->used == sizeof output->text) {
            cupel__output_flush(output);
        }
        output->text[output->used++] = text[i];
    }
}

struct cupel__text cupel__output_begin(struct cupel__output *output, const struct cupel_sink *sink) {
    output->sink = sink;
    output->used = 0;
    return (struct cupel__text){put_output, output};
}

void cupel_sink_finding(const struct cupel_sink *sink, const struct cupel_finding *finding) {
    struct cupel__output output;
    const struct cupel__text text = cupel__output_begin(&output, sink);
    if (sink->kind == CUPEL_SINK_CALL) {
        sink->call(sink->user, finding);
    } else if (sink->kind == CUPEL_SINK_TEXT) {
        cupel_finding_print(finding, sink->is_quick, text.put, text.user);
    } else if (sink->kind == CUPEL_SINK_JSON) {
        cupel_finding_print_json(finding, text.put, text.user);
    }
    cupel__output_flush(&output);
}
