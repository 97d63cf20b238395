/* Which variable a byte of a frame belongs to: see debug_info.h. Variables whose place debug info gives as a distance
 * from the frame, as it does for all whose address was taken, can be told; those whose place is computed cannot. */
#if defined(CUPEL_HAVE_LIBDW)
#include "alloc/tool/debug_info.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>

/* A register's value, where it is known. */
static bool read_register(unsigned number, const struct cupel__frame_place *place, int64_t *value) {
    bool is_known = number < CUPEL__FRAME_REGISTERS && (place->known >> number & 1) != 0;
    *value = is_known ? place->registers[number] : 0;
    return is_known;
}

/* What an expression of one step says, from the frame's end; `base` is what the frame's own expression says. */
static bool evaluate(Dwarf_Attribute *attribute, Dwarf_Addr address, const struct cupel__frame_place *place,
                     const int64_t *base, int64_t *value) {
    Dwarf_Op *steps;
    size_t count;
    if (dwarf_getlocation_addr(attribute, address, &steps, &count, 1) != 1 || count != 1) {
        return false;
    }
    unsigned atom = steps[0].atom;
    if (atom == DW_OP_call_frame_cfa && base == NULL) {
        *value = 0;
        return true;
    }
    if (atom == DW_OP_fbreg && base != NULL) {
        *value = *base + (int64_t)steps[0].number;
        return true;
    }
    if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31 && base == NULL) {
        return read_register(atom - DW_OP_reg0, place, value);
    }
    bool is_known = atom >= DW_OP_breg0 && atom <= DW_OP_breg31 && read_register(atom - DW_OP_breg0, place, value);
    *value += is_known ? (int64_t)steps[0].number : 0;
    return is_known;
}

struct search {
    Dwarf_Addr address; /* as the unit has it */
    const struct cupel__frame_place *place;
    int64_t base;
};

static Dwarf_Word size_of(Dwarf_Die *variable) {
    Dwarf_Attribute attribute;
    Dwarf_Die type;
    Dwarf_Word size = 0;
    bool has_type = dwarf_formref_die(dwarf_attr_integrate(variable, DW_AT_type, &attribute), &type) != NULL;
    return has_type && dwarf_aggregate_size(&type, &size) == 0 ? size : 0;
}

/* Whether the variable holds the byte; then its offset and size. */
static bool holds(const struct search *search, Dwarf_Die *variable, Dwarf_Word *offset, Dwarf_Word *size) {
    Dwarf_Attribute attribute;
    int64_t begin = 0;
    int tag = dwarf_tag(variable);
    if ((tag != DW_TAG_variable && tag != DW_TAG_formal_parameter) ||
        dwarf_attr(variable, DW_AT_location, &attribute) == NULL ||
        !evaluate(&attribute, search->address, search->place, &search->base, &begin)) {
        return false;
    }
    *size = size_of(variable);
    *offset = (Dwarf_Word)(search->place->address - begin);
    return search->place->address >= begin && *offset < *size;
}

static void print(Dwarf_Die *unit, Dwarf_Die *function, Dwarf_Die *variable, Dwarf_Word offset, Dwarf_Word size) {
    Dwarf_Attribute attribute;
    int line = 0;
    const char *file = cupel__die_file(variable, DW_AT_decl_file);
    const char *folder = cupel__unit_folder(unit);
    const char *name = dwarf_formstring(dwarf_attr_integrate(variable, DW_AT_name, &attribute));
    const char *owner = cupel__die_name(function);
    bool is_relative = file != NULL && file[0] != '/' && folder != NULL;
    (void)printf("%s\n%s\n", owner == NULL ? "??" : owner, name == NULL ? "??" : name);
    if (file != NULL && dwarf_decl_line(variable, &line) == 0) {
        (void)printf("%s%s%s:%d\n", is_relative ? folder : "", is_relative ? "/" : "", file, line);
    } else {
        (void)printf("??\n");
    }
    (void)printf("%llu\n%llu\n", (unsigned long long)offset, (unsigned long long)size);
}

/* Looks through the scopes from the innermost to the function's; true where something was printed. */
static bool look_through(struct search *search, Dwarf_Die *unit, Dwarf_Die *scopes, int functions_end) {
    for (int i = 0; i <= functions_end; i++) {
        Dwarf_Die child;
        for (int has = dwarf_child(&scopes[i], &child); has == 0; has = dwarf_siblingof(&child, &child)) {
            Dwarf_Word offset;
            Dwarf_Word size;
            if (holds(search, &child, &offset, &size)) {
                int owner = i;
                while (!cupel__die_is_function(&scopes[owner])) {
                    owner++;
                }
                print(unit, &scopes[owner], &child, offset, size);
                return true;
            }
        }
    }
    return false;
}

void cupel__variable_print(Dwfl_Module *module, Dwarf_Addr address, const struct cupel__frame_place *place) {
    Dwarf_Addr bias = 0;
    Dwarf_Attribute attribute;
    Dwarf_Die *scopes;
    Dwarf_Die *unit = cupel__unit_of(module, address, &bias);
    int count = cupel__scopes_of(unit, address - bias, &scopes);
    struct search search = {address - bias, place, 0};
    int end = 0; /* the function that was called, in which others may have been inlined */
    while (end < count && dwarf_tag(&scopes[end]) != DW_TAG_subprogram) {
        end++;
    }
    bool is_printed = end < count && dwarf_attr(&scopes[end], DW_AT_frame_base, &attribute) != NULL &&
                      evaluate(&attribute, search.address, place, NULL, &search.base) &&
                      look_through(&search, unit, scopes, end);
    if (!is_printed) {
        (void)printf("??\n");
    }
    free(scopes);
}

#else
typedef int cupel__no_variables; /* a file must declare something */
#endif
