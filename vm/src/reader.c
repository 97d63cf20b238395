/* Reads the assembler's text: lists, arrays, symbols, strings, numbers. */
#include "vm/src/reader.h"

#include "vm/src/program.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 200, KIND_BITS = 3, COLUMN_BITS = 24, NUMBER_BYTES_MAX = 64 };

enum vm__node_kind vm__node_kind(tagged_value_t node) {
    return (enum vm__node_kind)(vm_integer(vm_get(node, 0)) & 7);
}

unsigned vm__node_column(tagged_value_t node) {
    return (unsigned)(vm_integer(vm_get(node, 0)) >> KIND_BITS & ((1 << COLUMN_BITS) - 1));
}

unsigned vm__node_line(tagged_value_t node) {
    return (unsigned)(vm_integer(vm_get(node, 0)) >> (KIND_BITS + COLUMN_BITS));
}

tagged_value_t vm__node_value(tagged_value_t node) {
    return vm_get(node, 1);
}

size_t vm__node_count(tagged_value_t node) {
    return vm_is(node, VM_TYPE_ARRAY) ? vm_length(node) - 1 : 0;
}

tagged_value_t vm__node_item(tagged_value_t node, size_t index) {
    return vm_get(node, index + 1);
}

void vm__reader_init(struct vm__reader *reader, vm_t *vm, const char *text, size_t length, struct cupel_error *error) {
    *reader =
        (struct vm__reader){.vm = vm, .at = text, .end = text + length, .line_start = text, .line = 1, .error = error};
}

static unsigned column(const struct vm__reader *reader, const char *at) {
    ptrdiff_t bytes = at - reader->line_start;
    return bytes < (1 << COLUMN_BITS) - 1 ? (unsigned)bytes + 1 : (1 << COLUMN_BITS) - 1;
}

static bool fail(const struct vm__reader *reader, const char *at, const char *why) {
    return cupel_error_set(reader->error, reader->line, column(reader, at), "%s", why);
}

static tagged_value_t tag(const struct vm__reader *reader, enum vm__node_kind kind, const char *at) {
    return vm_mk_integer((int64_t)reader->line << (KIND_BITS + COLUMN_BITS) | (int64_t)column(reader, at) << KIND_BITS |
                         (int64_t)kind);
}

static bool starved(struct vm__reader *reader) {
    reader->is_starved = true;
    return cupel_error_set(reader->error, 0, 0, "out of memory");
}

static bool atom(struct vm__reader *reader, tagged_value_t tag_, tagged_value_t value, tagged_value_t *node) {
    *node = vm_is_oom(value) ? value : vm_mk_pair(reader->vm, tag_, value);
    return !vm_is_oom(*node) || starved(reader);
}

static void skip_space(struct vm__reader *reader) {
    bool is_comment = false;
    for (; reader->at < reader->end; reader->at++) {
        char c = *reader->at;
        if (c == '\n') {
            is_comment = false;
            reader->line++;
            reader->line_start = reader->at + 1;
        } else if (c == ';') {
            is_comment = true;
        } else if (!is_comment && c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape behind a backslash, at reader->at; `*out` gets what it means. */
static bool read_escape(struct vm__reader *reader, char **out) {
    static const char letters[] = "ntr0\"\\";
    static const char meanings[] = "\n\t\r\0\"\\";
    char c = reader->at < reader->end ? *reader->at : ' ';
    if (c == 'x' && reader->end - reader->at > 2) {
        int high = hex_digit(reader->at[1]);
        int low = hex_digit(reader->at[2]);
        if (high >= 0 && low >= 0) {
            *(*out)++ = (char)(high * 16 + low);
            reader->at += 3;
            return true;
        }
    }
    const char *place = c == '\0' ? NULL : strchr(letters, c);
    if (place == NULL) {
        return fail(reader, reader->at - 1, "no escape: one of \\n \\t \\r \\0 \\\" \\\\ \\x and two digits");
    }
    *(*out)++ = meanings[place - letters];
    reader->at++;
    return true;
}

static bool read_string(struct vm__reader *reader, tagged_value_t *node) {
    const char *start = reader->at++;
    const char *close = reader->at;
    while (close < reader->end && *close != '"' && *close != '\n') {
        close += *close == '\\' && close + 1 < reader->end ? 2 : 1;
    }
    if (close >= reader->end || *close != '"') {
        return fail(reader, start, "a string without an end on its line");
    }
    tagged_value_t place = tag(reader, VM__NODE_STRING, start);
    char *text = vm_alloc(reader->vm, (size_t)(close - reader->at) + 1);
    if (text == NULL) {
        return starved(reader);
    }
    char *out = text;
    while (reader->at < close) {
        if (*reader->at != '\\') {
            *out++ = *reader->at++;
            continue;
        }
        reader->at++;
        if (!read_escape(reader, &out)) {
            return false;
        }
    }
    reader->at = close + 1;
    if (!vm__is_utf8(text, (size_t)(out - text))) {
        return fail(reader, start, "a string that is not UTF-8");
    }
    return atom(reader, place, vm_mk_string(reader->vm, text, (size_t)(out - text)), node);
}

static bool ends_word(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' || c == '[' || c == ']' ||
           c == '"' || c == ';' || c == '\'';
}

static bool is_number(const char *word, size_t length) {
    size_t sign = word[0] == '-' || word[0] == '+';
    return length > sign && word[sign] >= '0' && word[sign] <= '9';
}

static bool read_number(struct vm__reader *reader, const char *word, size_t length, tagged_value_t *node) {
    char digits[NUMBER_BYTES_MAX];
    if (length >= sizeof digits) {
        return fail(reader, word, "a number that is too long");
    }
    memcpy(digits, word, length);
    digits[length] = '\0';
    char *end;
    errno = 0;
    if (strpbrk(digits, ".eEpPnN") == NULL || strchr(digits, 'x') != NULL) {
        long long value = strtoll(digits, &end, strchr(digits, 'x') != NULL ? 16 : 10);
        if (*end == '\0' && errno == 0 && vm_integer_fits(value)) {
            return atom(reader, tag(reader, VM__NODE_INTEGER, word), vm_mk_integer(value), node);
        }
        return fail(reader, word, *end == '\0' ? "an integer of more than 61 bits" : "this is no number");
    }
    double value = strtod(digits, &end);
    if (*end != '\0') {
        return fail(reader, word, "this is no number");
    }
    return atom(reader, tag(reader, VM__NODE_DOUBLE, word), vm_mk_double(reader->vm, value), node);
}

static bool read_word(struct vm__reader *reader, tagged_value_t *node) {
    static const struct {
        const char *word;
        double value;
    } doubles[] = {{"+inf", INFINITY}, {"-inf", -INFINITY}, {"+nan", NAN}};
    const char *word = reader->at;
    while (reader->at < reader->end && !ends_word(*reader->at)) {
        reader->at++;
    }
    size_t length = (size_t)(reader->at - word);
    if (memchr(word, '\0', length) != NULL) {
        return fail(reader, word, "a zero byte");
    }
    if (is_number(word, length)) {
        return read_number(reader, word, length, node);
    }
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        if (length == 4 && memcmp(word, doubles[i].word, 4) == 0) {
            return atom(reader, tag(reader, VM__NODE_DOUBLE, word), vm_mk_double(reader->vm, doubles[i].value), node);
        }
    }
    if (!vm__is_utf8(word, length)) {
        return fail(reader, word, "a word that is not UTF-8");
    }
    return atom(reader, tag(reader, VM__NODE_SYMBOL, word), vm_mk_string(reader->vm, word, length), node);
}

/* Lists that were begun and not ended. */
struct open {
    tagged_value_t lists[DEPTH_MAX];
    size_t depth;
};

static bool begin(struct vm__reader *reader, struct open *open) {
    char c = *reader->at;
    enum vm__node_kind kind = c == '(' ? VM__NODE_LIST : c == '[' ? VM__NODE_ARRAY : VM__NODE_QUOTE;
    if (open->depth == DEPTH_MAX) {
        return fail(reader, reader->at, "lists are nested too deep");
    }
    tagged_value_t list = vm_mk_array(reader->vm, 1);
    if (vm_is_oom(list)) {
        return starved(reader);
    }
    vm_set(list, 0, tag(reader, kind, reader->at));
    open->lists[open->depth++] = list;
    reader->at++;
    return true;
}

/* A node is whole: it goes into the list that is open; so does the list where it was a quote. */
static bool add(struct vm__reader *reader, struct open *open, tagged_value_t *node) {
    while (open->depth > 0) {
        tagged_value_t list = open->lists[open->depth - 1];
        if (vm_array_push(reader->vm, list, *node) != VM_OK) {
            return starved(reader);
        }
        if (vm__node_kind(list) != VM__NODE_QUOTE) {
            return true;
        }
        *node = list;
        open->depth--;
    }
    return true;
}

static bool end(struct vm__reader *reader, struct open *open, tagged_value_t *node) {
    enum vm__node_kind wanted = *reader->at == ')' ? VM__NODE_LIST : VM__NODE_ARRAY;
    if (open->depth == 0 || vm__node_kind(open->lists[open->depth - 1]) != wanted) {
        return fail(reader, reader->at, "this ends nothing");
    }
    *node = open->lists[--open->depth];
    reader->at++;
    return true;
}

bool vm__read_node(struct vm__reader *reader, tagged_value_t *node) {
    struct open open = {.depth = 0};
    for (;;) {
        skip_space(reader);
        if (reader->at == reader->end) {
            *node = VM_UNDEFINED;
            if (open.depth == 0) {
                return true;
            }
            tagged_value_t list = open.lists[open.depth - 1];
            return cupel_error_set(reader->error, vm__node_line(list), vm__node_column(list), "this is never ended");
        }
        char c = *reader->at;
        if (c == '(' || c == '[' || c == '\'') {
            if (!begin(reader, &open)) {
                return false;
            }
            continue;
        }
        bool is_read = c == ')' || c == ']' ? end(reader, &open, node)
                       : c == '"'           ? read_string(reader, node)
                                            : read_word(reader, node);
        if (!is_read || !add(reader, &open, node)) {
            return false;
        }
        if (open.depth == 0) {
            return true;
        }
    }
}
