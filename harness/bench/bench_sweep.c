/* What a sweep costs: a body of 40, 400 and 4000 allocations, every one of them failed in turn, against one exec a
 * point (each point a fresh process, as drivers with a counter in the environment do it) and against a bare loop in one
 * process, which knows neither crashes nor hangs. Built with AddressSanitizer, for which the budgets are; the exec is
 * sampled, since all its points would take minutes. Times are CPU times, and each is measured in a process of its own:
 * the sanitizer keeps what was freed, so that the first to run would pay for what the next finds. */
#include "harness/sweep.h"

#include "alloc/libc.h"
#include "harness/bench/row.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS_MAX = 5, EXEC_SAMPLES = 24 };

extern char **environ;

/* CPU time of this process and of the children that it has waited for, so that others on the machine disturb it little.
 */
static int64_t cpu_ns(void) {
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    int64_t total = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct rusage usage;
        (void)getrusage(whose[i], &usage);
        total += ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
                 ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
    }
    return total;
}

/* The code under test: a list of `count` nodes that is built, used and torn down. */
struct node {
    struct node *next;
    size_t size;
};

static bool build_list(struct cupel_allocator *a, size_t count, struct node **list) {
    *list = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t size = sizeof(struct node) + i % 13 * 16;
        struct node *node = cupel_alloc(a, size, _Alignof(struct node));
        if (node == NULL) {
            return false;
        }
        memset(node, 0x5a, size);
        *node = (struct node){.next = *list, .size = size};
        *list = node;
    }
    return true;
}

static void release_list(struct cupel_allocator *a, struct node *list) {
    while (list != NULL) {
        struct node *next = list->next;
        cupel_free(a, list, list->size, _Alignof(struct node));
        list = next;
    }
}

static enum cupel_sweep_end run_body(struct cupel_allocator *a, void *user) {
    struct node *list;
    bool is_built = build_list(a, *(size_t *)user, &list);
    release_list(a, list);
    return is_built ? CUPEL_SWEEP_DONE : CUPEL_SWEEP_STARVED;
}

/* The rival's allocator: the least that fails the Nth request and finds a leak. */
struct bare {
    struct cupel_allocator base;
    size_t calls, fail_at, live;
    bool is_lasting;
};

static void *bare_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct bare *bare = (struct bare *)self;
    (void)align;
    (void)flags;
    (void)site;
    bare->calls++;
    if (bare->is_lasting ? bare->calls >= bare->fail_at : bare->calls == bare->fail_at) {
        return NULL;
    }
    bare->live++;
    return malloc(size);
}

static void bare_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)size;
    (void)align;
    (void)site;
    ((struct bare *)self)->live--;
    free(block);
}

static const struct cupel_allocator_ops bare_ops = {.name = "bare", .acquire = bare_acquire, .release = bare_release};

static void run_bare_point(size_t count, size_t point, bool is_lasting) {
    struct bare bare = {.base = {&bare_ops}, .fail_at = point, .is_lasting = is_lasting};
    enum cupel_sweep_end end = run_body(&bare.base, &count);
    if (bare.live != 0 || end != CUPEL_SWEEP_STARVED) {
        abort();
    }
}

static double bare_ns(size_t count) {
    int64_t start = cpu_ns();
    for (size_t point = 1; point <= count; point++) {
        run_bare_point(count, point, false);
    }
    for (size_t point = 1; point <= count; point++) {
        run_bare_point(count, point, true);
    }
    return (double)(cpu_ns() - start) / (double)(2 * count);
}

static double sweep_ns(size_t count) {
    int64_t start = cpu_ns();
    struct cupel_sweep_summary summary = cupel_sweep(run_body, &count, NULL);
    if (summary.worst != CUPEL_VERDICT_OK || summary.points < 2 * count) {
        abort();
    }
    return (double)(cpu_ns() - start) / (double)summary.points;
}

/* One point in a fresh process: this program again. */
static void run_exec_point(const char *program, size_t count, size_t point) {
    char count_text[32];
    char point_text[32];
    (void)snprintf(count_text, sizeof count_text, "%zu", count);
    (void)snprintf(point_text, sizeof point_text, "%zu", point);
    char name[] = "bench";
    char option[] = "--point";
    char *arguments[] = {name, option, count_text, point_text, NULL};
    pid_t child;
    int status = 0;
    if (posix_spawn(&child, program, NULL, NULL, arguments, environ) != 0 || waitpid(child, &status, 0) != child ||
        status != 0) {
        abort();
    }
}

static double exec_ns(size_t count) {
    int64_t start = cpu_ns();
    for (size_t i = 0; i < EXEC_SAMPLES; i++) {
        run_exec_point("/proc/self/exe", count, 1 + i * (count - 1) / (EXEC_SAMPLES - 1));
    }
    return (double)(cpu_ns() - start) / EXEC_SAMPLES;
}

/* What `measure` says in a child. */
static double apart(double (*measure)(size_t count), size_t count) {
    double *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    if (shared == MAP_FAILED) {
        abort();
    }
    pid_t child = fork();
    if (child == 0) {
        *shared = measure(count);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        abort();
    }
    double ns = *shared;
    (void)munmap(shared, sizeof *shared);
    return ns;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double times[], unsigned rounds) {
    qsort(times, rounds, sizeof times[0], compare);
    return times[rounds / 2];
}

int main(int argc, char **argv) {
    static const size_t counts[] = {40, 400, 4000};
    static const unsigned rounds[] = {ROUNDS_MAX, ROUNDS_MAX, 1}; /* the last is ten seconds of work */
    static const struct bench_budget exec_budgets[] = {{0.02, 0.01, ""}, {0.02, 0.01, ""}, {0, 0, ""}};
    static const struct bench_budget bare_budgets[] = {{0, 0, ""}, {2.5, 1.5, ""}, {2.5, 1.5, ""}};
    if (argc == 4 && strcmp(argv[1], "--point") == 0) {
        run_bare_point(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), false);
        return 0;
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        double ours[ROUNDS_MAX];
        double bare[ROUNDS_MAX];
        double exec[ROUNDS_MAX];
        for (unsigned round = 0; round < rounds[i]; round++) { /* in turn: a slow moment meets all */
            ours[round] = apart(sweep_ns, counts[i]);
            bare[round] = apart(bare_ns, counts[i]);
            exec[round] = apart(exec_ns, counts[i]);
        }
        double mine = median(ours, rounds[i]) / 1e3;
        double loop = median(bare, rounds[i]) / 1e3;
        double process = median(exec, rounds[i]) / 1e3;
        char what[80];
        (void)snprintf(what, sizeof what, "sweep, a point of %zu allocations, against one exec", counts[i]);
        bench_row(what, mine, process, "us", exec_budgets[i]);
        (void)snprintf(what, sizeof what, "sweep, a point of %zu allocations, against a bare loop", counts[i]);
        bench_row(what, mine, loop, "us", bare_budgets[i]);
        fflush(stdout);
    }
    return 0;
}
