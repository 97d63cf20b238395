/* The table of instructions for readers: rows of a manual page, and words for a fuzzer's dictionary. */
#ifndef VM_SRC_MANUAL_H
#define VM_SRC_MANUAL_H

#include "vm/src/program.h"

/* Rows in roff: name, operands, sentence, traps. */
void vm__manual_page(struct vm__buffer *out);
/* Lines of a dictionary: every word of the assembler's text. */
void vm__manual_dictionary(struct vm__buffer *out);

#endif
