"""Every public header compiles alone, by gcc and clang, as C99, C17, C2x, C++11 and C++20, without a macro of ours; warnings are errors."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

from lint import Lint, is_doorway, skip

FLAGS = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Werror"]
LANGUAGES = {
    "c": ("gcc", "clang", ["-xc", "-Wstrict-prototypes"], ("c99", "c17", "c2x")),
    "c++": ("g++", "clang++", ["-xc++"], ("c++11", "c++20")),
}


def compile_alone(root, compiler, flags, standard, name):
    # Through an including line, as users do it: a header itself as the main file is another thing to compilers.
    words = [compiler, *flags, *FLAGS, f"-std={standard}", f"-I{root}", "-"]
    done = subprocess.run(words, input=f'#include "{name}"\nextern int cupel_unit_is_not_empty;\n', capture_output=True, text=True)
    return name, compiler, standard, done.returncode, done.stderr


def main():
    lint = Lint((), __doc__)
    kinds = [(c, flags, s) for *names, flags, standards in LANGUAGES.values() for c in names if shutil.which(c) for s in standards]
    if not kinds:
        skip("neither gcc nor clang is here: ci/bootstrap build clang")
    headers = [name for name in lint.files if is_doorway(name) and name.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(compile_alone, lint.root, *kind, h) for h in headers for kind in kinds]
        for run in runs:
            name, compiler, standard, status, output = run.result()
            if status != 0:
                first = next((line for line in output.splitlines() if "error" in line), output.strip())
                lint.findings.append((name, 1, "header", f"does not compile alone with {compiler} -std={standard}: {first}"))
    return lint.finish(f"{len(headers)} public headers compile alone ({', '.join(sorted({kind[0] for kind in kinds}))})")


if __name__ == "__main__":
    sys.exit(main())
