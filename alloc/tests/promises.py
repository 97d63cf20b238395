#!/usr/bin/env python3
"""What alloc/doc/debug-promises.md names as shown is there: tests, programs of misuse, rows of the bench, files."""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def main():
    tests = set()
    for name in glob.glob(os.path.join(ROOT, "alloc/tests/test_*.c")):
        for suite, test in re.findall(r"^(?:TEST|PROPERTY)\((\w+), (\w+)", read(name), flags=re.M):
            tests.add(f"{suite}.{test}")
    programs = {os.path.basename(name)[:-2] for name in glob.glob(os.path.join(ROOT, "alloc/tests/misuse/*.c"))}
    bench = read("alloc/bench/bench_debug.c")
    missing, named = [], set()
    for line in read("alloc/doc/debug-promises.md").splitlines():
        row = re.match(r"\| (.*) \| (.*) \|$", line)
        if not row or row.group(1) == "promise":
            continue
        names = re.findall(r"`([^`]+)`", row.group(2))
        named.update(names)
        missing += [n for n in names if n not in tests | programs and not os.path.exists(os.path.join(ROOT, n))]
        missing += [w for w in re.findall(r"bench: ([^,|]+)", row.group(2)) if w.strip() not in bench]
    missing += [f"{program} is named by no row" for program in programs - named if not program.startswith("legal_")]
    for name in missing:
        print(f"alloc/doc/debug-promises.md: {name}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
