"""Every public header compiles alone: gcc and clang, C17 and C2x, no macro of ours defined, warnings are errors."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

from lint import Lint, is_doorway, skip

FLAGS = ["-xc", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wstrict-prototypes", "-Wundef", "-Werror"]


def compile_alone(root, compiler, standard, name):
    # Through an including line, as users do it: a header itself as the main file is another thing to compilers.
    words = [compiler, *FLAGS, f"-std={standard}", f"-I{root}", "-"]
    done = subprocess.run(words, input=f'#include "{name}"\nextern int cupel_unit_is_not_empty;\n', capture_output=True, text=True)
    return name, compiler, standard, done.returncode, done.stderr


def main():
    lint = Lint((), __doc__)
    compilers = [c for c in ("gcc", "clang") if shutil.which(c)]
    if not compilers:
        skip("neither gcc nor clang is here: ci/bootstrap build clang")
    headers = [name for name in lint.files if is_doorway(name) and name.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(compile_alone, lint.root, c, s, h) for h in headers for c in compilers for s in ("c17", "c2x")]
        for run in runs:
            name, compiler, standard, status, output = run.result()
            if status != 0:
                first = next((line for line in output.splitlines() if "error" in line), output.strip())
                lint.findings.append((name, 1, "header", f"does not compile alone with {compiler} -std={standard}: {first}"))
    return lint.finish(f"{len(headers)} public headers compile alone ({', '.join(compilers)})")


if __name__ == "__main__":
    sys.exit(main())
