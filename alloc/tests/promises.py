#!/usr/bin/env python3
"""The table of what the debug allocator promises: each row of alloc/doc/promises.txt names tests, programs of misuse, files and rows of benchmarks
that are there, or a decision with a figure; alloc/README.md holds the table that is made of it. With --readme it is put there."""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE, README = "alloc/doc/promises.txt", "alloc/README.md"
BEGIN, END = "<!-- promises: begin -->\n", "<!-- promises: end -->\n"
HOW = {"test", "bench", "decided"}


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def find(pattern):
    return glob.glob(os.path.join(ROOT, pattern))


class Known:
    """What rows may name."""

    def __init__(self):
        self.tests = set()
        for name in find("alloc/tests/test_*.c") + find("harness/tests/test_*.c"):
            for suite, test in re.findall(r"^(?:TEST|PROPERTY)\((\w+), (\w+)", read(name), flags=re.M):
                self.tests.add(f"{suite}.{test}")
        self.programs = {os.path.basename(name)[:-2] for name in find("alloc/tests/misuse/*.c")}
        # Texts that the compiler joins are one.
        self.benches = re.sub(r'"\s*\n\s*"', "", "".join(read(name) for name in find("alloc/bench/bench_*.c")))

    def is_there(self, name):
        return name in self.tests or name in self.programs or os.path.isfile(os.path.join(ROOT, name))


def faults_of(row, known, named):
    """What is wrong with a row's fields."""
    if len(row) != 3 or not all(row):
        return ["a row is 'promise | how | what'"]
    how = {word.strip() for word in row[1].split(",")}
    names, words = re.findall(r"`([^`]+)`", row[2]), re.findall(r'"([^"]+)"', row[2])
    named.update(names)
    faults = [f"'{word}' is not one of {', '.join(sorted(HOW))}" for word in how - HOW]
    faults += [f"no test, program or file `{name}`" for name in names if not known.is_there(name)]
    faults += [f'no benchmark has a row "{text}"' for text in words if text not in known.benches]
    if ("test" in how) != bool(names):
        faults.append("what is shown by a test names one, and nothing else does")
    if ("bench" in how) != bool(words):
        faults.append("what is shown by a benchmark names its row, and nothing else does")
    if "decided" in how and not re.search(r"\d", re.sub(r'`[^`]*`|"[^"]*"', "", row[2])):
        faults.append("a decision gives its figure")
    return faults


def main(arguments):
    known, named, faults, rows = Known(), set(), [], []
    for number, line in enumerate(read(SOURCE).splitlines(), 1):
        if line and not line.startswith("#"):
            row = [field.strip() for field in line.split(" | ")]
            faults += [f"{SOURCE}:{number}: {fault}" for fault in faults_of(row, known, named)]
            rows.append(f"| {' | '.join(row)} |\n")
    faults += [f"{SOURCE}: no row names the program {name}" for name in sorted(known.programs - named) if not name.startswith("legal_")]
    table = "| promise | shown by | which |\n|---|---|---|\n" + "".join(rows)
    before, _, rest = read(README).partition(BEGIN)
    old, _, after = rest.partition(END)
    if arguments == ["--readme"]:
        if not faults:
            with open(os.path.join(ROOT, README + ".new"), "w", encoding="utf-8") as file:
                file.write(before + BEGIN + table + END + after)
            os.replace(os.path.join(ROOT, README + ".new"), os.path.join(ROOT, README))
    elif old != table:
        faults.append(f"{README}: the table is not that of {SOURCE}; run: alloc/tests/promises.py --readme")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
