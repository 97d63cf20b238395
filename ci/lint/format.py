"""C files are as clang-format 14 lays them out (.clang-format). Mend with: clang-format -i FILE"""

import re
import shutil
import subprocess
import sys

from lint import Lint, is_c, skip

VERSION = "14"  # other versions lay out differently


def formatter():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path:
            words = subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout
            if re.search(rf"version {VERSION}\.", words):
                return path
    skip(f"clang-format {VERSION} is not here: ci/bootstrap check")


def main():
    lint = Lint((), __doc__)
    program = formatter()
    files = [name for name in lint.files if is_c(name) or name.endswith(".inc")]
    for start in range(0, len(files), 50):
        words = [program, "--dry-run", "-Werror", *files[start:start + 50]]
        done = subprocess.run(words, cwd=lint.root, capture_output=True, text=True)
        places = {}
        for name, line in re.findall(r"^(\S+?):(\d+):\d+: error", done.stderr, flags=re.M):
            places.setdefault(name, int(line))
        for name, line in places.items():
            lint.findings.append((name, line, "format", f"not laid out as .clang-format says; run: clang-format -i {name}"))
        if done.returncode != 0 and not places:
            lint.findings.append((files[start], 0, "format", done.stderr.strip()))
    return lint.finish(f"layout of {len(files)} files")


if __name__ == "__main__":
    sys.exit(main())
