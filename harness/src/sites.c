/* See sites.h. A table by address, open addressing, in memory that is shared with all processes forked later: the same
 * address is the same site in all of them. */
#include "harness/src/sites.h"

#include "harness/src/fault_note.h"
#include "harness/src/symbolise.h"

#include "alloc/base/json.h"
#include "alloc/base/outfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SITES_MAX = 1 << 15, BATCH = 64, LINE_MAX_BYTES = 600 };

struct site {
    uintptr_t address; /* to which the request returns; 0: free */
    uint64_t asked, failed;
    uint32_t line; /* 0: unknown, as all below until they are looked up */
    char module[200], offset[24], function[96], file[256];
};

static struct site *sites; /* shared; NULL: off */

bool cupel__sites_begin(void) {
    if (sites == NULL) {
        void *memory = mmap(NULL, SITES_MAX * sizeof *sites, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        sites = memory == MAP_FAILED ? NULL : memory;
    }
    return sites != NULL;
}

void cupel__sites_end(void) {
    if (sites != NULL) {
        (void)munmap(sites, SITES_MAX * sizeof *sites);
        sites = NULL;
    }
}

bool cupel__sites_are_on(void) {
    return sites != NULL;
}

/* The entry of a site, which is made where it is new; NULL where the table is full. */
static struct site *find(uintptr_t address) {
    uintptr_t start = (address * UINT64_C(0x9E3779B97F4A7C15)) >> 17;
    for (uintptr_t i = 0; i < SITES_MAX / 2; i++) {
        struct site *site = &sites[(start + i) % SITES_MAX];
        uintptr_t there = __atomic_load_n(&site->address, __ATOMIC_RELAXED);
        if (there == 0 &&
            __atomic_compare_exchange_n(&site->address, &there, address, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return site;
        }
        if (there == address) {
            return site;
        }
    }
    return NULL;
}

void cupel__sites_note(const void *address, bool is_refused) {
    struct site *site = sites != NULL && address != NULL ? find((uintptr_t)address) : NULL;
    if (site != NULL) {
        (void)__atomic_fetch_add(&site->asked, 1, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&site->failed, is_refused, __ATOMIC_RELAXED);
    }
}

void cupel__sites_hook(const struct cupel_failing *failing, const struct cupel_failing_event *event) {
    if (event->is_refused) {
        cupel__sites_refused_again(failing, event);
    } else {
        cupel__sites_note(event->site, false);
    }
}

void cupel__sites_first(const struct cupel_failing *failing) {
    if ((failing->first.calls & (1u << CUPEL_FAULT_ALLOC | 1u << CUPEL_FAULT_GROW)) != 0) {
        cupel__sites_note(failing->frames[0], true);
    }
}

void cupel__sites_refused_again(const struct cupel_failing *failing, const struct cupel_failing_event *event) {
    if (event->is_refused && failing->injected + failing->injected_benign != 0) {
        cupel__sites_note(event->site, true);
    }
}

/* Takes "    #0 function+0x12 (module+0x3456)" apart. */
static void take_module(struct site *site, const char *line, size_t length) {
    const char *open = memrchr(line, '(', length);
    const char *plus = memrchr(line, '+', length);
    const char *name = line + strlen("    #0 ");
    if (open == NULL || plus == NULL || plus < open || line[length - 1] != ')') {
        return;
    }
    (void)snprintf(site->module, sizeof site->module, "%.*s", (int)(plus - open - 1), open + 1);
    (void)snprintf(site->offset, sizeof site->offset, "%.*s", (int)(line + length - plus - 2), plus + 1);
    (void)snprintf(site->function, sizeof site->function, "%.*s", (int)strcspn(name, "+ ("), name);
}

/* Takes "    #0 function at file:12" apart. */
static void take_place(struct site *site, const char *line, size_t length) {
    const char *at = memmem(line, length, " at ", 4);
    const char *colon = memrchr(line, ':', length);
    if (at != NULL && colon != NULL && colon > at) {
        (void)snprintf(site->file, sizeof site->file, "%.*s", (int)(colon - at - 4), at + 4);
        site->line = (uint32_t)strtoul(colon + 1, NULL, 10);
    }
}

static void take_lines(struct site *const batch[], size_t count, const char *text,
                       void (*take)(struct site *site, const char *line, size_t length)) {
    for (size_t i = 0; i < count && *text != '\0'; i++) {
        size_t length = strcspn(text, "\n");
        take(batch[i], text, length);
        text += length + (text[length] == '\n');
    }
}

/* Asks where these are, all at once. */
static void look_up(struct site *const batch[], size_t count) {
    static struct cupel_text text; /* large */
    text.length = 0;
    text.is_truncated = false;
    text.data[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char line[LINE_MAX_BYTES];
        const void *frame = (const void *)batch[i]->address; // NOLINT(performance-no-int-to-ptr): it was one
        (void)cupel__fault_note_stack(&frame, 1, line, sizeof line);
        cupel_text_add(&text, "%s", line);
    }
    take_lines(batch, count, text.data, take_module);
    cupel__symbolise(&text);
    take_lines(batch, count, text.data, take_place);
}

static void look_all_up(void) {
    struct site *batch[BATCH];
    size_t count = 0;
    for (size_t i = 0; i < SITES_MAX; i++) {
        if (sites[i].address != 0 && sites[i].module[0] == '\0') {
            batch[count++] = &sites[i];
        }
        if (count == BATCH || (count != 0 && i + 1 == SITES_MAX)) {
            look_up(batch, count);
            count = 0;
        }
    }
}

static void write_one(FILE *out, const struct site *site) {
    struct cupel_json json;
    cupel_json_init(&json, out, 0);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "module");
    cupel_json_string(&json, site->module);
    cupel_json_key(&json, "offset");
    cupel_json_string(&json, site->offset);
    if (site->function[0] != '\0') {
        cupel_json_key(&json, "function");
        cupel_json_string(&json, site->function);
    }
    if (site->line != 0) {
        cupel_json_key(&json, "file");
        cupel_json_string(&json, site->file);
        cupel_json_key(&json, "line");
        cupel_json_uint(&json, site->line);
    }
    cupel_json_key(&json, "asked");
    cupel_json_uint(&json, site->asked);
    cupel_json_key(&json, "failed");
    cupel_json_uint(&json, site->failed);
    cupel_json_object_end(&json);
    fputc('\n', out);
}

bool cupel__sites_write(const char *path, struct cupel_error *error) {
    struct cupel_outfile file;
    if (sites == NULL) {
        return cupel_error_set(error, 0, 0, "%s: no memory was there to count sites in", path);
    }
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    look_all_up();
    for (size_t i = 0; i < SITES_MAX; i++) {
        if (sites[i].address != 0) {
            write_one(file.stream, &sites[i]);
        }
    }
    return cupel_outfile_commit(&file, error);
}

void cupel__sites_summary(bool lists, struct cupel_text *text) {
    uint64_t asked = 0;
    uint64_t failed = 0;
    for (size_t i = 0; sites != NULL && i < SITES_MAX; i++) {
        asked += sites[i].address != 0;
        failed += sites[i].failed != 0;
    }
    if (asked == 0) {
        return;
    }
    cupel_text_add(text, "sites: %llu asked, %llu failed at least once\n", (unsigned long long)asked,
                   (unsigned long long)failed);
    if (lists && failed < asked) {
        look_all_up();
    }
    for (size_t i = 0; lists && i < SITES_MAX; i++) {
        const struct site *site = &sites[i];
        if (site->address == 0 || site->failed != 0) {
            continue;
        }
        cupel_text_add(text, "never failed: %s", site->function[0] != '\0' ? site->function : "a function");
        if (site->line != 0) {
            cupel_text_add(text, " at %s:%u\n", site->file, (unsigned)site->line);
        } else {
            cupel_text_add(text, " (%s+%s)\n", site->module, site->offset);
        }
    }
}
