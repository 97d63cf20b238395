/* The reader of s-expressions. Lists that are open are kept on a stack of our own, and their elements on another;
 * nothing recurses. Nothing collects while a datum is read, so that both may hold references. */
#include "vm/src/reader.h"

#include "vm/src/opcodes.h"
#include "vm/src/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NESTING_DEFAULT = 10000, NUMBER_BYTES_MAX = 100, WORD_SHOWN_MAX = 40 };

enum open_kind { OPEN_LIST, OPEN_TAIL, OPEN_ENDED, OPEN_ARRAY, OPEN_QUOTE };

/* A list that is still open. */
struct vm__open {
    uint32_t place; /* its number */
    uint32_t first; /* of the stack of values, its first element */
    enum open_kind kind;
};

void vm__reader_init(struct vm__reader *reader, vm_t *vm, const char *text, size_t length_bytes,
                     struct cupel_error *error) {
    *reader = (struct vm__reader){.vm = vm, .begin = text, .at = text, .end = text + length_bytes, .error = error};
    reader->word.allocator = vm->allocator;
}

void vm__reader_deinit(struct vm__reader *reader) {
    struct cupel_allocator *allocator = reader->vm->allocator;
    vm__list_free(&reader->places, allocator, sizeof(struct vm__place));
    vm__list_free(&reader->values, allocator, sizeof(tagged_value_t));
    vm__list_free(&reader->open, allocator, sizeof(struct vm__open));
    vm__buffer_free(&reader->word);
}

void vm__text_place(const char *text, size_t offset, unsigned *line, unsigned *column) {
    *line = *column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

vm_status vm__text_error(struct cupel_error *error, const char *text, size_t length_bytes, size_t offset,
                         const char *why) {
    const char *word = text + offset;
    size_t length = vm__word_length(word, text + length_bytes);
    if (error == NULL) {
        return VM_ERROR_IMAGE;
    }
    if (length == 0 || length > WORD_SHOWN_MAX || !vm__is_utf8(word, length)) {
        (void)cupel_error_set(error, 0, 0, "%s", why);
    } else {
        (void)cupel_error_set(error, 0, 0, "%s: %.*s", why, (int)length, word);
    }
    vm__text_place(text, offset, &error->line, &error->column);
    return VM_ERROR_IMAGE;
}

static bool starve(struct vm__reader *reader) {
    reader->status = VM_ERROR_OOM;
    (void)cupel_error_set(reader->error, 0, 0, "out of memory");
    return false;
}

/* Ends reading: something is wrong at that place; or before it, there was no memory for the text that leads there. */
static bool refuse(struct vm__reader *reader, const char *at, const char *why) {
    if (reader->word.is_starved) {
        return starve(reader);
    }
    reader->at = at;
    reader->status = vm__text_error(reader->error, reader->begin, (size_t)(reader->end - reader->begin),
                                    (size_t)(at - reader->begin), why);
    return false;
}

/* Whether a word ends before that byte. */
static bool is_delimiter(char byte) {
    return (unsigned char)byte <= ' ' || byte == 0x7f || strchr("()[]{}\";|", byte) != NULL;
}

size_t vm__word_length(const char *word, const char *end) {
    const char *at = word;
    while (at < end && !is_delimiter(*at)) {
        at++;
    }
    return (size_t)(at - word);
}

/* Moves to the next datum or bracket; false at the end. */
static bool skip_blanks(struct vm__reader *reader) {
    const char *at = reader->at;
    while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r' || *at == ';')) {
        if (*at == ';') {
            const char *newline = memchr(at, '\n', (size_t)(reader->end - at));
            at = newline == NULL ? reader->end : newline;
        } else {
            at++;
        }
    }
    reader->at = at;
    return at < reader->end;
}

/* A value that a constructor gave; what it refused in text that was checked is memory. */
static bool is_made(struct vm__reader *reader, tagged_value_t value) {
    return !vm_is_oom(value) || starve(reader);
}

/* An escape behind a backslash: n, t, a quote, a backslash, or xHEX; for a character of that number. */
static bool read_escape(struct vm__reader *reader) {
    static const char from[] = "ntr\"\\|", to[] = "\n\t\r\"\\|";
    const char *start = reader->at++;
    const char *found = reader->at < reader->end ? memchr(from, *reader->at, sizeof from - 1) : NULL;
    if (found != NULL) {
        reader->at++;
        vm__buffer_add(&reader->word, &to[found - from], 1);
        return true;
    }
    uint32_t number = 0;
    unsigned digits = 0;
    if (reader->at < reader->end && *reader->at == 'x') {
        for (reader->at++; reader->at < reader->end && digits < 7; reader->at++, digits++) {
            static const char hex[] = "0123456789abcdef";
            const char *digit = memchr(hex, *reader->at, sizeof hex - 1);
            if (digit == NULL) {
                break;
            }
            number = number * 16 + (uint32_t)(digit - hex);
        }
    }
    if (digits == 0 || reader->at == reader->end || *reader->at++ != ';' || number > 0x10ffff ||
        (number >= 0xd800 && number <= 0xdfff)) {
        return refuse(reader, start, "there is no such escape");
    }
    char text[4];
    vm__buffer_add(&reader->word, text, vm_utf8_write(number, text));
    return true;
}

/* The text between two quotes, of which the first is at hand; good until the next text is read. */
static bool read_quoted(struct vm__reader *reader, const char **text, size_t *length) {
    const char *start = reader->at, quote = *reader->at++;
    const char *run = reader->at;
    bool has_escape = false;
    reader->word.length = 0;
    while (reader->at < reader->end && *reader->at != quote) {
        if (*reader->at++ == '\\') {
            vm__buffer_add(&reader->word, run, (size_t)(--reader->at - run));
            if (!read_escape(reader)) {
                return false;
            }
            has_escape = true;
            run = reader->at;
        }
    }
    if (reader->at == reader->end) {
        return refuse(reader, start, quote == '"' ? "this string does not end" : "this name does not end");
    }
    *text = run;
    *length = (size_t)(reader->at++ - run);
    if (has_escape) {
        vm__buffer_add(&reader->word, run, *length);
        *text = (const char *)reader->word.data;
        *length = reader->word.length;
    }
    if (reader->word.is_starved) {
        return starve(reader);
    }
    return vm__is_utf8(*text, *length) || refuse(reader, start, "this text is not UTF-8");
}

/* A number: decimal or, behind 0x, hexadecimal; a double where it has a point or an exponent. */
static bool read_number(struct vm__reader *reader, size_t length, tagged_value_t *value) {
    char text[NUMBER_BYTES_MAX + 1];
    if (length > NUMBER_BYTES_MAX) {
        return refuse(reader, reader->at, "this number is too long");
    }
    memcpy(text, reader->at, length);
    text[length] = '\0';
    bool has_sign = text[0] == '-' || text[0] == '+', is_hex = strncmp(text + has_sign, "0x", 2) == 0;
    size_t digits = strspn(text + has_sign, is_hex ? "0123456789abcdefABCDEFx" : "0123456789") + has_sign;
    char *end = text;
    bool is_integer = false;
    long long integer = 0;
    double number = 0;
    if (text[digits] == '\0') {
        errno = 0;
        integer = strtoll(text, &end, is_hex ? 16 : 10);
        if (errno == ERANGE) {
            return refuse(reader, reader->at, "an integer has at most 64 bits");
        }
        is_integer = true;
    } else if (!is_hex && strspn(text + digits, "0123456789.eE+-") == length - digits) {
        number = strtod(text, &end);
    }
    if (end == text || *end != '\0') {
        return refuse(reader, reader->at, "this is no number");
    }
    *value = is_integer ? vm_mk_int64(reader->vm, integer) : vm_mk_double(reader->vm, number);
    reader->at += length;
    return is_made(reader, *value);
}

/* #\a: the character's number. */
static bool read_character(struct vm__reader *reader, tagged_value_t *value) {
    const char *start = reader->at, *behind = start + 2;
    uint32_t number = reader->end - start < 3 || start[1] != '\\' ? UINT32_MAX : vm__utf8_read(&behind, reader->end);
    if (number == UINT32_MAX || vm__word_length(behind, reader->end) > 0) {
        return refuse(reader, start, "there is no such character");
    }
    reader->at = behind;
    *value = vm_mk_integer(number);
    return true;
}

static bool is_word(const char *text, size_t length, const char *word) {
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static bool read_symbol(struct vm__reader *reader, const char *start, const char *text, size_t length,
                        tagged_value_t *value) {
    *value = vm_mk_symbol(reader->vm, text, length);
    if (vm_is_same(*value, VM_UNDEFINED)) {
        return refuse(reader, start, "this word is not UTF-8");
    }
    return is_made(reader, *value);
}

/* A word that is neither quoted nor in brackets: a number, a constant of the language, or a symbol. */
static bool read_word(struct vm__reader *reader, tagged_value_t *value) {
    static const struct {
        const char *word;
        double number;
    } doubles[] = {{"nan", NAN}, {"+nan", NAN}, {"inf", HUGE_VAL}, {"+inf", HUGE_VAL}, {"-inf", -HUGE_VAL}};
    const char *start = reader->at;
    size_t length = vm__word_length(start, reader->end);
    if (length == 0) {
        return refuse(reader, start, "this cannot stand here");
    }
    const char *behind_sign = start + (*start == '-' || *start == '+');
    if (behind_sign < start + length && (is_digit(*behind_sign) || *behind_sign == '.')) {
        return read_number(reader, length, value);
    }
    reader->at += length;
    for (uint32_t i = 0; i < VM__PRIMITIVE_COUNT; i++) {
        if (is_word(start, length, vm__primitive_names[i])) {
            *value = VM__IMMEDIATE(i);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        if (is_word(start, length, doubles[i].word)) {
            *value = vm_mk_double(reader->vm, doubles[i].number);
            return is_made(reader, *value);
        }
    }
    return read_symbol(reader, start, start, length, value);
}

/* What begins at that byte has a place. */
static bool add_place(struct vm__reader *reader, const char *start) {
    struct vm__place *place = vm__list_push(&reader->places, reader->vm->allocator, sizeof *place);
    if (place == NULL) {
        return starve(reader);
    }
    *place = (struct vm__place){(uint32_t)(start - reader->begin), reader->places.count};
    return true;
}

static bool push_value(struct vm__reader *reader, tagged_value_t value) {
    tagged_value_t *pushed = vm__list_push(&reader->values, reader->vm->allocator, sizeof *pushed);
    if (pushed == NULL) {
        return starve(reader);
    }
    *pushed = value;
    return true;
}

/* A list or an array begins, or what a quote stands before. */
static bool open_list(struct vm__reader *reader, enum open_kind kind) {
    unsigned nesting_max = reader->vm->options.nesting_max;
    if (reader->open.count == (nesting_max != 0 ? nesting_max : NESTING_DEFAULT)) {
        return refuse(reader, reader->at, "this nests too deep");
    }
    struct vm__open *open = vm__list_push(&reader->open, reader->vm->allocator, sizeof *open);
    if (open == NULL) {
        return starve(reader);
    }
    *open = (struct vm__open){.place = reader->places.count, .first = reader->values.count, .kind = kind};
    const char *start = reader->at++;
    if (!add_place(reader, start)) {
        return false;
    }
    if (kind != OPEN_QUOTE) {
        return true;
    }
    tagged_value_t quote = vm_mk_symbol(reader->vm, "quote", 5);
    return is_made(reader, quote) && add_place(reader, start) && push_value(reader, quote);
}

static struct vm__open *innermost(const struct vm__reader *reader) {
    return reader->open.count == 0 ? NULL : VM__AT(struct vm__open, &reader->open, reader->open.count - 1);
}

/* The list or array of what was read since it began. */
static bool close_list(struct vm__reader *reader, tagged_value_t *value) {
    struct vm__open open = *innermost(reader);
    reader->open.count--;
    const tagged_value_t *values = VM__AT(tagged_value_t, &reader->values, open.first);
    uint32_t count = reader->values.count - open.first;
    if (open.kind == OPEN_ARRAY) {
        *value = vm_mk_array(reader->vm, count);
        for (uint32_t i = 0; i < count && !vm_is_oom(*value); i++) {
            vm_set(*value, i, values[i]);
        }
    } else {
        *value = open.kind == OPEN_ENDED ? values[--count] : VM_NIL;
        while (count > 0 && !vm_is_oom(*value)) {
            *value = vm_mk_pair(reader->vm, values[--count], *value);
        }
    }
    reader->values.count = open.first;
    VM__AT(struct vm__place, &reader->places, open.place)->next = reader->places.count;
    return is_made(reader, *value);
}

static bool read_close(struct vm__reader *reader, tagged_value_t *value) {
    const struct vm__open *open = innermost(reader);
    if (open == NULL) {
        return refuse(reader, reader->at, "nothing is open that this could close");
    }
    if (open->kind == OPEN_QUOTE || open->kind == OPEN_TAIL) {
        return refuse(reader, reader->at, "a datum must come before this");
    }
    if ((open->kind == OPEN_ARRAY) != (*reader->at == ']')) {
        return refuse(reader, reader->at, "this closes another kind of bracket than was opened last");
    }
    reader->at++;
    return close_list(reader, value);
}

/* The dot before the last tail of a list. */
static bool read_dot(struct vm__reader *reader) {
    struct vm__open *open = innermost(reader);
    if (open == NULL || open->kind != OPEN_LIST || open->first == reader->values.count) {
        return refuse(reader, reader->at, "a dot stands only behind elements of a list");
    }
    open->kind = OPEN_TAIL;
    reader->at++;
    return true;
}

/* Reads a word or a bracket. `is_whole`: a datum has ended, and is stored. */
static bool read_item(struct vm__reader *reader, tagged_value_t *value, bool *is_whole) {
    const char *start = reader->at, *text = start;
    size_t length = 0;
    *is_whole = true;
    if (*start == ')' || *start == ']') {
        return read_close(reader, value);
    }
    if (*start == '(' || *start == '[' || *start == '\'') {
        *is_whole = false;
        return open_list(reader, *start == '(' ? OPEN_LIST : *start == '[' ? OPEN_ARRAY : OPEN_QUOTE);
    }
    if (*start == '.' && vm__word_length(start, reader->end) == 1) {
        *is_whole = false;
        return read_dot(reader);
    }
    if (!add_place(reader, start)) {
        return false;
    }
    if (*start == '#') {
        return read_character(reader, value);
    }
    if (*start != '"' && *start != '|') {
        return read_word(reader, value);
    }
    if (!read_quoted(reader, &text, &length)) {
        return false;
    }
    if (*start == '|') {
        return read_symbol(reader, start, text, length, value);
    }
    *value = vm_mk_string(reader->vm, text, length);
    return is_made(reader, *value);
}

/* A datum becomes an element of the list that is open, which may end with it. `is_whole`: nothing is open any more. */
static bool deliver(struct vm__reader *reader, tagged_value_t *value, bool *is_whole) {
    struct vm__open *open = innermost(reader);
    for (*is_whole = false; open != NULL; open = innermost(reader)) {
        if (open->kind == OPEN_ENDED) {
            return refuse(reader, reader->begin + VM__AT(struct vm__place, &reader->places, open->place)->offset,
                          "this list has more than one datum behind its dot");
        }
        open->kind = open->kind == OPEN_TAIL ? OPEN_ENDED : open->kind;
        if (!push_value(reader, *value)) {
            return false;
        }
        if (open->kind != OPEN_QUOTE) {
            return true;
        }
        if (!close_list(reader, value)) {
            return false;
        }
    }
    *is_whole = true;
    return true;
}

vm_status vm__reader_next(struct vm__reader *reader, tagged_value_t *datum) {
    reader->places.count = reader->values.count = reader->open.count = 0;
    if (!skip_blanks(reader)) {
        return VM_ERROR_MISSING;
    }
    for (bool is_whole = false; !is_whole;) {
        if (!skip_blanks(reader)) {
            const struct vm__open *open = innermost(reader);
            size_t offset = VM__AT(struct vm__place, &reader->places, open->place)->offset;
            (void)refuse(reader, reader->begin + offset, "this does not end");
            return reader->status;
        }
        if (!read_item(reader, datum, &is_whole) || (is_whole && !deliver(reader, datum, &is_whole))) {
            return reader->status;
        }
    }
    return VM_OK;
}

vm_status vm_read(vm_t *vm, const char *text, size_t length_bytes, size_t *at_bytes, tagged_value_t *datum,
                  struct cupel_error *error) {
    struct vm__reader reader;
    assert(length_bytes <= VM_TEXT_MAX && *at_bytes <= length_bytes);
    vm__reader_init(&reader, vm, text, length_bytes, error);
    reader.at += *at_bytes;
    vm_status status = vm__reader_next(&reader, datum);
    *at_bytes = (size_t)(reader.at - text);
    vm__reader_deinit(&reader);
    return status;
}
