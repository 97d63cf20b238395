/* Programs as text: the assembler and the disassembler. The form is told in the manual page cupel-vm-text(5).
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

/* Makes an image of a text. `file` is the name that goes into backtraces where the text gives none. The parse tree is
 * made of objects of `vm`, which may collect meanwhile: as around vm_safepoint, values must be in handles. VM_OK: the
 * image, which the caller gives back through vm_bytes_free. VM_ERROR_IMAGE: `error` has line, column and what is wrong
 * there; the image was verified too. VM_ERROR_OOM. O(length) but for sorting constants and names. */
vm_status vm_assemble(vm_t *vm, const char *text, size_t length_bytes, const char *file, unsigned char **image,
                      size_t *image_bytes, struct cupel_error *error);
/* Makes a text of an image: `length_bytes`, and a zero byte behind them, so that vm_bytes_free is told
 * `length_bytes` + 1. The same statuses; the error is vm_verify's. VM_ERROR_OOM
 * also where the text would have more than 256 MiB. */
vm_status vm_disassemble(vm_t *vm, const void *image, size_t image_bytes, unsigned char **text, size_t *length_bytes,
                         struct cupel_error *error);
/* Gives back what those two made; NULL is allowed. */
void vm_bytes_free(vm_t *vm, unsigned char *bytes, size_t length_bytes);

#ifdef __cplusplus
}
#endif

#endif
