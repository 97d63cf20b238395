/* Perturbed repeats: what a test may not rely on is varied from repeat to repeat, all of it from the run's one seed, so
 * that the seed and the number of a repeat give the same again. Each dimension is drawn for itself and is left as it is
 * in a part of the repeats; a mask says which may be varied, and what one of them is does not hang on the others: that
 * is what lets a bisect name the dimension that a flake follows.
 *
 * Two dimensions are a process's from its first instruction: whoever wants another address space or environment size
 * executes itself anew (perturb_process.c). These change every CUPEL__PERTURB_SPAN repeats, so that one process serves
 * many tests. The others are set before a test and taken back after it. */
#ifndef HARNESS_SRC_PERTURB_H
#define HARNESS_SRC_PERTURB_H

#include "alloc/base/message.h"
#include "alloc/perturbing.h"
#include "harness/result.h"
#include "harness/src/plan.h"

#include <stdbool.h>
#include <stdint.h>

enum cupel__dimension {
    CUPEL__DIMENSION_ADDRESSES,
    CUPEL__DIMENSION_ENVIRONMENT,
    CUPEL__DIMENSION_LOCALE,
    CUPEL__DIMENSION_TIME_ZONE,
    CUPEL__DIMENSION_DESCRIPTORS,
    CUPEL__DIMENSION_THREADS,
    CUPEL__DIMENSION_FRESH,
    CUPEL__DIMENSION_FREED,
    CUPEL__DIMENSION_PLACEMENT,
    CUPEL__DIMENSION_COUNT
};

enum { CUPEL__PERTURB_ALL = (1 << CUPEL__DIMENSION_COUNT) - 1, CUPEL__PERTURB_SPAN = 4 };

enum cupel__addresses { CUPEL__ADDRESSES_INHERITED, CUPEL__ADDRESSES_FIXED, CUPEL__ADDRESSES_RANDOM };

/* What one repeat of one test runs under. All zero: as the runner was started. */
struct cupel__perturbation {
    enum cupel__addresses addresses;
    unsigned environment_bytes; /* added */
    const char *locale;         /* NULL: as it is */
    const char *time_zone;      /* NULL: as it is */
    int descriptor_first;       /* lowest free one; 0: as it is */
    int descriptor_limit;       /* 0: as it is */
    uint64_t thread_seed;       /* of start delays; 0: none */
    struct cupel_perturbing_options memory;
};

/* "locale", "time-zone", ...; borrowed. */
const char *cupel__dimension_name(unsigned dimension);
/* The names in a mask, joined by commas; "" for none. As snprintf. */
int cupel__perturb_mask_format(uint32_t mask, char *text, size_t size);
/* Names joined by commas; one with '-' before it is taken out (of all, where it is the first). "": all. False and a
 * text on an unknown name. */
bool cupel__perturb_mask_parse(const char *text, uint32_t *mask, struct cupel_error *error);

/* What that item runs under: a pure function of its seed, its repeat, its mask, and the locales of this machine. */
struct cupel__perturbation cupel__perturb_choose(const struct cupel__plan_item *item);
/* The dimensions that are not as they were: a mask. */
uint32_t cupel__perturb_active(const struct cupel__perturbation *perturbation);
/* "locale C.UTF-8, time-zone EST5EDT", "" for nothing; as snprintf. */
int cupel__perturb_format(const struct cupel__perturbation *perturbation, char *text, size_t size);

/* Sets what can be set within a process, for a test that begins; takes it back, but for low descriptors, which stay
 * taken until a test wants it otherwise. One at a time. */
void cupel__perturb_begin(const struct cupel__perturbation *perturbation);
void cupel__perturb_end(void);

/* Adds to the messages of a failed item what it ran under; nothing where it ran as it was. */
void cupel__perturb_note(const struct cupel__plan_item *item, struct cupel_text *messages);

/* Whether this process is as the perturbation wants it from its first instruction. */
bool cupel__perturb_process_fits(const struct cupel__perturbation *perturbation);
/* Whether this program can execute itself anew at all: not under valgrind, nor where /proc is missing. */
bool cupel__perturb_process_is_possible(void);
/* Replaces this process by a new one of the same program with `word` put before its arguments. Comes back where that
 * cannot be had. */
void cupel__perturb_process_enter(const struct cupel__perturbation *perturbation, const char *word);
/* The arguments that main was given, before a parser moved them; kept for the above. */
void cupel__perturb_process_keep(int argc, char **argv);
/* In a process that was executed so: what it is, from its first word on. */
void cupel__perturb_process_entered(enum cupel__addresses addresses, unsigned environment_bytes);

/* Read by the wrapper of pthread_create that test programs link in: see thread_delay.c. 0: no delays. */
extern uint64_t cupel__thread_delay_seed;
extern uint64_t cupel__thread_delay_count; /* threads that began under it */

#endif
