/* One engine at work on one target: a process of libFuzzer or of AFL++, its figures read from what it says. The engines
 * of a target work on one corpus: libFuzzer's directory is imported by AFL++ (-F), AFL++'s finds are copied into it and
 * picked up by libFuzzer (-reload). */
#ifndef FUZZ_TOOL_ENGINE_H
#define FUZZ_TOOL_ENGINE_H

#include "fuzz/src/process.h"
#include "fuzz/tool/project.h"

#include <stdio.h>

enum engine_kind { ENGINE_LIBFUZZER, ENGINE_AFL, ENGINE_KINDS };

struct engine_figures {
    uint64_t execs;
    double execs_per_second;
    uint64_t corpus; /* inputs in its queue */
    uint64_t edges;
    double stability; /* percent; negative: the engine does not tell */
    uint64_t crossed; /* inputs of the other engine that it took because they were new to it */
};

struct engine {
    enum engine_kind kind;
    const struct project *project;
    const struct target *target;
    struct cupel__process process;
    struct engine_figures figures;
    FILE *log;
    size_t logged_bytes;
    char line[1024]; /* of output, not complete yet */
    size_t line_length;
    uint64_t corpus_before; /* libFuzzer: units at the last line that it printed */
    uint64_t next_id;       /* AFL++: the first queue entry not looked at yet */
    double map_size;        /* AFL++: places in its map, of which its screen tells a share */
    int64_t polled_ms;      /* when its files were last read */
    int64_t stop_ms;        /* when it was told to stop; 0: not yet */
    bool has_started, has_ended, has_failed;
    char reason[160]; /* why it failed, in its own words */
};

const char *engine_name(enum engine_kind kind);
/* Starts the engine for `seconds`; the target's work directory is ready. False and a text on error. */
bool engine_start(struct engine *engine, enum engine_kind kind, const struct project *project,
                  const struct target *target, int64_t seconds, struct cupel_error *error);
/* Reads what it said, and crosses inputs over. Call a few times a second. Sets has_ended. */
void engine_poll(struct engine *engine);
/* Asks it to end, in order; engine_poll sees it end, or kills it after five seconds. */
void engine_stop(struct engine *engine);

/* Each engine's own part, called by the above. */
bool libfuzzer_start(struct engine *engine, int64_t seconds, struct cupel_error *error);
void libfuzzer_line(struct engine *engine, const char *line);
bool afl_start(struct engine *engine, int64_t seconds, struct cupel_error *error);
void afl_line(struct engine *engine, const char *line);
/* Reads AFL++'s figures from its files and copies its new finds to libFuzzer. */
void afl_poll(struct engine *engine);

#endif
