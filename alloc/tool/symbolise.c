/* cupel-symbolise: functions, files and lines of code addresses, with the calls that were inlined there. It answers in
 * addr2line's words, so that either can be asked. A program of its own because what reads debug info allocates, and the
 * process that asks may have crashed inside its allocator. */
#include "alloc/base/message.h"
#include "alloc/base/status.h"
#include "alloc/tool/debug_info.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(CUPEL_HAVE_LIBDW)
#include <dwarf.h>
#endif

static int usage(FILE *out) {
    (void)fprintf(out, "usage: cupel-symbolise [-a] [-f] [-i] [-C] -e FILE OFFSET...\n"
                       "Prints for each offset (hexadecimal) in an executable or shared object: the offset (-a), and\n"
                       "for each call that was inlined there (-i), innermost first, the function (-f) and file:line.\n"
                       "With --variable=ADDRESS,NUMBER=REGISTER,..., all from the end of the frame of a call there:\n"
                       "the function, the variable that holds the byte, its file:line, the byte's offset in it,\n"
                       "and its size.\n"
                       "Needs debug info, in the file or installed beside it. See cupel-symbolise(1).\n");
    return out == stderr ? CUPEL_USAGE : fflush(out) != 0 ? CUPEL_OUTPUT : CUPEL_OK;
}

struct request {
    bool has_address, has_function, has_inlined, has_variable;
    struct cupel__frame_place place; /* of the variable */
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

/* Where an inlined function was called. */
static const char *call_of(Dwarf_Die *die, int *line) {
    Dwarf_Attribute attribute;
    Dwarf_Word number = 0;
    (void)dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &number);
    *line = (int)number;
    return cupel__die_file(die, DW_AT_call_file);
}

/* The functions around an address, from the innermost outwards, as far as they were inlined. */
static void print_scopes(const struct request *request, Dwfl_Module *module, Dwarf_Addr address, const char *symbol) {
    Dwarf_Addr bias = 0;
    int line = 0;
    const char *file = NULL;
    Dwarf_Die *unit = cupel__unit_of(module, address, &bias);
    Dwarf_Line *source = unit == NULL ? NULL : dwarf_getsrc_die(unit, address - bias);
    if (source != NULL && dwarf_lineno(source, &line) == 0) {
        file = dwarf_linesrc(source, NULL, NULL);
    }
    Dwarf_Die *scopes;
    int count = cupel__scopes_of(unit, address - bias, &scopes);
    const char *folder = cupel__unit_folder(unit);
    bool is_printed = false;
    for (int i = 0; i < count; i++) {
        if (!cupel__die_is_function(&scopes[i])) {
            continue;
        }
        bool is_inlined = dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine;
        const char *name = cupel__die_name(&scopes[i]);
        print(request, name == NULL && !is_inlined ? symbol : name, folder, file, line);
        is_printed = true;
        if (!is_inlined || !request->has_inlined) {
            break;
        }
        file = call_of(&scopes[i], &line);
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
    if (*end != '\0' || end == word) {
        print(request, NULL, NULL, NULL, 0);
        return;
    }
    GElf_Addr bias = 0;
    (void)dwfl_module_getelf(module, &bias);
    Dwarf_Addr address = (Dwarf_Addr)offset + bias;
    if (request->has_variable) {
        cupel__variable_print(module, address, &request->place);
        return;
    }
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
    /* LCOV_EXCL_BR_START(there is memory for it) */
    Dwfl_Module *module = dwfl == NULL ? NULL : dwfl_report_offline(dwfl, request->file, request->file, -1);
    if (dwfl != NULL) {
        (void)dwfl_report_end(dwfl, NULL, NULL);
    }
    /* LCOV_EXCL_BR_STOP */
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

/* "ADDRESS,NUMBER=VALUE,..." */
static bool read_variable(struct cupel__frame_place *place, const char *text) {
    char *end;
    place->address = strtoll(text, &end, 10);
    bool is_right = end != text;
    while (is_right && *end == ',') {
        text = end + 1;
        unsigned long number = strtoul(text, &end, 10);
        is_right = end != text && *end == '=' && number < CUPEL__FRAME_REGISTERS;
        if (is_right) {
            text = end + 1;
            place->registers[number] = strtoll(text, &end, 10);
            place->known |= UINT32_C(1) << number;
            is_right = end != text;
        }
    }
    return is_right && *end == '\0';
}

int main(int count, char *words[]) {
    static const char variable[] = "--variable=";
    struct request request = {.file = NULL};
    int i = 1;
    cupel_message_program("cupel-symbolise");
    for (; i < count && words[i][0] == '-'; i++) {
        if (strcmp(words[i], "-e") == 0 && i + 1 < count) {
            request.file = words[++i];
        } else if (strncmp(words[i], variable, strlen(variable)) == 0 &&
                   read_variable(&request.place, words[i] + strlen(variable))) {
            request.has_variable = true;
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
