"""The ladder and the doorways: who may include whom. alloc < vm, harness, coverage < fuzz; nobody includes ci.

Across rooms only headers directly in a room's folder (and in alloc/base) are included. A room's tests, and bodies for
fuzzing, may also use the harness. alloc/base knows nothing of allocators.
"""

import os
import re
import sys

from lint import Lint, is_c, is_doorway, room_of

BELOW = {
    "base": {"base"},
    "alloc": {"base", "alloc"},
    "vm": {"base", "alloc", "vm"},
    "harness": {"base", "alloc", "harness"},
    "coverage": {"base", "alloc", "coverage"},
    "fuzz": {"base", "alloc", "vm", "harness", "coverage", "fuzz"},
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"')


def step_of(name):
    return "base" if name.startswith("alloc/base/") else room_of(name)


def look(lint, name):
    step = step_of(name)
    folders = name.split("/")[1:-1]
    allowed = set(BELOW[step])
    if "tests" in folders or "bench" in folders or "examples" in folders:
        allowed |= {"harness", "base", room_of(name)}
    for number, line in enumerate(lint.text(name).split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        other = step_of(target)
        if other is None:
            lint.found("ladder", name, number, f'"{target}" is not a path from the root into a room')
        elif not os.path.exists(os.path.join(lint.root, target)):
            lint.found("ladder", name, number, f'"{target}" is not there')
        elif other not in allowed:
            lint.found("ladder", name, number, f"{step} may not include {other} (it may: {', '.join(sorted(allowed))})")
        elif room_of(target) != room_of(name) and not is_doorway(target):
            lint.found("doorway", name, number, f'"{target}" is private to {room_of(target)}')


def main():
    lint = Lint(("ladder", "doorway"), __doc__)
    for name in lint.files:
        if (is_c(name) or name.endswith(".inc")) and room_of(name):
            look(lint, name)
    return lint.finish("ladder and doorways")


if __name__ == "__main__":
    sys.exit(main())
