/* A small reader of ELF symbol tables: see symbols.h. Files are not trusted: every offset is checked against the file's
 * length before it is followed. */
#include "alloc/src/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct function {
    const char *name;
    uintptr_t offset; /* in the module */
    size_t size;
    bool is_data; /* no function, but an object */
};
typedef void (*function_visit)(void *user, const struct function *function);

struct image {
    const unsigned char *data;
    size_t size;
};

static const void *part_of(const struct image *image, uint64_t offset, uint64_t size) {
    return offset <= image->size && size <= image->size - offset ? image->data + offset : NULL;
}

static void visit_table(const struct image *image, const ElfW(Shdr) * table, const ElfW(Shdr) * strings,
                        function_visit visit, void *user) {
    const ElfW(Sym) *symbols = part_of(image, table->sh_offset, table->sh_size);
    const char *names = part_of(image, strings->sh_offset, strings->sh_size);
    if (symbols == NULL || names == NULL || strings->sh_size == 0 || names[strings->sh_size - 1] != '\0' ||
        table->sh_offset % _Alignof(ElfW(Sym)) != 0) {
        return;
    }
    for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
        const ElfW(Sym) *symbol = &symbols[i];
        unsigned type = symbol->st_info & 0xf;
        if ((type == STT_FUNC || type == STT_OBJECT) && symbol->st_shndx != SHN_UNDEF &&
            symbol->st_name < strings->sh_size) {
            struct function function = {names + symbol->st_name, symbol->st_value, symbol->st_size, type == STT_OBJECT};
            visit(user, &function);
        }
    }
}

/* The sections of a file, `*header` says how many; NULL where it is none of this machine's. */
static const ElfW(Shdr) * sections_of(const struct image *image, const ElfW(Ehdr) * *header) {
    const ElfW(Ehdr) *first = part_of(image, 0, sizeof *first);
    if (first == NULL || memcmp(first->e_ident, ELFMAG, SELFMAG) != 0 ||
        first->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        first->e_shentsize != sizeof(ElfW(Shdr)) || first->e_shoff % _Alignof(ElfW(Shdr)) != 0) {
        return NULL;
    }
    *header = first;
    return part_of(image, first->e_shoff, (uint64_t)first->e_shnum * sizeof(ElfW(Shdr)));
}

static void visit_image(const struct image *image, function_visit visit, void *user) {
    const ElfW(Ehdr) * header;
    const ElfW(Shdr) *sections = sections_of(image, &header);
    if (sections == NULL) {
        return;
    }
    /* The full table where there is one, else the dynamic one. */
    const unsigned wanted[] = {SHT_SYMTAB, SHT_DYNSYM};
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < header->e_shnum; i++) {
            if (sections[i].sh_type == wanted[pass] && sections[i].sh_link < header->e_shnum) {
                visit_table(image, &sections[i], &sections[sections[i].sh_link], visit, user);
                return;
            }
        }
    }
}

/* The file's bytes; false where it cannot be read. */
static bool map_image(const char *path, struct image *image) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    struct stat status;
    void *data = MAP_FAILED;
    if (fstat(file, &status) == 0 && status.st_size > 0) {
        image->size = (size_t)status.st_size;
        data = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, file, 0);
        image->data = data;
    }
    (void)close(file);
    return data != MAP_FAILED;
}

static void unmap_image(const struct image *image) {
    (void)munmap((void *)(uintptr_t)image->data, image->size);
}

/* Visits the functions and objects of a file; one that cannot be read has none. */
static void visit_file(const char *path, function_visit visit, void *user) {
    struct image image;
    if (map_image(path, &image)) {
        visit_image(&image, visit, user);
        unmap_image(&image);
    }
}

struct walk {
    void (*visit)(void *user, const char *name, uintptr_t low, uintptr_t high);
    void *user;
};

static void visit_for_walk(void *user, const struct function *function) {
    const struct walk *walk = user;
    if (!function->is_data) {
        walk->visit(walk->user, function->name, function->offset, function->offset + function->size);
    }
}

void cupel__symbols_walk(const char *path, void (*visit)(void *user, const char *name, uintptr_t low, uintptr_t high),
                         void *user) {
    struct walk walk = {visit, user};
    visit_file(path, visit_for_walk, &walk);
}

/* Whether the name at this place of a table of names is that one. */
static bool is_name_at(const char *names, size_t size, size_t at, const char *name) {
    size_t length = strlen(name) + 1;
    return at < size && length <= size - at && memcmp(names + at, name, length) == 0;
}

bool cupel__section_in_file(const char *path, const char *name, uintptr_t *low, uintptr_t *high) {
    struct image image;
    const ElfW(Ehdr) * header;
    bool is_found = false;
    if (!map_image(path, &image)) {
        return false;
    }
    const ElfW(Shdr) *sections = sections_of(&image, &header);
    if (sections != NULL && header->e_shstrndx < header->e_shnum) {
        const ElfW(Shdr) *strings = &sections[header->e_shstrndx];
        const char *names = part_of(&image, strings->sh_offset, strings->sh_size);
        for (unsigned i = 0; names != NULL && i < header->e_shnum && !is_found; i++) {
            is_found = is_name_at(names, strings->sh_size, sections[i].sh_name, name);
            *low = sections[i].sh_addr;
            *high = sections[i].sh_addr + sections[i].sh_size;
        }
    }
    unmap_image(&image);
    return is_found;
}

/* The loader calls the program itself "". */
static const char *path_of(const struct dl_phdr_info *info) {
    return info->dlpi_name[0] == '\0' ? "/proc/self/exe" : info->dlpi_name;
}

struct place_search {
    uintptr_t address;
    struct cupel__place *place;
};

static void visit_for_place(void *user, const struct function *function) {
    struct cupel__place *place = user;
    if (!function->is_data && place->offset >= function->offset && place->offset - function->offset < function->size) {
        (void)snprintf(place->function, sizeof place->function, "%s", function->name);
        place->function_offset = place->offset - function->offset;
    }
}

static void visit_for_symbol(void *user, const struct function *function) {
    struct cupel__symbol *symbol = user;
    uintptr_t offset = symbol->asked - function->offset;
    if (symbol->asked < function->offset || offset >= function->size ||
        (symbol->size != 0 && function->size >= symbol->size)) {
        return;
    }
    size_t length = strlen(function->name);
    length = length < sizeof symbol->name ? length : sizeof symbol->name - 1;
    memcpy(symbol->name, function->name, length);
    symbol->name[length] = '\0';
    symbol->offset = offset;
    symbol->size = function->size;
}

bool cupel__symbol_in_file(const char *path, uintptr_t offset, struct cupel__symbol *symbol) {
    *symbol = (struct cupel__symbol){.asked = offset};
    visit_file(path, visit_for_symbol, symbol);
    return symbol->size != 0;
}

static int find_module(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    struct place_search *search = user;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type != PT_LOAD || search->address < start ||
            search->address - start >= info->dlpi_phdr[i].p_memsz) {
            continue;
        }
        struct cupel__place *place = search->place;
        (void)snprintf(place->module, sizeof place->module, "%s", path_of(info));
        place->offset = search->address - info->dlpi_addr;
        visit_file(place->module, visit_for_place, place);
        if (strcmp(place->module, "/proc/self/exe") == 0) {
            ssize_t length = readlink("/proc/self/exe", place->module, sizeof place->module - 1);
            place->module[length > 0 ? length : 0] = '\0';
        }
        return 1;
    }
    return 0;
}

bool cupel__place_find(const void *address, struct cupel__place *place) {
    memset(place, 0, sizeof *place);
    struct place_search search = {(uintptr_t)address, place};
    return dl_iterate_phdr(find_module, &search) != 0;
}

void cupel__place_in_file(const char *path, uintptr_t offset, struct cupel__place *place) {
    memset(place, 0, sizeof *place);
    (void)snprintf(place->module, sizeof place->module, "%s", path);
    place->offset = offset;
    visit_file(path, visit_for_place, place);
}

struct range_search {
    const char *name;
    struct cupel__range *ranges;
    unsigned max;
    unsigned count;
    uintptr_t bias;
};

static void visit_for_ranges(void *user, const struct function *function) {
    struct range_search *search = user;
    size_t length = strlen(search->name);
    if (strncmp(function->name, search->name, length) != 0 || function->is_data ||
        (function->name[length] != '\0' && function->name[length] != '.')) {
        return;
    }
    if (search->count < search->max) {
        uintptr_t low = search->bias + function->offset;
        search->ranges[search->count] = (struct cupel__range){low, low + function->size};
    }
    search->count++;
}

static int find_ranges(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    struct range_search *search = user;
    search->bias = info->dlpi_addr;
    visit_file(path_of(info), visit_for_ranges, search);
    return 0;
}

unsigned cupel__symbol_ranges(const char *function, struct cupel__range ranges[], unsigned max) {
    struct range_search search = {function, ranges, max, 0, 0};
    (void)dl_iterate_phdr(find_ranges, &search);
    return search.count;
}
