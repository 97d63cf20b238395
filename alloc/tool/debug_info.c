/* Units, scopes and names of debug info: see debug_info.h. */
#if defined(CUPEL_HAVE_LIBDW)
#include "alloc/tool/debug_info.h"

#include <dwarf.h>
#include <stdlib.h>

bool cupel__die_is_function(Dwarf_Die *die) {
    int tag = dwarf_tag(die);
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

const char *cupel__die_name(Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    const char *linked = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
    return linked != NULL ? linked : dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attribute));
}

const char *cupel__die_file(Dwarf_Die *die, unsigned attribute_name) {
    Dwarf_Attribute attribute;
    Dwarf_Word number;
    Dwarf_Die unit;
    Dwarf_Files *files;
    size_t count;
    Dwarf_Half version = 0;
    /* LCOV_EXCL_START(what compilers write has all of these) */
    if (dwarf_formudata(dwarf_attr_integrate(die, attribute_name, &attribute), &number) != 0 ||
        dwarf_diecu(die, &unit, NULL, NULL) == NULL ||
        dwarf_cu_info(unit.cu, &version, NULL, NULL, NULL, NULL, NULL, NULL) != 0 ||
        dwarf_getsrcfiles(&unit, &files, &count) != 0) {
        return NULL;
    }
    /* LCOV_EXCL_STOP */
    bool is_one = number < count && (number != 0 || version >= 5); /* before it, 0 was none */
    return is_one ? dwarf_filesrc(files, number, NULL, NULL) : NULL;
}

const char *cupel__unit_folder(Dwarf_Die *unit) {
    Dwarf_Attribute attribute;
    return unit == NULL ? NULL : dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
}

/* Not all compilers write the table that libdw looks into (.debug_aranges). */
Dwarf_Die *cupel__unit_of(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias) {
    Dwarf_Die *unit = dwfl_module_addrdie(module, address, bias);
    Dwarf_Die *other = NULL;
    while (unit == NULL && (other = dwfl_module_nextcu(module, other, bias)) != NULL) {
        if (dwarf_haspc(other, address - *bias) == 1) {
            unit = other;
        }
    }
    return unit;
}

int cupel__scopes_of(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes) {
    Dwarf_Die *innermost = NULL;
    *scopes = NULL;
    int count = unit == NULL ? 0 : dwarf_getscopes(unit, address, &innermost);
    count = count <= 0 ? 0 : dwarf_getscopes_die(&innermost[0], scopes);
    free(innermost);
    return count;
}

#else
typedef int cupel__no_debug_info; /* a file must declare something */
#endif
