/* The compiler that bench_index measures: see index_compiler.h. */
#include "alloc/bench/index_compiler.h"

#include "alloc/pages.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FUNCTIONS = 300, PATH_SIZE = 512 };

static char compiler[PATH_SIZE], library[PATH_SIZE], folder[PATH_SIZE / 2], source[PATH_SIZE], log_path[PATH_SIZE];
static char real_source[PATH_SIZE], pair[PATH_SIZE], pair_header[PATH_SIZE], object[PATH_SIZE];

/* Functions of loops, branches, calls, structs and floating point, no two alike. */
static bool write_source(void) {
    FILE *out = fopen(source, "we");
    if (out == NULL) {
        return false;
    }
    fputs("struct item { int kind; unsigned length; double weight; struct item *next; char name[16]; };\n", out);
    for (int i = 0; i < FUNCTIONS; i++) {
        fprintf(
            out,
            "static int step_%d(struct item *items, unsigned count, int seed) {\n"
            "    int sum = seed * %d;\n"
            "    for (unsigned i = 0; i < count; i++) {\n"
            "        struct item *item = &items[i];\n"
            "        switch (item->kind %% %d) {\n"
            "        case 0: sum += (int)item->length << %d; break;\n"
            "        case 1: item->weight = item->weight * %d.25 + sum; break;\n"
            "        case 2:\n"
            "            for (struct item *next = item->next; next; next = next->next) { sum ^= next->kind + %d; }\n"
            "            break;\n"
            "        case 3: item->name[sum & 15] = (char)(sum >> %d); break;\n"
            "        default: sum -= item->name[i & 15] * %d; break;\n"
            "        }\n"
            "        if ((sum & %d) == %d) { item->length += (unsigned)sum / %d; }\n"
            "    }\n",
            i, i % 97 + 3, i % 5 + 4, i % 7, i, i, i % 11, i % 13, i * 37 % 255 + 1, i % 3, i % 9 + 2);
        if (i == 0) {
            fputs("    return sum;\n}\n", out);
        } else {
            fprintf(out, "    return sum + step_%d(items, count / 2, sum);\n}\n", i - 1);
        }
    }
    fprintf(out, "int last(struct item *items, unsigned count) { return step_%d(items, count, 1); }\n", FUNCTIONS - 1);
    return fclose(out) == 0;
}

static bool find_compiler(void) {
    FILE *answer = popen("gcc -print-prog-name=cc1 2>/dev/null", "re");
    bool is_read = answer != NULL && fgets(compiler, sizeof compiler, answer) != NULL;
    if (answer != NULL) {
        (void)pclose(answer);
    }
    compiler[strcspn(compiler, "\n")] = '\0';
    return is_read && compiler[0] == '/';
}

static bool find_library(void) {
    ssize_t length = readlink("/proc/self/exe", library, sizeof library - 1);
    char *name = length > 0 ? strrchr(library, '/') : NULL;
    if (name == NULL || (size_t)(library + sizeof library - name) < sizeof "/libcupel_index_preload.so") {
        return false;
    }
    (void)strcpy(name, "/libcupel_index_preload.so");
    return access(library, R_OK) == 0;
}

/* A source of this project: its amalgamated pair, preprocessed, the first fifth, up to the end of a function. */
bool index_compiler_start_real(void) {
    char command[4 * PATH_SIZE];
    struct stat status;
    (void)snprintf(command, sizeof command,
                   "'%s' -o '%s' --build '%s' >/dev/null && gcc -E -P -D_GNU_SOURCE -I'%s' '%s' -o '%s'",
                   INDEX_AMALGAMATE, folder, INDEX_BUILD_TREE, folder, pair, real_source);
    if (system(command) != 0 || stat(real_source, &status) != 0) { // NOLINT(cert-env33-c): of the source tree
        (void)fputs("alloc_index: no amalgamated pair: rows left out\n", stderr);
        return false;
    }
    FILE *file = fopen(real_source, "r+e");
    char line[1024];
    bool is_cut = false;
    while (file != NULL && !is_cut && fgets(line, sizeof line, file) != NULL) {
        is_cut = ftell(file) > status.st_size / 5 && strcmp(line, "}\n") == 0;
    }
    is_cut = is_cut && ftruncate(fileno(file), ftell(file)) == 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_cut;
}

bool index_compiler_start(void) {
    const char *temporary = getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR");
    if (!find_compiler() || !find_library()) {
        (void)fputs("alloc_index: no gcc, or no library to preload: rows left out\n", stderr);
        return false;
    }
    (void)snprintf(folder, sizeof folder, "%s/cupel-bench-index-XXXXXX", temporary);
    if (mkdtemp(folder) == NULL) {
        perror("alloc_index: a folder for the compiler");
        return false;
    }
    (void)snprintf(source, sizeof source, "%s/source.c", folder);
    (void)snprintf(log_path, sizeof log_path, "%s/log", folder);
    (void)snprintf(real_source, sizeof real_source, "%s/real.i", folder);
    (void)snprintf(pair, sizeof pair, "%s/cupel.c", folder);
    (void)snprintf(pair_header, sizeof pair_header, "%s/cupel.h", folder);
    (void)snprintf(object, sizeof object, "%s/real.o", folder);
    if (!write_source()) {
        perror("alloc_index: a file for the compiler");
        index_compiler_end();
        return false;
    }
    return true;
}

void index_compiler_end(void) {
    const char *const files[] = {source, log_path, real_source, pair, pair_header, object};
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)unlink(files[i]);
    }
    (void)rmdir(folder);
}

static void run_compiler(enum index_source which, const char *way) {
    if (way != NULL && (setenv("LD_PRELOAD", library, 1) != 0 || setenv("INDEX_BENCH", way, 1) != 0)) {
        _exit(99);
    }
    if (which == INDEX_SOURCE_REAL) {
        (void)execlp("gcc", "gcc", "-O2", "-w", "-c", real_source, "-o", object, (char *)NULL);
        _exit(99);
    }
    (void)execl(compiler, "cc1", "-quiet", "-O1", source, "-o", "/dev/null", (char *)NULL);
    _exit(99);
}

double index_compiler_run(enum index_source which, const char *way) {
    struct rusage usage;
    int status;
    pid_t child = fork();
    if (child == 0) {
        run_compiler(which, way);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) {
        (void)fprintf(stderr, "alloc_index: the compiler failed (%s)\n", way == NULL ? "without a library" : way);
        return -1;
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct index_log_entry *index_compiler_log(size_t *count) {
    char way[PATH_SIZE + 8];
    struct stat status;
    (void)snprintf(way, sizeof way, "log:%s", log_path);
    if (index_compiler_run(INDEX_SOURCE_MADE, way) < 0) {
        return NULL;
    }
    int file = open(log_path, O_RDONLY | O_CLOEXEC);
    struct index_log_entry *entries = NULL;
    if (file >= 0 && fstat(file, &status) == 0 && status.st_size > 0) {
        *count = (size_t)status.st_size / sizeof *entries;
        entries = cupel_alloc(cupel_pages(), *count * sizeof *entries, _Alignof(max_align_t));
    }
    size_t got = 0;
    while (entries != NULL && got < *count * sizeof *entries) {
        ssize_t length = read(file, (char *)entries + got, *count * sizeof *entries - got);
        if (length <= 0) {
            cupel_free(cupel_pages(), entries, *count * sizeof *entries, _Alignof(max_align_t));
            entries = NULL;
        } else {
            got += (size_t)length;
        }
    }
    if (file >= 0) {
        (void)close(file);
    }
    return entries;
}
