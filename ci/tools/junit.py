"""Sums JUnit files: junit.py --output MERGED.xml [FILE.xml ...]

Writes all suites into one file, prints each failure's name and each skip with its reason, and ends with the line
`N passed, N failed, N skipped`. Exit status: 0 nothing failed, 1 something failed, 2 a file cannot be read, 4 no test at all,
6 the merged file cannot be written.
"""

import argparse
import os
import sys
import xml.etree.ElementTree as tree


def outcome(case):
    """One of passed, failed, skipped, and the words that go with it."""
    for child in case:
        if child.tag in ("failure", "error"):
            return "failed", (child.get("message") or child.text or "").strip()
        if child.tag == "skipped":
            words = (child.get("message") or child.text or "").strip()
            output = (case.findtext("system-out") or "").strip().splitlines()
            # ctest says only that a program ended with the skipping status; the program's last line says why.
            if words in ("", "SKIP_RETURN_CODE=77") and output:
                words = output[-1]
            return "skipped", words or "no reason given"
    if case.get("status") in ("notrun", "disabled"):
        return "skipped", "disabled"
    return "passed", ""


def suites_of(path):
    root = tree.parse(path).getroot()
    return [root] if root.tag == "testsuite" else root.findall("testsuite")


def write_beside(path, root):
    beside = path + ".new"
    tree.ElementTree(root).write(beside, encoding="utf-8", xml_declaration=True)
    os.replace(beside, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True)
    parser.add_argument("files", nargs="*")
    words = parser.parse_args()
    merged = tree.Element("testsuites")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in words.files:
        label = os.path.basename(path).rsplit(".", 1)[0]
        try:
            suites = suites_of(path)
        except (OSError, tree.ParseError) as error:
            print(f"junit: {path}: {error}", file=sys.stderr)
            return 2
        for suite in suites:
            merged.append(suite)
            for case in suite.iter("testcase"):
                kind, reason = outcome(case)
                counts[kind] += 1
                name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
                if case.get("classname") == case.get("name"):
                    name = case.get("name")
                if kind == "failed":
                    print(f"failed: {label}: {name}")
                elif kind == "skipped":
                    print(f"skipped: {label}: {name}: {reason}")
    for key, count in (("tests", sum(counts.values())), ("failures", counts["failed"]), ("skipped", counts["skipped"])):
        merged.set(key, str(count))
    try:
        write_beside(words.output, merged)
    except OSError as error:
        print(f"junit: {words.output}: {error.strerror}", file=sys.stderr)
        return 6
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    if sum(counts.values()) == 0:
        return 4
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
