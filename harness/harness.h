/* The one header that a test author includes.
 *
 *     TEST(arena, rewind_frees_later_blocks) {
 *         struct cupel_allocator *a = test_allocator();
 *         CHECK_INT_EQ(count, 3);      goes on
 *         REQUIRE(page != NULL);       stops this test
 *     }
 *     PROPERTY(alloc, keeps_contents, .longest = 4096) {
 *         while (cupel_draw_more(bytes, "operation")) { ... }      `bytes` and `a` are in scope
 *     }
 *
 * Registration needs no list: each record is found through a linker section. */
#ifndef HARNESS_HARNESS_H
#define HARNESS_HARNESS_H

#include "alloc/alloc.h"
#include "harness/bytes.h"
#include "harness/check.h"
#include "harness/cplusplus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cupel_isolation {
    CUPEL_ISOLATE_DEFAULT, /* what the run says: a worker that survives many tests */
    CUPEL_ISOLATE_WORKER,
    CUPEL_ISOLATE_PROCESS, /* a process for this test alone */
    CUPEL_ISOLATE_NONE,    /* in the runner's own process */
};

/* What a test may leave behind beside memory, each a finding unless its `may_leave` allows it. */
enum cupel_left {
    CUPEL_LEFT_DESCRIPTORS = 1 << 0,     /* opened and not closed; or closed, and not the test's */
    CUPEL_LEFT_CHILDREN = 1 << 1,        /* running, or never waited for */
    CUPEL_LEFT_THREADS = 1 << 2,         /* running */
    CUPEL_LEFT_FILES = 1 << 3,           /* in TMPDIR, which is the worker's own */
    CUPEL_LEFT_DIRECTORY = 1 << 4,       /* another working directory */
    CUPEL_LEFT_UMASK = 1 << 5,           /* another one */
    CUPEL_LEFT_SIGNAL_MASK = 1 << 6,     /* another one */
    CUPEL_LEFT_SIGNAL_HANDLERS = 1 << 7, /* other ones, also SIG_IGN and SIG_DFL */
    CUPEL_LEFT_TIMER = 1 << 8,           /* an alarm that is still to come */
    CUPEL_LEFT_ENVIRONMENT = 1 << 9,     /* variables set or removed */
    CUPEL_LEFT_LOCALE = 1 << 10,         /* another one, of the process or the thread */
    CUPEL_LEFT_LIMITS = 1 << 11,         /* other ones (setrlimit), or another nice value */
    CUPEL_LEFT_STREAMS = 1 << 12,        /* standard input, output or error leads elsewhere */
    CUPEL_LEFT_ANYTHING = (1 << 13) - 1
};

enum cupel_test_kind { CUPEL_KIND_TEST, CUPEL_KIND_PROPERTY };

/* What an author may say of a test or a property, by designated initialisers in TEST and PROPERTY. */
struct cupel_test_options {
    enum cupel_isolation isolate;
    unsigned timeout_s;         /* 0: the run's */
    const char *tags;           /* words separated by spaces */
    const char *skip;           /* reason; the test is reported as skipped */
    const char *expect_failure; /* reason; a failure is ok, a success is a failure */
    int expect_signal;          /* death test: must die by this signal */
    int expect_exit;            /* death test: must exit with this status, given as status + 1 */
    const char *expect_stderr;  /* death test: substring of what it printed */
    void (*setup)(void);        /* before, and teardown after, also when the test failed */
    void (*teardown)(void);
    const void *rows; /* table test: run once a row; see test_row() */
    size_t row_size, row_count;
    size_t memory_limit_bytes; /* resident, beyond what its process had before; 0: the run's */
    unsigned descriptor_limit; /* opening more fails; 0: the run's */
    bool allow_leak;           /* for tests that leak on purpose */
    unsigned may_leave;        /* CUPEL_LEFT_..., joined by |: what it leaves behind on purpose */
    const char *no_sweep;      /* reason; run once where --sweep is given, and told as not swept */
    const char *faults;        /* calls that --sweep makes fail too: any of "vm read write open clock" */
    uint64_t (*strong)(void);  /* state hash that must not change across a failed call */
    size_t longest;            /* PROPERTY: longest input made up, also by engines; default 4096 and theirs */
    unsigned cases;            /* PROPERTY: random cases in a test run, default 100 */
    const char *dictionary;    /* PROPERTY: file under dictionaries/, not SUITE_NAME.dict */
    bool is_declared;          /* set by TEST and PROPERTY */
};

/* A test or a property as its author declared it. */
struct cupel_test {
    enum cupel_test_kind kind;
    const char *suite;
    const char *name;
    const char *file;
    unsigned line;
    void (*run)(void);                                            /* TEST */
    void (*body)(struct cupel_bytes *, struct cupel_allocator *); /* PROPERTY */
    const char *fuzz_root; /* where corpora/, regressions/ and dictionaries/ are */
    struct cupel_test_options options;
};

#define CUPEL_TABLE(array)                                                                                             \
    .rows = (array), .row_size = sizeof((array)[0]), .row_count = sizeof(array) / sizeof((array)[0])

#ifndef CUPEL_FUZZ_ROOT
#define CUPEL_FUZZ_ROOT NULL
#endif
#if defined(__has_attribute)
#if __has_attribute(retain)
#define CUPEL__RETAIN , retain
#endif
#endif
#ifndef CUPEL__RETAIN
#define CUPEL__RETAIN
#endif

/* (Internal linkage would do for tests; external makes a second test of the same name a link error.) */
#ifndef __cplusplus
#define CUPEL__DECLARE(suite_, name_) extern const struct cupel_test cupel_property_##suite_##_##name_
#define CUPEL__RECORD(kind_, suite_, name_, run_, body_, ...)                                                          \
    const struct cupel_test cupel_property_##suite_##_##name_ = {.kind = kind_,                                        \
                                                                 .suite = #suite_,                                     \
                                                                 .name = #name_,                                       \
                                                                 .file = __FILE__,                                     \
                                                                 .line = __LINE__,                                     \
                                                                 .run = run_,                                          \
                                                                 .body = body_,                                        \
                                                                 .fuzz_root = CUPEL_FUZZ_ROOT,                         \
                                                                 .options = {__VA_ARGS__}}
#endif
#define CUPEL__REGISTER(suite_, name_)                                                                                 \
    __attribute__((used CUPEL__RETAIN,                                                                                 \
                   section("cupel_tests"))) static const struct cupel_test *const cupel__pointer_##suite_##_##name_ =  \
        &cupel_property_##suite_##_##name_

#define CUPEL__TEST(suite_, name_, ...)                                                                                \
    static void cupel__test_##suite_##_##name_(void);                                                                  \
    CUPEL__DECLARE(suite_, name_);                                                                                     \
    CUPEL__RECORD(CUPEL_KIND_TEST, suite_, name_, cupel__test_##suite_##_##name_, NULL, __VA_ARGS__);                  \
    CUPEL__REGISTER(suite_, name_);                                                                                    \
    static void cupel__test_##suite_##_##name_(void)

#define CUPEL__PROPERTY(suite_, name_, ...)                                                                            \
    static void cupel__body_##suite_##_##name_(struct cupel_bytes *bytes, struct cupel_allocator *a);                  \
    CUPEL__DECLARE(suite_, name_);                                                                                     \
    CUPEL__RECORD(CUPEL_KIND_PROPERTY, suite_, name_, NULL, cupel__body_##suite_##_##name_, __VA_ARGS__);              \
    CUPEL__REGISTER(suite_, name_);                                                                                    \
    static void cupel__body_##suite_##_##name_(struct cupel_bytes *bytes __attribute__((unused)),                      \
                                               struct cupel_allocator *a __attribute__((unused)))

/* The long names; the last initialiser is there so that an author may give none. */
#define CUPEL_TEST(...)     CUPEL__TEST(__VA_ARGS__, .is_declared = true)
#define CUPEL_PROPERTY(...) CUPEL__PROPERTY(__VA_ARGS__, .is_declared = true)

/* The allocator of the running test: counted, starved and tracked by the runner. */
struct cupel_allocator *test_allocator(void);
/* The row of a table test; its type is the author's. */
const void *test_row(void);
/* The index of that row. */
size_t test_row_index(void);
/* A directory of this test's own, empty, removed after it (kept where the test failed). */
const char *test_directory(void);
/* Ends the test as skipped, with a reason. */
CUPEL_NORETURN void cupel_test_skip(const char *reason);
/* Between these an injected failure may be absorbed without a word. */
void cupel_benign_begin(void);
void cupel_benign_end(void);
/* For the may_allocate of a virtual machine's options: asks the fault plan (`vm:N`) whether an allocation of
 * `size_bytes` in its heap is granted. `context` is not used. A test that declares .faults = "vm" has each of them fail
 * under --sweep. Inside of a body only. */
bool cupel_vm_is_granted(void *context, size_t size_bytes);
/* Between these the calls of this thread are the test's own, that prepare or look: reads, writes, opens and clocks are
 * neither counted nor made to fail. Requests for memory are as ever. They nest. */
void cupel_aside_begin(void);
void cupel_aside_end(void);
/* STARVED(condition): where the code under test reported a failure. The test ends here: rightly where a fault was
 * injected, as a failure where none was. */
CUPEL_NORETURN void cupel__starved(const char *text, const char *file, unsigned line);
void cupel__not_starved(void);

#define CUPEL_STARVED(condition) ((condition) ? cupel__starved(#condition, __FILE__, __LINE__) : cupel__not_starved())

#ifndef CUPEL_NO_SHORT_NAMES
#define TEST(...)     CUPEL_TEST(__VA_ARGS__)
#define PROPERTY(...) CUPEL_PROPERTY(__VA_ARGS__)
#define STARVED(c)    CUPEL_STARVED(c)
#define TABLE(array)  CUPEL_TABLE(array)
#endif

#ifdef __cplusplus
}
#endif

#endif
