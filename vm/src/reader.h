/* Reading text into the VM's objects, with the place of each datum. Not thread-safe. */
#ifndef VM_SRC_READER_H
#define VM_SRC_READER_H

#include "vm/src/heap.h"
#include "vm/src/program.h"
#include "vm/text.h"

/* Where a datum stands. Data are numbered in the order in which they begin in the text: the first element of a list has
 * the list's number and one, and what comes behind a datum is its `next`. */
struct vm__place {
    uint32_t offset; /* of its first byte in the text */
    uint32_t next;   /* number of the datum that follows it */
};

struct vm__reader {
    vm_t *vm;
    const char *begin, *at, *end;
    struct cupel_error *error;
    vm_status status;       /* what ended reading */
    struct vm__list places; /* struct vm__place: of the last datum that was read whole, whose number is 0 */
    struct vm__list values; /* tagged_value_t: elements of lists that are still open */
    struct vm__list open;   /* struct vm__open */
    struct vm__buffer word; /* of a text that has escapes */
};

/* `text` must live as long. */
void vm__reader_init(struct vm__reader *reader, vm_t *vm, const char *text, size_t length_bytes,
                     struct cupel_error *error);
void vm__reader_deinit(struct vm__reader *reader);
/* The next datum; as vm_read. Between two calls there may be safepoints. */
vm_status vm__reader_next(struct vm__reader *reader, tagged_value_t *datum);

/* The line and column, both from 1, of a byte of a text. */
void vm__text_place(const char *text, size_t offset, unsigned *line, unsigned *column);
/* Says what is wrong at a byte of the text, and which word stands there. Always VM_ERROR_IMAGE. */
vm_status vm__text_error(struct cupel_error *error, const char *text, size_t length_bytes, size_t offset,
                         const char *why);
/* Bytes of the word at that place of the text: up to what ends it. */
size_t vm__word_length(const char *word, const char *end);

#endif
