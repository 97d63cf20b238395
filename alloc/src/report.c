/* The table of findings, and how a finding is written: see report.h. Where it goes is in report_output.c. */
#include "alloc/report.h"

#include "alloc/src/place_text.h"
#include "alloc/src/text.h"

#define CUPEL_FINDING(constant, word, sentence, severity, option) {word, sentence, CUPEL_SEVERITY_##severity, option},
static const struct cupel_finding_row rows[] = {
#include "alloc/findings.def"
};
_Static_assert(sizeof rows / sizeof rows[0] == CUPEL_FINDING_KINDS, "a row for each kind");

const struct cupel_finding_row *cupel_finding_row(enum cupel_finding_kind kind) {
    return &rows[(unsigned)kind < CUPEL_FINDING_KINDS ? kind : 0];
}

bool cupel_finding_kind_of(const char *word, size_t length, enum cupel_finding_kind *kind) {
    for (unsigned i = 0; i < CUPEL_FINDING_KINDS; i++) {
        if (cupel__text_is(rows[i].word, word, length)) {
            *kind = (enum cupel_finding_kind)i;
            return true;
        }
    }
    return false;
}

/* "8 bytes behind the block of 24 bytes at 0x1000": where the address lies from the block. */
static void print_place(const struct cupel_finding *finding, const struct cupel__text *text) {
    uintptr_t address = (uintptr_t)finding->address;
    uintptr_t base = (uintptr_t)finding->base;
    if (finding->address != NULL && address != base) {
        uint64_t distance = address < base ? base - address : address - base;
        bool is_behind = address > base && distance >= finding->size;
        cupel__text_count(text, is_behind ? distance - finding->size : distance, "byte");
        cupel__text_string(text, address < base ? " before " : is_behind ? " behind " : " into ");
    } else {
        cupel__text_string(text, "it is ");
    }
    cupel__text_string(text, finding->is_live ? "the live block of " : "the freed block of ");
    cupel__text_count(text, finding->size, "byte");
    cupel__text_string(text, " at ");
    cupel__text_hex(text, base);
    cupel__text_string(text, "\n");
}

static void print_damage(const struct cupel_finding *finding, const struct cupel__text *text) {
    cupel__text_count(text, finding->damage_bytes, "byte");
    bool is_behind = finding->kind == CUPEL_FINDING_OVERFLOW;
    bool is_before = finding->kind == CUPEL_FINDING_UNDERFLOW;
    int64_t offset = (int64_t)finding->damage_offset;
    cupel__text_string(text, " written, ");
    if (is_behind || is_before) {
        cupel__text_decimal(text, finding->damage_offset);
        cupel__text_string(text, is_behind ? " behind the end" : " before the beginning");
    } else {
        cupel__text_string(text, "from offset ");
        cupel__text_signed(text, offset);
    }
    cupel__text_string(text, ":");
    for (unsigned i = 0; i < finding->damage_length; i++) {
        const char *digits = "0123456789abcdef";
        char byte[4] = {' ', digits[finding->damage[i] >> 4], digits[finding->damage[i] & 15], '\0'};
        cupel__text_string(text, byte);
    }
    cupel__text_string(text, finding->damage_bytes > finding->damage_length ? " ...\n" : "\n");
}

static void print_family(const struct cupel_finding *finding, const struct cupel__text *text) {
    static const char *const makers[] = {"", "malloc", "operator new", "operator new[]"};
    static const char *const takers[] = {"", "free", "operator delete", "operator delete[]"};
    bool is_resize = finding->verb != NULL && !cupel__text_is(finding->verb, "free", 4);
    cupel__text_string(text, "  it is from ");
    cupel__text_string(text, makers[finding->family]);
    cupel__text_string(text, ", and was given to ");
    cupel__text_string(text, is_resize ? "realloc" : takers[finding->given_family]);
    cupel__text_string(text, "\n");
}

/* What this kind has to say beside its sentence, a line each. */
static void print_particulars(const struct cupel_finding *finding, const struct cupel__text *text) {
    const struct cupel_finding_row *row = &rows[finding->kind];
    if (row->severity == CUPEL_SEVERITY_LEAK) {
        cupel__text_string(text, "  ");
        cupel__text_count(text, finding->bytes, "byte");
        cupel__text_string(text, " in ");
        cupel__text_count(text, finding->blocks, "block");
        cupel__text_string(text, ", one at ");
        cupel__text_hex(text, (uintptr_t)finding->base);
        cupel__text_string(text, "\n");
        if (finding->wrapper_frames > 0) {
            cupel__text_string(text, "  asked for by #");
            cupel__text_decimal(text, finding->wrapper_frames);
            cupel__text_string(text, ", which calls what wraps the allocator\n");
        }
        return;
    }
    if (finding->owner != NULL) {
        cupel__text_string(text, "  it belongs to ");
        cupel__text_string(text, finding->owner);
        cupel__text_string(text, "\n");
    }
    if (finding->has_block) {
        cupel__text_string(text, "  ");
        print_place(finding, text);
    }
    if (finding->damage_bytes > 0) {
        cupel__text_string(text, "  ");
        print_damage(finding, text);
    }
    if (finding->kind == CUPEL_FINDING_WRONG_FAMILY) {
        print_family(finding, text);
    }
    if (finding->kind == CUPEL_FINDING_WRONG_SIZE || finding->kind == CUPEL_FINDING_WRONG_ALIGN) {
        bool is_size = finding->kind == CUPEL_FINDING_WRONG_SIZE;
        cupel__text_string(text, is_size ? "  it was given as a block of " : "  it was given with an alignment of ");
        cupel__text_count(text, is_size ? finding->given_size : finding->given_align, "byte");
        if (!is_size) {
            cupel__text_string(text, ", and has ");
            cupel__text_decimal(text, finding->align);
        }
        cupel__text_string(text, "\n");
    }
}

/* An address that is no block's may have a name. */
static bool has_place(const struct cupel_finding *finding) {
    return finding->kind == CUPEL_FINDING_STACK || finding->kind == CUPEL_FINDING_STATIC;
}

static void print_where(const struct cupel_finding *finding, bool is_quick, const struct cupel__text *text) {
    char place[CUPEL__PLACE_TEXT] = "";
    if (has_place(finding)) {
        cupel__place_text(finding->address, is_quick, place);
    }
    if (place[0] != '\0') {
        cupel__text_string(text, "  ");
        cupel__text_string(text, place);
        cupel__text_string(text, "\n");
    }
}

void cupel_finding_print(const struct cupel_finding *finding, bool is_quick, cupel_trace_put put, void *user) {
    const struct cupel__text text = {put, user};
    const struct cupel_finding_row *row = &rows[finding->kind];
    cupel__text_string(&text, finding->allocator == NULL ? "cupel" : finding->allocator);
    cupel__text_string(&text, ": ");
    cupel__text_string(&text, row->word);
    cupel__text_string(&text, ": ");
    cupel__text_string(&text, row->sentence);
    if (finding->address != NULL) {
        cupel__text_string(&text, ": ");
        cupel__text_string(&text, finding->verb == NULL ? "address" : finding->verb);
        cupel__text_string(&text, " ");
        cupel__text_hex(&text, (uintptr_t)finding->address);
    }
    cupel__text_string(&text, "\n");
    print_particulars(finding, &text);
    print_where(finding, is_quick, &text);
    for (unsigned i = 0; i < finding->trace_count; i++) {
        const struct cupel_finding_trace *trace = &finding->traces[i];
        cupel__text_string(&text, "  ");
        cupel__text_string(&text, trace->role);
        if (trace->thread != 0) {
            cupel__text_string(&text, " by thread ");
            cupel__text_decimal(&text, trace->thread);
        }
        cupel__text_string(&text, trace->trace == 0 ? " (no trace was taken)\n" : " at\n");
        cupel_trace_print(trace->trace, is_quick, put, user);
    }
    const char *lack = finding->serial == 1 ? cupel_trace_lack() : NULL; /* once is enough */
    if (lack != NULL) {
        cupel__text_string(&text, "  note: ");
        cupel__text_string(&text, lack);
        cupel__text_string(&text, "\n");
    }
}

static void key(const struct cupel__text *text, const char *name) {
    cupel__text_string(text, ",");
    cupel__text_json(text, name);
    cupel__text_string(text, ":");
}

static void number(const struct cupel__text *text, const char *name, uint64_t value) {
    key(text, name);
    cupel__text_decimal(text, value);
}

static void address(const struct cupel__text *text, const char *name, const void *value) {
    if (value != NULL) {
        key(text, name);
        cupel__text_string(text, "\"");
        cupel__text_hex(text, (uintptr_t)value);
        cupel__text_string(text, "\"");
    }
}

static void string(const struct cupel__text *text, const char *name, const char *value) {
    if (value != NULL) {
        key(text, name);
        cupel__text_json(text, value);
    }
}

static void print_json_traces(const struct cupel_finding *finding, const struct cupel__text *text) {
    key(text, "traces");
    cupel__text_string(text, "[");
    for (unsigned i = 0; i < finding->trace_count; i++) {
        const struct cupel_finding_trace *trace = &finding->traces[i];
        cupel__text_string(text, i == 0 ? "{\"role\":" : ",{\"role\":");
        cupel__text_json(text, trace->role);
        number(text, "thread", trace->thread);
        key(text, "frames");
        const void *frames[CUPEL_TRACE_FRAMES_MAX];
        unsigned count = cupel_trace_frames(trace->trace, frames, CUPEL_TRACE_FRAMES_MAX);
        for (unsigned j = 0; j < count; j++) {
            cupel__text_string(text, j == 0 ? "[\"" : ",\"");
            cupel__text_hex(text, (uintptr_t)frames[j]);
            cupel__text_string(text, "\"");
        }
        cupel__text_string(text, count == 0 ? "[]}" : "]}");
    }
    cupel__text_string(text, "]");
}

void cupel_finding_print_json(const struct cupel_finding *finding, cupel_trace_put put, void *user) {
    const struct cupel__text text = {put, user};
    static const char *const severities[] = {"warning", "leak", "error"};
    cupel__text_string(&text, "{\"kind\":");
    cupel__text_json(&text, rows[finding->kind].word);
    string(&text, "severity", severities[rows[finding->kind].severity]);
    string(&text, "sentence", rows[finding->kind].sentence);
    number(&text, "serial", finding->serial);
    string(&text, "allocator", finding->allocator);
    string(&text, "owner", finding->owner);
    string(&text, "verb", finding->verb);
    address(&text, "address", finding->address);
    if (finding->has_block) {
        address(&text, "base", finding->base);
        number(&text, "size", finding->size);
        number(&text, "align", finding->align);
        key(&text, "is_live");
        cupel__text_string(&text, finding->is_live ? "true" : "false");
    }
    if (finding->damage_bytes > 0) {
        number(&text, "damage_offset", finding->damage_offset);
        number(&text, "damage_bytes", finding->damage_bytes);
    }
    if (finding->kind == CUPEL_FINDING_WRONG_SIZE || finding->kind == CUPEL_FINDING_WRONG_ALIGN) {
        number(&text, "given_size", finding->given_size);
        number(&text, "given_align", finding->given_align);
    }
    if (finding->kind == CUPEL_FINDING_WRONG_FAMILY) {
        static const char *const families[] = {"any", "malloc", "new", "new[]"};
        string(&text, "family", families[finding->family]);
        string(&text, "given_family", families[finding->given_family]);
    }
    if (rows[finding->kind].severity == CUPEL_SEVERITY_LEAK) {
        number(&text, "blocks", finding->blocks);
        number(&text, "bytes", finding->bytes);
        number(&text, "wrapper_frames", finding->wrapper_frames);
    }
    if (has_place(finding)) {
        char place[CUPEL__PLACE_TEXT];
        cupel__place_text(finding->address, false, place);
        string(&text, "place", place[0] == '\0' ? NULL : place);
    }
    print_json_traces(finding, &text);
    string(&text, "note", finding->serial == 1 ? cupel_trace_lack() : NULL);
    cupel__text_string(&text, "}\n");
}
