/* Objects in the heap, as the collector sees them.
 *
 *     word 0   header: aux:32 | words:16 | type:8 | flags:8        words counts the header too; 0: a large object,
 * whose page knows. Once the object was copied: the copy's address, whose bit 0 is 0 slots    one word each; which of
 * them are tagged values is told by types.def
 *
 * aux is the object's number (see vm__identity) or, of texts, the hash; 0: not yet asked for. Neither depends on the
 * address.
 *
 * Invariants: an object is 8-byte aligned; every tagged slot of a live object is initialised; a header is live or a
 * forwarding address, nothing else; storage and blobs belong to one head each. */
#ifndef VM_SRC_OBJECT_H
#define VM_SRC_OBJECT_H

#include "vm/src/page.h"
#include "vm/vm.h"

#include <assert.h>
#include <string.h>

enum {
    VM__WORD_BYTES = 8,
    VM__FLAG_LIVE = 1,
    VM__FLAG_MARKED = 2, /* only inside of one walk: checker, freeze, printer */
    VM__FLAG_FROZEN = 4,
    VM__FLAG_ASCII = 8, /* a string or slice of one, whose every character is one byte */
    VM__FLAG_LARGE = 16,
    VM__TYPE_SHIFT = 8,
    VM__WORDS_SHIFT = 16,
    VM__AUX_SHIFT = 32,
    VM__TAG_RESERVED = 5, /* the first tag that no value has */
};

/* Never seen by anybody: the key of an entry that was deleted. */
#define VM__HOLE VM__IMMEDIATE(7)

struct vm__object {
    uint64_t header;
    tagged_value_t slots[];
};

/* Slots by name; raw ones are read through vm__raw. */
enum {
    VM__ARRAY_LENGTH = 0,
    VM__ARRAY_STORAGE = 1,
    VM__TEXT_LENGTH = 0, /* bytes:32 low, characters:32 high (0: not counted) */
    VM__TEXT_BYTES = 1,
    VM__SLICE_RANGE = 0, /* offset:32 low, length:32 high */
    VM__SLICE_BASE = 1,
    VM__CLOSURE_PROTO = 0,
    VM__CLOSURE_CAPTURES = 1,
    VM__NATIVE_NAME = 0,
    VM__NATIVE_FUNCTION = 1,
    VM__NATIVE_ARITY = 2, /* least:16, most:16, flags:32 */
    VM__NATIVE_DATA = 3,
    VM__ERROR_KIND = 0,
    VM__ERROR_MESSAGE = 1,
    VM__ERROR_IRRITANTS = 2,
    VM__ERROR_BACKTRACE = 3,
    VM__RECORD_SHAPE = 0,
    VM__RECORD_FIELDS = 1,
    VM__SHAPE_NAME = 0,
    VM__SHAPE_FIELDS = 1,
    VM__TABLE_COUNTS = 0,  /* live:32 low, used:32 high: entries without and with deleted ones */
    VM__TABLE_VERSION = 1, /* how often keys came, went or moved */
    VM__TABLE_INDEX = 2,   /* a blob of uint32_t, or nil where there are few entries */
    VM__TABLE_ENTRIES = 3, /* storage, or nil before the first */
    VM__ENTRY_HASH = 0,    /* an integer */
    VM__ENTRY_KEY = 1,     /* VM__HOLE: deleted */
    VM__ENTRY_VALUE = 2,
    VM__ENTRY_SLOTS = 3,
    VM__PROTO_FIELDS = 8, /* tagged ones; the loader says what each is */
    VM__PROTO_SIZES = 8,
    VM__PROTO_COUNT = 9, /* code words */
    VM__PROTO_CODE = 10,
};

/* How the collector walks one type, from types.def. */
struct vm__layout {
    const char *word;
    uint32_t count; /* UINT32_MAX: to the end */
    uint8_t first;
    uint8_t minimum;
    uint8_t order;
    uint8_t freeze;
};
enum vm__order {
    VM__ORDER_NUMBER,
    VM__ORDER_TEXT,
    VM__ORDER_NAME,
    VM__ORDER_BYTES,
    VM__ORDER_SLOTS,
    VM__ORDER_LIST,
    VM__ORDER_TABLE,
    VM__ORDER_IDENTITY
};
enum vm__freeze { VM__FREEZE_DEEP, VM__FREEZE_LEAF, VM__FREEZE_REFUSE };
extern const struct vm__layout vm__layouts[VM_TYPE_COUNT];

static inline enum vm_type vm__type(const struct vm__object *object) {
    return (enum vm_type)(object->header >> VM__TYPE_SHIFT & 0xff);
}

static inline bool vm__has(const struct vm__object *object, unsigned flag) {
    return (object->header & flag) != 0;
}

static inline bool vm__is_forwarded(const struct vm__object *object) {
    return !vm__has(object, VM__FLAG_LIVE);
}

/* Header and slots. */
static inline size_t vm__size_bytes(const struct vm__object *object) {
    size_t words = (size_t)(object->header >> VM__WORDS_SHIFT & 0xffff);
    return words != 0 ? words * VM__WORD_BYTES : vm__page_of_large(object)->object_bytes;
}

static inline size_t vm__slot_count(const struct vm__object *object) {
    return vm__size_bytes(object) / VM__WORD_BYTES - 1;
}

/* The tagged slots of an object: the first of them, and how many. */
static inline tagged_value_t *vm__tagged(struct vm__object *object, size_t *count) {
    const struct vm__layout *layout = &vm__layouts[vm__type(object)];
    *count = layout->count == UINT32_MAX ? vm__slot_count(object) - layout->first : layout->count;
    return object->slots + layout->first;
}

static inline uint32_t vm__aux(const struct vm__object *object) {
    return (uint32_t)(object->header >> VM__AUX_SHIFT);
}

static inline void vm__set_aux(struct vm__object *object, uint32_t aux) {
    object->header = (object->header & UINT32_MAX) | (uint64_t)aux << VM__AUX_SHIFT;
}

static inline struct vm__object *vm__object(tagged_value_t value) {
    return (struct vm__object *)(uintptr_t)(value.bits - VM_TAG_REFERENCE);
}

static inline tagged_value_t vm__reference(const struct vm__object *object) {
    return (tagged_value_t){(uint64_t)(uintptr_t)object + VM_TAG_REFERENCE};
}

/* A raw slot. */
static inline uint64_t vm__raw(const struct vm__object *object, size_t slot) {
    return object->slots[slot].bits;
}

static inline void vm__set_raw(struct vm__object *object, size_t slot, uint64_t raw) {
    object->slots[slot].bits = raw;
}

static inline uint32_t vm__raw_low(const struct vm__object *object, size_t slot) {
    return (uint32_t)vm__raw(object, slot);
}

static inline uint32_t vm__raw_high(const struct vm__object *object, size_t slot) {
    return (uint32_t)(vm__raw(object, slot) >> 32);
}

static inline uint64_t vm__halves(size_t low, size_t high) {
    return (uint64_t)low | (uint64_t)high << 32;
}

/* The elements of an array, wherever they lie; good until it grows or moves. */
static inline tagged_value_t *vm__elements(const struct vm__object *array) {
    return vm__object(array->slots[VM__ARRAY_STORAGE])->slots;
}

/* The contents of bytes, the same. */
static inline uint8_t *vm__contents(const struct vm__object *bytes) {
    return (uint8_t *)vm__object(bytes->slots[VM__ARRAY_STORAGE])->slots;
}

#endif
