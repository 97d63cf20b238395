/* See engine.h: what both engines have in common. */
#include "fuzz/tool/engine.h"

#include "alloc/base/progress.h"

#include <signal.h>
#include <string.h>

enum { LOG_BYTES_MAX = 1 << 20, STOP_MS = 5000, STOP_HARD_MS = 8000 };

const char *engine_name(enum engine_kind kind) {
    return kind == ENGINE_AFL ? "afl" : "libfuzzer";
}

bool engine_start(struct engine *engine, enum engine_kind kind, const struct project *project,
                  const struct target *target, int64_t seconds, struct cupel_error *error) {
    *engine = (struct engine){.kind = kind, .project = project, .target = target, .figures.stability = -1};
    char path[CUPEL__PATH_MAX];
    engine->log = fopen(path_work(project, target, kind == ENGINE_AFL ? "afl.log" : "libfuzzer.log", path), "we");
    bool is_started = kind == ENGINE_AFL ? afl_start(engine, seconds, error) : libfuzzer_start(engine, seconds, error);
    engine->has_started = is_started;
    engine->has_ended = !is_started;
    if (!is_started && engine->log != NULL) {
        (void)fclose(engine->log);
        engine->log = NULL;
    }
    return is_started;
}

static void take_text(struct engine *engine, const char *text, size_t length) {
    if (engine->log != NULL && engine->logged_bytes < LOG_BYTES_MAX) {
        engine->logged_bytes += fwrite(text, 1, length, engine->log);
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\n') {
            if (engine->line_length + 1 < sizeof engine->line) {
                engine->line[engine->line_length++] = text[i];
            }
            continue;
        }
        engine->line[engine->line_length] = '\0';
        engine->line_length = 0;
        if (engine->kind == ENGINE_AFL) {
            afl_line(engine, engine->line);
        } else {
            libfuzzer_line(engine, engine->line);
        }
    }
}

void engine_poll(struct engine *engine) {
    if (!engine->has_started || engine->has_ended) {
        return;
    }
    bool has_ended = cupel__process_has_ended(&engine->process);
    char text[8192];
    size_t length;
    while ((length = cupel__process_read(&engine->process, text, sizeof text)) > 0) {
        take_text(engine, text, length);
    }
    if (engine->kind == ENGINE_AFL) {
        afl_poll(engine);
    }
    if (!has_ended && engine->stop_ms != 0 && cupel_clock_ms() - engine->stop_ms > STOP_MS) {
        bool is_hard = cupel_clock_ms() - engine->stop_ms > STOP_HARD_MS;
        cupel__process_signal(&engine->process, is_hard ? SIGKILL : SIGTERM);
    }
    if (has_ended) {
        (void)cupel__process_finish(&engine->process, 0);
        engine->has_ended = true;
        if (engine->log != NULL) {
            (void)fclose(engine->log);
            engine->log = NULL;
        }
    }
}

void engine_stop(struct engine *engine) {
    if (engine->has_started && !engine->has_ended && engine->stop_ms == 0) {
        engine->stop_ms = cupel_clock_ms();
        cupel__process_signal(&engine->process, SIGINT);
    }
}
