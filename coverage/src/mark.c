/* Marks from the one table: see mark.h. */
#include "coverage/mark.h"

#include <assert.h>

#define MARK(name_, sign_, plain_sign_, colour_, gcov_, words_) {#name_, sign_, plain_sign_, colour_, gcov_, words_},
static const struct cupel_mark_look looks[] = {
#include "coverage/marks.def"
};
#undef MARK

enum cupel_mark cupel_mark_of(const struct cupel_cover_row *row) {
    if (row == NULL) {
        return CUPEL_MARK_NONE;
    }
    if (row->counts.total == 0) {
        return CUPEL_MARK_UNCOVERED;
    }
    return row->has_unexecuted_block ? CUPEL_MARK_PARTIAL : CUPEL_MARK_COVERED;
}

const struct cupel_mark_look *cupel_mark_look(enum cupel_mark mark) {
    assert(mark < CUPEL_MARK_COUNT);
    return &looks[mark];
}
