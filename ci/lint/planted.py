"""The planted bugs: each says what it is and which program catches it, and its patch applies to the tree as it stands.

Code that moves leaves patches behind that no longer apply; `make prove` would say so only after an hour of others.
"""

import re
import shutil
import subprocess
import sys

from lint import Lint, skip

KEYS = {"Bug", "Caught-by", "Variant", "Verdict"}


def heading(text):
    """What stands before the patch itself: {key: (line, value)}."""
    found = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("--- "):
            break
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key, (number, value.strip()))
    return found


def look(lint, name):
    keys = heading(lint.text(name))
    for key in ("Bug", "Caught-by"):
        if not keys.get(key, (0, ""))[1]:
            lint.found("planted", name, 1, f"no {key}: line")
    for key, (number, _) in keys.items():
        if key not in KEYS:
            lint.found("planted", name, number, f"{key}: is none of {', '.join(sorted(KEYS))}")
    words = ["patch", "-p1", "--dry-run", "--force", "--fuzz=0", "--silent", "-i", name]
    done = subprocess.run(words, cwd=lint.root, capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines() or ["?"]
        lint.found("planted", name, 1, f"the patch does not apply: {said[0]}")


def main():
    lint = Lint(("planted",), __doc__)
    if not shutil.which("patch"):
        skip("patch is not here: ci/bootstrap check")
    names = [name for name in lint.files if re.fullmatch(r"[^/]+/tests/bugs/[^/]+\.patch", name)]
    for name in names:
        look(lint, name)
    return lint.finish(f"{len(names)} planted bugs apply")


if __name__ == "__main__":
    sys.exit(main())
