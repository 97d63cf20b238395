/* See callers.h. A table by address in memory that is shared with all processes forked later. */
#include "harness/src/callers.h"

#include "harness/src/fault_note.h"

#include "alloc/base/json.h"
#include "alloc/base/outfile.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { CALLERS_MAX = 1 << 16, STACKS_MAX = 1 << 18, LINE_MAX_BYTES = 600 };

static struct callers {
    bool is_full;
    uint64_t addresses[CALLERS_MAX]; /* 0: free */
    uint64_t stacks[STACKS_MAX];     /* hashes; 0: free */
    uint64_t stack_count;
} * callers; /* shared; NULL: off */

bool cupel__callers_begin(void) {
    void *memory =
        mmap(NULL, sizeof *callers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    callers = memory == MAP_FAILED ? NULL : memory;
    return callers != NULL;
}

/* Takes a place of the table for the value; true where it had none. */
static bool take(uint64_t *table, uint64_t size, uint64_t value) {
    uint64_t start = (value * UINT64_C(0x9E3779B97F4A7C15)) >> 17;
    for (uint64_t i = 0; i < size / 2; i++) {
        uint64_t *place = &table[(start + i) % size];
        uint64_t there = 0;
        if (__atomic_compare_exchange_n(place, &there, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return true;
        }
        if (there == value) {
            return false;
        }
    }
    __atomic_store_n(&callers->is_full, true, __ATOMIC_RELAXED);
    return false;
}

void cupel__callers_note(const void *const frames[], unsigned count) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a, a frame at a time */
    for (unsigned i = 0; callers != NULL && i < count; i++) {
        hash = (hash ^ (uintptr_t)frames[i]) * UINT64_C(0x100000001b3);
        if (frames[i] != NULL) {
            (void)take(callers->addresses, CALLERS_MAX, (uintptr_t)frames[i]);
        }
    }
    if (callers != NULL && count != 0 && take(callers->stacks, STACKS_MAX, hash | 1)) {
        (void)__atomic_add_fetch(&callers->stack_count, 1, __ATOMIC_RELAXED);
    }
}

/* Of "    #0 function+0x12 (module+0x3456)\n" the last parts. */
static void write_one(FILE *out, const char *line) {
    const char *open = strrchr(line, '(');
    const char *plus = strrchr(line, '+');
    if (open == NULL || plus == NULL || plus < open) {
        return; /* code of no module */
    }
    char module[LINE_MAX_BYTES];
    char offset[32];
    (void)snprintf(module, sizeof module, "%.*s", (int)(plus - open - 1), open + 1);
    (void)snprintf(offset, sizeof offset, "%.*s", (int)strcspn(plus + 1, ")\n"), plus + 1);
    struct cupel_json json;
    cupel_json_init(&json, out, 0);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "module");
    cupel_json_string(&json, module);
    cupel_json_key(&json, "offset");
    cupel_json_string(&json, offset);
    cupel_json_object_end(&json);
    fputc('\n', out);
}

bool cupel__callers_write(const char *path, struct cupel_error *error) {
    struct cupel_outfile file;
    if (callers == NULL || callers->is_full) {
        return cupel_error_set(error, 0, 0, "%s: no memory was there to note all calls in", path);
    }
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        const void *frame =
            (const void *)(uintptr_t)callers->addresses[i]; // NOLINT(performance-no-int-to-ptr): it was one
        char line[LINE_MAX_BYTES];
        if (frame != NULL) {
            (void)cupel__fault_note_stack(&frame, 1, line, sizeof line);
            write_one(file.stream, line);
        }
    }
    fprintf(file.stream, "{\"stacks\":%llu}\n", (unsigned long long)callers->stack_count);
    return cupel_outfile_commit(&file, error);
}
