/* Values as text. The way into data is kept on a stack of our own; every object on the way is marked, so that one that
 * contains itself is seen. A list is one level, however long: its pairs are unmarked when it ends. */
#include "vm/src/order.h"
#include "vm/src/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEVELS_AT_HAND = 16, NESTING_DEFAULT = 10000 };

struct level {
    struct vm__object *object;
    struct vm__elements_of elements;
    const char *close;
    tagged_value_t rest; /* of a list: what comes next */
    size_t pairs;        /* of a list: marked so far; 0: no list */
    bool is_first;
};

struct printer {
    vm_t *vm;
    vm_sink *sink;
    void *context;
    struct level *levels;
    size_t count, capacity;
    vm_status status;
    bool is_cut;
    struct level at_hand[LEVELS_AT_HAND];
};

/* False from the first refusal on; the status says why. */
static bool put(struct printer *printer, const char *text, size_t length) {
    if (length > 0 && !printer->sink(printer->context, text, length)) {
        printer->status = VM_ERROR_SINK;
    }
    return printer->status == VM_OK;
}

static bool put_word(struct printer *printer, const char *word) {
    return put(printer, word, strlen(word));
}

static bool put_integer(struct printer *printer, int64_t number) {
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    return put_word(printer, text);
}

static bool put_double(struct printer *printer, double number) {
    char text[VM__DOUBLE_TEXT_BYTES];
    vm__double_text(number, text);
    return put_word(printer, text);
}

static bool put_piece(void *context, const char *text, size_t length_bytes) {
    return put(context, text, length_bytes);
}

static bool put_quoted(struct printer *printer, struct vm__text text, char quote) {
    return vm__quote_text(text.bytes, text.length, quote, put_piece, printer);
}

static bool put_symbol(struct printer *printer, tagged_value_t symbol) {
    struct vm__text name = vm__text(vm_symbol_name(symbol));
    return vm__name_is_plain(name.bytes, name.length) ? put(printer, name.bytes, name.length)
                                                      : put_quoted(printer, name, '|');
}

static bool put_bytes(struct printer *printer, tagged_value_t bytes) {
    size_t length = 0;
    const uint8_t *contents = vm__bytes_view(bytes, &length);
    bool goes_on = put_word(printer, "#x\"");
    for (size_t i = 0; goes_on && i < length; i++) {
        char text[4];
        (void)snprintf(text, sizeof text, "%02x", contents[i]);
        goes_on = put(printer, text, 2);
    }
    return goes_on && put_word(printer, "\"");
}

/* What has no form of its own: its type, its name if it has one, and its number. */
static bool put_opaque(struct printer *printer, struct vm__object *object) {
    static const unsigned char slot_of_name[VM_TYPE_COUNT] = {
        [VM_TYPE_CELL] = 2, [VM_TYPE_NATIVE] = VM__NATIVE_NAME + 1, [VM_TYPE_SHAPE] = VM__SHAPE_NAME + 1};
    enum vm_type type = vm__type(object);
    bool goes_on = put_word(printer, "#<") && put_word(printer, vm_type_word(type)) && put_word(printer, " ");
    if (slot_of_name[type] != 0 && vm_is(object->slots[slot_of_name[type] - 1], VM_TYPE_SYMBOL)) {
        goes_on = goes_on && put_symbol(printer, object->slots[slot_of_name[type] - 1]) && put_word(printer, " ");
    }
    return goes_on && put_integer(printer, vm__identity(printer->vm, object)) && put_word(printer, ">");
}

static bool put_immediate(struct printer *printer, tagged_value_t value) {
    static const char *const words[] = {"nil", "false", "true", "undefined"};
    if (vm_is_integer(value)) {
        return put_integer(printer, vm_integer(value));
    }
    if (vm_is_double(value)) {
        return put_double(printer, vm_double(value));
    }
    size_t number = (size_t)(value.bits >> 3);
    return put_word(printer, number < sizeof words / sizeof words[0] ? words[number] : "#<reserved>");
}

static bool grow(struct printer *printer, size_t most) {
    size_t capacity = printer->capacity * 2 < most ? printer->capacity * 2 : most;
    struct level *levels = cupel_alloc(printer->vm->allocator, capacity * sizeof *levels, _Alignof(struct level));
    if (levels == NULL) {
        printer->status = VM_ERROR_OOM;
        return false;
    }
    memcpy(levels, printer->levels, printer->count * sizeof *levels);
    if (printer->levels != printer->at_hand) {
        cupel_free(printer->vm->allocator, printer->levels, printer->capacity * sizeof *levels, _Alignof(struct level));
    }
    printer->levels = levels;
    printer->capacity = capacity;
    return true;
}

static const struct brackets {
    const char *open, *close;
} brackets[VM_TYPE_COUNT] = {
    [VM_TYPE_ARRAY] = {"[", "]"},    [VM_TYPE_ARRAY_SLICE] = {"[", "]"},    [VM_TYPE_TABLE] = {"{", "}"},
    [VM_TYPE_PAIR] = {"(", ")"},     [VM_TYPE_RECORD] = {"#<record ", ">"}, [VM_TYPE_ERROR] = {"#<error ", ">"},
    [VM_TYPE_BOX] = {"#<box ", ">"},
};

/* Begins an object that others stand in. */
static bool enter(struct printer *printer, struct vm__object *object) {
    unsigned nesting_max = printer->vm->options.nesting_max;
    size_t most = nesting_max != 0 ? nesting_max : NESTING_DEFAULT;
    if (vm__has(object, VM__FLAG_MARKED)) {
        return put_word(printer, "#<cycle>");
    }
    if (printer->count == most) {
        printer->is_cut = true;
        return put_word(printer, "...");
    }
    if (printer->count == printer->capacity && !grow(printer, most)) {
        return false;
    }
    enum vm_type type = vm__type(object);
    tagged_value_t value = vm__reference(object);
    struct level level = {.object = object, .close = brackets[type].close, .is_first = true};
    if (type == VM_TYPE_PAIR) {
        level.rest = value;
    } else {
        level.elements = vm__elements_begin(value);
        /* An error's backtrace is not for readers of values. */
        level.elements.left -= type == VM_TYPE_ERROR;
        object->header |= VM__FLAG_MARKED;
    }
    printer->levels[printer->count++] = level;
    return put_word(printer, brackets[type].open);
}

static bool put_value(struct printer *printer, tagged_value_t value) {
    if (!vm_is_reference(value)) {
        return put_immediate(printer, value);
    }
    struct vm__object *object = vm__object(value);
    switch (vm__type(object)) {
    case VM_TYPE_DOUBLE:
        return put_double(printer, vm_double(value));
    case VM_TYPE_INT64:
        return put_integer(printer, vm_int64(value));
    case VM_TYPE_STRING:
    case VM_TYPE_STRING_SLICE:
        return put_quoted(printer, vm__text(value), '"');
    case VM_TYPE_SYMBOL:
        return put_symbol(printer, value);
    case VM_TYPE_BYTES:
    case VM_TYPE_BYTES_SLICE:
        return put_bytes(printer, value);
    case VM_TYPE_SHAPE:
        return printer->count > 0 && vm__type(printer->levels[printer->count - 1].object) == VM_TYPE_RECORD
                   ? put_symbol(printer, object->slots[VM__SHAPE_NAME])
                   : put_opaque(printer, object);
    default:
        return brackets[vm__type(object)].open != NULL ? enter(printer, object) : put_opaque(printer, object);
    }
}

/* Takes the marks off that the level has set. */
static void leave(struct printer *printer) {
    const struct level *level = &printer->levels[--printer->count];
    if (vm__type(level->object) != VM_TYPE_PAIR) {
        level->object->header &= ~(uint64_t)VM__FLAG_MARKED;
        return;
    }
    struct vm__object *pair = level->object;
    for (size_t i = 0; i < level->pairs; i++) {
        pair->header &= ~(uint64_t)VM__FLAG_MARKED;
        pair = vm__object(pair->slots[1]); /* after the last one: not looked at */
    }
}

/* The next element of the level on top; false where there is none. */
static bool next_element(struct printer *printer, struct level *level, tagged_value_t *value) {
    if (vm__type(level->object) != VM_TYPE_PAIR) {
        bool has_more = level->elements.left > 0;
        *value = has_more ? vm__elements_next(&level->elements) : VM_NIL;
        return has_more;
    }
    if (vm_is_same(level->rest, VM_NIL)) {
        return false;
    }
    *value = level->rest;
    struct vm__object *pair = vm_is(level->rest, VM_TYPE_PAIR) ? vm__object(level->rest) : NULL;
    if (pair != NULL && !vm__has(pair, VM__FLAG_MARKED)) {
        pair->header |= VM__FLAG_MARKED;
        level->pairs++;
        *value = pair->slots[0];
        level->rest = pair->slots[1];
        return true;
    }
    level->rest = VM_NIL;
    return put_word(printer, " .");
}

static void run(struct printer *printer) {
    while (printer->status == VM_OK && printer->count > 0) {
        struct level *level = &printer->levels[printer->count - 1];
        tagged_value_t value;
        bool is_first = level->is_first;
        level->is_first = false;
        if (!next_element(printer, level, &value)) {
            const char *close = level->close;
            leave(printer);
            (void)put_word(printer, close);
        } else if (is_first || put_word(printer, " ")) {
            (void)put_value(printer, value);
        }
    }
}

vm_status vm_print(vm_t *vm, tagged_value_t value, vm_sink *sink, void *context) {
    struct printer printer = {.vm = vm, .sink = sink, .context = context, .capacity = LEVELS_AT_HAND};
    printer.levels = printer.at_hand;
    (void)put_value(&printer, value);
    run(&printer);
    while (printer.count > 0) {
        leave(&printer);
    }
    if (printer.levels != printer.at_hand) {
        cupel_free(vm->allocator, printer.levels, printer.capacity * sizeof(struct level), _Alignof(struct level));
    }
    return printer.status == VM_OK && printer.is_cut ? VM_ERROR_DEPTH : printer.status;
}
