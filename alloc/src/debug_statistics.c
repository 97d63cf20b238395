/* The numbers of a debug allocator: see cupel_debug_statistics. */
#include "alloc/src/debug_statistics.h"

#include "alloc/query.h"
#include "alloc/src/debug_meta.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_sweep.h"
#include "alloc/src/report_output.h"
#include "alloc/src/text.h"

static uint64_t load(const uint64_t *number) {
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

static void add_size(void *user, struct cupel__span *span, uint32_t index, uint32_t word) {
    (void)index;
    uint64_t *sum = user;
    if (cupel__slot_state(word) == CUPEL__SLOT_LIVE) {
        *sum += cupel__slot_size(span, word);
    }
}

static uint64_t live_slots(const struct cupel__span_list *list) {
    uint64_t count = 0;
    for (const struct cupel__span *span = list->first; span != NULL; span = span->next) {
        count += __atomic_load_n(&span->handed_out, __ATOMIC_RELAXED) - __atomic_load_n(&span->freed, __ATOMIC_RELAXED);
    }
    return count;
}

static void add_shards(struct cupel__debug *debug, struct cupel_debug_statistics *statistics) {
    for (unsigned i = 0; i < CUPEL__SHARDS; i++) {
        struct cupel__shard *shard = &debug->shards[i];
        cupel__debug_lock(debug, &shard->lock);
        statistics->acquired += shard->acquired;
        statistics->freed_bytes += load(&shard->freed_bytes);
        statistics->reused_slots += shard->reused_slots;
        cupel__debug_unlock(debug, &shard->lock);
    }
}

static void add_queries(struct cupel_debug_statistics *statistics) {
    uint64_t counts[CUPEL_QUERY_STATUSES];
    cupel_query_count(counts);
    statistics->queries_ok = counts[CUPEL_QUERY_OK];
    statistics->queries_no_owner = counts[CUPEL_QUERY_NO_OWNER];
    statistics->queries_forgotten = counts[CUPEL_QUERY_FORGOTTEN];
    statistics->queries_no_thread = counts[CUPEL_QUERY_NO_THREAD];
    statistics->queries_no_frame = counts[CUPEL_QUERY_NO_FRAME];
    statistics->queries_no_symbol = counts[CUPEL_QUERY_NO_SYMBOL];
    statistics->queries_no_map = counts[CUPEL_QUERY_NO_MAP];
}

void cupel_debug_statistics(const struct cupel_debug *debug, struct cupel_debug_statistics *statistics) {
    struct cupel__debug *state = debug->state;
    *statistics = (struct cupel_debug_statistics){.acquired = load(&state->large_acquired),
                                                  .findings = load(&state->findings),
                                                  .suppressed = load(&state->suppressed),
                                                  .silenced = load(&state->silenced),
                                                  .refused = load(&state->refused),
                                                  .reentered = load(&state->reentered)};
    add_shards(state, statistics);
    cupel__debug_lock(state, &state->lock);
    statistics->live_blocks = state->large.count + live_slots(&state->open);
    for (unsigned i = 0; i < CUPEL__CLASSES; i++) {
        statistics->full_spans += state->full[i].count;
        statistics->live_blocks += live_slots(&state->full[i]);
    }
    statistics->released = statistics->acquired - statistics->live_blocks;
    cupel__debug_walk(state, add_size, &statistics->requested_bytes);
    statistics->large_spans = state->large.count;
    statistics->spans = state->open.count + statistics->full_spans + statistics->large_spans;
    statistics->retired_spans = state->retired.count;
    statistics->mapped_bytes = state->mapped_bytes;
    statistics->overhead_bytes = cupel__meta_bytes(state);
    statistics->address_bytes = state->addresses.used_bytes;
    statistics->revocations = state->revocations;
    statistics->moves = state->moves;
    statistics->trims = state->trims;
    statistics->reused_spans = state->reused_spans;
    statistics->kept_metadata_bytes = state->meta.kept_bytes;
    statistics->forgotten_spans = state->forgotten_spans;
    cupel__debug_unlock(state, &state->lock);
    struct cupel_trace_counters counters;
    cupel_trace_count(&counters);
    statistics->traces = counters.traces;
    statistics->trace_bytes = counters.bytes;
    add_queries(statistics);
}

void cupel_debug_print_statistics(const struct cupel_debug *debug, bool is_json, cupel_trace_put put, void *user) {
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(debug, &statistics);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
#define ROW(name) {#name, statistics.name}
        ROW(live_blocks),
        ROW(requested_bytes),
        ROW(acquired),
        ROW(released),
        ROW(mapped_bytes),
        ROW(overhead_bytes),
        ROW(address_bytes),
        ROW(spans),
        ROW(full_spans),
        ROW(large_spans),
        ROW(retired_spans),
        ROW(freed_bytes),
        ROW(revocations),
        ROW(moves),
        ROW(trims),
        ROW(reused_spans),
        ROW(reused_slots),
        ROW(kept_metadata_bytes),
        ROW(forgotten_spans),
        ROW(findings),
        ROW(suppressed),
        ROW(refused),
        ROW(reentered),
        ROW(traces),
        ROW(trace_bytes),
        ROW(silenced),
        ROW(queries_ok),
        ROW(queries_no_owner),
        ROW(queries_forgotten),
        ROW(queries_no_thread),
        ROW(queries_no_frame),
        ROW(queries_no_symbol),
        ROW(queries_no_map)
#undef ROW
    };
    const struct cupel__text text = {put, user};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cupel__text_string(&text, !is_json ? "" : i == 0 ? "{\"" : ",\"");
        cupel__text_string(&text, rows[i].name);
        cupel__text_string(&text, is_json ? "\":" : " ");
        cupel__text_decimal(&text, rows[i].value);
        cupel__text_string(&text, is_json ? "" : "\n");
    }
    cupel__text_string(&text, is_json ? "}\n" : "");
}

void cupel__debug_write_statistics(struct cupel__debug *debug) {
    struct cupel__output output;
    const struct cupel__text text = cupel__output_begin(&output, &debug->options.sink);
    cupel_debug_print_statistics(debug->handle, debug->options.sink.kind == CUPEL_SINK_JSON, text.put, text.user);
    cupel__output_flush(&output);
}
