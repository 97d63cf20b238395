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
    VM_ERROR_IMAGE,    /* what should be loaded is no sound image */
    VM_INTERRUPTED,    /* somebody asked for it, or the fuel is used up */
} vm_status;

/* The types, from types.def. */
#define VM_TYPE(name_, word_, first_, count_, minimum_, order_, freeze_, sentence_) VM_TYPE_##name_,
enum vm_type {
    VM_TYPE_NONE,
#include "vm/types.def"
    VM_TYPE_COUNT
};

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
tagged_value_t vm_mk_symbol(vm_t *vm, const char *text, size_t length_bytes);
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

/* --- tables --- */

#define VM_TABLE_MAX ((size_t)1 << 26) /* keys in one table */

/* An empty table, with room for as many keys as are expected. Keys keep the order in which they came. */
tagged_value_t vm_mk_table(vm_t *vm, size_t expected);
/* Keys: whatever can no longer change (numbers, texts, symbols, frozen data), and what is known by its identity
 * (closures, natives, boxes). Equal keys are one (vm_equal), and so 1 and 1.0 are two. O(1) on average, and the time of
 * comparing keys. All but vm_table_get and the iteration say VM_ERROR_FROZEN of a frozen table. VM_ERROR_DEPTH,
 * VM_ERROR_OOM where comparing keys does. */
vm_status vm_table_get(vm_t *vm, tagged_value_t table, tagged_value_t key,
                       tagged_value_t *value); /* VM_ERROR_MISSING */
/* VM_ERROR_FROZEN also where the key can still change, VM_ERROR_OOM: nothing changed. */
vm_status vm_table_set(vm_t *vm, tagged_value_t table, tagged_value_t key, tagged_value_t value);
vm_status vm_table_delete(vm_t *vm, tagged_value_t table, tagged_value_t key); /* VM_ERROR_MISSING */
size_t vm_table_count(tagged_value_t table);
/* Iteration in the order of insertion: a cursor (an integer, to be kept anywhere), and one step. VM_ERROR_MISSING at
 * the end. VM_ERROR_CHANGED where a key came or went since the beginning; giving a key another value is no change.
 * VM_ERROR_TYPE where the cursor is none. O(1) on average. */
tagged_value_t vm_table_begin(tagged_value_t table);
vm_status vm_table_next(tagged_value_t table, tagged_value_t *cursor, tagged_value_t *key, tagged_value_t *value);

/* --- records --- */

/* What the records of one kind have in common: a name and the names of their fields, all symbols. */
tagged_value_t vm_mk_shape(vm_t *vm, tagged_value_t name, const tagged_value_t *fields, size_t count);
/* A record with all fields nil. */
tagged_value_t vm_mk_record(vm_t *vm, tagged_value_t shape);
/* A record's shape; its fields are elements (vm_get, vm_set). */
tagged_value_t vm_record_shape(tagged_value_t record);
/* Which field of the shape has that name; SIZE_MAX: none. O(fields). */
size_t vm_shape_find(tagged_value_t shape, tagged_value_t field);

/* --- all values --- */

/* A strict total order: *order is -1, 0 or 1. First by kind: nil, false, true, undefined, numbers, texts, bytes,
 * arrays, tables, then the other types. Numbers by exact value (of one value: -0.0, the integer, the double; NaN is the
 * last, and equal to itself); texts by characters; slices as what they are slices of; arrays element by element, as
 * pairs, records and errors; tables key by key in the order of insertion; closures and all others by the order in which
 * they were first asked about. The order does not depend on addresses. VM_ERROR_DEPTH: data nests too deep, or refers
 * to itself, or shares parts upon parts; VM_ERROR_OOM; VM_ERROR_RANGE: 2^32 objects were asked about. O(what both have
 * in common). */
vm_status vm_compare(vm_t *vm, tagged_value_t a, tagged_value_t b, int *order);
/* Whether vm_compare gives 0; sooner known. As vm_compare. */
vm_status vm_equal(vm_t *vm, tagged_value_t a, tagged_value_t b, bool *is_equal);
/* A hash that is the same for equal values, in every run with the same options.hash_seed. Takes bounded time, but for
 * texts and bytes, which it looks at whole. */
uint32_t vm_hash(vm_t *vm, tagged_value_t value);
/* As vm_compare, of two numbers. */
int vm_compare_numbers(tagged_value_t a, tagged_value_t b);

/* Makes a value, and all that it refers to, unchangeable for ever. VM_ERROR_TYPE where something in it cannot be
 * (boxes, cells, native objects, fibers): then, and at VM_ERROR_OOM, nothing changed. O(what it refers to and is not
 * frozen). */
vm_status vm_freeze(vm_t *vm, tagged_value_t value);
/* True where the value can no longer change: frozen, or of a kind that never does. */
bool vm_is_frozen(tagged_value_t value);

/* Takes a piece of text; false: no more of it is wanted. Must not use the VM. */
typedef bool vm_sink(void *context, const char *text, size_t length_bytes);
/* Writes a value as text, in pieces: numbers so that they read back exactly, strings quoted, arrays in brackets, lists
 * in parentheses, tables in braces; what has no form of its own as #<type number>, and an object inside of itself as
 * #<cycle>. VM_ERROR_SINK, VM_ERROR_OOM; VM_ERROR_DEPTH: what nests deeper is written as `...` and the
 * rest as it is. O(text). */
vm_status vm_print(vm_t *vm, tagged_value_t value, vm_sink *sink, void *context);

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
