"""Prefixes of external names in the built archives: public cupel_ (in vm: vm_), internal cupel__ (vm__).

A public name must stand in a doorway header; what is in none is internal, and its name says so.
"""

import glob
import os
import re
import subprocess
import sys

from lint import Lint, is_doorway, room_of, skip

# Names that others fix: the C library's, the C++ run time's, the engines', and the words of test authors.
FIXED = re.compile(
    r"(malloc|calloc|realloc|free|memalign|aligned_alloc|posix_memalign|reallocarray|valloc|pvalloc|cfree|malloc_usable_size"
    r"|strdup|strndup|main|_exit|_Exit|abort|exit|fork|vfork|_Z(n|d)[a-zA-Z0-9_]+|LLVMFuzzer\w+|afl_custom_\w+|__\w+"
    r"|test_(allocator|row|row_index|directory))"
)


def external_names(archive):
    """(object, name) of each defined external symbol."""
    words = ["nm", "--extern-only", "--defined-only", "--print-file-name", "--format=posix", archive]
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    for line in output.splitlines():
        place, _, rest = line.partition(": ")
        match = re.search(r"\[(.*)\]", place)
        yield match.group(1) if match else os.path.basename(place), rest.split()[0]


def main():
    lint = Lint(("symbol",), __doc__)
    archives = sorted(glob.glob(os.path.join(lint.build, "lib", "libcupel_*.a")))
    if not archives:
        skip(f"nothing is built in {os.path.relpath(lint.build, lint.root)}")
    doorways = {}
    for name in lint.files:
        if is_doorway(name):
            doorways.setdefault(room_of(name), set()).update(re.findall(r"[A-Za-z_]\w*", lint.text(name)))
    for archive in archives:
        room = os.path.basename(archive)[len("libcupel_"):-len(".a")]
        prefix = "vm_" if room == "vm" else "cupel_"
        for place, symbol in external_names(archive):
            where = f"{room} ({place})"
            if FIXED.fullmatch(symbol):
                continue
            if not symbol.startswith(prefix):
                lint.found("symbol", where, 0, f"{symbol} does not begin with {prefix}: make it static or give it the prefix")
            elif not symbol.startswith(prefix + "_") and room in doorways and symbol not in doorways[room]:
                lint.found("symbol", where, 0, f"{symbol} is in no doorway header: declare it there or call it {prefix}_...")
    return lint.finish(f"external names of {len(archives)} archives")


if __name__ == "__main__":
    sys.exit(main())
