/* Legal: a hundred thousand blocks come and go in no order.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    enum { PLACES = 500 };
    static char *places[PLACES];
    static size_t sizes[PLACES];
    unsigned seed = 1;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned place = seed / 65536 % PLACES;
        cupel_free(a, places[place], sizes[place], 8);
        sizes[place] = seed / 7 % 700;
        places[place] = cupel_alloc(a, sizes[place], 8);
        memset(places[place], 1, sizes[place]);
    }
    for (unsigned i = 0; i < PLACES; i++) {
        cupel_free(a, places[i], sizes[i], 8);
    }
    return misuse_end();
}
