/* What the debug allocator costs: pairs of allocation and release with traces of 0, 4 and 16 frames, by frame pointers
 * and by tables, beside malloc, beside per-call protection of the records, and beside what others check; a million live
 * blocks; alternating pairs at a span's edge; several threads.
 *
 * Rivals that replace malloc are measured in a process of their own: this program, with the word "pairs", prints what a
 * pair costs there. */
#include "alloc/bench/measure.h"
#include "alloc/debug.h"
#include "alloc/pages.h"
#include "alloc/src/debug_state.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAIRS = 20000, ROUNDS = 51, SIZE = 32, SEALED_PAIRS = 200, MILLION = 1000000 };

static void run_malloc(void *user) {
    (void)user;
    for (unsigned i = 0; i < PAIRS; i++) {
        void *block = malloc(SIZE);
        measure_keep(block);
        free(block);
    }
}

static void run_pairs(void *allocator) {
    for (unsigned i = 0; i < PAIRS; i++) {
        void *block = cupel_alloc(allocator, SIZE, 8);
        measure_keep(block);
        cupel_free(allocator, block, SIZE, 8);
    }
}

static void run_sealed(void *allocator) {
    for (unsigned i = 0; i < SEALED_PAIRS; i++) {
        void *block = cupel_alloc(allocator, SIZE, 8);
        measure_keep(block);
        cupel_free(allocator, block, SIZE, 8);
    }
}

static struct cupel_allocator *start(struct cupel_debug *debug, const char *text) {
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    if (!cupel_debug_parse(&options, text, NULL)) {
        abort();
    }
    struct cupel_allocator *a = cupel_debug_init(debug, cupel_pages(), &options, NULL);
    if (a == NULL) {
        abort();
    }
    return a;
}

/* The cost of a pair under another malloc, in ns; 0 where it cannot be had. */
static double measure_elsewhere(const char *environment) {
    char program[512];
    char command[1024];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        return 0;
    }
    program[length] = '\0';
    (void)snprintf(command, sizeof command, "env %s '%s' pairs 2>/dev/null", environment, program);
    FILE *stream = popen(command, "re");
    double ns = 0;
    if (stream == NULL || fscanf(stream, "%lf", &ns) != 1) {
        ns = 0;
    }
    if (stream != NULL) {
        (void)pclose(stream);
    }
    return ns;
}

static void print_pairs(void) {
    struct measure_contender malloc_alone = {run_malloc, NULL, 0};
    measure(&malloc_alone, 1, ROUNDS);
    printf("%.3f\n", malloc_alone.median_ns / PAIRS);
}

static void row_of_rate(const char *what, double ns, double rival_ns, double must, double aim) {
    char budget[128] = "";
    double rate = 1000 / ns;
    if (must > 0) {
        (void)snprintf(budget, sizeof budget, "%.1f M pairs/s of %.0f (%s), aim %.0f (%s)", rate, must,
                       rate >= must ? "met" : "not met", aim, rate >= aim ? "met" : "not met");
    } else {
        (void)snprintf(budget, sizeof budget, "%.1f M pairs/s", rate);
    }
    measure_row(what, ns, rival_ns, "ns", budget);
}

static void bench_pairs(void) {
    static const struct {
        const char *what, *options;
        double must, aim;
    } rows[] = {{"no traces", "frames=0", 0, 0},
                {"4 frames by frame pointers", "frames=4:walk=frame-pointers", 5, 12},
                {"16 frames by frame pointers", "frames=16:walk=frame-pointers", 5, 12},
                {"16 frames by tables", "frames=16", 3, 8},
                {"16 frames, for one thread", "frames=16:single-thread", 0, 0},
                {"no traces, canaries and fills", "frames=0:canaries=0:fill-fresh=0:fill-freed=0", 0, 0}};
    enum { COUNT = sizeof rows / sizeof rows[0] };
    static struct cupel_debug debugs[COUNT];
    struct measure_contender contenders[COUNT + 1] = {{run_malloc, NULL, 0}};
    for (unsigned i = 0; i < COUNT; i++) {
        contenders[i + 1] = (struct measure_contender){run_pairs, start(&debugs[i], rows[i].options), 0};
    }
    measure(contenders, COUNT + 1, ROUNDS);
    for (unsigned i = 0; i < COUNT; i++) {
        char what[128];
        (void)snprintf(what, sizeof what, "debug over malloc, a pair of 32 bytes: %s", rows[i].what);
        row_of_rate(what, contenders[i + 1].median_ns / PAIRS, contenders[0].median_ns / PAIRS, rows[i].must,
                    rows[i].aim);
    }
    double ours = contenders[3].median_ns / PAIRS;
    static const struct {
        const char *name, *environment;
    } rivals[] = {{"MALLOC_CHECK_=3", "LD_PRELOAD=libc_malloc_debug.so.0 MALLOC_CHECK_=3"},
                  {"jemalloc", "LD_PRELOAD=libjemalloc.so.2"}};
    for (unsigned i = 0; i < sizeof rivals / sizeof rivals[0]; i++) {
        double theirs = measure_elsewhere(rivals[i].environment);
        char what[128];
        (void)snprintf(what, sizeof what, "debug with 16 frames over %s, a pair of 32 bytes", rivals[i].name);
        row_of_rate(what, ours, theirs, 0, 0);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        (void)cupel_debug_deinit(&debugs[i]);
    }
    struct cupel_debug debug;
    struct measure_contender sealed = {run_sealed, start(&debug, "frames=16:seal=always"), 0};
    measure(&sealed, 1, ROUNDS);
    row_of_rate("records sealed around each call over 16 frames, a pair of 32 bytes", sealed.median_ns / SEALED_PAIRS,
                ours, 0, 0);
    (void)cupel_debug_deinit(&debug);
}

/* Calls of the kernel that blocks and records cost, counted on their way. */

static const struct cupel__system *counted;
static uint64_t calls;

static void *count_reserve(size_t length) {
    calls++;
    return counted->reserve(length);
}

static bool count_commit(void *base, size_t length) {
    calls++;
    return counted->commit(base, length);
}

static bool count_guard(void *base, size_t length) {
    calls++;
    return counted->guard(base, length);
}

static bool count_revoke(void *base, size_t length) {
    calls++;
    return counted->revoke(base, length);
}

static bool count_move(void *from, void *to, size_t length) {
    calls++;
    return counted->move(from, to, length);
}

/* Each pair alone in its span; or with a block beside it that lives for some hundred pairs, so that none empties it. */
static uint64_t calls_of_pairs(struct cupel_allocator *a, unsigned count, bool is_alone) {
    enum { LIFE = 500 };
    void *kept = NULL;
    calls = 0;
    for (unsigned i = 0; i < count; i++) {
        void *block = cupel_alloc(a, SIZE, 8);
        measure_keep(block);
        bool is_next = !is_alone && i % LIFE == 0;
        cupel_free(a, is_next ? kept : block, SIZE, 8);
        kept = is_next ? block : kept;
    }
    cupel_free(a, kept, SIZE, 8);
    return calls;
}

/* A million pairs, each of which begins and ends at the edge where a span is empty, and a million that do not: what the
 * edge costs. Both need fresh addresses, a span for each thousand blocks, since none is used twice. */
static void bench_edge(void) {
    uint64_t counts[2];
    char budget[96];
    for (unsigned i = 0; i < 2; i++) {
        struct cupel_debug debug;
        struct cupel_allocator *a = start(&debug, "frames=0");
        struct cupel__system system = *debug.state->pages;
        counted = debug.state->pages;
        system.reserve = count_reserve;
        system.commit = count_commit;
        system.guard = count_guard;
        system.revoke = count_revoke;
        system.move = count_move;
        debug.state->pages = &system;
        debug.state->system = &system;
        (void)calls_of_pairs(a, MILLION / 10, true); /* what a small program may spend on retiring at once */
        counts[i] = calls_of_pairs(a, MILLION, i == 0);
        debug.state->pages = counted;
        debug.state->system = counted;
        (void)cupel_debug_deinit(&debug);
    }
    double more = counts[0] > counts[1] ? (double)(counts[0] - counts[1]) : 0;
    (void)snprintf(budget, sizeof budget, "%s; fresh addresses cost either %.4f calls a pair",
                   more == 0 ? "0: met" : "0: MISSED", (double)counts[0] / MILLION);
    measure_row("a million alternating pairs at a span's edge: system calls more than away from it", more,
                (double)counts[1], "calls", budget);
}

struct million {
    struct cupel_allocator *a; /* NULL: malloc */
    void **blocks;
};

static void run_million(void *user) {
    const struct million *million = user;
    for (unsigned i = 0; i < MILLION; i++) {
        million->blocks[i] = million->a == NULL ? malloc(SIZE) : cupel_alloc(million->a, SIZE, 8);
    }
    for (unsigned i = 0; i < MILLION; i++) {
        if (million->a == NULL) {
            free(million->blocks[i]);
        } else {
            cupel_free(million->a, million->blocks[i], SIZE, 8);
        }
    }
}

static void bench_million(void) {
    struct cupel_debug debug;
    void **blocks = cupel_alloc(cupel_pages(), MILLION * sizeof *blocks, sizeof *blocks);
    struct million sets[] = {{NULL, blocks}, {start(&debug, ""), blocks}};
    struct measure_contender contenders[] = {{run_million, &sets[0], 0}, {run_million, &sets[1], 0}};
    measure(contenders, 2, 5);
    measure_row("a million blocks of 32 bytes allocated, then freed; a pair", contenders[1].median_ns / MILLION,
                contenders[0].median_ns / MILLION, "ns", "16 frames");
    for (unsigned i = 0; i < MILLION; i++) {
        blocks[i] = cupel_alloc(sets[1].a, SIZE, 8);
    }
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    double records = (double)(statistics.overhead_bytes - statistics.kept_metadata_bytes) / MILLION;
    measure_row("a million live blocks: records a block", records, 16, "bytes",
                records <= 16 ? "16, headers of spans included: met" : "16, headers of spans included: MISSED");
    measure_row("a million live blocks: pages a block", (double)statistics.mapped_bytes / MILLION, SIZE, "bytes",
                "canaries and rounding included");
    for (unsigned i = 0; i < MILLION; i++) {
        cupel_free(sets[1].a, blocks[i], SIZE, 8);
    }
    (void)cupel_debug_deinit(&debug);
    cupel_free(cupel_pages(), blocks, MILLION * sizeof *blocks, sizeof *blocks);
}

enum { GROWTH = 1 << 20, GROWTHS = 64 };

/* A block that grows with another behind it, so that it must move; each byte is written once. */
static void run_growth(void *allocator) {
    unsigned char *block = NULL;
    void *behind[GROWTHS];
    for (size_t i = 0; i < GROWTHS; i++) {
        size_t old = i * GROWTH;
        block =
            allocator == NULL ? realloc(block, old + GROWTH) : cupel_realloc(allocator, block, old, 8, old + GROWTH);
        behind[i] = allocator == NULL ? malloc(GROWTH) : cupel_alloc(allocator, GROWTH, 8);
        if (block == NULL || behind[i] == NULL) {
            abort();
        }
        memset(block + old, (int)i, GROWTH);
        measure_keep(behind[i]);
    }
    for (size_t i = 0; i < GROWTHS; i++) {
        if (allocator == NULL) {
            free(behind[i]);
        } else {
            cupel_free(allocator, behind[i], GROWTH, 8);
        }
    }
    if (allocator == NULL) {
        free(block);
    } else {
        cupel_free(allocator, block, (size_t)GROWTHS * GROWTH, 8);
    }
}

/* Pages move and nothing is copied: as fast as where addresses may be used again. */
static void bench_growth(void) {
    struct cupel_debug debug;
    struct cupel_allocator *a = start(&debug, "fill-fresh=0");
    struct measure_contender contenders[] = {{run_growth, NULL, 0}, {run_growth, a, 0}};
    measure(contenders, 2, 5);
    measure_row("a large block that grows to 64 MiB and must move, a step of 1 MiB", contenders[1].median_ns / GROWTHS,
                contenders[0].median_ns / GROWTHS, "ns", "pages move, nothing is copied");
    (void)cupel_debug_deinit(&debug);
}

static void *run_in_thread(void *allocator) {
    for (unsigned i = 0; i < 10; i++) {
        if (allocator == NULL) {
            run_malloc(NULL);
        } else {
            run_pairs(allocator);
        }
    }
    return NULL;
}

static double process_ns(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return ((double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec) * 1e9 +
           ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) * 1e3;
}

/* CPU time of all threads, a pair. */
static double run_crowd(struct cupel_allocator *a, unsigned count) {
    pthread_t threads[8];
    double before = process_ns();
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, run_in_thread, a) != 0) {
            abort();
        }
    }
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return (process_ns() - before) / (10.0 * PAIRS * count);
}

static void bench_threads(void) {
    static const unsigned counts[] = {1, 2, 8};
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct cupel_debug debug;
        struct cupel_allocator *a = start(&debug, "");
        char what[96];
        (void)snprintf(what, sizeof what, "debug over malloc, a pair of 32 bytes on each of %u threads", counts[i]);
        double theirs = run_crowd(NULL, counts[i]);
        row_of_rate(what, run_crowd(a, counts[i]), theirs, 0, 0);
        (void)cupel_debug_deinit(&debug);
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "pairs") == 0) {
        print_pairs();
        return 0;
    }
    bench_pairs();
    bench_edge();
    bench_million();
    bench_growth();
    bench_threads();
    return 0;
}
