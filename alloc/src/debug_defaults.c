/* The options of a debug allocator where nobody says otherwise. */
#include "alloc/debug.h"

void cupel_debug_defaults(struct cupel_debug_options *options) {
    *options = (struct cupel_debug_options){.name = "debug",
                                            .frames = CUPEL_DEBUG_FRAMES_DEFAULT,
                                            .traces = CUPEL_TRACE_TABLES,
                                            .has_canaries = true,
                                            .canary_bytes = 16,
                                            .fills_fresh = true,
                                            .fills_freed = true,
                                            .canary = 0xca,
                                            .fresh = 0xaf,
                                            .freed = 0xdd,
                                            .fill_max_bytes = (size_t)32 << 10,
                                            .quarantine_bytes = (size_t)64 << 20,
                                            .kept_metadata_bytes = (size_t)2 << 20,
                                            .catches_faults = true,
                                            .leaks = CUPEL_DEBUG_LEAKS_ALL,
                                            .leak_groups_max = 20,
                                            .sink = {.kind = CUPEL_SINK_TEXT, .file = 2}};
}
