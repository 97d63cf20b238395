/* Which code asks malloc for itself, not for the code under test: the modules of the C library, the loader, the
 * sanitizers and the C++ runtime, by their file names. Looked up once: a program has them from its start. Where one of
 * them is linked statically it cannot be told from the program. */
#include "harness/src/route.h"

#include "alloc/failing.h"

#include <link.h>
#include <string.h>

void __gcov_dump(void) __attribute__((weak));

/* Beginnings of file names. */
static const char *const left_alone[] = {
    "ld-",       "ld.so",      "ld64.so",    "libasan.",     "libtsan.",  "libubsan.",      "liblsan.",   "libhwasan.",
    "libgcc_s.", "libstdc++.", "libc++abi.", "libclang_rt.", "vgpreload", "libcupel_guard", "linux-vdso",
};
static const char *const c_library[] = {
    "libc.so",    "libc-",    "libc.musl", "libpthread.so", "libpthread-", "libdl.so",
    "libdl-",     "librt.so", "librt-",    "libm.so",       "libm-",       "libresolv.",
    "libresolv-", "libnss_",  "libnsl",    "libutil.so",    "libanl.so",   "libthread_db.",
};

static bool begins(const char *name, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strncmp(name, words[i], strlen(words[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_left_alone(const char *path, bool takes_libc) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    return begins(name, left_alone, sizeof left_alone / sizeof left_alone[0]) ||
           (!takes_libc && begins(name, c_library, sizeof c_library / sizeof c_library[0]));
}

static void add_range(uintptr_t low, uintptr_t high) {
    struct cupel__route *list = &cupel__route;
    if (list->callers < CUPEL__CALLERS_MAX) {
        list->caller[list->callers].low = low;
        list->caller[list->callers].high = high;
        list->callers++;
    }
}

static int add_module(struct dl_phdr_info *module, size_t size, void *user) {
    const bool *takes_libc = user;
    (void)size;
    if (module->dlpi_name == NULL || !is_left_alone(module->dlpi_name, *takes_libc)) {
        return 0;
    }
    for (unsigned i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &module->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            uintptr_t low = module->dlpi_addr + part->p_vaddr;
            add_range(low, low + part->p_memsz);
        }
    }
    return 0;
}

/* The library that writes gcc's coverage counters is part of the program itself: its functions by their names. */
static void add_counters(void) {
    static const char *const names[] = {"alloc:1@gcov_do_dump", "alloc:1@mangle_path"};
    static struct cupel_fault_plan plan; /* large */
    for (size_t i = 0; __gcov_dump && i < sizeof names / sizeof names[0]; i++) {
        if (cupel_fault_plan_parse(&plan, names[i], NULL) && cupel_fault_plan_resolve(&plan, NULL)) {
            for (unsigned range = 0; range < plan.rules[0].range_count; range++) {
                add_range(plan.rules[0].ranges[range].low, plan.rules[0].ranges[range].high);
            }
        }
    }
}

void cupel__route_find_callers(bool takes_libc) {
    cupel__route.callers = 0;
    (void)dl_iterate_phdr(add_module, &takes_libc);
    add_counters();
}
