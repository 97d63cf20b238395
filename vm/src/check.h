/* The two halves of the heap checker: where objects lie (check.c), and what each type promises (check_types.c). */
#ifndef VM_SRC_CHECK_H
#define VM_SRC_CHECK_H

#include "vm/src/heap.h"

/* What the object's type promises beyond its size. Its tagged slots refer to whole objects. */
bool vm__check_type(const vm_t *vm, const struct vm__object *object);

#endif
