#!/usr/bin/env python3
"""Counts the allocation call sites in the machine code of a library, and which of them failed in sweeps.

    sites.py --table FILE --library NAME --module PATH [--map FILE] [--failed FILE ...] [--least PER_CENT]

A site is a call instruction in the library's code that asks for memory. It calls a function of the malloc family; or a
function that the library itself makes its requests through, named in the table; or a function that ends by jumping to one
of these; or a pointer, where that pointer's initial value is such a function or the table describes the instruction. The
library's code is the module, where that is a shared object, else what the linker's map says came from the archive.

A site has failed where its return address stands on the call stack of a request that a sweep refused.

Exit status: 0, 1 where fewer sites failed than --least asks for, 2 for bad input.
"""

import argparse
import bisect
import fnmatch
import json
import os
import re
import subprocess
import sys

FAMILY = {"malloc", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc", "posix_memalign", "valloc", "pvalloc",
          "strdup", "strndup", "asprintf", "vasprintf"}
LABEL = re.compile(r"^([0-9a-f]+) <([^>]+)>:$")
CODE = re.compile(r"^\s*([0-9a-f]+):\t(\S+)\s*(.*)$")
DIRECT = re.compile(r"^([0-9a-f]+) <([^>+]+)>$")
THROUGH = re.compile(r"# ([0-9a-f]+)\b")


def fail(text):
    print("sites: " + text, file=sys.stderr)
    sys.exit(2)


def output(*words):
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True, errors="replace").stdout
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"{words[0]}: {error}")


class Table:
    """The rows of one library: `library function GLOB` and `library call REGEX [in GLOB] [but GLOB]`."""

    def __init__(self, path, library):
        self.functions = []
        self.calls = []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words = line.split("#")[0].split()
                if not words or words[0] != library:
                    continue
                if len(words) == 3 and words[1] == "function":
                    self.functions.append(words[2])
                elif len(words) in (3, 5, 7) and words[1] == "call":
                    limits = dict(zip(words[3::2], words[4::2]))
                    if set(limits) - {"in", "but"}:
                        fail(f"{path}:{number}: 'in' or 'but' was expected")
                    self.calls.append((re.compile(words[2]), limits.get("in", "*").split(","), limits.get("but", "").split(",")))
                else:
                    fail(f"{path}:{number}: needs 'function GLOB' or 'call REGEX [in GLOB,...] [but GLOB,...]'")

    def names(self, name):
        return name in FAMILY or any(fnmatch.fnmatchcase(name, glob) for glob in self.functions)

    def describes(self, operand, function):
        def among(globs):
            return any(fnmatch.fnmatchcase(function, glob) for glob in globs)

        return any(regex.search(operand) and among(inside) and not among(outside) for regex, inside, outside in self.calls)


def bare(name):
    """The name without a version, a stub's mark, or the parts that a compiler split off."""
    return re.sub(r"(@.*|\.(part|cold|constprop|isra)\..*)$", "", name)


class Code:
    """The calls and jumps of a module, function by function."""

    def __init__(self, module, spans):
        self.functions = {}  # name as it stands -> [(address, operation, operand, address behind)]
        self.starts = []  # (address, name)
        name, rows = None, []
        for line in output("objdump", "-d", "--no-show-raw-insn", module).splitlines():
            label = LABEL.match(line)
            if label:
                name = label.group(2)
                address = int(label.group(1), 16)
                rows = self.functions.setdefault((address, name), []) if spans.holds(address) else None
                if rows is not None:
                    self.starts.append((address, name))
                continue
            code = CODE.match(line) if rows is not None else None
            if code:
                address = int(code.group(1), 16)
                if rows:
                    rows[-1][3] = address
                rows.append([address, code.group(2), code.group(3), address + 1])
        self.starts.sort()

    def place(self, address):
        at = bisect.bisect_right(self.starts, (address, "\x7f")) - 1
        start, name = self.starts[at] if at >= 0 else (0, "")
        return f"{name}+0x{address - start:x}"


class Spans:
    """Where the library's code is in the module."""

    def __init__(self, map_path, archive):
        self.spans = None  # everything
        if map_path is None:
            return
        self.spans = []
        row = re.compile(r"^ \.text\S*\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) \S*" + re.escape(archive) + r"\(", re.M)
        with open(map_path, encoding="utf-8") as file:
            for low, size in row.findall(re.sub(r"\n +0x", " 0x", file.read())):
                self.spans.append((int(low, 16), int(low, 16) + int(size, 16)))
        if not self.spans:
            fail(f"{map_path}: nothing of {archive}")

    def holds(self, address):
        return self.spans is None or any(low <= address < high for low, high in self.spans)


def pointers(module, allocators):
    """Places in memory whose initial value is an allocator, or the loader's stub for one."""
    symbols = {}
    for line in output("nm", module).splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in "tTwWiI":
            symbols[int(words[0], 16)] = words[2]
    found = {}
    for line in output("objdump", "-R", module).splitlines():
        words = line.split()
        if len(words) != 3 or not words[1].startswith("R_"):
            continue
        name = words[2].split("@")[0]
        if name.startswith("*ABS*+0x"):
            name = symbols.get(int(name[8:], 16), "")
        if allocators(bare(name)):
            found[int(words[0], 16)] = name
    return found


def find_sites(code, table, module):
    """{address behind the call: place}, and the functions that hand requests on."""
    handing = set()
    while True:
        def allocates(name):
            return table.names(bare(name)) or name in handing

        through = pointers(module, allocates)

        def asks(operation, operand, function):
            direct = DIRECT.match(operand)
            if direct:
                return allocates(direct.group(2).replace("@plt", ""))
            if not operand.startswith("*"):
                return False
            place = THROUGH.search(operand)
            if place and int(place.group(1), 16) in through:
                return True
            return table.describes(operand, bare(function))

        sites, jumping = {}, set()
        for (start, name), rows in code.functions.items():
            for address, operation, operand, behind in rows:
                if operation == "call" and asks(operation, operand, name):
                    sites[behind] = code.place(address)
                elif operation == "jmp" and asks(operation, operand, name) and not name.startswith(".plt"):
                    jumping.add(name)
        if jumping <= handing:
            return sites, handing
        handing |= jumping


def read_failed(paths, module):
    """The return addresses within the module, of the stacks of refused requests."""
    failed = set()
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    record = json.loads(line)
                    if "stacks" in record:  # how many there were
                        continue
                    if os.path.realpath(record["module"]) == os.path.realpath(module):
                        failed.add(int(record["offset"], 16) + 1)  # the call's last byte is written
        except (OSError, ValueError, KeyError) as error:
            fail(f"{path}: {error}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--module", required=True, help="the program or shared object that holds the library's code")
    parser.add_argument("--map", help="the linker's map of the program")
    parser.add_argument("--archive", help="the library's file in that map")
    parser.add_argument("--failed", action="append", default=[], help="what a sweep wrote with --callers")
    parser.add_argument("--title", help="the library's name and version")
    parser.add_argument("--least", type=float, default=0)
    parser.add_argument("--all", action="store_true", help="list also those that failed")
    words = parser.parse_args()
    table = Table(words.table, words.library)
    code = Code(words.module, Spans(words.map, words.archive))
    sites, _ = find_sites(code, table, words.module)
    failed = read_failed(words.failed, words.module) & set(sites)
    print(f"{words.title or words.library}: {len(sites)} sites in the code, {len(failed)} failed at least once")
    for behind in sorted(sites):
        if behind not in failed or words.all:
            print(("  failed  " if behind in failed else "  not     ") + sites[behind])
    return 1 if len(failed) * 100 < words.least * len(sites) or not sites else 0


if __name__ == "__main__":
    sys.exit(main())
