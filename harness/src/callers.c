/* See callers.h. A table by address in memory that is shared with all processes forked later. */
#include "harness/src/callers.h"

#include "harness/src/fault_note.h"

#include "alloc/base/json.h"
#include "alloc/base/outfile.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { CALLERS_MAX = 1 << 16, LINE_MAX_BYTES = 600 };

static struct callers {
    bool is_full;
    uintptr_t addresses[CALLERS_MAX]; /* 0: free */
} * callers;                          /* shared; NULL: off */

bool cupel__callers_begin(void) {
    void *memory =
        mmap(NULL, sizeof *callers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    callers = memory == MAP_FAILED ? NULL : memory;
    return callers != NULL;
}

static void note(uintptr_t address) {
    uintptr_t start = (address * UINT64_C(0x9E3779B97F4A7C15)) >> 17;
    for (uintptr_t i = 0; i < CALLERS_MAX / 2; i++) {
        uintptr_t *place = &callers->addresses[(start + i) % CALLERS_MAX];
        uintptr_t there = 0;
        if (__atomic_compare_exchange_n(place, &there, address, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
            there == address) {
            return;
        }
    }
    __atomic_store_n(&callers->is_full, true, __ATOMIC_RELAXED);
}

void cupel__callers_note(const void *const frames[], unsigned count) {
    for (unsigned i = 0; callers != NULL && i < count; i++) {
        if (frames[i] != NULL) {
            note((uintptr_t)frames[i]);
        }
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
        const void *frame = (const void *)callers->addresses[i]; // NOLINT(performance-no-int-to-ptr): it was one
        char line[LINE_MAX_BYTES];
        if (frame != NULL) {
            (void)cupel__fault_note_stack(&frame, 1, line, sizeof line);
            write_one(file.stream, line);
        }
    }
    return cupel_outfile_commit(&file, error);
}
