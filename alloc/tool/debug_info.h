/* Finding one's way in debug info: units, scopes and names. All but the frame's place is there only where libdw is. */
#ifndef ALLOC_TOOL_DEBUG_INFO_H
#define ALLOC_TOOL_DEBUG_INFO_H

#include <stdint.h>

enum { CUPEL__FRAME_REGISTERS = 32 };

/* Where a byte of a frame lies, and the registers in it by debug info's numbers: from the frame's end, in bytes. */
struct cupel__frame_place {
    int64_t address;
    int64_t registers[CUPEL__FRAME_REGISTERS];
    uint32_t known; /* registers that are: a bit each */
};

#if defined(CUPEL_HAVE_LIBDW)
#include <elfutils/libdwfl.h>
#include <stdbool.h>

bool cupel__die_is_function(Dwarf_Die *die);
/* The name as the linker has it, else as the source has it; NULL where it has none. */
const char *cupel__die_name(Dwarf_Die *die);
/* The name of the file whose number this attribute has; borrowed from the unit. NULL where it has none. */
const char *cupel__die_file(Dwarf_Die *die, unsigned attribute_name);
/* The folder in which the compiler of a unit ran. */
const char *cupel__unit_folder(Dwarf_Die *unit);
/* The unit of an address; NULL where there is none. */
Dwarf_Die *cupel__unit_of(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias);
/* The scopes of an address, innermost first, with all that encloses the innermost, also where that was inlined; to be
 * freed. The number of them. */
int cupel__scopes_of(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes);

/* Prints of the variable that holds the byte, in the frame of a call at `address`: function, name, "file:line" of its
 * declaration, the byte's offset in it, and its size, a line each. "??" alone where there is none. */
void cupel__variable_print(Dwfl_Module *module, Dwarf_Addr address, const struct cupel__frame_place *place);
#endif

#endif
