/* Call stacks by the compiler's unwinder, and the modules that their addresses belong to. See library.h. */
#include "harness/exec/library.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

enum { RANGES_MAX = 256, STEPS_MAX = 128 };

/* Code of a module. */
struct range {
    uintptr_t low, high, base;
    uint64_t name_hash;
    uint32_t module; /* in the note */
    enum owner { OF_LIBRARY, OF_PROGRAM, OF_SYSTEM, OF_FRAMEWORK } owner;
    bool is_loader;
};

static struct range ranges[RANGES_MAX];
static unsigned range_count;
static bool has_framework;

/* Beginnings of the file names of what asks malloc for itself. The C++ run time is not among them: operator new is the
 * program's own request. */
static const char *const of_system[] = {
    "ld-",          "ld.so",     "ld64.so",    "libc.so",  "libc-",         "libc.musl", "libpthread", "libdl.so",
    "libdl-",       "librt.",    "librt-",     "libm.so",  "libm-",         "libresolv", "libnss_",    "libnsl",
    "libutil.so",   "libanl.so", "libgcc_s.",  "libasan.", "libtsan.",      "libubsan.", "liblsan.",   "libhwasan.",
    "libclang_rt.", "vgpreload", "linux-vdso", "libcupel", "libthread_db.",
};

/* And of test frameworks. */
static const char *const of_framework[] = {
    "libcmocka", "libcheck.", "libcriterion", "libboxfort", "libsubunit.",
    "libgtest",  "libgmock",  "libcunit",     "libunity",   "libnanomsg",
};

static bool is_one_of(const char *name, const char *const names[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_loader(const char *path) {
    static const char *const names[] = {"ld-", "ld.so", "ld64.so"};
    const char *slash = strrchr(path, '/');
    return is_one_of(slash == NULL ? path : slash + 1, names, sizeof names / sizeof names[0]);
}

static enum owner owner_of(const char *path, bool is_program) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (is_program) {
        return OF_PROGRAM;
    }
    if (is_one_of(name, of_framework, sizeof of_framework / sizeof of_framework[0])) {
        return OF_FRAMEWORK;
    }
    return is_one_of(name, of_system, sizeof of_system / sizeof of_system[0]) ? OF_SYSTEM : OF_LIBRARY;
}

/* The note's index of that path, a new one where it is not there. */
static uint32_t module_of(const char *path) {
    struct cupel__exec_note *note = cupel__exec_note;
    uint32_t count = __atomic_load_n(&note->module_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count && i < CUPEL__EXEC_MODULES_MAX; i++) {
        if (strncmp(note->modules[i], path, CUPEL__EXEC_PATH_MAX - 1) == 0) {
            return i;
        }
    }
    uint32_t index = __atomic_fetch_add(&note->module_count, 1, __ATOMIC_ACQ_REL);
    if (index >= CUPEL__EXEC_MODULES_MAX) {
        return CUPEL__EXEC_MODULES_MAX;
    }
    size_t length = strnlen(path, CUPEL__EXEC_PATH_MAX - 1);
    memcpy(note->modules[index], path, length);
    return index;
}

static uint64_t hash_of(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    }
    return hash;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    char self[CUPEL__EXEC_PATH_MAX];
    const char *path = info->dlpi_name;
    bool *is_first = user;
    if (path == NULL || path[0] == '\0') { /* the program itself, or the vdso */
        ssize_t length = *is_first ? readlink("/proc/self/exe", self, sizeof self - 1) : 0;
        self[length < 0 ? 0 : length] = '\0';
        path = self[0] == '\0' ? "linux-vdso" : self;
    }
    enum owner owner = owner_of(path, *is_first);
    has_framework = has_framework || owner == OF_FRAMEWORK;
    *is_first = false;
    for (unsigned i = 0; i < info->dlpi_phnum && range_count < RANGES_MAX; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            uintptr_t low = info->dlpi_addr + part->p_vaddr;
            ranges[range_count++] = (struct range){.low = low,
                                                   .high = low + part->p_memsz,
                                                   .base = info->dlpi_addr,
                                                   .name_hash = hash_of(path),
                                                   .module = module_of(path),
                                                   .owner = owner,
                                                   .is_loader = is_loader(path)};
        }
    }
    return 0;
}

void cupel__exec_modules_read(void) {
    bool is_first = true;
    range_count = 0;
    (void)dl_iterate_phdr(add_module, &is_first);
}

static const struct range *range_of(uintptr_t address) {
    for (unsigned i = 0; i < range_count; i++) {
        if (address >= ranges[i].low && address < ranges[i].high) {
            return &ranges[i];
        }
    }
    return NULL;
}

/* Raw addresses; the first is `start`. */
struct walk {
    const void *start;
    bool has_met;
    unsigned steps, count, max;
    const void **frames;
};

static _Unwind_Reason_Code take(struct _Unwind_Context *context, void *user) {
    struct walk *walk = user;
    const void *address = (const void *)(uintptr_t)_Unwind_GetIP(context); /* NOLINT(performance-no-int-to-ptr) */
    walk->has_met = walk->has_met || address == walk->start;
    if (address == NULL || ++walk->steps == STEPS_MAX) {
        return _URC_NORMAL_STOP;
    }
    if (walk->has_met) {
        walk->frames[walk->count++] = address;
    }
    return walk->count < walk->max ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

unsigned cupel__exec_frames(const void *start, const void *frames[], unsigned max) {
    struct walk walk = {.start = start, .frames = frames, .max = max};
    (void)_Unwind_Backtrace(take, &walk);
    if (walk.count == 0) { /* the unwinder did not lead there */
        frames[walk.count++] = start;
    }
    return walk.count;
}

/* What a library asks for that a framework called, or the loader for its constructors, and nothing of the program
 * between: that is the framework's. */
static bool is_for_framework(const void *site) {
    const void *frames[STEPS_MAX]; /* libraries are deep, and what counts is outwards */
    unsigned count = cupel__exec_frames(site, frames, STEPS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct range *range = range_of((uintptr_t)frames[i] - 1);
        if (range != NULL && (range->owner == OF_PROGRAM || range->owner == OF_FRAMEWORK)) {
            return range->owner == OF_FRAMEWORK;
        }
        if (range != NULL && range->is_loader) {
            return true;
        }
    }
    return false;
}

bool cupel__exec_is_foreign(const void *site) {
    const struct range *range = range_of((uintptr_t)site);
    if (range == NULL) { /* loaded since */
        cupel__exec_modules_read();
        range = range_of((uintptr_t)site);
    }
    enum owner owner = range == NULL ? OF_LIBRARY : range->owner;
    return owner == OF_SYSTEM || owner == OF_FRAMEWORK ||
           (owner == OF_LIBRARY && has_framework && is_for_framework(site));
}

/* `is_call`: the first address is one that a call returns to, as all others are; the call stands before it. */
static void fill(const void *start, bool is_call, struct cupel__exec_stack *stack) {
    const void *frames[CUPEL__EXEC_FRAMES_MAX];
    uint64_t hash = 0xcbf29ce484222325u;
    stack->count = cupel__exec_frames(start, frames, CUPEL__EXEC_FRAMES_MAX);
    for (unsigned i = 0; i < stack->count; i++) {
        uintptr_t address = (uintptr_t)frames[i] - (is_call || i != 0 ? 1 : 0);
        const struct range *range = range_of(address);
        stack->module[i] = range == NULL ? CUPEL__EXEC_MODULES_MAX : range->module;
        stack->offset[i] = range == NULL ? address : address - range->base;
        if (i < CUPEL__EXEC_KEY_FRAMES && range != NULL) { /* what is in no module is elsewhere in each run */
            hash = (hash ^ range->name_hash) * 0x100000001b3u;
            hash = (hash ^ stack->offset[i]) * 0x100000001b3u;
        }
    }
    stack->key = hash;
}

void cupel__exec_stack_take_interrupted(const void *address, struct cupel__exec_stack *stack) {
    fill(address, false, stack);
}

void cupel__exec_stack_take(const void *site, struct cupel__exec_stack *stack) {
    if (range_of((uintptr_t)site) == NULL) { /* loaded since */
        cupel__exec_modules_read();
    }
    fill(site, true, stack);
}
