/* The running test, as checks see it. */
#ifndef HARNESS_SRC_RUN_H
#define HARNESS_SRC_RUN_H

#include <stdbool.h>

void cupel__run_failed(bool fatal);

#endif
