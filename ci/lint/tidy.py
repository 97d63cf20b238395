"""clang-tidy over every C file that the dev variant compiles (.clang-tidy). Clean files are remembered by content.

--quick leaves the static analyzer out, which takes twenty times as long as all other checks together: `make test` on a
fresh clone does so, `make check` (of what changed) and the second tier (of everything) do not.
"""

import re
import shlex
import shutil
import subprocess
import sys

from cached import Cache
from lint import Lint, is_c, skip


def main():
    lint = Lint((), __doc__, ("quick",))
    program = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if not program:
        skip("clang-tidy is not here: ci/bootstrap check")
    try:
        with open(f"{lint.root}/.clang-tidy", encoding="utf-8") as file:
            cache = Cache(lint, program, file.read() + "".join(lint.switches))
    except OSError as error:
        skip(f"{error.filename} is not there: build the dev variant first")

    def look(name):
        words = shlex.split(cache.commands[name][0])
        # Only what clang understands: gcc's own warning flags are none of its business here.
        flags = [w for w in words[1:] if w.startswith(("-I", "-D", "-std=", "-isystem"))]
        # The analyzer does not know that a failed REQUIRE ends a test, and would warn after each.
        is_analyzed = "quick" not in lint.switches and "/tests/" not in name and "/bodies/" not in name
        checks = [] if is_analyzed else ["--checks=-clang-analyzer-*"]
        done = subprocess.run([program, "--quiet", *checks, name, "--", "-xc", *flags], cwd=lint.root, capture_output=True, text=True)
        found = re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*) \[([\w.,-]+)\]$", done.stdout, flags=re.M)
        # What it says of the system's own headers (their names of parameters, where a file defines malloc) is not for us to mend.
        findings = {(f.removeprefix(lint.root + "/"), int(n), check.split(",")[0], words) for f, n, words, check in found
                    if f.startswith(lint.root + "/") or not f.startswith("/")}
        if done.returncode != 0 and not found:
            findings.add((name, 1, "tidy", (done.stderr or done.stdout).strip()))
        return sorted(findings)

    names = [name for name in lint.files if is_c(name) and name in cache.commands]
    looked_at = cache.run(names, look)
    lint.findings = sorted(set(lint.findings))
    return lint.finish(f"clang-tidy: {len(names)} files, {looked_at} of them anew")


if __name__ == "__main__":
    sys.exit(main())
