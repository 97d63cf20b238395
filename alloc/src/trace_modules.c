/* The modules that were seen: see trace_modules.h. Records are written once, under a lock, and never change. */
#include "alloc/src/trace_modules.h"

#include "alloc/src/trace_hash.h"
#include "alloc/src/trace_lock.h"
#include "alloc/src/unsanitized.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static struct cupel__trace_lock lock;
static struct cupel__trace_module *chunks[CUPEL__TRACE_MODULES_MAX / CUPEL__TRACE_MODULE_CHUNK];
atomic_uintptr_t cupel__loader_start, cupel__loader_size;
static atomic_uint count; /* record `number` is at number - 1 */

const struct cupel__trace_module *cupel__trace_module_at(uint32_t number) {
    if (number == 0 || number > atomic_load_explicit(&count, memory_order_acquire)) {
        return NULL;
    }
    return &chunks[(number - 1) / CUPEL__TRACE_MODULE_CHUNK][(number - 1) % CUPEL__TRACE_MODULE_CHUNK];
}

uint32_t cupel__trace_module_count(void) {
    return atomic_load_explicit(&count, memory_order_acquire);
}

#if defined(DLFO_STRUCT_HAS_EH_DBASE) /* glibc 2.35 and later */

enum { NAME_SIZE = sizeof chunks[0]->name };

/* Copies a module's name, cut where it is longer. The loader calls the program itself "": its path is asked for once.
 * (Unsanitized: the loader's strings may be in memory of a malloc that knows nothing of their being written.) */
CUPEL__UNSANITIZED static void copy_name(const struct link_map *map, char name[NAME_SIZE]) {
    static char program[NAME_SIZE];
    const char *from = map->l_name;
    if (from[0] == '\0') {
        int error = errno;
        /* LCOV_EXCL_START(once a process, and there is no process without this file) */
        if (program[0] == '\0' && readlink("/proc/self/exe", program, sizeof program - 1) < 0) {
            (void)strcpy(program, "program");
        }
        /* LCOV_EXCL_STOP */
        errno = error;
        from = program;
    }
    memset(name, 0, NAME_SIZE);
    for (size_t i = 0; i < NAME_SIZE - 1 && from[i] != '\0'; i++) {
        name[i] = from[i];
    }
}

static bool is_same(const struct cupel__trace_module *module, const struct dl_find_object *object, const char *name) {
    /* LCOV_EXCL_BR_START(modules that take each other's place are mostly of the same size) */
    return module->start == (uintptr_t)object->dlfo_map_start && module->end == (uintptr_t)object->dlfo_map_end &&
           module->bias == object->dlfo_link_map->l_addr && module->eh_frame_hdr == object->dlfo_eh_frame &&
           memcmp(module->name, name, sizeof module->name) == 0;
    /* LCOV_EXCL_BR_STOP */
}

static uint32_t find(const struct dl_find_object *object, const char *name) {
    for (uint32_t number = cupel__trace_module_count(); number > 0; number--) {
        if (is_same(cupel__trace_module_at(number), object, name)) {
            return number;
        }
    }
    return 0;
}

/* The lock is held. */
static uint32_t add(const struct dl_find_object *object, const char *name) {
    uint32_t number = find(object, name);
    uint32_t place = cupel__trace_module_count();
    if (number != 0 || place >= CUPEL__TRACE_MODULES_MAX) { /* LCOV_EXCL_BR_LINE(of so many modules) */
        return number;
    }
    struct cupel__trace_module **chunk = &chunks[place / CUPEL__TRACE_MODULE_CHUNK];
    if (*chunk == NULL) {
        *chunk = cupel__trace_pages(CUPEL__TRACE_MODULE_CHUNK * sizeof **chunk);
        if (*chunk == NULL) {
            return 0;
        }
    }
    struct cupel__trace_module *module = &(*chunk)[place % CUPEL__TRACE_MODULE_CHUNK];
    module->start = (uintptr_t)object->dlfo_map_start;
    module->end = (uintptr_t)object->dlfo_map_end;
    module->bias = object->dlfo_link_map->l_addr;
    module->eh_frame_hdr = object->dlfo_eh_frame;
    memcpy(module->name, name, sizeof module->name);
    atomic_store_explicit(&count, place + 1, memory_order_release);
    return place + 1;
}

uint32_t cupel__trace_module_of(uintptr_t address, const struct cupel__trace_module **module) {
    struct dl_find_object object = {0};
    if (_dl_find_object((void *)address, &object) != 0) {
        return 0;
    }
    cupel__trace_lock(&lock);
    char name[NAME_SIZE];
    copy_name(object.dlfo_link_map, name);
    uint32_t number = add(&object, name);
    cupel__trace_unlock(&lock);
    if (module != NULL) {
        *module = cupel__trace_module_at(number);
    }
    return number;
}

/* What the loader tells debuggers. Found through the program's dynamic section: the symbol _r_debug may be a copy. */
static const struct r_debug *loader_state(void) {
    static _Atomic(const struct r_debug *) known;
    const struct r_debug *state = atomic_load_explicit(&known, memory_order_relaxed);
    struct dl_find_object object = {0};
    /* LCOV_EXCL_START(what a program that is linked as a whole, and one with this in a shared object, does) */
    if (state != NULL || _dl_find_object((void *)(uintptr_t)&loader_state, &object) != 0) {
        return state;
    }
    const struct link_map *map = object.dlfo_link_map; /* NULL in a program that is linked as a whole */
    while (map != NULL && map->l_prev != NULL) {
        map = map->l_prev;
    }
    /* LCOV_EXCL_STOP */
    /* LCOV_EXCL_BR_START(a program that is linked as a whole has no such table) */
    for (const ElfW(Dyn) *entry = map == NULL ? NULL : map->l_ld; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_DEBUG) {
            state = (const struct r_debug *)entry->d_un.d_ptr;
        }
    }
    /* LCOV_EXCL_BR_STOP */
    atomic_store_explicit(&known, state, memory_order_relaxed);
    return state;
}

/* All threads write the same values. */
void cupel__trace_loader_find(void) {
    const struct r_debug *state = loader_state();
    struct dl_find_object object = {0};
    /* LCOV_EXCL_BR_START(a program that is linked as a whole has no loader) */
    if (atomic_load_explicit(&cupel__loader_size, memory_order_relaxed) == 0 && state != NULL &&
        _dl_find_object((void *)state->r_brk, &object) == 0) {
        uintptr_t start = (uintptr_t)object.dlfo_map_start;
        atomic_store_explicit(&cupel__loader_start, start, memory_order_relaxed);
        atomic_store_explicit(&cupel__loader_size, (uintptr_t)object.dlfo_map_end - start, memory_order_relaxed);
    }
    /* LCOV_EXCL_BR_STOP */
}

bool cupel__trace_is_unloading(void) {
    const struct r_debug *state = loader_state();
    if (state == NULL || state->r_state == RT_DELETE) { /* LCOV_EXCL_BR_LINE(as above) */
        return state != NULL;
    }
    /* From version 2 on there is one record a namespace. */
    const struct r_debug_extended *next =
        state->r_version >= 2 ? ((const struct r_debug_extended *)(const void *)state)->r_next : NULL;
    while (next != NULL && next->base.r_state != RT_DELETE) {
        next = next->r_next;
    }
    return next != NULL;
}

#else

uint32_t cupel__trace_module_of(uintptr_t address, const struct cupel__trace_module **module) {
    (void)address;
    (void)module;
    return 0;
}

void cupel__trace_loader_find(void) {
}

bool cupel__trace_is_unloading(void) {
    return false;
}

#endif
