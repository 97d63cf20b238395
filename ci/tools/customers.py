#!/usr/bin/env python3
"""What the sweeps of libraries of others came to, as the table of the harness's README, from the reports of ci/customers.

    customers.py FOLDER LIBRARY ...

Reads of each library in FOLDER: NAME.json (results of its sweep, as JSON lines), NAME.callers (its last line: how many
call stacks were refused), NAME.sites (how many call sites there are), NAME.time (seconds of a processor). Writes beside
them NAME.findings, every finding with the command that shows it again.

Exit status: 0, or 2 for bad input.
"""

import argparse
import json
import os
import re
import sys

KNOWN = re.compile(r"^known ([a-z-]+) at (\S+): (.*?)(?:; with (.*))?$")
SITES = re.compile(r"^(\S+) (\S+): (\d+) sites in the code, (\d+) failed at least once$")
TITLES = {"cjson": "cJSON", "jsonc": "json-c", "libyaml": "LibYAML", "pcre2": "PCRE2", "sqlite3": "SQLite"}
SHOWN = 2  # tokens of one cause in the table
HEAD = """| library | points | call stacks | time | sites that failed | never | findings: what it is, test, token, verdict |
|---|---|---|---|---|---|---|"""


def fail(text):
    print("customers: " + text, file=sys.stderr)
    sys.exit(2)


def lines(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError as error:
        fail(str(error))


def records(folder, name):
    try:
        return [json.loads(line) for line in lines(folder, name)]
    except ValueError as error:
        fail(f"{name}: {error}")


class Library:
    def __init__(self, folder, name):
        self.name = name
        # Tests that run at once come in any order.
        results = sorted(records(folder, name + ".json"), key=lambda record: (record["name"], record.get("row", 0)))
        swept = [record for record in results if "fault" not in record]
        self.points = sum(self.number(record, r"^(\d+) faults?") for record in swept)
        self.left_out = sum(self.number(record, r"; (\d+) more left out") for record in swept)
        self.is_cut = any("; cut short" in record.get("reason", "") for record in swept)
        self.stacks = records(folder, name + ".callers")[-1]["stacks"]
        counted = SITES.match(lines(folder, name + ".sites")[0])
        if counted is None:
            fail(f"{name}.sites: it should begin with the library, its version and its sites")
        self.version, self.sites, self.failed = counted.group(2), int(counted.group(3)), int(counted.group(4))
        self.seconds = float(lines(folder, name + ".time")[0])
        self.causes = {}  # words -> [(verdict, test, token, file or None)]
        for record in results:
            if "fault" in record:
                known = KNOWN.match(record.get("reason", ""))
                verdict, token, why, file = known.groups() if known else (record["verdict"], record["fault"], "NEW", None)
                self.causes.setdefault(why, []).append((verdict, record["test"], token, file))

    @staticmethod
    def number(record, pattern):
        found = re.search(pattern, record.get("reason", ""))
        return int(found.group(1)) if found else 0

    def count(self):
        return sum(len(found) for found in self.causes.values())

    def told(self):
        """One clause a cause: words, then the first tokens, those of tests before those of files."""
        clauses = []
        for why, found in self.causes.items():
            places = {}
            ordered = sorted(found, key=lambda one: one[3] is not None)
            for verdict, test, token, file in ordered[:SHOWN]:
                place = test.split(".", 1)[1] + (" on a file" if file else "")
                places.setdefault(place, []).append(f"`{token}` {verdict}")
            text = "; ".join(f"{place} {', '.join(tokens)}" for place, tokens in places.items())
            more = f", {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            clauses.append(f"**{why}**: {text}{more}")
        return "<br>".join(clauses) or "none"

    def row(self):
        points = f"{'' if self.left_out or self.is_cut else 'all '}{self.points}"
        points += f", {self.left_out} left out" if self.left_out else ""
        points += ", cut short" if self.is_cut else ""
        version = re.sub(r"^\d+:|-[^-]*$|[.+]dfsg.*$", "", self.version)
        title = TITLES.get(self.name, self.name)
        return (f"| {title} {version} | {points} | {self.stacks} | {self.seconds:.1f} s | {self.failed} of {self.sites} | "
                f"{self.sites - self.failed} | {self.told()} |")

    def commands(self):
        program = f"build/dev/bin/tests/customer_{self.name}"
        for why, found in self.causes.items():
            yield why
            for verdict, test, token, file in found:
                where = f"--replay={test} --fault='{token}' {file}" if file else f"--filter='{test}' --fault='{token}'"
                yield f"    {verdict}: {program} --seed=1 {where}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("library", nargs="+")
    words = parser.parse_args()
    print(HEAD)
    for name in words.library:
        library = Library(words.folder, name)
        print(library.row())
        with open(os.path.join(words.folder, name + ".findings"), "w", encoding="utf-8") as out:
            out.write(f"{library.count()} findings, {len(library.causes)} causes\n" + "\n".join(library.commands()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
