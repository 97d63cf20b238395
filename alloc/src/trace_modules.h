/* The modules (executable and shared objects) of which a trace ever had a frame, with their names as they were: a
 * module that was unloaded keeps its number, and another one at its addresses gets another. */
#ifndef ALLOC_SRC_TRACE_MODULES_H
#define ALLOC_SRC_TRACE_MODULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CUPEL__TRACE_MODULES_MAX = 4096, CUPEL__TRACE_MODULE_CHUNK = 64 };

struct cupel__trace_module {
    uintptr_t start, end;     /* of its mapping */
    uintptr_t bias;           /* added to addresses in its file */
    const void *eh_frame_hdr; /* NULL: it has no unwinding tables */
    char name[256];           /* its path; cut where it is longer */
};

/* The number of the module that holds an address now, from 1; 0 where there is none, or too many were seen. With
 * `module` not NULL also what is known of it. Takes no lock of the loader's where the C library has _dl_find_object
 * (glibc 2.35), and finds no modules elsewhere. Some 100 ns. */
uint32_t cupel__trace_module_of(uintptr_t address, const struct cupel__trace_module **module);
/* The module of a number, or NULL. */
const struct cupel__trace_module *cupel__trace_module_at(uint32_t number);
/* How many were ever seen. */
uint32_t cupel__trace_module_count(void);

/* Whether an address is the loader's own code, and whether a module is being unloaded at the moment: together in a call
 * of free they mean that what was known of code addresses may be wrong from here on. The loader is not known before
 * cupel__trace_loader_find. */
extern atomic_uintptr_t cupel__loader_start, cupel__loader_size;
void cupel__trace_loader_find(void);
static inline bool cupel__trace_is_loader(uintptr_t address) {
    return address - atomic_load_explicit(&cupel__loader_start, memory_order_relaxed) <
           atomic_load_explicit(&cupel__loader_size, memory_order_relaxed);
}
bool cupel__trace_is_unloading(void);

#endif
