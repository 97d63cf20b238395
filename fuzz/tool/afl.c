/* AFL++'s part of an engine: its arguments, and its figures, which it writes to files while it believes that somebody
 * looks at its screen; so it gets a terminal, which nobody sees. */
#include "fuzz/tool/engine.h"
#include "fuzz/tool/settings.h"

#include "alloc/base/progress.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LENGTH_MAX = 1 << 20 }; /* bytes; AFL++ takes no longer input */

static bool take_length(void *user, const char *path, const char *name) {
    size_t *longest = user;
    struct stat info;
    (void)name;
    if (stat(path, &info) == 0 && (size_t)info.st_size > *longest) {
        *longest = (size_t)info.st_size;
    }
    return true;
}

/* How long an input may be: what the property declares, or what its seeds are already; 0 where it declares nothing. */
static size_t find_longest(const char *program, const char *seeds, const char *output) {
    const char *words[] = {program, "--longest", NULL};
    size_t longest = 0;
    size_t length;
    if (cupel__program_run(words, NULL, output, 10000, NULL) == 0) {
        char *text = (char *)cupel__store_read(output, &length, NULL); /* the engine says something too */
        if (text != NULL) {
            text[length] = '\0';
            const char *at = strstr(text, "longest ");
            longest = at == NULL ? 0 : strtoul(at + strlen("longest "), NULL, 10);
        }
        free(text);
    }
    (void)unlink(output);
    if (longest != 0) {
        (void)cupel__store_each(seeds, take_length, &longest, NULL);
    }
    return longest < LENGTH_MAX ? longest : LENGTH_MAX;
}

bool afl_start(struct engine *engine, int64_t seconds, struct cupel_error *error) {
    const struct project *project = engine->project;
    const struct target *target = engine->target;
    char program[CUPEL__PATH_MAX];
    char seeds[CUPEL__PATH_MAX];
    char output[CUPEL__PATH_MAX];
    char foreign[CUPEL__PATH_MAX];
    char dictionary[CUPEL__PATH_MAX];
    char time_word[32];
    char longest_word[32];
    char longest_file[CUPEL__PATH_MAX];
    (void)snprintf(time_word, sizeof time_word, "%lld", (long long)seconds);
    const char *words[24] = {"afl-fuzz",
                             "-V",
                             time_word,
                             "-m",
                             "none",
                             "-t",
                             "5000+",
                             "-i",
                             path_work(project, target, "seeds", seeds),
                             "-o",
                             path_work(project, target, "afl", output),
                             "-M",
                             "main",
                             "-F",
                             path_work(project, target, "inputs", foreign)};
    size_t count = 15;
    if (access(path_work(project, target, "afl.dict", dictionary), R_OK) == 0) {
        words[count++] = "-x";
        words[count++] = dictionary;
    }
    size_t longest = find_longest(path_engine(project, target, "afl", program), seeds,
                                  path_work(project, target, "afl.longest", longest_file));
    if (longest != 0) {
        (void)snprintf(longest_word, sizeof longest_word, "%zu", longest);
        words[count++] = "-G";
        words[count++] = longest_word;
    }
    words[count++] = "--";
    words[count++] = program;
    struct cupel__command command = {.words = words, .environment = settings_afl(), .output = CUPEL__OUTPUT_TERMINAL};
    return cupel__process_start(&engine->process, &command, error);
}

/* Leaves out the colours. */
static void plain(const char *line, char *text, size_t size) {
    size_t length = 0;
    for (const char *at = line; *at != '\0' && length + 1 < size; at++) {
        if (*at == '\033') {
            while (*at != '\0' && !isalpha((unsigned char)*at)) {
                at++;
            }
            if (*at == '\0') {
                break;
            }
        } else if (isprint((unsigned char)*at)) {
            text[length++] = *at;
        }
    }
    text[length] = '\0';
}

/* "33.0k", "8451", "1.2M" after a name on AFL++'s screen. */
static bool find_figure(const char *text, const char *name, double *value) {
    const char *at = strstr(text, name);
    char *end;
    if (at == NULL) {
        return false;
    }
    *value = strtod(at + strlen(name), &end);
    *value *= *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
    return end != at + strlen(name);
}

/* While it runs, its screen is the only place where AFL++ tells how it goes (its files are silent for a minute). */
void afl_line(struct engine *engine, const char *line) {
    struct engine_figures *figures = &engine->figures;
    char text[512];
    double value;
    plain(line, text, sizeof text);
    if (strstr(text, "PROGRAM ABORT") != NULL || strstr(text, "SYSTEM ERROR") != NULL) {
        (void)snprintf(engine->reason, sizeof engine->reason, "%.*s", (int)sizeof engine->reason - 1, text);
        engine->has_failed = true;
        return;
    }
    if (find_figure(text, "exec speed : ", &value)) {
        figures->execs_per_second = value;
    }
    if (find_figure(text, "total execs : ", &value)) {
        figures->execs = (uint64_t)value;
    }
    if (find_figure(text, "corpus count : ", &value)) {
        figures->corpus = (uint64_t)value;
    }
    if (find_figure(text, "arget map size: ", &value)) {
        engine->map_size = value;
    }
    const char *density = strstr(text, "map density : ");
    if (density != NULL && (density = strchr(density, '/')) != NULL) {
        figures->edges = (uint64_t)(strtod(density + 1, NULL) * engine->map_size / 100 + 0.5);
    }
}

/* fuzzer_stats holds the exact figures, at the end. */
static void read_stats(struct engine *engine) {
    char path[CUPEL__PATH_MAX];
    FILE *file = fopen(path_work(engine->project, engine->target, "afl/main/fuzzer_stats", path), "r");
    char line[512];
    double seconds = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char name[64];
        double value;
        if (sscanf(line, "%63[a-z_0-9] : %lf", name, &value) != 2) {
            continue;
        }
        if (strcmp(name, "execs_done") == 0 && value > 0) {
            engine->figures.execs = (uint64_t)value;
        } else if (strcmp(name, "run_time") == 0) {
            seconds = value;
        } else if (strcmp(name, "corpus_count") == 0) {
            engine->figures.corpus = (uint64_t)value;
        } else if (strcmp(name, "edges_found") == 0 && value > 0) {
            engine->figures.edges = (uint64_t)value;
        } else if (strcmp(name, "stability") == 0) {
            engine->figures.stability = value;
        }
    }
    if (seconds > 0) {
        engine->figures.execs_per_second = (double)engine->figures.execs / seconds;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

struct queue_walk {
    struct engine *engine;
    const char *shared; /* libFuzzer's directory */
    uint64_t first_new;
    uint64_t last;
};

static bool visit_queue(void *user, const char *path, const char *name) {
    struct queue_walk *walk = user;
    unsigned long long id;
    if (sscanf(name, "id:%llu", &id) != 1 || id < walk->first_new) {
        return true;
    }
    walk->last = id + 1;
    if (strstr(name, ",sync:") != NULL) {
        walk->engine->figures.crossed++;
    } else if (strstr(name, ",orig:") == NULL) {
        char stored[CUPEL_SHA1_TEXT];
        bool is_new;
        (void)cupel__store_add_file(walk->shared, path, stored, &is_new, NULL);
    }
    return true;
}

void afl_poll(struct engine *engine) {
    int64_t now_ms = cupel_clock_ms();
    bool is_over = cupel__process_has_ended(&engine->process);
    if (!is_over && now_ms - engine->polled_ms < 500) {
        return;
    }
    engine->polled_ms = now_ms;
    char queue[CUPEL__PATH_MAX];
    char shared[CUPEL__PATH_MAX];
    struct queue_walk walk = {.engine = engine,
                              .shared = path_work(engine->project, engine->target, "inputs", shared),
                              .first_new = engine->next_id,
                              .last = engine->next_id};
    (void)cupel__store_each(path_work(engine->project, engine->target, "afl/main/queue", queue), visit_queue, &walk,
                            NULL);
    engine->next_id = walk.last;
    if (is_over) {
        read_stats(engine);
        engine->has_failed = engine->has_failed || cupel__process_status(&engine->process) != 0;
    }
}
