/* Goal: symbol tables are read as they are meant, and whatever a file claims, nothing outside it is read. Method: a
 * small file of that form made by hand, as it should be and with one thing wrong at a time. */
#include "alloc/src/symbols.h"
#include "alloc/tests/refusing.h"
#include "harness/harness.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SYMBOLS = 7, NAMES = 64, SECTIONS = 4 };

/* The whole file: a null section, the full table, its names, and the dynamic table, which is not looked at beside it.
 */
static struct made {
    ElfW(Ehdr) header;
    ElfW(Shdr) sections[SECTIONS];
    ElfW(Sym) symbols[SYMBOLS];
    char names[NAMES];
} made;

static void make_symbol(unsigned which, unsigned name, unsigned type, uintptr_t value, size_t size) {
    made.symbols[which] = (ElfW(Sym)){.st_name = name,
                                      .st_info = (unsigned char)(STB_GLOBAL << 4 | type),
                                      .st_shndx = 1,
                                      .st_value = value,
                                      .st_size = size};
}

static void make(void) {
    memset(&made, 0, sizeof made);
    memcpy(made.header.e_ident, ELFMAG, SELFMAG);
    made.header.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    made.header.e_shentsize = sizeof(ElfW(Shdr));
    made.header.e_shoff = offsetof(struct made, sections);
    made.header.e_shnum = SECTIONS;
    made.sections[1] = (ElfW(Shdr)){.sh_type = SHT_SYMTAB,
                                    .sh_offset = offsetof(struct made, symbols),
                                    .sh_size = sizeof made.symbols,
                                    .sh_link = 2};
    made.sections[2] = (ElfW(Shdr)){.sh_type = SHT_STRTAB, .sh_offset = offsetof(struct made, names), .sh_size = NAMES};
    made.sections[3] = made.sections[1];
    made.sections[3].sh_type = SHT_DYNSYM;
    memcpy(made.names, "\0outer\0inner\0data\0gone", 22);
    make_symbol(1, 1, STT_FUNC, 0x1000, 0x100);
    make_symbol(2, 7, STT_FUNC, 0x1010, 0x10);
    make_symbol(3, 13, STT_OBJECT, 0x2000, 0x20);
    make_symbol(4, 18, STT_FUNC, 0x3000, 0x10);
    made.symbols[4].st_shndx = SHN_UNDEF; /* of another module */
    make_symbol(5, 18, STT_TLS, 0x3000, 0x10);
    make_symbol(6, NAMES, STT_FUNC, 0x3000, 0x10); /* a name outside the names */
}

static const char *write_made(size_t length) {
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/made", test_directory());
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    REQUIRE(file >= 0);
    REQUIRE(write(file, &made, length) == (ssize_t)length);
    (void)close(file);
    return path;
}

TEST(symbols, are_found_in_a_file) {
    struct cupel__symbol symbol;
    struct cupel__place place;
    make();
    const char *path = write_made(sizeof made);
    CHECK(cupel__symbol_in_file(path, 0x1004, &symbol));
    CHECK_STR_EQ(symbol.name, "outer");
    CHECK_UINT_EQ(symbol.offset, 4);
    CHECK_UINT_EQ(symbol.size, 0x100);
    CHECK(cupel__symbol_in_file(path, 0x1014, &symbol)); /* the smaller one */
    CHECK_STR_EQ(symbol.name, "inner");
    CHECK(cupel__symbol_in_file(path, 0x2000, &symbol));
    CHECK_STR_EQ(symbol.name, "data");
    CHECK(!cupel__symbol_in_file(path, 0x3000, &symbol));
    CHECK(!cupel__symbol_in_file(path, 0xfff, &symbol));
    CHECK(!cupel__symbol_in_file(path, 0x1100, &symbol));
    cupel__place_in_file(path, 0x1004, &place);
    CHECK_STR_EQ(place.module, path);
    CHECK_STR_EQ(place.function, "outer");
    CHECK_UINT_EQ(place.function_offset, 4);
    cupel__place_in_file(path, 0x2000, &place); /* an object is no place in code */
    CHECK_STR_EQ(place.function, "");
    /* The same with the smaller one first; and where there is the dynamic table alone. */
    make_symbol(2, 1, STT_FUNC, 0x1000, 0x100);
    make_symbol(1, 7, STT_FUNC, 0x1010, 0x10);
    CHECK(cupel__symbol_in_file(write_made(sizeof made), 0x1014, &symbol));
    CHECK_STR_EQ(symbol.name, "inner");
    made.sections[1].sh_type = SHT_PROGBITS;
    CHECK(cupel__symbol_in_file(write_made(sizeof made), 0x1014, &symbol));
    CHECK_STR_EQ(symbol.name, "inner");
}

TEST(symbols, names_are_cut_where_they_are_long) {
    static struct {
        struct made made;
        char more[200];
    } longer;
    struct cupel__symbol symbol;
    make();
    longer.made = made;
    longer.made.sections[2].sh_offset = sizeof made;
    longer.made.sections[2].sh_size = sizeof longer.more;
    longer.made.sections[3] = longer.made.sections[0];
    memset(longer.more + 1, 'n', sizeof longer.more - 2);
    char path[512];
    (void)snprintf(path, sizeof path, "%s/longer", test_directory());
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    REQUIRE(file >= 0);
    REQUIRE(write(file, &longer, sizeof longer) == (ssize_t)sizeof longer);
    (void)close(file);
    CHECK(cupel__symbol_in_file(path, 0x1004, &symbol));
    CHECK_UINT_EQ(strlen(symbol.name), sizeof symbol.name - 1);
}

static void of_another_kind(void) {
    made.header.e_ident[0] = 'x';
}
static void of_another_machine(void) {
    made.header.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64;
}
static void sections_of_another_size(void) {
    made.header.e_shentsize = 1;
}
static void sections_not_aligned(void) {
    made.header.e_shoff++;
}
static void sections_beyond_the_end(void) {
    made.header.e_shoff = 1 << 20;
}
static void too_many_sections(void) {
    made.header.e_shnum = 0xff00;
}
static void no_sections(void) {
    made.header.e_shnum = 0;
}
static void names_in_no_section(void) {
    made.sections[1].sh_link = SECTIONS;
    made.sections[3].sh_link = SECTIONS;
}
static void table_beyond_the_end(void) {
    made.sections[1].sh_size = sizeof made;
}
static void table_not_aligned(void) {
    made.sections[1].sh_offset++;
}
static void names_beyond_the_end(void) {
    made.sections[2].sh_offset = UINT32_MAX;
}
static void names_without_an_end(void) {
    made.names[NAMES - 1] = 'x';
}
static void no_names(void) {
    made.sections[2].sh_size = 0;
}

static void (*const mistakes[])(void) = {
    of_another_kind,
    of_another_machine,
    sections_of_another_size,
    sections_not_aligned,
    sections_beyond_the_end,
    too_many_sections,
    no_sections,
    names_in_no_section,
    table_beyond_the_end,
    table_not_aligned,
    names_beyond_the_end,
    names_without_an_end,
    no_names,
};

TEST(symbols, of_a_file_with_a_mistake_are_none, CUPEL_TABLE(mistakes)) {
    struct cupel__symbol symbol;
    make();
    mistakes[test_row_index()]();
    CHECK(!cupel__symbol_in_file(write_made(sizeof made), 0x1004, &symbol));
}

TEST(symbols, of_what_is_no_file_are_none) {
    struct cupel__symbol symbol;
    struct cupel__place place;
    make();
    CHECK(!cupel__symbol_in_file(write_made(0), 0x1004, &symbol));
    CHECK(!cupel__symbol_in_file(write_made(sizeof made.header - 1), 0x1004, &symbol));
    CHECK(!cupel__symbol_in_file(write_made(sizeof made.header), 0x1004, &symbol));
    CHECK(!cupel__symbol_in_file("/nonexistent", 0x1004, &symbol));
    CHECK(!cupel__symbol_in_file(test_directory(), 0x1004, &symbol)); /* cannot be mapped */
    CHECK(!cupel__place_find(NULL, &place));
    CHECK_STR_EQ(place.module, "");
}

TEST(symbols, places_are_in_modules, .tags = "slow") {
    struct cupel__place place;
    char own[512];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    REQUIRE(length > 0);
    own[length] = '\0';
    CHECK(cupel__place_find((const char *)(uintptr_t)&of_another_kind + 1, &place));
    CHECK_STR_EQ(place.module, own);
    CHECK_STR_EQ(place.function, "of_another_kind");
    CHECK_UINT_EQ(place.function_offset, 1);
    CHECK(cupel__place_find((const void *)(uintptr_t)&gnu_get_libc_version, &place));
    CHECK(place.module[0] == '/' && strcmp(place.module, own) != 0);
}

TEST(symbols, ranges_are_of_functions_of_a_name, .tags = "slow") {
    struct cupel__range ranges[2] = {{0, 0}, {0, 0}};
    CHECK_UINT_EQ(cupel__symbol_ranges("of_another_machine", ranges, 2), 1);
    CHECK_UINT_EQ(ranges[0].low, (uintptr_t)&of_another_machine);
    CHECK_UINT_GT(ranges[0].high, ranges[0].low);
    CHECK_UINT_EQ(cupel__symbol_ranges("of_another", ranges, 2), 0); /* no part of a name */
    CHECK_UINT_EQ(cupel__symbol_ranges("mistakes", ranges, 2), 0);   /* no function */
    ranges[0].low = 1;
    CHECK_UINT_EQ(cupel__symbol_ranges("of_another_machine", ranges, 0), 1); /* counted, and not written */
    CHECK_UINT_EQ(ranges[0].low, 1);
}

#if defined(__x86_64__)
/* A file that cannot be looked at has no symbols. */
TEST(symbols, of_a_file_that_cannot_be_asked_are_none, .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash",
     .no_sweep = "the kernel refuses by itself") {
    struct cupel__symbol symbol;
    make();
    const char *path = write_made(sizeof made);
    int next = dup(0); /* the descriptor that the file will have */
    REQUIRE(next >= 0);
    (void)close(next);
    REQUIRE(cupel__symbol_in_file(path, 0x1004, &symbol));
    refuse((struct refusal){SYS_fstat, EIO, 1, (uint64_t)next});
    refuse((struct refusal){SYS_newfstatat, EIO, 1, (uint64_t)next});
    CHECK(!cupel__symbol_in_file(path, 0x1004, &symbol));
}
#endif
