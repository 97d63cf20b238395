/* Names with stars: see glob.h. */
#include "alloc/src/glob.h"

#include <stdint.h>

bool cupel__glob(const char *pattern, size_t pattern_length, const char *name, size_t length, bool is_open) {
    size_t at = 0;
    size_t in = 0;
    size_t star = SIZE_MAX; /* behind the last star, and what it took so far */
    size_t taken = 0;
    while (at < length) {
        if (in < pattern_length && pattern[in] == '*') {
            star = ++in;
            taken = at;
        } else if (in < pattern_length && (pattern[in] == '?' || pattern[in] == name[at])) {
            in++;
            at++;
        } else if (in == pattern_length && is_open) {
            return true;
        } else if (star != SIZE_MAX) {
            in = star;
            at = ++taken;
        } else {
            return false;
        }
    }
    while (in < pattern_length && pattern[in] == '*') {
        in++;
    }
    return in == pattern_length;
}
