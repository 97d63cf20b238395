/* What a perturbing layer varies, from a seed or from text: see perturbing.h. */
#include "alloc/perturbing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const placement_words[CUPEL_PLACEMENT_COUNT] = {"parent", "reused", "never", "adjacent",
                                                                   "misaligned"};

/* SplitMix64 (Steele, Lea and Flood, 2014): each value of a counter gives an independent number. */
static uint64_t draw(uint64_t seed, uint64_t index) {
    uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The values that bugs tell apart: zero, all ones, the least and the greatest sign, and any other. */
static unsigned char byte_from(uint64_t drawn) {
    static const unsigned char known[] = {0x00, 0xff, 0x80, 0x7f, 0x01, 0xa5};
    uint64_t which = drawn % (sizeof known + 2);
    return which < sizeof known ? known[which] : (unsigned char)(drawn >> 32);
}

struct cupel_perturbing_options cupel_perturbing_choose(uint64_t seed) {
    struct cupel_perturbing_options options = {
        .fills_fresh = draw(seed, 0) % 4 != 0,
        .fills_freed = draw(seed, 1) % 4 != 0,
        .fresh = byte_from(draw(seed, 2)),
        .freed = byte_from(draw(seed, 3)),
    };
    if (draw(seed, 4) % 4 != 0) {
        options.placement = (enum cupel_placement)(1 + draw(seed, 5) % (CUPEL_PLACEMENT_COUNT - 1));
    }
    options.fresh = options.fills_fresh ? options.fresh : 0;
    options.freed = options.fills_freed ? options.freed : 0;
    return options;
}

/* A whole number, decimal or 0x; false where the text is none or over `max`. */
static bool parse_number(const char *text, size_t length, uint64_t max, uint64_t *value) {
    bool is_hex = length > 2 && text[0] == '0' && text[1] == 'x';
    uint64_t base = is_hex ? 16 : 10;
    *value = 0;
    for (size_t i = is_hex ? 2 : 0; i < length; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, text[i], base);
        if (digit == NULL || __builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, (uint64_t)(digit - digits), value)) {
            return false;
        }
    }
    return length != 0 && *value <= max;
}

static bool is_word(const char *word, const char *text, size_t length) {
    return strlen(word) == length && memcmp(word, text, length) == 0;
}

/* KEY:VALUE of `length` bytes. False where it is none that is known; `*at` is then the offset of what is wrong. */
static bool parse_word(struct cupel_perturbing_options *options, const char *word, size_t length, size_t *at) {
    const char *colon = memchr(word, ':', length);
    *at = 0;
    if (colon == NULL) {
        return false;
    }
    size_t key_length = (size_t)(colon - word);
    const char *value = colon + 1;
    size_t value_length = length - key_length - 1;
    uint64_t number = 0;
    if (is_word("placement", word, key_length)) {
        for (unsigned i = 0; i < CUPEL_PLACEMENT_COUNT; i++) {
            if (is_word(placement_words[i], value, value_length)) {
                options->placement = (enum cupel_placement)i;
                return true;
            }
        }
    } else if (is_word("seed", word, key_length)) {
        if (parse_number(value, value_length, UINT64_MAX, &number)) {
            *options = cupel_perturbing_choose(number);
            return true;
        }
    } else if (is_word("fresh", word, key_length) || is_word("freed", word, key_length)) {
        if (parse_number(value, value_length, 255, &number)) {
            bool is_fresh = word[4] == 'h';
            *(is_fresh ? &options->fills_fresh : &options->fills_freed) = true;
            *(is_fresh ? &options->fresh : &options->freed) = (unsigned char)number;
            return true;
        }
    } else {
        return false;
    }
    *at = key_length + 1;
    return false;
}

bool cupel_perturbing_parse(struct cupel_perturbing_options *options, const char *text, struct cupel_error *error) {
    *options = (struct cupel_perturbing_options){0};
    for (const char *word = text; *word != '\0';) {
        size_t length = strcspn(word, ",");
        size_t wrong;
        if (!parse_word(options, word, length, &wrong)) {
            *options = (struct cupel_perturbing_options){0};
            return cupel_error_set(
                error, 0, (unsigned)((size_t)(word - text) + wrong) + 1, "'%.*s' is %s",
                (int)(length < 40 ? length : 40), word,
                wrong == 0
                    ? "not seed:N, fresh:BYTE, freed:BYTE or placement:WORD"
                    : "no value of it (a byte is 0 to 255; placements: parent reused never adjacent misaligned)");
        }
        word += length + (word[length] == ',');
    }
    return true;
}

int cupel_perturbing_format(const struct cupel_perturbing_options *options, char *text, size_t size) {
    char fresh[16] = "";
    char freed[16] = "";
    if (options->fills_fresh) {
        (void)snprintf(fresh, sizeof fresh, "fresh:0x%02x,", options->fresh);
    }
    if (options->fills_freed) {
        (void)snprintf(freed, sizeof freed, "freed:0x%02x,", options->freed);
    }
    return snprintf(text, size, "%s%splacement:%s", fresh, freed, placement_words[options->placement]);
}
