/* PCRE2 as a customer of the harness: patterns compiled, studied for its own machine code, matched in both ways,
 * substituted, converted and serialised, and any bytes as a pattern. It answers PCRE2_ERROR_NOMEMORY where memory ends,
 * and while it compiles the error 121. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "harness/harness.h"

#include <pcre2.h>
#include <stdbool.h>
#include <string.h>

enum { COMPILED_WITHOUT_MEMORY = 121 };

static PCRE2_SPTR code_units(const char *text) {
    return (PCRE2_SPTR)text;
}

/* A compiled pattern; NULL and true in *is_starved where memory ended. */
static pcre2_code *compile(const char *pattern, size_t length, uint32_t options, pcre2_compile_context *context,
                           bool *is_starved) {
    int error = 0;
    size_t place = 0;
    pcre2_code *code = pcre2_compile(code_units(pattern), length, options, &error, &place, context);
    *is_starved = *is_starved || (code == NULL && (error == COMPILED_WITHOUT_MEMORY || error == PCRE2_ERROR_NOMEMORY));
    return code;
}

static int match(const pcre2_code *code, const char *subject, size_t length, pcre2_match_context *context,
                 bool *is_starved) {
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    if (data == NULL) {
        *is_starved = true;
        return 0;
    }
    int count = pcre2_match(code, code_units(subject), length, 0, 0, data, context);
    pcre2_match_data_free(data);
    *is_starved = *is_starved || count == PCRE2_ERROR_NOMEMORY;
    return count;
}

static const char *const patterns[][2] = {
    {"(?<year>\\d{4})-(?<month>\\d\\d)-(?:0[1-9]|[12]\\d|3[01])", "on 2020-02-29, then"},
    {"(?i)(a(b)?(?(2)c|d))+(?=\\s|$)", "xx ABCADabc "},
    {"^(?:(\\()|[^()])*+(?(1)\\))\\R?$", "(abc)\n"},
    {"(?|(one)|(two))\\1(?-i:x)(?<!y)\\K\\w++(?#remark)", "twotwoxzzz"},
    {"(?s)(?<p>\\((?:[^()]++|(?&p))*\\))", "f(a(b)(c(d)))"},
    {"(\\p{Lu}\\p{Ll}+|[[:digit:]]{2,5}?|\\x{20ac}|[^\\x{100}-\\x{200}\\p{Greek}]){3}", "Caf\xc3\xa9"
                                                                                        "12345\xe2\x82\xac"
                                                                                        "yz"},
    {"((((((((((((((((((((((a)?b)?c)?d)?e)?f)?g)?h)?i)?j)?k)?l)?m)?n)?o)?p)?q)?r)?s)?t)?u)?v)?w",
     "abcdefghijklmnopqrstuvw"},
    {"(*MARK:here)(?:a(*THEN)b|a(*COMMIT)c|(*ACCEPT)d)", "ac"},
};

TEST(pcre2, compiles_and_matches, .tags = "customer", TABLE(patterns)) {
    const char *const *row = test_row();
    bool is_starved = false;
    int count = 0;
    int again = 0;
    pcre2_code *code = compile(row[0], PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_DUPNAMES, NULL, &is_starved);
    pcre2_code *copy = code == NULL ? NULL : pcre2_code_copy_with_tables(code);
    is_starved = is_starved || copy == NULL;
    if (!is_starved) {
        count = match(code, row[1], PCRE2_ZERO_TERMINATED, NULL, &is_starved);
        is_starved =
            is_starved || pcre2_jit_compile(copy, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_SOFT) == PCRE2_ERROR_NOMEMORY;
        again = is_starved ? 0 : match(copy, row[1], PCRE2_ZERO_TERMINATED, NULL, &is_starved);
    }
    pcre2_code_free(copy);
    pcre2_code_free(code);
    STARVED(is_starved);
    CHECK_INT_GT(count, 0);
    CHECK_INT_EQ(again, count);
}

/* A stack of its own for machine code, a limit on the heap, and tables for a locale. */
TEST(pcre2, uses_contexts, .tags = "customer") {
    bool is_starved = false;
    int count = 0;
    pcre2_general_context *general = pcre2_general_context_create(NULL, NULL, NULL);
    pcre2_general_context *general_copy = general == NULL ? NULL : pcre2_general_context_copy(general);
    pcre2_compile_context *how = pcre2_compile_context_create(general_copy);
    pcre2_compile_context *how_copy = how == NULL ? NULL : pcre2_compile_context_copy(how);
    pcre2_match_context *limits = pcre2_match_context_create(general);
    pcre2_match_context *limits_copy = limits == NULL ? NULL : pcre2_match_context_copy(limits);
    pcre2_jit_stack *stack = pcre2_jit_stack_create(4096, 65536, general);
    const uint8_t *tables = pcre2_maketables(general);
    if (general_copy != NULL && how_copy != NULL && limits_copy != NULL && stack != NULL && tables != NULL) {
        (void)pcre2_set_character_tables(how_copy, tables);
        (void)pcre2_set_newline(how_copy, PCRE2_NEWLINE_ANY);
        pcre2_jit_stack_assign(limits_copy, NULL, stack);
        pcre2_code *code = compile("(a|b|cc)*d", PCRE2_ZERO_TERMINATED, 0, how_copy, &is_starved);
        if (code != NULL) {
            is_starved = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == PCRE2_ERROR_NOMEMORY;
            count = is_starved ? 0 : match(code, "abccabd", 7, limits_copy, &is_starved);
        }
        pcre2_code_free(code);
    } else {
        is_starved = true;
    }
    pcre2_maketables_free(general, tables);
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(limits_copy);
    pcre2_match_context_free(limits);
    pcre2_compile_context_free(how_copy);
    pcre2_compile_context_free(how);
    pcre2_general_context_free(general_copy);
    pcre2_general_context_free(general);
    STARVED(is_starved);
    CHECK_INT_EQ(count, 2);
}

/* Substitution, the other matcher, and the names and strings of a match. */
TEST(pcre2, substitutes_and_takes_apart, .tags = "customer") {
    bool is_starved = false;
    char text[200];
    size_t length = sizeof text;
    size_t named_length = 0;
    PCRE2_UCHAR *named = NULL;
    PCRE2_UCHAR **list = NULL;
    int count = 0;
    int states = 0;
    int workspace[200];
    pcre2_code *code = compile("(?<first>\\w+) (\\w+)", PCRE2_ZERO_TERMINATED, 0, NULL, &is_starved);
    pcre2_match_data *data = code == NULL ? NULL : pcre2_match_data_create(10, NULL);
    if (data != NULL) {
        count = pcre2_substitute(code, code_units("one two three four"), PCRE2_ZERO_TERMINATED, 0,
                                 PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_EXTENDED, data, NULL,
                                 code_units("\\U$2\\E ${first:+${first}:none}"), PCRE2_ZERO_TERMINATED,
                                 (PCRE2_UCHAR *)text, &length);
        is_starved = is_starved || count == PCRE2_ERROR_NOMEMORY;
        states = pcre2_dfa_match(code, code_units("one two"), 7, 0, 0, data, NULL, workspace, 200);
        is_starved = is_starved || states == PCRE2_ERROR_NOMEMORY;
        int status = pcre2_match(code, code_units("one two"), 7, 0, PCRE2_COPY_MATCHED_SUBJECT, data, NULL);
        if (status > 0) {
            status = pcre2_substring_get_byname(data, code_units("first"), &named, &named_length);
            status = status == 0 ? pcre2_substring_list_get(data, &list, NULL) : status;
        }
        is_starved = is_starved || status == PCRE2_ERROR_NOMEMORY;
    } else {
        is_starved = true;
    }
    pcre2_substring_free(named);
    pcre2_substring_list_free((PCRE2_SPTR *)(uintptr_t)list);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    STARVED(is_starved);
    CHECK_INT_EQ(count, 2);
    CHECK_INT_GT(states, 0);
    CHECK_STR_EQ(text, "TWO one FOUR three");
    CHECK_UINT_EQ(named_length, 3);
}

TEST(pcre2, converts_and_serialises, .tags = "customer") {
    bool is_starved = false;
    PCRE2_UCHAR *converted = NULL;
    size_t length = 0;
    uint8_t *image = NULL;
    pcre2_code *back = NULL;
    int count = 0;
    pcre2_convert_context *context = pcre2_convert_context_create(NULL);
    pcre2_convert_context *copy = context == NULL ? NULL : pcre2_convert_context_copy(context);
    int status = copy == NULL
                     ? PCRE2_ERROR_NOMEMORY
                     : pcre2_pattern_convert(code_units("*.[ch]"), 6, PCRE2_CONVERT_GLOB, &converted, &length, copy);
    is_starved = status == PCRE2_ERROR_NOMEMORY;
    pcre2_code *code =
        is_starved || converted == NULL ? NULL : compile((const char *)converted, length, 0, NULL, &is_starved);
    if (code != NULL) {
        const pcre2_code *codes[] = {code};
        status = pcre2_serialize_encode(codes, 1, &image, &length, NULL);
        status = status == 1 ? pcre2_serialize_decode(&back, 1, image, NULL) : status;
        is_starved = status == PCRE2_ERROR_NOMEMORY;
        count = back == NULL ? 0 : match(back, "main.c", 6, NULL, &is_starved);
    }
    pcre2_serialize_free(image);
    pcre2_code_free(back);
    pcre2_code_free(code);
    pcre2_converted_pattern_free(converted);
    pcre2_convert_context_free(copy);
    pcre2_convert_context_free(context);
    STARVED(is_starved);
    CHECK_INT_EQ(count, 1);
}

/* Both matchers of a pattern agree on whether a subject matches. The pattern is what comes before the first newline. */
PROPERTY(pcre2, machine_code_agrees, .tags = "customer generated_code", .longest = 200, .dictionary = "pcre2.dict") {
    struct cupel_view input = cupel_draw_rest(bytes, "pattern and subject");
    const uint8_t *newline = input.length == 0 ? NULL : memchr(input.data, '\n', input.length);
    size_t length = newline == NULL ? input.length : (size_t)(newline - input.data);
    size_t begin = newline == NULL ? length : length + 1;
    const char *text = input.length == 0 ? "" : (const char *)input.data;
    bool is_starved = false;
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    STARVED(limits == NULL);
    (void)pcre2_set_match_limit(limits, 20000);
    (void)pcre2_set_heap_limit(limits, 1000);
    pcre2_code *code = compile(text, length, PCRE2_NEVER_BACKSLASH_C, NULL, &is_starved);
    int interpreted = 0;
    int compiled = 0;
    if (code != NULL) {
        interpreted = match(code, text + begin, input.length - begin, limits, &is_starved);
        int status = is_starved ? 0 : pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
        is_starved = is_starved || status == PCRE2_ERROR_NOMEMORY;
        compiled = is_starved || status != 0 ? interpreted
                                             : match(code, text + begin, input.length - begin, limits, &is_starved);
    }
    pcre2_code_free(code);
    pcre2_match_context_free(limits);
    STARVED(is_starved);
    if (interpreted >= PCRE2_ERROR_NOMATCH && compiled >= PCRE2_ERROR_NOMATCH) { /* neither came to a limit */
        CHECK_INT_EQ(compiled, interpreted);
    }
}
