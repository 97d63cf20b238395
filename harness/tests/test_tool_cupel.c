/* Goal: cupel becomes the right program with the same arguments, or says what is wrong. Method: the built program, and
 * a copy of it in a directory of the test's own beside stand-ins for verbs. */
#include "harness/tests/tool.h"

#define CUPEL TOOL_BIN "cupel"

/* A copy of cupel in the test's directory, whose neighbours are ours. */
static void copy_cupel(void) {
    REQUIRE_INT_EQ(tool("cp '%s' cupel", CUPEL)->status, 0);
}

TEST(cupel_tool, lists_verbs_with_a_sentence_each, .tags = "slow") {
    const struct tool_run *run = tool("%s --help", CUPEL);
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "usage: cupel VERB");
    CHECK_STR_CONTAINS(run->output, "\n  doctor   Says what this machine can and cannot do");
    CHECK_STR_EQ(run->errors, "");
}

TEST(cupel_tool, tells_verbs_that_are_there_from_those_that_are_not, .tags = "slow") {
    copy_cupel();
    tool_write("cupel-vm", "#!/bin/sh\n");
    const struct tool_run *run = tool("PATH=/nowhere ./cupel -h");
    const char *heading = strstr(run->output, "\nNot built here:\n");
    const char *built = strstr(run->output, "\n  vm ");
    const char *missing = strstr(run->output, "\n  fuzz ");
    REQUIRE(heading != NULL && built != NULL && missing != NULL);
    CHECK(built < heading);
    CHECK(missing > heading);
}

TEST(cupel_tool, hands_arguments_and_status_through, .tags = "slow") {
    copy_cupel();
    tool_write("cupel-fuzz", "#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done\nexit 4\n");
    const struct tool_run *run = tool("./cupel fuzz run 'two words' --help -- ''");
    CHECK_INT_EQ(run->status, 4);
    CHECK_STR_EQ(run->output, "<run><two words><--help><--><>");
}

TEST(cupel_tool, prefers_the_program_beside_it_to_the_one_in_path, .tags = "slow") {
    copy_cupel();
    REQUIRE_INT_EQ(tool("mkdir other")->status, 0);
    tool_write("other/cupel-vm", "#!/bin/sh\necho other\n");
    CHECK_STR_EQ(tool("PATH=\"$PWD/other:$PATH\" ./cupel vm")->output, "other\n");
    tool_write("cupel-vm", "#!/bin/sh\necho beside\n");
    CHECK_STR_EQ(tool("PATH=\"$PWD/other:$PATH\" ./cupel vm")->output, "beside\n");
}

TEST(cupel_tool, runs_a_verb_that_it_does_not_know, .tags = "slow") {
    copy_cupel();
    tool_write("cupel-mine", "#!/bin/sh\necho mine\n");
    CHECK_STR_EQ(tool("./cupel mine")->output, "mine\n");
}

TEST(cupel_tool, shows_the_help_of_a_verb, .tags = "slow") {
    copy_cupel();
    tool_write("cupel-vm", "#!/bin/sh\necho \"asked: $*\"\n");
    CHECK_STR_EQ(tool("./cupel help vm")->output, "asked: --help\n");
    CHECK_STR_CONTAINS(tool("./cupel help")->output, "usage: cupel VERB");
}

static const struct bad_use {
    const char *words;
    int status;
    const char *says;
} bad_uses[] = {
    {"fzuz", 2, "cupel: unknown verb 'fzuz'; did you mean 'fuzz'?"},
    {"qqqq", 2, "cupel: unknown verb 'qqqq' (cupel --help lists all)"},
    {"fuzz", 5, "cupel: this build has no 'cupel-fuzz'"},
    {"help fuzz", 5, "cupel: this build has no 'cupel-fuzz'"},
    {"vm", 5, "cupel-vm': Permission denied"},
    {"", 2, "usage: cupel VERB"},
    {"''", 2, "usage: cupel VERB"},
    {"--", 2, "a verb is missing"},
    {"--hlep", 2, "column 1: unknown flag '--hlep'; did you mean '--help'?"},
    {"-x", 2, "column 2: unknown flag '-x'"},
    {"../cupel", 2, "unknown verb '../cupel'"},
    {"--help >/dev/full", 6, "could not write to standard output"},
    {"--version >/dev/full", 6, "could not write to standard output"},
};

TEST(cupel_tool, says_what_is_wrong, TABLE(bad_uses), .tags = "slow") {
    const struct bad_use *row = test_row();
    copy_cupel();
    tool_write("cupel-vm", "#!/bin/sh\n");
    REQUIRE_INT_EQ(tool("chmod a-x cupel-vm")->status, 0);
    const struct tool_run *run = tool("PATH=/nowhere ./cupel %s", row->words);
    CHECK_INT_EQ(run->status, row->status);
    CHECK_STR_CONTAINS(run->errors, row->says);
    CHECK_STR_EQ(run->output, "");
}

TEST(cupel_tool, prints_its_version, .tags = "slow") {
    const struct tool_run *run = tool("%s --version", CUPEL);
    CHECK_INT_EQ(run->status, 0);
    CHECK_INT_EQ(strncmp(run->output, "cupel ", 6), 0);
    CHECK(run->output[6] >= '0' && run->output[6] <= '9');
}

TEST(cupel_tool, manual_tells_of_every_verb, .tags = "slow") {
    static char page[16384];
    tool_read(CUPEL_TEST_SOURCE_DIR "/harness/doc/cupel.1", page, sizeof page);
    const struct tool_run *run = tool("%s --help=complete", CUPEL);
    unsigned count = 0;
    char *save = NULL;
    static char lines[sizeof run->output];
    memcpy(lines, run->output, sizeof lines);
    for (char *line = strtok_r(lines, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *tab = strchr(line, '\t');
        char entry[512];
        REQUIRE(tab != NULL);
        *tab = '\0';
        if (line[0] != '-') {
            (void)snprintf(entry, sizeof entry, ".TP\n.B %s\n%s\n", line, tab + 1);
            CHECK_STR_CONTAINS(page, entry);
            count++;
        }
    }
    CHECK_UINT_EQ(count, 9);
}
