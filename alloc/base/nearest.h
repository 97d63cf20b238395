/* Which known word a mistyped one was meant to be. Candidates are offered one by one, from whatever table holds them.
 */
#ifndef ALLOC_BASE_NEAREST_H
#define ALLOC_BASE_NEAREST_H

#ifdef __cplusplus
extern "C" {
#endif

struct cupel_nearest {
    const char *word; /* borrowed */
    const char *best; /* the nearest candidate so far, borrowed; NULL where none is near enough to suggest */
    unsigned distance;
};

void cupel_nearest_init(struct cupel_nearest *nearest, const char *word);
/* Near enough: at most a third of the longer word's characters differ, or `word` begins the candidate. The first of
 * equally near ones stays. Cost: the product of the two lengths; words over 63 characters are never near. */
void cupel_nearest_offer(struct cupel_nearest *nearest, const char *candidate);

#ifdef __cplusplus
}
#endif

#endif
