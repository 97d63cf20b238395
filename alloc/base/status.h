/* The exit statuses of every cupel program: one table. A test process says 77 for skipped; `guard` has its own 86. */
#ifndef ALLOC_BASE_STATUS_H
#define ALLOC_BASE_STATUS_H

enum cupel_status {
    CUPEL_OK = 0,            /* all is well */
    CUPEL_FAILED = 1,        /* tests failed, or findings; outranks CUPEL_GATE */
    CUPEL_USAGE = 2,         /* usage, or bad input */
    CUPEL_GATE = 3,          /* a coverage gate failed */
    CUPEL_NOTHING = 4,       /* nothing selected, or an empty corpus */
    CUPEL_LACKING = 5,       /* this machine lacks something; the message says what */
    CUPEL_OUTPUT = 6,        /* output could not be written */
    CUPEL_SKIPPED = 77,      /* a test process only */
    CUPEL_INTERNAL = 99,     /* a defect of ours */
    CUPEL_INTERRUPTED = 130, /* Ctrl-C */
};

#endif
