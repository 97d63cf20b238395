"""shellcheck over every sh script."""

import shutil
import subprocess
import sys

from lint import DATA, Lint, skip


def is_shell(lint, name):
    if DATA.search(name):
        return False
    if name.endswith(".sh"):
        return True
    return "." not in name.rsplit("/", 1)[-1].lstrip(".") and lint.text(name).startswith(("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env sh",
                                                                             "#!/usr/bin/env bash"))


def main():
    lint = Lint((), __doc__)
    if not shutil.which("shellcheck"):
        skip("shellcheck is not here: ci/bootstrap check")
    files = [name for name in lint.files if is_shell(lint, name)]
    if files:
        words = ["shellcheck", "--external-sources", "--source-path=SCRIPTDIR", "--format=gcc", *files]
        done = subprocess.run(words, cwd=lint.root, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            name, number, _, rest = line.split(":", 3)
            lint.findings.append((name, int(number), "shell", rest.strip()))
        if done.returncode > 1:
            lint.findings.append((files[0], 0, "shell", done.stderr.strip()))
    return lint.finish(f"{len(files)} shell scripts")


if __name__ == "__main__":
    sys.exit(main())
