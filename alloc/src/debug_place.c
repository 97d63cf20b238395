/* What an address outside all spans is: on a stack, in a module's data, or wild; and what is known of it there. */
#include "alloc/query.h"
#include "alloc/src/debug_block.h"
#include "alloc/src/place_text.h"
#include "alloc/src/region.h"

enum cupel_finding_kind cupel__kind_of_place(uintptr_t address) {
    struct cupel__region region;
    (void)cupel__region_find(address, &region);
    return region.kind == CUPEL__REGION_STATIC  ? CUPEL_FINDING_STATIC
           : region.kind == CUPEL__REGION_STACK ? CUPEL_FINDING_STACK
                                                : CUPEL_FINDING_WILD;
}

struct sentence {
    char *text;
    size_t length;
};

static void put(void *user, const char *text, size_t length) {
    struct sentence *sentence = user;
    for (size_t i = 0; i < length && text[i] != '\n' && sentence->length + 1 < CUPEL__PLACE_TEXT; i++) {
        sentence->text[sentence->length++] = text[i];
    }
}

void cupel__place_text(const void *address, bool is_quick, char text[CUPEL__PLACE_TEXT]) {
    struct cupel_query query;
    struct sentence sentence = {text, 0};
    (void)cupel_query(address, &query);
    if (query.kind == CUPEL_ADDRESS_STACK || query.kind == CUPEL_ADDRESS_STATIC) {
        if (!is_quick) {
            (void)cupel_query_variable(&query);
        }
        cupel_query_print(&query, put, &sentence);
    }
    text[sentence.length] = '\0';
}
