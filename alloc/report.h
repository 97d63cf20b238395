/* Findings: one record for all that the tools detect, and how it becomes text or JSON.
 *
 * Who detects something fills a record and hands it to a sink; nothing prints where it detects. The kinds are the rows
 * of alloc/findings.def. Printing takes memory from nobody and is safe in signal handlers. */
#ifndef ALLOC_REPORT_H
#define ALLOC_REPORT_H

#include "alloc/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUPEL_FINDING(constant, word, sentence, severity, option) CUPEL_FINDING_##constant,
enum cupel_finding_kind {
#include "alloc/findings.def"
    CUPEL_FINDING_KINDS
};

enum cupel_finding_severity { CUPEL_SEVERITY_WARNING, CUPEL_SEVERITY_LEAK, CUPEL_SEVERITY_ERROR };

/* A row of the table of kinds. */
struct cupel_finding_row {
    const char *word;
    const char *sentence;
    enum cupel_finding_severity severity;
    const char *option; /* that silences it */
};

/* The row of a kind; lives for ever. */
const struct cupel_finding_row *cupel_finding_row(enum cupel_finding_kind kind);
/* The kind of a word; false where there is none. */
bool cupel_finding_kind_of(const char *word, size_t length, enum cupel_finding_kind *kind);

/* Functions that belong together: what one of them made is given back to another of them. */
enum cupel_family {
    CUPEL_FAMILY_ANY,      /* fits all: blocks of cupel_alloc and its like */
    CUPEL_FAMILY_MALLOC,   /* malloc, calloc, realloc, aligned_alloc, ...; free */
    CUPEL_FAMILY_NEW,      /* C++: operator new and delete */
    CUPEL_FAMILY_NEW_ARRAY /* C++: operator new[] and delete[] */
};

enum { CUPEL_FINDING_TRACES = 3 };

struct cupel_finding_trace {
    const char *role;     /* "allocated", "freed first", "freed again": what was done there */
    cupel_trace_id trace; /* 0: not taken */
    unsigned thread;      /* number of the thread that did it, 1 for the first that was seen; 0: not known */
};

/* One finding. What is not known is 0. All pointers are borrowed and only compared and printed. */
struct cupel_finding {
    enum cupel_finding_kind kind;
    uint64_t serial;       /* 1 for the first finding of its allocator */
    const char *allocator; /* name of the instance that found it */
    const char *owner;     /* name of the instance whose block it is, where it is another one */
    const char *verb;      /* what was asked for: "free", "resize", "read", "write"; NULL: nobody asked */
    const void *address;   /* that was given or touched */
    bool has_block;        /* the block that is meant, or the nearest one */
    bool is_live;          /* that block is allocated now */
    const void *base;
    size_t size;
    size_t align;
    size_t given_size; /* WRONG_SIZE */
    size_t given_align;
    enum cupel_family family, given_family; /* WRONG_FAMILY */
    size_t damage_offset;   /* of the first byte that was written, from the nearer end of the block: 0 is the first
                               byte behind it, or the last before it; of WRITE_AFTER_FREE: from its beginning */
    size_t damage_bytes;    /* from the first to the last that differ */
    unsigned damage_length; /* bytes of it in `damage` */
    unsigned char damage[8];
    uint64_t blocks, bytes;  /* LEAK, REACHABLE: all blocks of that trace, or of the caller of wrappers */
    unsigned wrapper_frames; /* the same: innermost frames of the allocation that are of allocator wrappers */
    unsigned trace_count;
    struct cupel_finding_trace traces[CUPEL_FINDING_TRACES];
};

/* Prints a finding as a paragraph of text, with each of its traces; the frames' source lines are left out where
 * is_quick. */
void cupel_finding_print(const struct cupel_finding *finding, bool is_quick, cupel_trace_put put, void *user);
/* Prints a finding as one line of JSON; frames are numbers of addresses, "0x...". */
void cupel_finding_print_json(const struct cupel_finding *finding, cupel_trace_put put, void *user);

enum cupel_sink_kind {
    CUPEL_SINK_TEXT, /* paragraphs to `file` */
    CUPEL_SINK_JSON, /* lines to `file` */
    CUPEL_SINK_CALL, /* `call` */
    CUPEL_SINK_NONE  /* findings are counted only */
};

/* Where findings go. */
struct cupel_sink {
    enum cupel_sink_kind kind;
    int file; /* an open descriptor, borrowed */
    /* NULL, or text goes here and not to the descriptor, with `user`: to a serial line, or a log. Called under the
     * rules of `call`, with pieces of lines. */
    cupel_trace_put put;
    bool is_quick; /* text without source lines */
    /* Called by the thread that made the mistake; the record is valid during the call. It may use the allocator; but
     * while all blocks are looked at (check, leaks, deinit) requests give NULL, and nothing else may be asked. */
    void (*call)(void *user, const struct cupel_finding *finding);
    void *user;
};

/* Hands a finding to the sink. A descriptor that cannot be written to loses it silently: there is no one to tell. */
void cupel_sink_finding(const struct cupel_sink *sink, const struct cupel_finding *finding);

#ifdef __cplusplus
}
#endif

#endif
