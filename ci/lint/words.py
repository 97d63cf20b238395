"""Words and spaces: open tasks give a reason, nothing names one machine, no trailing spaces, files end with a newline."""

import re
import sys

from lint import DATA, Lint

OPEN_TASK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!:\s*\S+\s+\S+\s+\S+)")  # lint: allow todo: these are the words looked for
MACHINE = re.compile(r"(?<![\w.$}])/(work|home/[a-z]+|root|Users/\w+|tmp/wt)(/|\b)|\b[Ii]ssue #?\d+\b")
SPACE = re.compile(r"[ \t]+$|\r")


def look(lint, name):
    text = lint.text(name)
    if "\0" in text:
        return
    for number, line in enumerate(text.split("\n"), 1):
        match = OPEN_TASK.search(line)
        if match:
            lint.found("todo", name, number, f"{match.group(1)} without a reason; write `{match.group(1)}: why it is not done`")
        match = MACHINE.search(line)
        if match:
            lint.found("machine", name, number, f"'{match.group(0)}' is of one machine or workplace")
        if SPACE.search(line):
            lint.found("space", name, number, "trailing spaces or a carriage return")
    if text and not text.endswith("\n"):
        lint.found("space", name, text.count("\n") + 1, "no newline at the end of the file")


def main():
    lint = Lint(("todo", "machine", "space"), __doc__)
    for name in lint.files:
        if not DATA.search(name):
            look(lint, name)
    return lint.finish(f"words and spaces of {len(lint.files)} files")


if __name__ == "__main__":
    sys.exit(main())
