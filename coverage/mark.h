/* The mark of a line: its state in one word, from marks.def. */
#ifndef COVERAGE_MARK_H
#define COVERAGE_MARK_H

#include "coverage/coverage.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MARK(name_, sign_, plain_sign_, colour_, gcov_, words_) CUPEL_MARK_##name_,
enum cupel_mark {
#include "coverage/marks.def"
    CUPEL_MARK_COUNT,
    CUPEL_MARK_NONE = CUPEL_MARK_COUNT, /* a line without code */
};
#undef MARK

struct cupel_mark_look {
    const char *name;       /* "COVERED" */
    const char *sign;       /* one character, UTF-8 */
    const char *plain_sign; /* the same in ASCII */
    const char *colour;     /* a word: "green" */
    const char *gcov;       /* gcov's marker, "N" standing for the count */
    const char *words;      /* "partly covered" */
};

/* The mark of a row, by what ran of its line; NULL is a line without code. */
enum cupel_mark cupel_mark_of(const struct cupel_cover_row *row);
/* How a mark looks; not for CUPEL_MARK_NONE. Borrowed, lives as long as the program. */
const struct cupel_mark_look *cupel_mark_look(enum cupel_mark mark);

#ifdef __cplusplus
}
#endif

#endif
