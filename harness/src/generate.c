/* Random inputs: see generate.h. The generator is splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, 2014), whose constants these are. */
#include "harness/src/generate.h"

#include <string.h>

static uint64_t next(uint64_t *state) {
    uint64_t value = *state += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

static uint64_t hash_text(uint64_t hash, const char *text) { /* FNV-1a, with the end of the text counted */
    do {
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    } while (*text++ != '\0');
    return hash;
}

uint64_t cupel__generate_seed(uint64_t run_seed, const char *suite, const char *name) {
    uint64_t state = hash_text(hash_text(0xcbf29ce484222325 ^ run_seed, suite), name);
    return next(&state);
}

/* A length in 0..most that leans to short and now and then is the longest. */
static size_t length_of_case(uint64_t *state, size_t most) {
    uint64_t shape = next(state);
    size_t length = (size_t)(next(state) % ((uint64_t)most + 1));
    if (shape % 8 == 0) {
        return most;
    }
    return shape % 2 == 0 && length > 16 ? length / 4 : length;
}

static uint8_t byte_of_shape(uint64_t random, unsigned shape) {
    static const uint8_t edges[] = {0, 1, 0xff, 0x7f, 0x80, 0xfe, 0x40, 2};
    uint8_t byte = (uint8_t)(random >> 8);
    switch (shape) {
    case 0:
        return byte % 16;
    case 1:
        return edges[byte % sizeof edges];
    case 2:
        return (random & 7) == 0 ? byte : edges[byte % sizeof edges];
    case 3:
        return (uint8_t)(' ' + byte % 95);
    default:
        return byte;
    }
}

size_t cupel__generate_case(uint64_t seed, unsigned index, unsigned count, uint8_t *data, size_t longest) {
    enum { SHORT_LENGTH = 16 }; /* even the first cases may have this many bytes */
    uint64_t state = seed + index * UINT64_C(0xd1342543de82ef95);
    if (index == 0 || longest == 0) {
        return 0; /* the simplest input there is, in every run */
    }
    size_t most = count <= 1 ? longest : (size_t)((double)longest * index / (count - 1));
    most = most < SHORT_LENGTH ? SHORT_LENGTH : most;
    size_t length = length_of_case(&state, most < longest ? most : longest);
    size_t at = 0;
    while (at < length) {
        uint64_t run = next(&state);
        unsigned shape = (unsigned)(run % 8);
        size_t part = 1 + (size_t)(run >> 8) % (length - at);
        if (shape == 7 && at > 0) { /* repeat what is there: equal draws find what random ones never do */
            part = part < at ? part : at;
            memcpy(data + at, data + at - part, part);
        } else {
            for (size_t i = 0; i < part; i++) {
                data[at + i] = byte_of_shape(next(&state), shape);
            }
        }
        at += part;
    }
    return length;
}
