/* cupel-symbolise: functions, files and lines of code addresses, with the calls that were inlined there. It answers in
 * addr2line's words, so that either can be asked. A program of its own because what reads debug info allocates, and the
 * process that asks may have crashed inside its allocator. */
#include "alloc/base/message.h"
#include "alloc/base/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(CUPEL_HAVE_LIBDW)
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#endif

static int usage(FILE *out) {
    (void)fprintf(out, "usage: cupel-symbolise [-a] [-f] [-i] [-C] -e FILE OFFSET...\n"
                       "Prints for each offset (hexadecimal) in an executable or shared object: the offset (-a), and\n"
                       "for each call that was inlined there (-i), innermost first, the function (-f) and file:line.\n"
                       "Needs debug info, in the file or installed beside it. See cupel-symbolise(1).\n");
    return out == stdout ? CUPEL_OK : CUPEL_USAGE;
}

struct request {
    bool has_address, has_function, has_inlined;
    const char *file;
};

#if defined(CUPEL_HAVE_LIBDW)

static void print(const struct request *request, const char *function, const char *folder, const char *file, int line) {
    if (request->has_function) {
        (void)printf("%s\n", function == NULL ? "??" : function);
    }
    /* Names are often relative to the folder in which the compiler ran. */
    bool is_relative = file != NULL && file[0] != '/' && folder != NULL && folder[0] == '/';
    (void)printf("%s%s%s:%d\n", is_relative ? folder : "", is_relative ? "/" : "", file == NULL ? "??" : file,
                 file == NULL ? 0 : line);
}

static bool is_function(Dwarf_Die *die) {
    int tag = dwarf_tag(die);
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_entry_point;
}

static const char *name_of(Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    const char *linked = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
    return linked != NULL ? linked : dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attribute));
}

/* Where an inlined function was called; the file's name is borrowed from the unit. */
static const char *call_of(Dwarf_Die *unit, Dwarf_Die *die, int *line) {
    Dwarf_Attribute attribute;
    Dwarf_Word file = 0;
    Dwarf_Word number = 0;
    Dwarf_Files *files;
    size_t count;
    (void)dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &file);
    (void)dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &number);
    *line = (int)number;
    return file == 0 || dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count
               ? NULL
               : dwarf_filesrc(files, file, NULL, NULL);
}

/* The folder in which the compiler of a unit ran. */
static const char *folder_of(Dwarf_Die *unit) {
    Dwarf_Attribute attribute;
    return unit == NULL ? NULL : dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
}

/* The scopes of an address with all that encloses the innermost, also where that was inlined; to be freed. */
static int find_scopes(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes) {
    Dwarf_Die *innermost = NULL;
    *scopes = NULL;
    int count = unit == NULL ? 0 : dwarf_getscopes(unit, address, &innermost);
    count = count <= 0 ? 0 : dwarf_getscopes_die(&innermost[0], scopes);
    free(innermost);
    return count;
}

/* The unit of an address. Not all compilers write the table that libdw looks into (.debug_aranges). */
static Dwarf_Die *find_unit(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias) {
    Dwarf_Die *unit = dwfl_module_addrdie(module, address, bias);
    Dwarf_Die *other = NULL;
    while (unit == NULL && (other = dwfl_module_nextcu(module, other, bias)) != NULL) {
        if (dwarf_haspc(other, address - *bias) == 1) {
            unit = other;
        }
    }
    return unit;
}

/* The functions around an address, from the innermost outwards, as far as they were inlined. */
static void print_scopes(const struct request *request, Dwfl_Module *module, Dwarf_Addr address, const char *symbol) {
    Dwarf_Addr bias = 0;
    int line = 0;
    const char *file = NULL;
    Dwarf_Die *unit = find_unit(module, address, &bias);
    Dwarf_Line *source = unit == NULL ? NULL : dwarf_getsrc_die(unit, address - bias);
    if (source != NULL && dwarf_lineno(source, &line) == 0) {
        file = dwarf_linesrc(source, NULL, NULL);
    }
    Dwarf_Die *scopes;
    int count = find_scopes(unit, address - bias, &scopes);
    const char *folder = folder_of(unit);
    bool is_printed = false;
    for (int i = 0; i < count; i++) {
        if (!is_function(&scopes[i])) {
            continue;
        }
        bool is_inlined = dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine;
        const char *name = name_of(&scopes[i]);
        print(request, name == NULL && !is_inlined ? symbol : name, folder, file, line);
        is_printed = true;
        if (!is_inlined || !request->has_inlined) {
            break;
        }
        file = call_of(unit, &scopes[i], &line);
    }
    if (!is_printed) {
        print(request, symbol, folder, file, line);
    }
    free(scopes);
}

/* Modules are laid from an address of dwfl's choice; offsets are those of the file's own addresses. */
static void answer(const struct request *request, Dwfl_Module *module, const char *word) {
    char *end;
    unsigned long long offset = strtoull(word, &end, 16);
    if (request->has_address) {
        (void)printf("0x%016llx\n", offset);
    }
    if (module == NULL || *end != '\0' || end == word) {
        print(request, NULL, NULL, NULL, 0);
        return;
    }
    GElf_Addr bias = 0;
    (void)dwfl_module_getelf(module, &bias);
    Dwarf_Addr address = (Dwarf_Addr)offset + bias;
    print_scopes(request, module, address, dwfl_module_addrname(module, address));
}

static char *debug_folders; /* NULL: libdwfl's own */
static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                         .find_debuginfo = dwfl_standard_find_debuginfo,
                                         .section_address = dwfl_offline_section_address,
                                         .debuginfo_path = &debug_folders};

static int run(const struct request *request, char *words[]) {
    (void)unsetenv("DEBUGINFOD_URLS"); /* a report does not wait for the network */
    Dwfl *dwfl = dwfl_begin(&callbacks);
    Dwfl_Module *module = dwfl == NULL ? NULL : dwfl_report_offline(dwfl, request->file, request->file, -1);
    if (dwfl != NULL) {
        (void)dwfl_report_end(dwfl, NULL, NULL);
    }
    if (module == NULL) {
        cupel_message("cannot read '%s': %s", request->file, dwfl_errmsg(-1));
    }
    for (unsigned i = 0; module != NULL && words[i] != NULL; i++) {
        answer(request, module, words[i]);
    }
    dwfl_end(dwfl);
    if (fflush(stdout) != 0) {
        return CUPEL_OUTPUT;
    }
    return module == NULL ? CUPEL_USAGE : CUPEL_OK;
}

#else

static int run(const struct request *request, char *words[]) {
    (void)request;
    (void)words;
    cupel_message("this build has no libdw; install libdw-dev and build again, or use addr2line");
    return CUPEL_LACKING;
}

#endif

int main(int count, char *words[]) {
    struct request request = {false, false, false, NULL};
    int i = 1;
    cupel_message_program("cupel-symbolise");
    for (; i < count && words[i][0] == '-'; i++) {
        if (strcmp(words[i], "-e") == 0 && i + 1 < count) {
            request.file = words[++i];
        } else if (strcmp(words[i], "--help") == 0) {
            return usage(stdout);
        } else if (strlen(words[i]) == 2 && strchr("afiC", words[i][1]) != NULL) {
            request.has_address = request.has_address || words[i][1] == 'a';
            request.has_function = request.has_function || words[i][1] == 'f';
            request.has_inlined = request.has_inlined || words[i][1] == 'i';
        } else {
            cupel_message("does not know '%s'", words[i]);
            return usage(stderr);
        }
    }
    if (request.file == NULL || i == count) {
        return usage(stderr);
    }
    return run(&request, words + i);
}
