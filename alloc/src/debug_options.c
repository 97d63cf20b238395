/* The options of a debug allocator as text. */
#include "alloc/src/debug_options.h"

#include "alloc/suppressions.h"

#include <assert.h>
#include <string.h>

/* What the table below parses into: options whose type is not one of the table's. */
struct words {
    int64_t frames, canary_bytes, canary, fresh, freed, fill_max, guard_every, quarantine, address_space, spans,
        memory_limit, kept_metadata, leak_groups, statistics_signal, file;
    int walk, seal, leaks, report;
    bool stop;
    struct cupel_option_list ignore, wrappers;
    const char *suppressions;
};

enum { WALKS = 3 };
static const enum cupel_trace_mode walks[WALKS] = {CUPEL_TRACE_NONE, CUPEL_TRACE_FRAME_POINTERS, CUPEL_TRACE_TABLES};

static int64_t bounded(size_t size) {
    return (uint64_t)size > INT64_MAX ? INT64_MAX : (int64_t)size;
}

static size_t unbounded(int64_t number) {
    return number == INT64_MAX || (uint64_t)number > SIZE_MAX ? SIZE_MAX : (size_t)number;
}

static void words_from(const struct cupel_debug_options *options, struct words *words) {
    *words = (struct words){.frames = options->frames,
                            .canary_bytes = options->canary_bytes,
                            .canary = options->canary,
                            .fresh = options->fresh,
                            .freed = options->freed,
                            .fill_max = bounded(options->fill_max_bytes),
                            .guard_every = options->guard_every,
                            .quarantine = bounded(options->quarantine_bytes),
                            .address_space = bounded(options->address_bytes),
                            .spans = bounded(options->span_count_max),
                            .memory_limit = bounded(options->memory_limit_bytes),
                            .kept_metadata = bounded(options->kept_metadata_bytes),
                            .leak_groups = options->leak_groups_max,
                            .statistics_signal = options->statistics_signal,
                            .file = options->sink.file,
                            .seal = (int)options->seal,
                            .leaks = (int)options->leaks,
                            .report = (int)options->sink.kind,
                            .stop = options->react == CUPEL_DEBUG_STOP};
    while (words->walk < WALKS - 1 && walks[words->walk] != options->traces) {
        words->walk++;
    }
}

static bool ignore(struct cupel_debug_options *options, const struct cupel_option_list *list,
                   struct cupel_error *error) {
    for (size_t i = 0; i < list->count; i++) {
        const char *word = list->words[i];
        while (*word != '\0') {
            size_t length = strcspn(word, ",");
            enum cupel_finding_kind kind;
            if (!cupel_finding_kind_of(word, length, &kind)) {
                return cupel_error_set(error, 0, 0, "ignore: '%.*s' is no kind of finding",
                                       (int)(length < 40 ? length : 40), word);
            }
            options->ignored |= UINT32_C(1) << kind;
            word += length + (word[length] == ',');
        }
    }
    return true;
}

/* All words, with commas between; false where they are too long. */
static bool wrap(struct cupel_debug_options *options, const struct cupel_option_list *list, struct cupel_error *error) {
    size_t length = strlen(options->wrappers);
    for (size_t i = 0; i < list->count; i++) {
        size_t more = strlen(list->words[i]);
        if (length + more + 2 > sizeof options->wrappers) {
            return cupel_error_set(error, 0, 0, "wrappers: these are more than %zu bytes",
                                   sizeof options->wrappers - 1);
        }
        options->wrappers[length] = ',';
        length += length != 0;
        memcpy(options->wrappers + length, list->words[i], more + 1);
        length += more;
    }
    return true;
}

/* The file of a path, checked. */
static bool suppress(struct cupel_debug_options *options, const char *path, struct cupel_error *error) {
    if (path != NULL) {
        options->suppressions = cupel_suppressions_load(path, error);
    }
    return path == NULL || options->suppressions != NULL;
}

static void words_to(const struct words *words, struct cupel_debug_options *options) {
    options->frames = (unsigned)words->frames;
    options->canary_bytes = (unsigned)words->canary_bytes;
    options->canary = (unsigned char)words->canary;
    options->fresh = (unsigned char)words->fresh;
    options->freed = (unsigned char)words->freed;
    options->fill_max_bytes = unbounded(words->fill_max);
    options->guard_every = (unsigned)words->guard_every;
    options->quarantine_bytes = unbounded(words->quarantine);
    options->address_bytes = unbounded(words->address_space);
    options->span_count_max = unbounded(words->spans);
    options->memory_limit_bytes = unbounded(words->memory_limit);
    options->kept_metadata_bytes = unbounded(words->kept_metadata);
    options->leak_groups_max = (unsigned)words->leak_groups;
    options->statistics_signal = (int)words->statistics_signal;
    options->traces = walks[words->walk];
    options->seal = (enum cupel_debug_seal)words->seal;
    options->leaks = (enum cupel_debug_leaks)words->leaks;
    options->react = words->stop ? CUPEL_DEBUG_STOP : CUPEL_DEBUG_CONTINUE;
    options->sink.kind = (enum cupel_sink_kind)words->report;
    options->sink.file = (int)words->file;
}

#define BYTES(member, name_, sentence_)                                                                                \
    { .name = name_, .kind = CUPEL_OPTION_INT, .value = &words->member, .parameter = "BYTES", .sentence = sentence_ }
#define NUMBER(member, name_, max_, sentence_)                                                                         \
    {                                                                                                                  \
        .name = name_, .kind = CUPEL_OPTION_INT, .value = &words->member, .parameter = "N", .sentence = sentence_,     \
        .max = max_                                                                                                    \
    }
#define FLAG(member, name_, sentence_)                                                                                 \
    { .name = name_, .kind = CUPEL_OPTION_FLAG, .value = &options->member, .sentence = sentence_ }
#define CHOICE(member, name_, choices_, sentence_)                                                                     \
    {                                                                                                                  \
        .name = name_, .kind = CUPEL_OPTION_CHOICE, .value = &words->member, .parameter = "WORD", .choices = choices_, \
        .sentence = sentence_                                                                                          \
    }

enum { ROWS = 36, MORE_ROWS = 9 };

static void fill_table(struct cupel_option table[ROWS], struct words *words, struct cupel_debug_options *options) {
    const struct cupel_option rows[] = {
        NUMBER(frames, "frames", CUPEL_TRACE_FRAMES_MAX, "frames of a trace; 0 takes none; default 16"),
        CHOICE(walk, "walk", "none frame-pointers tables", "how stacks are walked; default tables"),
        FLAG(is_single_thread, "single-thread", "take no lock; use by a second thread is a finding"),
        FLAG(has_canaries, "canaries", "canaries around each block; default yes"),
        NUMBER(canary_bytes, "canary-bytes", 256, "bytes before a block, a multiple of 16; default 16"),
        NUMBER(canary, "canary", 255, "the byte of canaries; default 0xca"),
        FLAG(fills_fresh, "fill-fresh", "fill new blocks; default yes"),
        NUMBER(fresh, "fresh", 255, "the byte of new blocks; default 0xaf"),
        FLAG(fills_freed, "fill-freed", "fill freed blocks, and look at it later; default yes"),
        NUMBER(freed, "freed", 255, "the byte of freed blocks; default 0xdd"),
        BYTES(fill_max, "fill-max", "fill so much of a larger block; default 32 KiB"),
        NUMBER(guard_every, "guard-every", UINT32_MAX, "one block in N gets pages and guards of its own; default 0"),
        BYTES(quarantine, "quarantine", "freed bytes among live ones before they are reused; default 64 MiB"),
        BYTES(address_space, "address-space", "addresses to use before freed ones are reused; default 0, all"),
        NUMBER(spans, "spans", UINT32_MAX, "spans at once; default 0, a third of the system's mappings"),
        BYTES(memory_limit, "memory-limit", "live bytes beyond which requests fail; default 0, none"),
        BYTES(kept_metadata, "kept-metadata", "records of retired spans that are kept; default 2 MiB"),
        CHOICE(seal, "seal", "none retired always", "write-protect records; default none"),
        FLAG(records_in_backing, "records-in-backing", "take records from the backing allocator too"),
        FLAG(never_unmaps, "never-unmap", "leave freed memory readable"),
        FLAG(moves_on_remap, "move-on-remap", "each resize that may move the block does"),
        FLAG(catches_faults, "catch-faults", "tell of faults in freed memory and guards; default yes"),
        CHOICE(leaks, "leaks", "none unreachable all", "blocks that are leaks at the end; default all"),
        NUMBER(leak_groups, "leak-groups", UINT32_MAX, "groups of leaks that are told; default 20"),
        FLAG(prints_statistics, "statistics", "print the numbers at the end"),
        NUMBER(statistics_signal, "statistics-signal", 64, "print them at each such signal; default 0, none"),
        FLAG(is_verbose, "verbose", "a line for each request"),
        {.name = "stop", .kind = CUPEL_OPTION_FLAG, .value = &words->stop, .sentence = "abort at the first finding"},
        {.name = "ignore",
         .kind = CUPEL_OPTION_LIST,
         .value = &words->ignore,
         .parameter = "KIND,...",
         .sentence = "kinds of findings that are neither told nor counted"},
        {.name = "wrappers",
         .kind = CUPEL_OPTION_LIST,
         .value = &words->wrappers,
         .parameter = "NAME,...",
         .sentence = "functions that wrap allocators, with stars: leaks and sites are of who calls them"},
        {.name = "suppressions",
         .kind = CUPEL_OPTION_TEXT,
         .value = &words->suppressions,
         .parameter = "FILE",
         .sentence = "rules on stacks, as sanitizers and valgrind have them, for what is not to be told"},
        CHOICE(report, "report", "text json call none", "how findings are written; default text"),
        NUMBER(file, "file", INT32_MAX, "the descriptor they are written to; default 2"),
        {.name = NULL}};
    _Static_assert(sizeof rows / sizeof rows[0] <= ROWS, "the table has room for all rows");
    memcpy(table, rows, sizeof rows);
}

bool cupel__debug_parse_with(struct cupel_debug_options *options, const struct cupel_option *more, const char *text,
                             struct cupel_error *error) {
    struct cupel_debug_options changed = *options;
    struct words words;
    struct cupel_option table[ROWS + MORE_ROWS];
    char storage[1024];
    words_from(options, &words);
    fill_table(table, &words, &changed);
    size_t count = 0;
    while (table[count].name != NULL) {
        count++;
    }
    for (; more != NULL && more->name != NULL; more++) {
        assert(count < ROWS + MORE_ROWS - 1); /* LCOV_EXCL_BR_LINE(no caller has more rows) */
        table[count++] = *more;
        table[count].name = NULL;
    }
    if (!cupel_options_parse_text(table, text, storage, sizeof storage, error) ||
        !ignore(&changed, &words.ignore, error) || !wrap(&changed, &words.wrappers, error) ||
        !suppress(&changed, words.suppressions, error)) {
        return false;
    }
    words_to(&words, &changed);
    *options = changed;
    return true;
}

bool cupel_debug_parse(struct cupel_debug_options *options, const char *text, struct cupel_error *error) {
    return cupel__debug_parse_with(options, NULL, text, error);
}

void cupel_debug_help(FILE *out) {
    struct words words;
    struct cupel_debug_options options;
    struct cupel_option table[ROWS];
    cupel_debug_defaults(&options);
    words_from(&options, &words);
    fill_table(table, &words, &options);
    for (const struct cupel_option *row = table; row->name != NULL; row++) {
        (void)fprintf(out, "  %s%s%-*s %s\n", row->name, row->parameter == NULL ? "" : "=",
                      row->parameter == NULL ? 23 - (int)strlen(row->name) : 22 - (int)strlen(row->name),
                      row->parameter == NULL ? "" : row->parameter, row->sentence);
    }
}
