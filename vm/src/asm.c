/* The assembler: reads a text form by form, and makes an image of it. The text is the body of the first function; each
 * form that is an instruction becomes words at once. Functions that are open are levels of a stack of our own. */
#include "vm/src/assembler.h"

#include "vm/src/text.h"

#include <stdio.h>

uint32_t vm__asm_offset(const struct vm__assembler *assembler, uint32_t place) {
    return VM__AT(struct vm__place, &assembler->reader.places, place)->offset;
}

bool vm__asm_refuse_at(struct vm__assembler *assembler, size_t offset, const char *why) {
    const struct vm__reader *reader = &assembler->reader;
    assembler->status =
        vm__text_error(assembler->error, reader->begin, (size_t)(reader->end - reader->begin), offset, why);
    return false;
}

bool vm__asm_refuse(struct vm__assembler *assembler, uint32_t place, const char *why) {
    return vm__asm_refuse_at(assembler, vm__asm_offset(assembler, place), why);
}

bool vm__asm_starve(struct vm__assembler *assembler) {
    assembler->status = VM_ERROR_OOM;
    return cupel_error_set(assembler->error, 0, 0, "out of memory");
}

bool vm__asm_has_more(const struct vm__form *form) {
    return vm_is(form->rest, VM_TYPE_PAIR);
}

bool vm__asm_take(struct vm__assembler *assembler, struct vm__form *form, tagged_value_t *value, uint32_t *place,
                  const char *what) {
    if (!vm__asm_has_more(form)) {
        /* The place of what is there: a dotted end, or else of the form's last word. */
        return vm__asm_refuse(assembler, vm_is_same(form->rest, VM_NIL) ? form->place - 1 : form->place, what);
    }
    *value = vm_get(form->rest, 0);
    *place = form->place;
    form->rest = vm_get(form->rest, 1);
    form->place = VM__AT(struct vm__place, &assembler->reader.places, form->place)->next;
    return true;
}

bool vm__asm_ends(struct vm__assembler *assembler, const struct vm__form *form) {
    return vm_is_same(form->rest, VM_NIL) || vm__asm_refuse(assembler, form->place, "this is more than belongs here");
}

bool vm__asm_integer(struct vm__assembler *assembler, tagged_value_t value, uint32_t place, int64_t min, int64_t max,
                     int64_t *number) {
    if (vm_is_integer(value) && vm_integer(value) >= min && vm_integer(value) <= max) {
        *number = vm_integer(value);
        return true;
    }
    char why[80];
    (void)snprintf(why, sizeof why, "a whole number from %lld to %lld must stand here", (long long)min, (long long)max);
    return vm__asm_refuse(assembler, place, why);
}

bool vm__asm_take_integer(struct vm__assembler *assembler, struct vm__form *form, int64_t min, int64_t max,
                          int64_t *number) {
    tagged_value_t value;
    uint32_t place;
    return vm__asm_take(assembler, form, &value, &place, "a number is missing") &&
           vm__asm_integer(assembler, value, place, min, max, number);
}

bool vm__asm_name(tagged_value_t value, struct vm__text *text) {
    bool is_symbol = vm_is(value, VM_TYPE_SYMBOL);
    if (is_symbol || vm_is(value, VM_TYPE_STRING)) {
        *text = vm__text(is_symbol ? vm_symbol_name(value) : value);
        return true;
    }
    return false;
}

bool vm__asm_is_word(tagged_value_t value, const char *word) {
    if (!vm_is(value, VM_TYPE_SYMBOL)) {
        return false;
    }
    struct vm__text name = vm__text(vm_symbol_name(value));
    return name.length == strlen(word) && memcmp(name.bytes, word, name.length) == 0;
}

bool vm__asm_find(struct vm__assembler *assembler, tagged_value_t table, tagged_value_t key, uint32_t *number) {
    tagged_value_t value = vm_mk_integer(UINT32_MAX);
    vm_status status = vm_table_get(assembler->vm, table, key, &value);
    *number = (uint32_t)vm_integer(value);
    return status == VM_OK || status == VM_ERROR_MISSING || vm__asm_starve(assembler);
}

bool vm__asm_set(struct vm__assembler *assembler, tagged_value_t table, tagged_value_t key, uint32_t number) {
    return vm_table_set(assembler->vm, table, key, vm_mk_integer(number)) == VM_OK || vm__asm_starve(assembler);
}

/* A label, a name and a colon, stands before the next instruction. */
static bool define_label(struct vm__assembler *assembler, tagged_value_t symbol, uint32_t place) {
    struct vm__level *level = vm__asm_level(assembler);
    struct vm__text text = vm__text(vm_symbol_name(symbol));
    uint32_t number;
    if (text.length < 2 || text.bytes[text.length - 1] != ':') {
        return vm__asm_refuse(assembler, place,
                              "this is neither an instruction in parentheses nor a label and a colon");
    }
    tagged_value_t name = vm_mk_symbol(assembler->vm, text.bytes, text.length - 1);
    if (vm_is_oom(name)) {
        return vm__asm_starve(assembler);
    }
    if (!vm__asm_mark(assembler, VM__HELD_LABELS, name, &number)) {
        return false;
    }
    struct vm__mark *mark = VM__AT(struct vm__mark, &level->marks, number);
    mark->value = level->code.count;
    return mark->definitions++ == 0 || vm__asm_refuse(assembler, place, "this label is here for the second time");
}

static bool assemble_form(struct vm__assembler *assembler, tagged_value_t datum, uint32_t place) {
    if (vm_is(datum, VM_TYPE_SYMBOL)) {
        return define_label(assembler, datum, place);
    }
    struct vm__form form = {datum, place + 1};
    tagged_value_t word = VM_NIL;
    uint32_t word_place = place;
    if (vm__asm_has_more(&form) && !vm__asm_take(assembler, &form, &word, &word_place, "")) {
        return false;
    }
    if (!vm_is(word, VM_TYPE_SYMBOL)) {
        return vm__asm_refuse(assembler, word_place, "a label or an instruction in parentheses must stand here");
    }
    struct vm__text name = vm__text(vm_symbol_name(word));
    enum vm__opcode opcode = vm__asm_opcode(assembler, name.bytes, name.length);
    return opcode != VM__OP_NONE ? vm__asm_instruction(assembler, opcode, &form, word_place)
                                 : vm__asm_clause(assembler, word, &form, word_place);
}

/* The next form of the function that is open, which is closed where there is none. */
static bool step(struct vm__assembler *assembler) {
    struct vm__level *level = vm__asm_level(assembler);
    struct vm__form form = {vm__asm_held(assembler, level, VM__HELD_REST), level->place};
    tagged_value_t datum;
    uint32_t place;
    if (!vm__asm_has_more(&form)) {
        return vm__asm_ends(assembler, &form) && vm__asm_close(assembler);
    }
    if (!vm__asm_take(assembler, &form, &datum, &place, "")) {
        return false;
    }
    vm_set(vm_held(assembler->vm, level->held), VM__HELD_REST, form.rest);
    level->place = form.place;
    return assemble_form(assembler, datum, place);
}

/* Reads the next datum of the text; nil where there is none. */
static bool read_datum(struct vm__assembler *assembler, tagged_value_t *datum) {
    vm_status status = vm__reader_next(&assembler->reader, datum);
    if (status == VM_ERROR_MISSING) {
        *datum = VM_NIL;
    } else {
        assembler->status = status;
    }
    return assembler->status == VM_OK;
}

/* The text is one function, in which the others are nested. */
static bool assemble_text(struct vm__assembler *assembler) {
    tagged_value_t datum, word = VM_NIL;
    uint32_t place = 0;
    if (!read_datum(assembler, &datum)) {
        return false;
    }
    struct vm__form form = {datum, 1};
    if (vm__asm_has_more(&form)) {
        (void)vm__asm_take(assembler, &form, &word, &place, "");
    }
    if (!vm__asm_is_word(word, "function")) {
        const struct vm__reader *reader = &assembler->reader;
        return vm__asm_refuse_at(assembler,
                                 reader->places.count > 0 ? vm__asm_offset(assembler, place)
                                                          : (size_t)(reader->end - reader->begin),
                                 "(function NAME ...) must stand here");
    }
    if (!vm__asm_open(assembler, &form, place)) {
        return false;
    }
    while (assembler->depth > 0) {
        if (vm_safepoint(assembler->vm) == VM_ERROR_OOM) {
            return vm__asm_starve(assembler);
        }
        if (!step(assembler)) {
            return false;
        }
    }
    if (!read_datum(assembler, &datum)) {
        return false;
    }
    return assembler->reader.places.count == 0 ||
           vm__asm_refuse(assembler, 0, "only one function stands outside of all others");
}

/* What the verifier refuses is told by where in the text the word is from. */
static bool verify(struct vm__assembler *assembler) {
    struct vm__fault fault;
    struct cupel_error error;
    if (vm__verify_at(&assembler->program, &fault, &error)) {
        return true;
    }
    if (!fault.is_known) {
        return vm__asm_starve(assembler);
    }
    const struct vm__function *function = VM__AT(struct vm__function, &assembler->program.functions, fault.function);
    const uint32_t *offsets = VM__AT(uint32_t, &assembler->offsets, function->code.first);
    uint32_t last = function->code.count - 1; /* there is one: see vm__asm_close */
    uint32_t word = fault.word > last ? last : fault.word;
    return vm__asm_refuse_at(assembler, offsets[word], error.text);
}

bool vm__hand_over(struct vm__buffer *buffer, unsigned char **bytes, size_t *length) {
    unsigned char *copy = buffer->is_starved ? NULL : cupel_alloc(buffer->allocator, buffer->length, 1);
    if (copy != NULL) {
        memcpy(copy, buffer->data, buffer->length);
        *bytes = copy;
        *length = buffer->length;
    }
    vm__buffer_free(buffer);
    return copy != NULL;
}

void vm_bytes_free(vm_t *vm, unsigned char *bytes, size_t length_bytes) {
    if (bytes != NULL) {
        cupel_free(vm->allocator, bytes, length_bytes, 1);
    }
}

static void deinit(struct vm__assembler *assembler) {
    while (assembler->depth > 0) {
        vm_drop(assembler->vm, assembler->levels[--assembler->depth].held);
    }
    for (uint32_t i = 0; i < VM__NESTING_MAX; i++) {
        vm__asm_level_free(assembler, &assembler->levels[i]);
    }
    vm_drop(assembler->vm, assembler->constants);
    vm__list_free(&assembler->offsets, assembler->allocator, sizeof(uint32_t));
    vm__pools_free(assembler);
    vm__program_deinit(&assembler->program);
    vm__reader_deinit(&assembler->reader);
}

static bool assemble(struct vm__assembler *assembler, unsigned char **image, size_t *image_bytes) {
    struct vm__buffer buffer = {.allocator = assembler->allocator};
    tagged_value_t constants = vm_mk_table(assembler->vm, 0);
    assembler->constants = vm_is_oom(constants) ? 0 : vm_hold(assembler->vm, constants);
    if (assembler->constants == 0) {
        return vm__asm_starve(assembler);
    }
    if (!assemble_text(assembler)) {
        return false;
    }
    if (!vm__pools_finish(assembler)) {
        return vm__asm_starve(assembler);
    }
    if (!verify(assembler)) {
        return false;
    }
    (void)vm__image_write(&assembler->program, &buffer);
    return vm__hand_over(&buffer, image, image_bytes) || vm__asm_starve(assembler);
}

vm_status vm_assemble(vm_t *vm, const char *text, size_t length_bytes, const char *file, unsigned char **image,
                      size_t *image_bytes, struct cupel_error *error) {
    assert(length_bytes <= VM_TEXT_MAX);
    struct vm__assembler *assembler = CUPEL_NEW(vm->allocator, struct vm__assembler);
    if (assembler == NULL) {
        (void)cupel_error_set(error, 0, 0, "out of memory");
        return VM_ERROR_OOM;
    }
    *assembler = (struct vm__assembler){.vm = vm, .allocator = vm->allocator, .error = error, .line = 1};
    if (file != NULL && vm__is_utf8(file, strlen(file))) {
        assembler->file = file; /* otherwise no string of an image can say it */
    }
    vm__reader_init(&assembler->reader, vm, text, length_bytes, error);
    vm__program_init(&assembler->program, vm->allocator);
    vm__asm_opcodes_init(assembler);
    assembler->pools.bytes.allocator = vm->allocator;
    vm_status status = assemble(assembler, image, image_bytes) ? VM_OK : assembler->status;
    deinit(assembler);
    CUPEL_FREE(vm->allocator, struct vm__assembler, assembler);
    return status;
}

/* So much of the line stands before the place, in bytes. */
enum { EXCERPT_BEFORE = 60, EXCERPT_AFTER = 40 };

void vm_excerpt(const char *text, size_t length_bytes, const struct cupel_error *error, char *excerpt, size_t size) {
    const char *end = text + length_bytes, *line = text;
    excerpt[0] = '\0';
    if (error->line == 0) {
        return;
    }
    for (unsigned i = 1; i < error->line && line < end; i++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        line = newline == NULL ? end : newline + 1;
    }
    const char *place = line;
    for (unsigned i = 1; i < error->column && place < end; i++) {
        do {
            place++;
        } while (place < end && ((unsigned char)*place & 0xc0) == 0x80);
    }
    const char *first = place - line > EXCERPT_BEFORE ? place - EXCERPT_BEFORE : line, *last = place;
    while (last < end && *last != '\n' && last - place < EXCERPT_AFTER) {
        last++;
    }
    while (first < place && ((unsigned char)*first & 0xc0) == 0x80) {
        first++;
    }
    while (last < end && last > place && ((unsigned char)*last & 0xc0) == 0x80) {
        last--;
    }
    char below[EXCERPT_BEFORE + 1] = "";
    size_t blanks = 0;
    for (const char *at = first; at < place; at++) {
        if (((unsigned char)*at & 0xc0) != 0x80) {
            below[blanks++] = *at == '\t' ? '\t' : ' ';
        }
    }
    (void)snprintf(excerpt, size, "%.*s\n%.*s^\n", (int)(last - first), first, (int)blanks, below);
}
