/* The VM's objects: constructors, accessors and what can be asked of any value.
 *
 * Constructors give a reference to a new object, or VM_OOM_VALUE where the memory cap is reached or the allocator gave
 * nothing; then nothing has changed. They never collect: what they are given and what they give stays where it is until
 * the next safepoint. Storing VM_OOM_VALUE in an object is a programmer error.
 *
 * One thread at a time for each VM; nothing here is for signal handlers. */
#ifndef VM_OBJECTS_H
#define VM_OBJECTS_H

#include "vm/value.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vm vm_t;

typedef enum {
    VM_OK,
    VM_ERROR,          /* an error value is pending in the VM */
    VM_ERROR_OOM,      /* the memory cap is reached, or the allocator gave nothing */
    VM_ERROR_DEFERRED, /* a collection was due, but a native that is not safe is active */
    VM_ERROR_TYPE,     /* the value has no such thing */
    VM_ERROR_RANGE,    /* an index, a size or a number is out of bounds */
    VM_ERROR_FROZEN,   /* the object can no longer be changed, or (as a key) can still be */
    VM_ERROR_DEPTH,    /* data nests deeper than options.nesting_max */
    VM_ERROR_MISSING,  /* no such key or field; the end of an iteration */
    VM_ERROR_CHANGED,  /* the table was changed while it was iterated over */
    VM_ERROR_SINK,     /* the receiver of printed text refused it */
} vm_status;

/* The types, from types.def. */
#define VM_TYPE(name_, word_, first_, count_, minimum_, order_, freeze_, sentence_) VM_TYPE_##name_,
enum vm_type {
    VM_TYPE_NONE,
#include "vm/types.def"
    VM_TYPE_COUNT
};
#undef VM_TYPE

#define VM_LENGTH_MAX ((size_t)INT32_MAX)

/* True where the value is a reference to an object of that type. */
bool vm_is(tagged_value_t value, enum vm_type type);
/* A type's name in lower case: "array". Static. */
const char *vm_type_word(enum vm_type type);

/* --- numbers --- */

tagged_value_t vm_mk_double(vm_t *vm, double number); /* an object only where it must be; NaNs become one */
tagged_value_t vm_mk_int64(vm_t *vm, int64_t number); /* an object only outside of 61 bits */
/* True where the value is a double, boxed or not; the number then. */
bool vm_is_double(tagged_value_t value);
double vm_double(tagged_value_t value);
/* The same for integers of 64 bits. */
bool vm_is_int64(tagged_value_t value);
int64_t vm_int64(tagged_value_t value);

/* --- text --- */

/* Copies; immutable. VM_UNDEFINED where the bytes are not well-formed UTF-8. */
tagged_value_t vm_mk_string(vm_t *vm, const char *text, size_t length_bytes);
/* The one symbol of that name. As vm_mk_string. O(1) but for the name. */
tagged_value_t vm_mk_symbol(vm_t *vm, const char *name, size_t length_bytes);
/* A symbol's name, a string. */
tagged_value_t vm_symbol_name(tagged_value_t symbol);
/* The texts, one behind the other; O(bytes). VM_OOM_VALUE also over VM_LENGTH_MAX bytes. */
tagged_value_t vm_concat(vm_t *vm, const tagged_value_t *texts, size_t count);
/* True for strings and slices of strings: texts. */
bool vm_is_text(tagged_value_t value);
/* The bytes of a string, followed by a zero byte; good until the next safepoint. */
const char *vm_string_text(tagged_value_t string);
/* The bytes of a text, with nothing behind them; good until the next safepoint. */
const char *vm_text_bytes(tagged_value_t text, size_t *length_bytes);
/* The character (a code point) at an index below vm_length. O(1) where all are ASCII, else O(index). */
uint32_t vm_text_character(tagged_value_t text, size_t index);
/* True where the bytes are well-formed UTF-8, and of how many characters. `text` may be NULL where the length is 0. */
bool vm_utf8_check(const char *text, size_t length_bytes, size_t *characters);
/* Writes a code point up to 0x10ffff as UTF-8; returns how many bytes. */
unsigned vm_utf8_write(uint32_t character, char text[4]);

/* --- arrays, bytes, pairs --- */

tagged_value_t vm_mk_array(vm_t *vm, size_t length); /* all nil; length up to VM_LENGTH_MAX */
/* Copies `length_bytes` from `contents`; all zero where that is NULL. */
tagged_value_t vm_mk_bytes(vm_t *vm, const void *contents, size_t length_bytes);
tagged_value_t vm_mk_pair(vm_t *vm, tagged_value_t first, tagged_value_t second);

/* Elements of arrays, bytes and slices of them, characters of texts, 2 for pairs, fields of records. Anything else is a
 * programmer error. O(1) but for slices of texts that are not ASCII. */
size_t vm_length(tagged_value_t value);
/* One element: of bytes an integer from 0 to 255, of texts a character as an integer, of pairs 0 is the first.
 * VM_ERROR_TYPE where the value has no elements, VM_ERROR_RANGE. */
vm_status vm_at(tagged_value_t object, size_t index, tagged_value_t *element);
/* Replaces an element. VM_ERROR_TYPE, VM_ERROR_RANGE (an index, or no number for a byte), VM_ERROR_FROZEN (also texts).
 */
vm_status vm_put(tagged_value_t object, size_t index, tagged_value_t element);
/* The same where an error would be the programmer's. */
tagged_value_t vm_get(tagged_value_t object, size_t index);
void vm_set(tagged_value_t object, size_t index, tagged_value_t element);
/* Appends; the array stays the same object. O(1) on average. VM_ERROR_FROZEN, VM_ERROR_OOM: nothing changed. */
vm_status vm_array_push(vm_t *vm, tagged_value_t array, tagged_value_t element);
vm_status vm_bytes_push(vm_t *vm, tagged_value_t bytes, uint8_t byte);
/* Takes the last element off. VM_ERROR_RANGE where there is none, VM_ERROR_FROZEN. */
vm_status vm_array_pop(tagged_value_t array, tagged_value_t *element);
/* A view of the elements from `first` up to before `end`, of an array, bytes, a text, or a slice; keeps the base alive.
 * A slice of a slice is one of the base. What is written through a slice is written to the base, and where the base was
 * shortened the slice ends there too. VM_ERROR_TYPE, VM_ERROR_RANGE, VM_ERROR_OOM. O(1) but for texts that are not
 * ASCII. */
vm_status vm_slice(vm_t *vm, tagged_value_t whole, size_t first, size_t end, tagged_value_t *slice);

/* --- what is called, and what goes wrong --- */

tagged_value_t vm_mk_box(vm_t *vm, tagged_value_t value);
tagged_value_t vm_mk_cell(vm_t *vm, tagged_value_t name, tagged_value_t value);
tagged_value_t vm_mk_closure(vm_t *vm, tagged_value_t proto, const tagged_value_t *captures, size_t count);

/* A function in C. The arguments lie in the VM's registers, where a flip finds and moves them; what it keeps in its own
 * variables is not found (see vm_native_begin, vm_local). */
typedef vm_status vm_native_function(vm_t *vm, const tagged_value_t *arguments, size_t count, tagged_value_t *result);

enum vm_native_flag {
    VM_NATIVE_SAFE = 1, /* holds values in handles only, so that what it calls may collect */
};

struct vm_native {
    const char *name;
    vm_native_function *function;
    uint16_t arity_min;
    uint16_t arity_max; /* UINT16_MAX: any number */
    unsigned flags;     /* enum vm_native_flag, or-ed */
    void *data;         /* the host's */
};
/* The struct is copied. VM_UNDEFINED where the name is not UTF-8. */
tagged_value_t vm_mk_native(vm_t *vm, const struct vm_native *native);

/* An error: what kind (a symbol), a message (a text), and the values it speaks of. Its backtrace is nil. */
tagged_value_t vm_mk_error(vm_t *vm, tagged_value_t kind, tagged_value_t message, tagged_value_t irritants);

/* --- native objects --- */

/* Something outside of the heap: its address, a tag that says what it is (any value), how many bytes it has (0: nobody
 * says). `release` (NULL: nobody owns it) is called with the address once: after a flip that the object did not
 * survive, at vm_nobj_release, or by vm_destroy. It must not use the VM. */
tagged_value_t vm_mk_nobj(vm_t *vm, tagged_value_t tag, void *address, size_t size_bytes,
                          void (*release)(void *address));
/* The address (NULL once released), size and tag. Anything but a native object is a programmer error. */
void *vm_nobj_address(tagged_value_t object);
size_t vm_nobj_size(tagged_value_t object);
tagged_value_t vm_nobj_tag(tagged_value_t object);
/* Frees what is owned now. The second time nothing happens. */
void vm_nobj_release(tagged_value_t object);

#ifdef __cplusplus
}
#endif

#endif
