#!/usr/bin/env python3
"""Holds our lcov.info against lcov's own capture of the same counters.

    equal_to_lcov.py STAGE OURS [LCOV]

STAGE is a folder kept by `cupel cover capture --stage`, OURS the lcov.info made from that capture. lcov captures the stage
(which counted) and its notes (which did not run); their union must have the same lines, each with the same count, and the
same functions and branches; then `lcov --summary` of ours must tell the totals that ours says. Exit status: 0 equal,
1 different (each difference a line), 2 wrong words, 5 no lcov.
"""
import re
import shutil
import subprocess
import sys
import tempfile

BRANCHES = ["--rc", "lcov_branch_coverage=1"]


def records(path):
    """{source: {(kind, key): count}}; counts of one key are added, as lcov does on reading."""
    sources = {}
    current = {}
    for line in open(path, encoding="utf-8"):
        word, _, rest = line.rstrip("\n").partition(":")
        if word == "SF":
            current = sources.setdefault(rest, {})
        elif word in ("DA", "FNDA", "BRDA"):
            fields = rest.split(",")
            if word == "DA":
                key, count = ("DA", fields[0]), int(fields[1])
            elif word == "FNDA":
                key, count = ("FNDA", fields[1]), int(fields[0])
            else:
                # Counters that move while they are written (the library that writes them calls fwrite, which is ours)
                # make gcov's differences negative: never ran, as our own report has it.
                key, count = ("BRDA", *fields[:3]), 0 if fields[3] == "-" else max(0, int(fields[3]))
            current[key] = current.get(key, 0) + count
    return sources


def totals(path):
    """What the sums in a tracefile add up to."""
    sums = {}
    for line in open(path, encoding="utf-8"):
        word, _, rest = line.partition(":")
        if word in ("LF", "LH", "FNF", "FNH", "BRF", "BRH"):
            sums[word] = sums.get(word, 0) + int(rest)
    return sums


def main(words):
    if len(words) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    stage, ours = words[:2]
    lcov = words[2] if len(words) == 3 else "lcov"
    if shutil.which(lcov) is None:
        print("no lcov here: apt-get install lcov", file=sys.stderr)
        return 5
    theirs = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, more in (("run", []), ("never", ["--initial"])):
            command = [lcov, "--quiet", "--capture", *more, *BRANCHES, "--directory", stage, "--output-file", f"{folder}/{name}"]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            for source, found in records(f"{folder}/{name}").items():
                into = theirs.setdefault(source, {})
                for key, count in found.items():
                    into[key] = into.get(key, 0) + count
    mine = records(ours)
    wrong = []
    lines = 0
    for source, found in mine.items():
        for key, count in found.items():
            lines += key[0] == "DA"
            other = theirs.get(source, {}).get(key)
            # --initial knows no branches: those of objects that never ran are not in lcov's.
            if other is None and key[0] == "BRDA" and count == 0:
                continue
            if other != count:
                wrong.append(f"{source}: {key}: ours {count}, lcov's {other}")
        for key in theirs.get(source, {}):
            if key not in found:
                wrong.append(f"{source}: {key}: only in lcov's")
    summary = subprocess.run([lcov, "--summary", *BRANCHES, ours], check=True, capture_output=True, text=True)
    said = [int(n) for n in re.findall(r"\((\d+) of (\d+)", summary.stdout + summary.stderr) for n in n]
    sums = totals(ours)
    expected = [sums[word] for word in ("LH", "LF", "FNH", "FNF", "BRH", "BRF")]
    if said != expected:
        wrong.append(f"lcov --summary says {said}, the tracefile {expected}")
    for line in wrong[:40]:
        print(line)
    print(f"{len(mine)} sources, {lines} lines: {len(wrong)} differences")
    return 1 if wrong or not lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
