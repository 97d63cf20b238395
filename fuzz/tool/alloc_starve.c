/* What a malloc does when the machine has no more: each check limits its own address space and asks until there is
 * nothing left. No memory is an answer, and the only right one: NULL, ENOMEM, everything else as it was. */
#include "fuzz/tool/alloc_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { BLOCKS_MAX = 1 << 20 };

/* The addresses of blocks, kept outside of any heap. */
static unsigned char *blocks[BLOCKS_MAX];

static size_t address_space(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%lu", &pages) != 1) {
            pages = 0;
        }
        (void)fclose(file);
    }
    return (size_t)pages * 4096;
}

static bool limit_to(size_t more, struct check_report *report) {
    struct rlimit limit = {.rlim_cur = address_space() + more, .rlim_max = RLIM_INFINITY};
    limit.rlim_max = limit.rlim_cur;
    if (setrlimit(RLIMIT_AS, &limit) != 0) {
        check_fail(report, "RLIMIT_AS cannot be set: %s", strerror(errno));
        return false;
    }
    return true;
}

/* Asks for blocks until there are no more, touching each. The number that it got. */
static size_t exhaust(struct cupel_foreign *foreign, size_t size, struct check_report *report) {
    size_t count = 0;
    while (count < BLOCKS_MAX) {
        errno = 0;
        unsigned char *block = foreign->malloc(size);
        if (block == NULL) {
            if (errno != ENOMEM) {
                check_fail(report, "malloc(%zu) failed with errno %d and not ENOMEM", size, errno);
            }
            break;
        }
        block[0] = (unsigned char)count;
        block[size - 1] = (unsigned char)(count + 1);
        blocks[count++] = block;
    }
    if (count == BLOCKS_MAX) {
        check_fail(report, "the limit on the address space was never felt");
    }
    return count;
}

static void verify(size_t count, size_t size, struct check_report *report) {
    for (size_t i = 0; i < count; i++) {
        if (blocks[i][0] != (unsigned char)i || blocks[i][size - 1] != (unsigned char)(i + 1)) {
            check_fail(report, "the failure changed block %zu of %zu", i, count);
            return;
        }
    }
}

static void exhaustion(struct cupel_foreign *foreign, size_t size, size_t room, struct check_report *report) {
    foreign->free(foreign->malloc(size)); /* what it sets up at first use is not the question */
    if (!limit_to(room, report)) {
        return;
    }
    size_t count = exhaust(foreign, size, report);
    verify(count, size, report);
    for (size_t i = 0; i < count; i++) {
        foreign->free(blocks[i]);
    }
    unsigned char *block = foreign->malloc(size);
    if (block == NULL && count > 0) {
        check_fail(report, "after all %zu blocks were released malloc(%zu) still fails", count, size);
    }
    foreign->free(block);
    check_note(report, "%zu blocks of %zu bytes in %zu MiB", count, size, room >> 20);
}

static void large_blocks(struct cupel_foreign *foreign, struct check_report *report) {
    exhaustion(foreign, 1 << 20, (size_t)256 << 20, report);
}

static void small_blocks(struct cupel_foreign *foreign, struct check_report *report) {
    exhaustion(foreign, 100, (size_t)64 << 20, report);
}

static void others_fail_too(struct cupel_foreign *foreign, struct check_report *report) {
    size_t size = 1 << 20;
    foreign->free(foreign->malloc(size));
    if (!limit_to((size_t)128 << 20, report)) {
        return;
    }
    size_t count = exhaust(foreign, size, report);
    errno = 0;
    if (count > 0 && foreign->realloc(blocks[0], (size_t)1 << 30) != NULL) {
        check_fail(report, "realloc to 1 GiB was granted");
    } else if (errno != ENOMEM) {
        check_fail(report, "realloc failed with errno %d and not ENOMEM", errno);
    }
    errno = 0;
    if (foreign->calloc(1, (size_t)1 << 30) != NULL || errno != ENOMEM) {
        check_fail(report, "calloc of 1 GiB: errno is %d", errno);
    }
    void *block = NULL;
    if (foreign->posix_memalign != NULL && foreign->posix_memalign(&block, 4096, (size_t)1 << 30) != ENOMEM) {
        check_fail(report, "posix_memalign of 1 GiB did not return ENOMEM");
    }
    verify(count, size, report);
}

const struct check checks_of_failure[] = {
    {"large blocks run out", "NULL, ENOMEM, nothing changed, room again after free", large_blocks},
    {"small blocks run out", "the same for blocks of 100 bytes", small_blocks},
    {"the others fail too", "realloc, calloc and posix_memalign with no memory left", others_fail_too},
    {.name = NULL},
};
