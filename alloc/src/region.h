/* What part of the process an address is in, whoever handed it out: a module, a thread's stack, another mapping, or
 * nothing. The kernel and the loader's lock-free table are asked; nothing is read at the address. Takes no lock and no
 * memory, and is safe in signal handlers. Some 100 us. */
#ifndef ALLOC_SRC_REGION_H
#define ALLOC_SRC_REGION_H

#include "alloc/src/maps.h"
#include "alloc/src/trace_modules.h"

#include <sys/types.h>

enum cupel__region_kind { CUPEL__REGION_NONE, CUPEL__REGION_STATIC, CUPEL__REGION_STACK, CUPEL__REGION_OTHER };

struct cupel__region {
    enum cupel__region_kind kind;
    struct cupel__mapping mapping;            /* that holds the address; high 0: none */
    const struct cupel__trace_module *module; /* STATIC; NULL where the loader does not say which */
    pid_t thread;                             /* STACK: the kernel's number of the thread; 0: not known */
};

/* False where the mappings cannot be read: then only STATIC is known. */
bool cupel__region_find(uintptr_t address, struct cupel__region *region);

#endif
