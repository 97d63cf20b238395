/* Text on its way to a sink: collected, and handed on in pieces. On the stack of whoever writes. */
#ifndef ALLOC_SRC_REPORT_OUTPUT_H
#define ALLOC_SRC_REPORT_OUTPUT_H

#include "alloc/report.h"
#include "alloc/src/text.h"

enum {
#if __STDC_HOSTED__
    CUPEL__OUTPUT_BYTES = 4096 /* what pipes take at once */
#else
    CUPEL__OUTPUT_BYTES = 128
#endif
};

struct cupel__output {
    const struct cupel_sink *sink;
    size_t used;
    char text[CUPEL__OUTPUT_BYTES];
};

/* Begins with nothing; what is put to the result goes to the sink's descriptor or function, the last of it with
 * cupel__output_flush. */
struct cupel__text cupel__output_begin(struct cupel__output *output, const struct cupel_sink *sink);
void cupel__output_flush(struct cupel__output *output);

#endif
