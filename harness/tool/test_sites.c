/* Allocation sites of many programs: each writes a file of its own beside the one that is wanted, which is made of them
 * in the end. A site that failed in one program failed, whichever others hold the same code. See test.h. */
#include "harness/tool/test.h"

#include "alloc/base/outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SITES_MAX = 1 << 15, NEVER_LISTED_MAX = 200 };

struct site {
    char *key; /* function, file and line; owned */
    bool has_failed;
};

static struct site sites[SITES_MAX];
static size_t site_count;

void cupel__test_sites_part(const char *path, const char *program, char *part, size_t size_bytes) {
    const char *slash = strrchr(program, '/');
    (void)snprintf(part, size_bytes, "%s.%s.part", path, slash == NULL ? program : slash + 1);
}

/* A line as the key of its place, without the numbers behind it. */
static void take_line(const char *line) {
    bool has_place = strstr(line, "\"file\":") != NULL; /* else what stands where is known of this module alone */
    const char *begin = has_place ? strstr(line, "\"function\":") : line;
    const char *end = strstr(line, ",\"asked\":");
    const char *failed = strstr(line, "\"failed\":");
    begin = begin != NULL ? begin : line;
    if (end == NULL || failed == NULL || end < begin || site_count == SITES_MAX) {
        return;
    }
    char *key = strndup(begin, (size_t)(end - begin));
    if (key != NULL) {
        sites[site_count++] = (struct site){key, failed[strlen("\"failed\":")] != '0'};
    }
}

static bool copy_part(const char *part, FILE *out, struct cupel_error *error) {
    char *line = NULL;
    size_t size = 0;
    FILE *in = fopen(part, "re");
    if (in == NULL) {
        return errno == ENOENT || /* it had nothing to run */
               cupel_error_set(error, 0, 0, "%s: %s", part, strerror(errno));
    }
    while (getline(&line, &size, in) > 0) {
        fputs(line, out);
        take_line(line);
    }
    bool is_read = !ferror(in);
    free(line);
    (void)fclose(in);
    (void)unlink(part);
    return is_read || cupel_error_set(error, 0, 0, "%s: cannot be read", part);
}

static int compare(const void *left, const void *right) {
    const struct site *x = left;
    const struct site *y = right;
    int keys = strcmp(x->key, y->key);
    return keys != 0 ? keys : y->has_failed - x->has_failed; /* one that failed stands for its place */
}

/* The value behind a key of the place, cut at its end; "" where it has none. */
static const char *value_of(const char *place, const char *name, char *text, size_t size) {
    const char *at = strstr(place, name);
    text[0] = '\0';
    if (at != NULL) {
        at += strlen(name);
        at += *at == '"';
        (void)snprintf(text, size, "%.*s", (int)strcspn(at, "\","), at);
    }
    return text;
}

static void tell_never(const char *key, struct cupel_text *text) {
    char function[128];
    char file[512];
    char line[32];
    cupel_text_add(text, "never failed: %s", value_of(key, "\"function\":", function, sizeof function));
    if (value_of(key, "\"file\":", file, sizeof file)[0] != '\0') {
        cupel_text_add(text, " at %s:%s", file, value_of(key, "\"line\":", line, sizeof line));
    }
    cupel_text_add(text, "\n");
}

static void summarise(bool lists, struct cupel_text *text) {
    size_t asked = 0;
    size_t failed = 0;
    qsort(sites, site_count, sizeof sites[0], compare);
    for (size_t i = 0; i < site_count; i++) {
        bool is_new = i == 0 || strcmp(sites[i].key, sites[i - 1].key) != 0;
        asked += is_new;
        failed += is_new && sites[i].has_failed;
    }
    cupel_text_add(text, "sites: %zu asked, %zu failed at least once\n", asked, failed);
    size_t listed = 0;
    for (size_t i = 0; lists && i < site_count && listed < NEVER_LISTED_MAX; i++) {
        if (!sites[i].has_failed && (i == 0 || strcmp(sites[i].key, sites[i - 1].key) != 0)) {
            tell_never(sites[i].key, text);
            listed++;
        }
    }
    if (lists && asked - failed > listed) {
        cupel_text_add(text, "and %zu more that never failed\n", asked - failed - listed);
    }
}

bool cupel__test_sites_join(const char *path, const struct cupel__test_programs *programs, bool lists,
                            struct cupel_text *text, struct cupel_error *error) {
    struct cupel_outfile file;
    char part[5000];
    if (!cupel_outfile_open(&file, path, error)) {
        return false;
    }
    bool is_read = true;
    for (size_t i = 0; i < programs->count; i++) {
        cupel__test_sites_part(path, programs->paths[i], part, sizeof part);
        is_read = copy_part(part, file.stream, error) && is_read;
    }
    summarise(lists, text);
    for (size_t i = 0; i < site_count; i++) {
        free(sites[i].key);
    }
    site_count = 0;
    if (!is_read) {
        cupel_outfile_discard(&file);
        return false;
    }
    return cupel_outfile_commit(&file, error);
}
