/* Texts inside of the VM: strings, slices of them, names of symbols. */
#ifndef VM_SRC_TEXT_H
#define VM_SRC_TEXT_H

#include "vm/src/object.h"

/* The bytes of a string or a slice of one; good until the next safepoint. */
struct vm__text {
    const char *bytes;
    size_t length;
};

static inline struct vm__text vm__text(tagged_value_t value) {
    const struct vm__object *object = vm__object(value);
    if (vm__type(object) == VM_TYPE_STRING) {
        return (struct vm__text){(const char *)(object->slots + VM__TEXT_BYTES), vm__raw_low(object, VM__TEXT_LENGTH)};
    }
    const struct vm__object *base = vm__object(object->slots[VM__SLICE_BASE]);
    return (struct vm__text){(const char *)(base->slots + VM__TEXT_BYTES) + vm__raw_low(object, VM__SLICE_RANGE),
                             vm__raw_high(object, VM__SLICE_RANGE)};
}

/* A hash of the bytes, never 0, the same in every run with the same options.hash_seed. */
uint32_t vm__text_hash(const vm_t *vm, const char *bytes, size_t length);
/* The hash of a string or slice, kept in its header once it was asked for. */
uint32_t vm__text_hash_of(const vm_t *vm, struct vm__object *text);

/* Characters of a string or slice. O(1) but for slices that are not ASCII. */
size_t vm__text_characters(const struct vm__object *text);
/* The characters from `first` up to before `end`, both within the text; VM_OOM_VALUE when out of memory. */
tagged_value_t vm__text_slice(vm_t *vm, tagged_value_t text, size_t first, size_t end);

/* Reads one character at `*at`, which moves behind it; UINT32_MAX where there is no well-formed one before `end`. */
uint32_t vm__utf8_read(const char **at, const char *end);
/* Characters in well-formed bytes. */
size_t vm__utf8_count(const char *bytes, size_t length);
/* The offset of a character in well-formed bytes, which have at least so many. */
size_t vm__utf8_offset(const char *bytes, size_t length, size_t index);

/* How values are written, by the printer and the disassembler. A double: the fewest of 15 to 17 digits that read back
 * as the same number, and always with a sign of being one. */
enum { VM__DOUBLE_TEXT_BYTES = 40 };
void vm__double_text(double number, char text[VM__DOUBLE_TEXT_BYTES]);
/* Whether a name is read as a name when it stands alone. */
bool vm__name_is_plain(const char *name, size_t length);
/* Between two of that quote (one character); what would not be seen, or would end the text, as an escape. False as soon
 * as the sink says so. */
bool vm__quote_text(const char *text, size_t length, char quote, vm_sink *sink, void *context);

#endif
