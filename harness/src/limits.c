/* See limits.h. */
#include "harness/src/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DEPTH_MAX = 8 };

/* Of the running item of this process. */
static const struct cupel__limits *running;

/* A file of /proc, whole; "" where it cannot be read. */
static void read_file(const char *path, char *text, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, size - 1);
    text[length > 0 ? length : 0] = '\0';
    if (file >= 0) {
        (void)close(file);
    }
}

static int64_t resident_bytes(pid_t process) {
    char path[64];
    char text[256];
    long long total = 0, resident = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)process);
    read_file(path, text, sizeof text);
    return sscanf(text, "%lld %lld", &total, &resident) == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : 0;
}

/* The largest of it and all that it started. */
static int64_t largest_bytes(pid_t process, unsigned depth) {
    char path[64];
    char text[4096];
    int64_t largest = resident_bytes(process);
    if (depth == DEPTH_MAX) {
        return largest;
    }
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)process);
    read_file(path, text, sizeof text);
    char *rest = NULL;
    for (const char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        int64_t one = largest_bytes((pid_t)atoi(word), depth + 1);
        largest = one > largest ? one : largest;
    }
    return largest;
}

int64_t cupel__limits_default_bytes(void) {
    return (int64_t)sysconf(_SC_PHYS_PAGES) / 2 * sysconf(_SC_PAGESIZE);
}

/* The kernel notes the peak from here on. */
static void forget_peak(void) {
    int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)!write(file, "5", 1);
        (void)close(file);
    }
}

static int64_t peak_bytes(void) {
    char text[4096];
    long long kilobytes = 0;
    read_file("/proc/self/status", text, sizeof text);
    const char *line = strstr(text, "VmHWM:");
    return line != NULL && sscanf(line, "VmHWM: %lld", &kilobytes) == 1 ? (int64_t)kilobytes * 1024 : 0;
}

void cupel__limits_begin(const struct cupel__plan_item *item, struct cupel__limits *limits) {
    const struct cupel_test_options *options = &item->test->options;
    const struct cupel__settings *settings = &cupel__settings;
    bool is_own = options->memory_limit_bytes != 0 || settings->memory_limit_is_given;
    struct rlimit limit;
    atomic_store(&limits->memory_bytes, options->memory_limit_bytes != 0 ? (int64_t)options->memory_limit_bytes
                                                                         : settings->memory_limit_bytes);
    atomic_store(&limits->base_bytes, is_own ? resident_bytes(getpid()) : 0);
    atomic_store(&limits->is_own, is_own);
    if (is_own) {
        forget_peak();
    }
    limits->descriptors =
        options->descriptor_limit != 0 ? (int64_t)options->descriptor_limit : settings->descriptor_limit;
    if (limits->descriptors != 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limits->descriptors_before = limit.rlim_cur;
        limit.rlim_cur = (rlim_t)limits->descriptors < limit.rlim_max ? (rlim_t)limits->descriptors : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    running = limits;
}

void cupel__limits_end(const struct cupel__plan_item *item, struct cupel__limits *limits, struct cupel_result *result) {
    struct rlimit limit;
    running = NULL;
    if (limits->descriptors != 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limits->descriptors_before;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    int64_t memory_bytes = atomic_load(&limits->memory_bytes);
    if (!atomic_load(&limits->is_own) || memory_bytes == 0) {
        return;
    }
    int64_t grown_bytes = peak_bytes() - atomic_load(&limits->base_bytes);
    if (grown_bytes > memory_bytes) {
        cupel_text_add(&result->messages, "%s:%u: it grew by %" PRId64 " bytes, and its limit is %" PRId64 "\n",
                       item->test->file, item->test->line, grown_bytes, memory_bytes);
        if (!cupel_result_is_failure(result)) {
            result->failures++;
            result->verdict = CUPEL_VERDICT_WRONG;
        }
    }
}

int64_t cupel__limits_exceeded(pid_t process, const struct cupel__limits *limits) {
    int64_t memory_bytes = atomic_load(&limits->memory_bytes);
    if (memory_bytes == 0) {
        return 0;
    }
    int64_t grown_bytes = largest_bytes(process, 0) - atomic_load(&limits->base_bytes);
    return grown_bytes > memory_bytes ? grown_bytes : 0;
}

int64_t cupel__limits_descriptors(void) {
    return running == NULL ? 0 : running->descriptors;
}

const char *cupel__limits_lack(void) {
    static char text[96];
    if (running == NULL || running->descriptors == 0) {
        return NULL;
    }
    int trial = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (trial >= 0) {
        (void)close(trial);
        return NULL;
    }
    if (errno != EMFILE && errno != EINVAL) {
        return NULL;
    }
    (void)snprintf(text, sizeof text, "its limit of %" PRId64 " descriptors is used up", running->descriptors);
    return text;
}
