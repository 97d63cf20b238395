/* What stands at an address that is no block: which variable of which function, or which static. */
#ifndef ALLOC_SRC_PLACE_TEXT_H
#define ALLOC_SRC_PLACE_TEXT_H

#include <stdbool.h>

enum { CUPEL__PLACE_TEXT = 1024 };

/* A sentence as of cupel_query_print, cut where it is longer; "" where the address is in nothing that has a name.
 * Variables are left out where is_quick. */
void cupel__place_text(const void *address, bool is_quick, char text[CUPEL__PLACE_TEXT]);

#endif
