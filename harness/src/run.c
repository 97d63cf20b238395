/* The first runner: in process, one test after another. */
#include "harness/src/run.h"

#include "alloc/libc.h"
#include "harness/harness.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct cupel_test *const __start_cupel_tests[];
extern const struct cupel_test *const __stop_cupel_tests[];

static jmp_buf out;
static bool has_failed;

void cupel__run_failed(bool fatal) {
    has_failed = true;
    if (fatal) {
        longjmp(out, 1);
    }
}

struct cupel_allocator *test_allocator(void) {
    return cupel_libc();
}

void cupel_test_skip(const char *reason) {
    printf("skipped: %s\n", reason);
    longjmp(out, 2);
}

void cupel_benign_begin(void) {
}

void cupel_benign_end(void) {
}

void cupel__starved(bool condition, const char *text, const char *file, unsigned line) {
    if (condition) {
        cupel__fail(true, file, line, "STARVED(%s) where no fault was injected", text);
    }
}

static void run_property(const struct cupel_test *test) {
    uint8_t data[256];
    for (unsigned i = 0; i < 100; i++) {
        for (size_t j = 0; j < sizeof data; j++) {
            data[j] = (uint8_t)rand();
        }
        struct cupel_bytes bytes;
        cupel_bytes_init(&bytes, data, i);
        test->body(&bytes, cupel_libc());
    }
}

static int run_one(const struct cupel_test *test) {
    int jumped = setjmp(out);
    if (jumped != 0) {
        return jumped;
    }
    if (test->options.setup != NULL) {
        test->options.setup();
    }
    if (test->kind == CUPEL_KIND_TEST) {
        test->run();
    } else {
        run_property(test);
    }
    return 0;
}

int cupel__run_main(int argc, char **argv);
int cupel__run_main(int argc, char **argv) {
    unsigned passed = 0;
    unsigned failed = 0;
    unsigned skipped = 0;
    for (const struct cupel_test *const *test = __start_cupel_tests; test < __stop_cupel_tests; test++) {
        char name[256];
        (void)snprintf(name, sizeof name, "%s.%s", (*test)->suite, (*test)->name);
        if (argc > 1 && strstr(name, argv[1]) == NULL) {
            continue;
        }
        has_failed = false;
        int jumped = run_one(*test);
        if ((*test)->options.teardown != NULL) {
            (*test)->options.teardown();
        }
        printf("%s %s\n", has_failed ? "FAILED" : jumped == 2 ? "skipped" : "ok", name);
        *(has_failed ? &failed : jumped == 2 ? &skipped : &passed) += 1;
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed != 0 ? 1 : passed + skipped == 0 ? 4 : 0;
}
