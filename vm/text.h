/* Programs as text: a reader of s-expressions, the assembler and the disassembler. The form is told in the manual page
 * cupel-vm-text(5).
 *
 * For each image X that vm_verify takes, assembling what X is disassembled to gives X, byte for byte. One thread at a
 * time for each VM. */
#ifndef VM_TEXT_H
#define VM_TEXT_H

#include "alloc/base/message.h"
#include "vm/vm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VM_TEXT_MAX ((size_t)1 << 30) /* bytes of a text */

/* Reads the datum that begins at or behind `*at_bytes` (0 at first), which moves behind it. Lists become pairs, words
 * symbols, `[a b]` an array, "..." a string, 'a the list (quote a), #\a the character's number. VM_OK;
 * VM_ERROR_MISSING: only blanks and comments are left; VM_ERROR_IMAGE: `error` (may be NULL) says what is wrong, in
 * which line and column, both from 1, and `*at_bytes` is there; VM_ERROR_OOM. Never collects: the datum is good until
 * the next safepoint. Needs no C stack, however deep data nests; options.nesting_max bounds it. O(text read). */
vm_status vm_read(vm_t *vm, const char *text, size_t length_bytes, size_t *at_bytes, tagged_value_t *datum,
                  struct cupel_error *error);

/* Makes an image of a text. `file` is the name that goes into backtraces where the text gives none. The parse tree is
 * made of objects of `vm`, which may collect meanwhile: as around vm_safepoint, values must be in handles. VM_OK: the
 * image, which the caller gives back through vm_bytes_free. VM_ERROR_IMAGE: `error` has line, column and what is wrong
 * there; the image was verified too. VM_ERROR_OOM. `length_bytes` up to VM_TEXT_MAX. O(length) but for sorting
 * constants and names. */
vm_status vm_assemble(vm_t *vm, const char *text, size_t length_bytes, const char *file, unsigned char **image,
                      size_t *image_bytes, struct cupel_error *error);
/* Makes a text of an image: `length_bytes`, and a zero byte behind them, so that vm_bytes_free is told
 * `length_bytes` + 1. The same statuses; the error is vm_verify's. O(image), but
 * that names are written wherever they are used. */
vm_status vm_disassemble(vm_t *vm, const void *image, size_t image_bytes, unsigned char **text, size_t *length_bytes,
                         struct cupel_error *error);
/* Gives back what those two made; NULL is allowed. */
void vm_bytes_free(vm_t *vm, unsigned char *bytes, size_t length_bytes);

/* Shows the place of an error that vm_read or vm_assemble gave: the line of the text, and below it a line with a caret.
 * Writes at most `size` bytes to `excerpt`, always ended with zero (size >= 1): long lines are cut around the place.
 * Empty where the error has no place. */
void vm_excerpt(const char *text, size_t length_bytes, const struct cupel_error *error, char *excerpt, size_t size);

#ifdef __cplusplus
}
#endif

#endif
