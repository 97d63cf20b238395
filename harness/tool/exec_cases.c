/* What test frameworks say of their tests: see exec.h. Check and Criterion are asked for TAP in a file of its own;
 * cmocka and GoogleTest print lines that begin with "[ RUN      ]"; others may print TAP. */
#include "harness/tool/exec.h"

#include <stdio.h>
#include <string.h>

static struct cupel__exec_case *case_named(struct cupel__exec_cases *cases, const char *name, size_t length) {
    for (unsigned i = cases->count; i > 0; i--) {
        struct cupel__exec_case *old = &cases->all[i - 1];
        if (strlen(old->name) == length && memcmp(old->name, name, length) == 0) {
            return old;
        }
    }
    if (cases->count == CUPEL__EXEC_CASES_MAX || length == 0) {
        return NULL;
    }
    struct cupel__exec_case *made = &cases->all[cases->count++];
    (void)snprintf(made->name, sizeof made->name, "%.*s", (int)length, name);
    made->message[0] = '\0';
    made->outcome = CUPEL__CASE_OPEN;
    return made;
}

static void add_message(struct cupel__exec_case *to, const char *text, size_t length) {
    size_t used = strlen(to->message);
    if (length != 0 && used + 2 < sizeof to->message) {
        (void)snprintf(to->message + used, sizeof to->message - used, "%s%.*s", used == 0 ? "" : "; ", (int)length,
                       text);
    }
}

/* Gives each line with its length. */
#define FOR_LINES(text_, line_, length_)                                                                               \
    for (const char *line_ = (text_), *next_ = NULL; *line_ != '\0'; line_ = next_)                                    \
        for (size_t length_ = strcspn(line_, "\n"), once_ = 1;                                                         \
             once_ && ((next_ = line_ + length_ + (line_[length_] == '\n')), 1); once_ = 0)

static const struct {
    const char *mark;
    enum cupel__exec_outcome outcome;
} marks[] = {
    {"[ RUN      ] ", CUPEL__CASE_OPEN},     {"[       OK ] ", CUPEL__CASE_PASSED},
    {"[  FAILED  ] ", CUPEL__CASE_FAILED},   {"[  SKIPPED ] ", CUPEL__CASE_SKIPPED},
    {"[  SKIPPED  ] ", CUPEL__CASE_SKIPPED},
};

/* The text of cmocka and of GoogleTest. What cmocka says of a failure comes before the line that names the test. */
static void read_marks(const char *text, struct cupel__exec_cases *cases) {
    char said[512] = "";
    FOR_LINES(text, line, length) {
        bool is_word = strncmp(line, "[  ERROR   ] --- ", 17) == 0 || strncmp(line, "[   LINE   ] --- ", 17) == 0;
        if (is_word) {
            size_t used = strlen(said);
            (void)snprintf(said + used, sizeof said - used, "%s%.*s", used == 0 ? "" : "; ", (int)(length - 17),
                           line + 17);
        }
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
            size_t mark_length = strlen(marks[i].mark);
            if (length <= mark_length || strncmp(line, marks[i].mark, mark_length) != 0) {
                continue;
            }
            const char *name = line + mark_length;
            size_t name_length = strcspn(name, " ,\n");
            bool is_count = strncmp(name + name_length, " test", 5) == 0; /* "1 test(s), listed below:" */
            struct cupel__exec_case *found = is_count ? NULL : case_named(cases, name, name_length);
            if (found != NULL && (marks[i].outcome != CUPEL__CASE_OPEN || found->outcome == CUPEL__CASE_OPEN)) {
                found->outcome = marks[i].outcome;
                if (marks[i].outcome == CUPEL__CASE_FAILED && found->message[0] == '\0') {
                    add_message(found, said, strlen(said));
                    said[0] = '\0';
                }
            }
        }
    }
}

/* Check's words behind "ok N - " are "file.c:case:test: message". */
static struct cupel__exec_case *case_of_check(struct cupel__exec_cases *cases, const char *words, size_t length) {
    char name[160];
    const char *first = memchr(words, ':', length);
    const char *second = first == NULL ? NULL : memchr(first + 1, ':', length - (size_t)(first + 1 - words));
    const char *third = second == NULL ? NULL : memmem(second + 1, length - (size_t)(second + 1 - words), ": ", 2);
    const char *dot = first == NULL ? NULL : memrchr(words, '.', (size_t)(first - words));
    if (third == NULL || dot == NULL || first - dot > 4) {
        return NULL;
    }
    (void)snprintf(name, sizeof name, "%.*s.%.*s", (int)(second - first - 1), first + 1, (int)(third - second - 1),
                   second + 1);
    struct cupel__exec_case *found = case_named(cases, name, strlen(name));
    if (found != NULL) {
        add_message(found, third + 2, length - (size_t)(third + 2 - words));
    }
    return found;
}

static void read_tap(const char *text, struct cupel__exec_cases *cases) {
    struct cupel__exec_case *last = NULL;
    FOR_LINES(text, line, length) {
        bool is_good = strncmp(line, "ok ", 3) == 0;
        if (!is_good && strncmp(line, "not ok ", 7) != 0) {
            /* What Criterion says of a failure is indented below it. */
            size_t blanks = strspn(line, " #");
            if (last != NULL && last->outcome == CUPEL__CASE_FAILED && blanks != 0 && blanks < length) {
                add_message(last, line + blanks, length - blanks);
            }
            continue;
        }
        const char *words = line + (is_good ? 3 : 7);
        const char *end = line + length;
        words += strspn(words, "0123456789");
        words += strspn(words, " -");
        const char *directive = memmem(words, (size_t)(end - words), " # ", 3);
        bool is_skipped = directive != NULL && strncasecmp(directive + 3, "SKIP", 4) == 0;
        bool is_expected =
            directive != NULL && strncasecmp(directive + 3, "TODO", 4) == 0; /* lint: allow todo: TAP's word */
        end = directive != NULL ? directive : end;
        const char *time = memmem(words, (size_t)(end - words), "  (", 3);
        end = time != NULL ? time : end;
        /* Criterion's "suite::test unexpected signal after file.c:12". */
        const char *blank = memchr(words, ' ', (size_t)(end - words));
        if (blank != NULL && memmem(words, (size_t)(blank - words), "::", 2) != NULL) {
            end = blank;
        }
        while (end > words && end[-1] == ' ') {
            end--;
        }
        last = case_of_check(cases, words, (size_t)(end - words));
        last = last != NULL ? last : case_named(cases, words, (size_t)(end - words));
        if (last != NULL) {
            last->outcome = is_skipped || is_expected ? CUPEL__CASE_SKIPPED
                            : is_good                 ? CUPEL__CASE_PASSED
                                                      : CUPEL__CASE_FAILED;
            if (last->outcome == CUPEL__CASE_PASSED) {
                last->message[0] = '\0';
            }
        }
    }
}

void cupel__exec_cases_read(const struct cupel__exec_run *run, struct cupel__exec_cases *cases) {
    cases->count = 0;
    read_tap(run->cases, cases);
    if (cases->count == 0) {
        read_marks(run->output, cases);
        read_marks(run->errors, cases);
    }
    if (cases->count == 0) {
        read_tap(run->output, cases);
    }
}

const struct cupel__exec_case *cupel__exec_culprit(const struct cupel__exec_cases *cases) {
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < cases->count; i++) {
            if (cases->all[i].outcome == (pass == 0 ? CUPEL__CASE_FAILED : CUPEL__CASE_OPEN)) {
                return &cases->all[i];
            }
        }
    }
    return NULL;
}
