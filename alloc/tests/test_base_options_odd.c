/* Goal: tables at the edges of what a table may be still print and parse, and a mistyped word finds its neighbour.
 * Method: one odd table; words near to and far from a few verbs. */
#include "alloc/base/nearest.h"
#include "alloc/base/options.h"
#include "harness/harness.h"

#include <string.h>

static struct cupel_arguments arguments;
static struct cupel_error error;
static const char *odd_text;
static int64_t odd_number;
static struct cupel_option_list odd_list;
static const struct cupel_option odd_table[] = {
    {.name = "a-name-that-fills-its-column",
     .letter = 'h',
     .kind = CUPEL_OPTION_TEXT,
     .value = &odd_text,
     .value_is_optional = true,
     .sentence =
         "A sentence that is so long that it does not fit behind its name within the hundred columns of a line."},
    {.name = "dots",
     .kind = CUPEL_OPTION_INT,
     .value = &odd_number,
     .min = 2,
     .max = INT64_MAX,
     .sentence = ".SH \\ is no request of ours."},
    {.name = "list", .kind = CUPEL_OPTION_LIST, .value = &odd_list, .value_is_optional = true, .sentence = "'Quoted'."},
    {.name = "version", .kind = CUPEL_OPTION_TEXT, .value = &odd_text, .sentence = "Its own version."},
    {.name = NULL},
};
static const struct cupel_program odd_program = {
    .name = "odd", .synopsis = "", .sentence = "Odd.", .options = odd_table};

TEST(base, options_print_odd_tables) {
    char text[4096] = ""; /* MemorySanitizer does not see what a stream writes */
    FILE *stream = fmemopen(text, sizeof text, "w");
    REQUIRE(stream != NULL);
    cupel_options_help(&odd_program, stream);
    cupel_options_man(&odd_program, stream);
    REQUIRE_INT_EQ(fclose(stream), 0);
    CHECK_STR_CONTAINS(
        text, "  -h, --a-name-that-fills-its-column[=VALUE]\n"
              "                            A sentence that is so long that it does not fit behind its name within\n"
              "                            the hundred columns of a line.\n");
    CHECK_STR_CONTAINS(text, "\n      --help                Print this help and end.\n"); /* -h is taken */
    CHECK(strstr(text, "Print the version") == NULL);
    CHECK_STR_CONTAINS(text, "\n\\&.SH \\e is no request of ours.\n");
    CHECK_STR_CONTAINS(text, "\n\\&'Quoted'.\n");
}

TEST(base, options_take_optional_values_and_open_ranges) {
    char words[6][40] = {"odd", "-h", "--list", "--list=x", "--dots=9223372036854775807", "--dots=inf"};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], words[5], NULL};
    odd_list.count = 0;
    odd_text = NULL;
    REQUIRE(cupel_options_parse(&odd_program, 6, argv, &arguments, &error));
    CHECK_STR_EQ(odd_text, "");
    CHECK_INT_EQ(odd_number, INT64_MAX);
    REQUIRE_UINT_EQ(odd_list.count, 2);
    CHECK_STR_EQ(odd_list.words[0], "");
    (void)snprintf(words[1], sizeof words[1], "--dots=1");
    CHECK(!cupel_options_parse(&odd_program, 2, argv, &arguments, &error));
    CHECK_STR_EQ(error.text, "--dots: '1' is less than 2");
}

static const char *suggestion(const char *word) {
    struct cupel_nearest nearest;
    cupel_nearest_init(&nearest, word);
    cupel_nearest_offer(&nearest, "fuzz");
    cupel_nearest_offer(&nearest, "cover");
    cupel_nearest_offer(&nearest, "doctor");
    return nearest.best != NULL ? nearest.best : "";
}

TEST(base, nearest_suggests_what_was_meant_and_nothing_else) {
    CHECK_STR_EQ(suggestion("fzuz"), "fuzz");
    CHECK_STR_EQ(suggestion("doctr"), "doctor");
    CHECK_STR_EQ(suggestion("co"), "cover");
    CHECK_STR_EQ(suggestion("vm"), "");
    CHECK_STR_EQ(suggestion(""), "");
    CHECK_STR_EQ(suggestion("an extremely long word that nobody ever typed for the name of a verb"), "");
}
