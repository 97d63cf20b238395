"""cppcheck over every C file that the dev variant compiles. Clean files are remembered by content."""

import re
import shlex
import shutil
import subprocess
import sys

from cached import Cache
from lint import Lint, is_c, skip

# The compilers' own warnings are stricter on unused and shadowing things; what is left here are wrong programs. Linker
# sections are walked by comparing pointers, and the analysis across files (ctu) does not see assignments of structs.
SETTINGS = ["--enable=warning,performance,portability", "--inline-suppr", "--quiet", "--std=c11", "--error-exitcode=3",
            "--suppress=missingIncludeSystem", "--suppress=unknownMacro", "--suppress=nullPointerOutOfMemory",
            "--suppress=comparePointers", "--suppress=ctuuninitvar",
            "--template={file}:{line}: {id}: {message}"]


def main():
    lint = Lint((), __doc__)
    program = shutil.which("cppcheck")
    if not program:
        skip("cppcheck is not here: ci/bootstrap check")
    try:
        cache = Cache(lint, program, " ".join(SETTINGS))
    except OSError as error:
        skip(f"{error.filename} is not there: build the dev variant first")

    def look(name):
        words = shlex.split(cache.commands[name][0])
        flags = [w for w in words if w.startswith(("-I", "-D"))]
        # STARVED(block == NULL) ends a test, which is not known here either (see tidy.py).
        tests = ["--suppress=nullPointerRedundantCheck"] if "/tests/" in name or "/bodies/" in name else []
        if "harness/tests/" in name:  # what they do to blocks of malloc is what they test
            tests += [f"--suppress={rule}" for rule in ("leakReturnValNotUsed", "memleakOnRealloc", "memleak", "doubleFree")]
        done = subprocess.run([program, *SETTINGS, *tests, *flags, name], cwd=lint.root, capture_output=True, text=True)
        found = re.findall(r"^(\S+?):(\d+): (\w+): (.*)$", done.stderr, flags=re.M)
        findings = [(f, int(n), rule, words) for f, n, rule, words in found]
        if done.returncode != 0 and not findings:
            findings.append((name, 1, "cppcheck", (done.stderr or done.stdout).strip()))
        return findings

    names = [name for name in lint.files if is_c(name) and name in cache.commands]
    looked_at = cache.run(names, look)
    lint.findings = sorted(set(lint.findings))
    return lint.finish(f"cppcheck: {len(names)} files, {looked_at} of them anew")


if __name__ == "__main__":
    sys.exit(main())
