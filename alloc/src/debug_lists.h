/* Lists of spans, oldest first. Under the instance's lock. */
#ifndef ALLOC_SRC_DEBUG_LISTS_H
#define ALLOC_SRC_DEBUG_LISTS_H

#include "alloc/src/debug_state.h"

static inline void cupel__list_append(struct cupel__span_list *list, struct cupel__span *span) {
    span->next = NULL;
    span->previous = list->last;
    if (list->last == NULL) {
        list->first = span;
    } else {
        list->last->next = span;
    }
    list->last = span;
    list->count++;
}

static inline void cupel__list_remove(struct cupel__span_list *list, struct cupel__span *span) {
    if (span->previous == NULL) {
        list->first = span->next;
    } else {
        span->previous->next = span->next;
    }
    if (span->next == NULL) {
        list->last = span->previous;
    } else {
        span->next->previous = span->previous;
    }
    span->next = NULL;
    span->previous = NULL;
    list->count--;
}

/* The list on which a live span stands. */
static inline struct cupel__span_list *cupel__list_of(struct cupel__debug *debug, const struct cupel__span *span) {
    return span->is_large                    ? &debug->large
           : span->state == CUPEL__SPAN_OPEN ? &debug->open
                                             : &debug->full[span->size_class];
}

#endif
