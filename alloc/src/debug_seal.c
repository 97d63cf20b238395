/* Sealing, and a log: see debug_seal.h. Requests that a sink makes while a finding is told are inside another one: the
 * lock is recursive, and the outermost seals. */
#include "alloc/src/debug_seal.h"

#include "alloc/src/debug_meta.h"
#include "alloc/src/report_output.h"
#include "alloc/src/text.h"

void cupel__debug_unseal(struct cupel__debug *debug) {
    if (debug->options.seal == CUPEL_DEBUG_SEAL_ALWAYS) {
        cupel__recursive_mutex_lock(&debug->seal_lock);
        if (debug->seal_depth++ == 0) {
            cupel__meta_protect(debug, true);
        }
    }
}

void cupel__debug_seal(struct cupel__debug *debug) {
    if (debug->options.seal == CUPEL_DEBUG_SEAL_ALWAYS) {
        if (--debug->seal_depth == 0) {
            cupel__meta_protect(debug, false);
        }
        cupel__recursive_mutex_unlock(&debug->seal_lock);
    }
}

void cupel__span_seal(struct cupel__debug *debug, const struct cupel__span *span, bool is_writable) {
    if (debug->options.seal != CUPEL_DEBUG_SEAL_RETIRED || span->is_large) {
        return;
    }
    size_t page = debug->page_bytes;
    unsigned char *first = (unsigned char *)span->slots + (-(uintptr_t)span->slots & (page - 1));
    unsigned char *end = (unsigned char *)span->slots + cupel__meta_records_bytes(span->size_class);
    end -= (uintptr_t)end & (page - 1);
    if (end > first) {
        (void)debug->system->protect(first, (size_t)(end - first), is_writable);
    }
}

void cupel__debug_write_line(const struct cupel__request *request, size_t size, size_t align, const void *result) {
    struct cupel__output output;
    const struct cupel__text text = cupel__output_begin(&output, &request->debug->options.sink);
    cupel__text_string(&text, request->debug->options.name);
    cupel__text_string(&text, ": ");
    cupel__text_string(&text, request->verb);
    cupel__text_string(&text, " ");
    if (request->block != NULL) {
        cupel__text_hex(&text, (uintptr_t)request->block);
        cupel__text_string(&text, " ");
    }
    cupel__text_decimal(&text, size);
    cupel__text_string(&text, " ");
    cupel__text_decimal(&text, align);
    cupel__text_string(&text, " -> ");
    cupel__text_hex(&text, (uintptr_t)result);
    cupel__text_string(&text, " by thread ");
    cupel__text_decimal(&text, request->thread);
    cupel__text_string(&text, "\n");
    cupel__output_flush(&output);
}
