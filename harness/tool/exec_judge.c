/* What came of one run of a foreign program, in the words of whole programs: see exec.h. */
#include "harness/tool/exec.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
    const char *name;
    enum cupel_verdict verdict;
} words[CUPEL__EXEC_WORD_COUNT] = {
    [CUPEL__EXEC_PASSED] = {"passed", CUPEL_VERDICT_OK},
    [CUPEL__EXEC_FAILED] = {"failed", CUPEL_VERDICT_WRONG},
    [CUPEL__EXEC_TOLERATED] = {"tolerated", CUPEL_VERDICT_OK},
    [CUPEL__EXEC_CLEAN_ERROR] = {"clean-error", CUPEL_VERDICT_OK},
    [CUPEL__EXEC_SILENT_FAILURE] = {"silent-failure", CUPEL_VERDICT_OK},
    [CUPEL__EXEC_MESSAGE_BUT_SUCCESS] = {"message-but-success", CUPEL_VERDICT_SWALLOWED},
    [CUPEL__EXEC_SILENT_WRONG_OUTPUT] = {"silent-wrong-output", CUPEL_VERDICT_WRONG},
    [CUPEL__EXEC_ABORTED] = {"aborted", CUPEL_VERDICT_ABORTED},
    [CUPEL__EXEC_ASSERTION] = {"assertion", CUPEL_VERDICT_CRASH},
    [CUPEL__EXEC_CORRUPTION] = {"corruption", CUPEL_VERDICT_CRASH},
    [CUPEL__EXEC_CRASH] = {"crash", CUPEL_VERDICT_CRASH},
    [CUPEL__EXEC_HANG] = {"hang", CUPEL_VERDICT_HANG},
    [CUPEL__EXEC_NOT_REACHED] = {"not-reached", CUPEL_VERDICT_NOT_REACHED},
};

const char *cupel__exec_word_name(enum cupel__exec_word word) {
    return words[word].name;
}

enum cupel_verdict cupel__exec_verdict(enum cupel__exec_word word) {
    return words[word].verdict;
}

/* Of a text, with its numbers and addresses left out: process ids and times differ from run to run. Never 0. */
static uint64_t key_of(const char *text, size_t bytes) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (isdigit(byte)) {
            bool is_address = byte == '0' && i + 1 < bytes && text[i + 1] == 'x';
            i += is_address ? 1 : 0;
            while (i + 1 < bytes &&
                   (is_address ? isxdigit((unsigned char)text[i + 1]) : isdigit((unsigned char)text[i + 1]))) {
                i++;
            }
            byte = '0';
        }
        hash = (hash ^ byte) * 0x100000001b3u;
    }
    return hash == 0 ? 1 : hash;
}

void cupel__exec_baseline_take(struct cupel__exec_baseline *baseline, const struct cupel__exec_run *run) {
    bool is_first = baseline->duration_ms == 0;
    uint64_t output_key = key_of(run->output, run->output_bytes);
    uint64_t errors_key = key_of(run->errors, run->errors_bytes);
    baseline->output_key = is_first || output_key == baseline->output_key ? output_key : 0;
    baseline->errors_key = is_first || errors_key == baseline->errors_key ? errors_key : 0;
    int64_t duration_ms = run->duration_ns / 1000000 + 1;
    baseline->duration_ms = duration_ms > baseline->duration_ms ? duration_ms : baseline->duration_ms;
    if (is_first) {
        baseline->requests = run->note->requests;
        for (unsigned i = 0; i < run->note->crash_count && i < CUPEL__EXEC_CRASHES_MAX; i++) {
            baseline->crashes[baseline->crash_count++] = run->note->crashes[i];
        }
    }
}

const struct cupel__exec_crash *cupel__exec_crash_of(const struct cupel__exec_run *run,
                                                     const struct cupel__exec_baseline *baseline) {
    for (unsigned i = 0; i < run->note->crash_count && i < CUPEL__EXEC_CRASHES_MAX; i++) {
        const struct cupel__exec_crash *crash = &run->note->crashes[i];
        bool is_known = false;
        for (unsigned j = 0; baseline != NULL && j < baseline->crash_count; j++) {
            is_known = is_known || (baseline->crashes[j].signal == crash->signal &&
                                    baseline->crashes[j].stack.key == crash->stack.key);
        }
        if (!is_known) {
            return crash;
        }
    }
    return NULL;
}

bool cupel__exec_is_skip(const struct cupel__exec_run *run) {
    return !run->is_hang && !run->is_flood && WIFEXITED(run->status) && WEXITSTATUS(run->status) == 77;
}

static bool says_any(const char *text, const char *const texts[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strstr(text, texts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Words of the C library and of sanitizers for memory that is no longer what it was. */
static bool says_corruption(const struct cupel__exec_run *run) {
    static const char *const texts[] = {"free(): ",
                                        "double free or corruption",
                                        "malloc(): ",
                                        "realloc(): ",
                                        "munmap_chunk",
                                        "corrupted ",
                                        "malloc_consolidate",
                                        "*** stack smashing detected",
                                        "ERROR: AddressSanitizer: ",
                                        "buffer overflow detected"};
    return says_any(run->errors, texts, sizeof texts / sizeof texts[0]);
}

static bool says_undefined(const struct cupel__exec_run *run) {
    static const char *const texts[] = {": runtime error: ", "ERROR: UndefinedBehaviorSanitizer"};
    return says_any(run->errors, texts, sizeof texts / sizeof texts[0]);
}

/* Frameworks that catch a signal say so. */
static bool says_signal(const struct cupel__exec_run *run) {
    static const char *const texts[] = {"Test failed with exception: ", "(after this point) Received signal ",
                                        "Unexpected signal caught below this line"};
    size_t count = sizeof texts / sizeof texts[0];
    return says_any(run->errors, texts, count) || says_any(run->output, texts, count);
}

/* An assertion in a function through which the refused request came, but not in the one that made it: how a test that
 * is written with assert() says that it failed. The frames above both must be the same ones. */
static bool is_word_of_test(const struct cupel__exec_note *note) {
    const struct cupel__exec_stack *refused = &note->refused;
    const struct cupel__exec_stack *asserted = &note->asserted;
    if (asserted->count < 2 || asserted->count >= refused->count || refused->count == CUPEL__EXEC_FRAMES_MAX) {
        return false;
    }
    unsigned above = refused->count - asserted->count;
    for (unsigned i = 1; i < asserted->count; i++) {
        if (refused->module[above + i] != asserted->module[i] || refused->offset[above + i] != asserted->offset[i]) {
            return false;
        }
    }
    return true;
}

static enum cupel__exec_word judge_death(const struct cupel__exec_run *run, int signal) {
    if (signal == SIGABRT && run->note->assertion[0] != '\0') {
        return is_word_of_test(run->note) ? CUPEL__EXEC_CLEAN_ERROR : CUPEL__EXEC_ASSERTION;
    }
    if (signal != SIGABRT) { /* a sanitizer has words on these too */
        return CUPEL__EXEC_CRASH;
    }
    return says_corruption(run) ? CUPEL__EXEC_CORRUPTION : CUPEL__EXEC_ABORTED;
}

enum cupel__exec_word cupel__exec_judge(const struct cupel__exec_run *run,
                                        const struct cupel__exec_baseline *baseline) {
    const struct cupel__exec_crash *crash = cupel__exec_crash_of(run, baseline);
    bool has_failed = !WIFEXITED(run->status) || WEXITSTATUS(run->status) != 0;
    if (run->is_hang || run->is_flood) {
        return CUPEL__EXEC_HANG;
    }
    if (run->fault[0] == '\0') {
        return !has_failed ? CUPEL__EXEC_PASSED : WIFSIGNALED(run->status) ? CUPEL__EXEC_CRASH : CUPEL__EXEC_FAILED;
    }
    if (run->note->injected == 0) {
        return CUPEL__EXEC_NOT_REACHED;
    }
    if (crash != NULL || WIFSIGNALED(run->status)) {
        return judge_death(run, crash != NULL ? crash->signal : WTERMSIG(run->status));
    }
    if (says_corruption(run) || says_undefined(run)) {
        return CUPEL__EXEC_CORRUPTION;
    }
    if (says_signal(run) && (baseline == NULL || key_of(run->errors, run->errors_bytes) != baseline->errors_key)) {
        return CUPEL__EXEC_CRASH;
    }
    uint64_t output_key = key_of(run->output, run->output_bytes);
    uint64_t errors_key = key_of(run->errors, run->errors_bytes);
    bool has_message = baseline == NULL || (baseline->errors_key != 0 && errors_key != baseline->errors_key);
    bool has_other_output = baseline != NULL && baseline->output_key != 0 && output_key != baseline->output_key;
    if (has_failed) {
        return has_message || has_other_output ? CUPEL__EXEC_CLEAN_ERROR : CUPEL__EXEC_SILENT_FAILURE;
    }
    if (baseline == NULL) {
        return CUPEL__EXEC_TOLERATED;
    }
    return has_message        ? CUPEL__EXEC_MESSAGE_BUT_SUCCESS
           : has_other_output ? CUPEL__EXEC_SILENT_WRONG_OUTPUT
                              : CUPEL__EXEC_TOLERATED;
}

const char *cupel__exec_blindness(const struct cupel__exec_run *run) {
    const struct cupel__exec_note *note = run->note;
    if (note->is_loaded && note->requests != 0) {
        return NULL;
    }
    if (!note->is_loaded && note->is_hidden) {
        return "it brings a malloc of its own that stands before ours (an executable with a sanitizer linked "
               "statically, as "
               "clang does; gcc's, and clang's with -shared-libasan, leave it)";
    }
    if (!note->is_loaded) {
        return "no library can be preloaded into it: it is linked statically, or runs with the rights of another user";
    }
    return note->left_alone != 0 ? "only the C library and its test framework asked for memory, for themselves; "
                                   "--starve-all takes these too"
                                 : "it never asked for memory";
}
