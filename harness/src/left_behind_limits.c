/* See left_behind_limits.h. */
#include "harness/src/left_behind_limits.h"
#include "harness/src/limits.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order of the bits. */
static const struct {
    int number;
    const char *words;
} resources[CUPEL__RESOURCES] = {
    {RLIMIT_NOFILE, "open files"},
    {RLIMIT_FSIZE, "the size of a file"},
    {RLIMIT_AS, "the address space"},
    {RLIMIT_DATA, "data"},
    {RLIMIT_STACK, "the stack"},
    {RLIMIT_CORE, "the size of a core file"},
    {RLIMIT_CPU, "seconds of the processor"},
    {RLIMIT_NPROC, "processes"},
    {RLIMIT_MEMLOCK, "locked memory"},
    {RLIMIT_SIGPENDING, "pending signals"},
};

const unsigned cupel__limited_of_process = (1U << (CUPEL__RESOURCES + 1)) - 1;
const unsigned cupel__limited_of_streams = ((1U << CUPEL__STREAMS) - 1) << (CUPEL__RESOURCES + 1);

/* Its number is an enumeration of the C library's. */
static void get(unsigned index, struct rlimit *limit) {
    memset(limit, 0, sizeof *limit);
    (void)getrlimit((__rlimit_resource_t)resources[index].number, limit);
}

static void note_stream(struct cupel__limited *now, int stream) {
    struct stat status;
    now->streams[stream].is_open = fstat(stream, &status) == 0;
    now->streams[stream].device = now->streams[stream].is_open ? status.st_dev : 0;
    now->streams[stream].file = now->streams[stream].is_open ? status.st_ino : 0;
}

void cupel__limited_note(struct cupel__limited *now) {
    for (unsigned i = 0; i < CUPEL__RESOURCES; i++) {
        get(i, &now->limits[i]);
    }
    now->nice = getpriority(PRIO_PROCESS, 0);
    for (int i = 0; i < CUPEL__STREAMS; i++) {
        note_stream(now, i);
    }
}

static bool is_same(const struct rlimit *a, const struct rlimit *b) {
    return a->rlim_cur == b->rlim_cur && a->rlim_max == b->rlim_max;
}

/* What the limit is to be now: the runner may have set it for the test that runs. */
static struct rlimit expected(const struct cupel__limited *before, unsigned index) {
    struct rlimit limit = before->limits[index];
    rlim_t own = resources[index].number == RLIMIT_NOFILE ? (rlim_t)cupel__limits_descriptors() : 0;
    if (own != 0) {
        limit.rlim_cur = own < limit.rlim_max ? own : limit.rlim_max;
    }
    return limit;
}

unsigned cupel__limited_look(const struct cupel__limited *before) {
    struct cupel__limited now;
    unsigned changed = 0;
    cupel__limited_note(&now);
    for (unsigned i = 0; i < CUPEL__RESOURCES; i++) {
        struct rlimit right = expected(before, i);
        changed |= is_same(&now.limits[i], &right) ? 0U : 1U << i;
    }
    changed |= now.nice != before->nice ? 1U << CUPEL__RESOURCES : 0U;
    for (unsigned i = 0; i < CUPEL__STREAMS; i++) {
        bool is_open = now.streams[i].is_open && before->streams[i].is_open; /* else others tell of it */
        bool is_other =
            now.streams[i].file != before->streams[i].file || now.streams[i].device != before->streams[i].device;
        changed |= is_open && is_other ? 1U << (CUPEL__RESOURCES + 1 + i) : 0U;
    }
    return changed;
}

static const char *amount(rlim_t value, char text[32]) {
    (void)snprintf(text, 32, "%llu", (unsigned long long)value);
    return value == RLIM_INFINITY ? "unlimited" : text;
}

/* The soft limit, or the hard one where that is another. */
static int describe(unsigned index, const struct rlimit *now, const struct rlimit *before, char *text, size_t size) {
    char is[32], was[32];
    bool is_soft = now->rlim_cur != before->rlim_cur;
    return snprintf(text, size, "the %slimit of %s is %s, and was %s", is_soft ? "" : "hard ", resources[index].words,
                    amount(is_soft ? now->rlim_cur : now->rlim_max, is),
                    amount(is_soft ? before->rlim_cur : before->rlim_max, was));
}

static void settle_limit(const struct cupel__limited *before, unsigned index, char *text, size_t size) {
    struct rlimit now;
    struct rlimit right = expected(before, index);
    get(index, &now);
    (void)describe(index, &now, &right, text, size);
    __rlimit_resource_t number = (__rlimit_resource_t)resources[index].number;
    if (setrlimit(number, &right) != 0) { /* a hard limit goes up for the privileged only */
        right.rlim_cur = right.rlim_cur < now.rlim_max ? right.rlim_cur : now.rlim_max;
        right.rlim_max = now.rlim_max;
        (void)setrlimit(number, &right);
    }
}

void cupel__limited_settle(const struct cupel__limited *before, unsigned index, char *text, size_t size) {
    static const char *const streams[] = {"standard input", "standard output", "standard error"};
    if (index < CUPEL__RESOURCES) {
        settle_limit(before, index, text, size);
    } else if (index == CUPEL__RESOURCES) {
        (void)snprintf(text, size, "the nice value is %d, and was %d", getpriority(PRIO_PROCESS, 0), before->nice);
        (void)setpriority(PRIO_PROCESS, 0, before->nice);
    } else {
        int stream = (int)index - CUPEL__RESOURCES - 1;
        char path[64];
        char target[512];
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", stream);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        (void)snprintf(text, size, "%s leads to %s, and led elsewhere", streams[stream], target);
    }
}

bool cupel__limited_of(pid_t process, const struct cupel__limited *before, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < CUPEL__RESOURCES; i++) {
        struct rlimit now;
        bool is_runners = resources[i].number == RLIMIT_CORE; /* set before a death that is expected */
        if (is_runners || prlimit(process, (__rlimit_resource_t)resources[i].number, NULL, &now) != 0 ||
            is_same(&now, &before->limits[i])) {
            continue;
        }
        used += used != 0 && used < size ? (size_t)snprintf(text + used, size - used, ", ") : 0;
        used += used < size ? (size_t)describe(i, &now, &before->limits[i], text + used, size - used) : 0;
    }
    return text[0] != '\0';
}
