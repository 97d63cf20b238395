"""Goal: each lint can fail, says where, can be waived with a reason, and complains of a waiver that silences nothing.
Method: small trees with one fault each, made in a temporary folder; the lint's status and its exact place are compared.
"""

import os
import shutil
import subprocess
import sys
import tempfile

LINTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OPEN = "/* A file. */\n"
ALLOW = "lint" + ": allow"
LONG = "static void f(void) {\n" + "    g();\n" * 70 + "}\n"
TASK = "TO" + "DO"

BUG = "vm/tests/bugs/b.patch"
PLANTED = "Bug: one is two\nCaught-by: vm\n--- a/vm/a.c\n+++ b/vm/a.c\n@@ -1 +1 @@\n-one\n+two\n"

# A tool with flags, and with a word that has flags of its own.
CAST = {"Makefile": "", "build/dev/bin/cupel": "#!/bin/sh\n",
        "build/dev/bin/cupel-cast": '#!/bin/sh\ncase $1 in pour) echo --slow ;; --help) echo --melt ;; *) exit 2 ;; esac\n'}

# lint, files of the tree, what must stand in the findings (None: the tree is clean)
CASES = [
    ("ladder", {"alloc/a.c": '#include "vm/vm.h"\n', "vm/vm.h": ""}, "alloc/a.c:1: ladder: alloc may not include vm"),
    ("ladder", {"vm/a.c": '#include "coverage/c.h"\n', "coverage/c.h": ""}, "vm/a.c:1: ladder: vm may not include coverage"),
    ("ladder", {"alloc/base/src/a.c": '#include "alloc/alloc.h"\n', "alloc/alloc.h": ""}, "ladder: base may not include alloc"),
    ("ladder", {"fuzz/a.c": '\n#include "vm/src/gc.h"\n', "vm/src/gc.h": ""}, 'fuzz/a.c:2: doorway: "vm/src/gc.h" is private to vm'),
    ("ladder", {"vm/a.c": '#include "gc.h"\n'}, 'ladder: "gc.h" is not a path from the root into a room'),
    ("ladder", {"vm/a.c": '#include "vm/gone.h"\n'}, 'ladder: "vm/gone.h" is not there'),
    ("ladder", {"vm/a.c": '#include "ci/x.h"\n', "ci/x.h": ""}, 'ladder: "ci/x.h" is not a path from the root into a room'),
    ("ladder", {"alloc/tests/a.c": '#include "harness/harness.h"\n', "harness/harness.h": ""}, None),
    ("ladder", {"fuzz/a.c": f'#include "vm/src/gc.h" /* {ALLOW} doorway: a trial */\n', "vm/src/gc.h": ""}, None),
    ("ladder", {"fuzz/a.c": f'#include "vm/src/gc.h" /* {ALLOW} doorway */\n', "vm/src/gc.h": ""}, "this waiver gives no reason"),
    ("ladder", {"fuzz/a.c": f"/* {ALLOW} ladder: for nothing */\n"}, "fuzz/a.c:1: ladder: this waiver silences nothing"),
    ("shape", {"vm/a.c": OPEN + LONG}, "vm/a.c:2: function-length: f has 72 lines, at most 70"),
    ("shape", {"vm/a.c": OPEN + LONG.replace("    g();\n", "", 2)}, None),
    ("shape", {"vm/a.c": OPEN + "TEST(suite, name) {\n" + "    g();\n" * 70 + "}\n"}, "vm/a.c:2: function-length: TEST has 72"),
    ("shape", {"vm/a.c": OPEN + "static int t[] = {\n" + "    1,\n" * 90 + "};\n"}, None),
    ("shape", {"vm/a.c": OPEN + 'static const char *s = "{";\n/* { */\n' + LONG}, "vm/a.c:4: function-length: f has 72"),
    ("shape", {"vm/a.c": OPEN + f"/* {ALLOW} function-length: one table */\n" + LONG}, None),
    ("shape", {"vm/a.c": OPEN + f"/* {ALLOW} function-length: one table */\nint x;\n"}, "vm/a.c:2: function-length: this waiver silences nothing"),
    ("shape", {"vm/a.c": OPEN + f"/* {ALLOW} no-such: why */\n"}, "no-such: no such rule"),
    ("shape", {"vm/a.c": OPEN + "\n" * 600}, "vm/a.c:1: file-length: 601 lines, at most 600"),
    ("shape", {"vm/a.c": OPEN + f"/* {ALLOW} file-length: one table */\n" + "\n" * 600}, None),
    ("shape", {"vm/a.c": "int x;\n"}, "vm/a.c:1: opening"),
    ("shape", {"vm/src/a.h": OPEN + "#pragma once\n"}, "vm/src/a.h:1: guard: the include guard is not VM_SRC_A_H"),
    ("planted", {"vm/a.c": "one\n", BUG: PLANTED}, None),
    ("planted", {"vm/a.c": "1\n", BUG: PLANTED}, f"{BUG}:1: planted: the patch does not apply"),
    ("planted", {"vm/a.c": "one\n", BUG: PLANTED.replace("Caught-by: vm\n", "")}, f"{BUG}:1: planted: no Caught-by: line"),
    ("planted", {"vm/a.c": "one\n", BUG: PLANTED.replace("by", "from")}, f"{BUG}:2: planted: Caught-from: is none of"),
    ("words", {"vm/a.c": f"/* {TASK} */\n"}, f"vm/a.c:1: todo: {TASK} without a reason"),
    ("words", {"vm/a.c": f"/* {TASK}: wait for gcc 14 */\n"}, None),
    ("words", {"ci/x": "cd /wo" + "rk/main\n"}, "ci/x:1: machine"),
    ("words", {"ci/x": "see iss" + "ue 12\n"}, "ci/x:1: machine"),
    ("words", {"ci/x": "make \n"}, "ci/x:1: space: trailing"),
    ("words", {"ci/x": "make"}, "ci/x:1: space: no newline"),
    ("words", {"fuzz/corpora/t/x": "make "}, None),
    ("headers", {"vm/a.h": "size_t f(void);\n"}, "vm/a.h:1: header: does not compile alone with gcc -std=c17"),
    ("headers", {"vm/a.h": "_Noreturn void f(void);\n"}, "vm/a.h:1: header: does not compile alone with gcc -std=c99"),
    ("headers", {"vm/a.h": "void f(int class);\n"}, "vm/a.h:1: header: does not compile alone with g++ -std=c++11"),
    ("headers", {"vm/a.h": "#include <stddef.h>\nsize_t f(void);\n"}, None),
    ("headers", {"vm/src/a.h": "size_t f(void);\n"}, None),
    ("format", {"vm/a.c": "int  x;\n", ".clang-format": "BasedOnStyle: LLVM\n"}, "vm/a.c:1: format: not laid out"),
    ("format", {"vm/a.c": "int x;\n", ".clang-format": "BasedOnStyle: LLVM\n"}, None),
    ("shell", {"ci/x": "#!/bin/sh\necho $1\n"}, "ci/x:2: shell"),
    ("shell", {"ci/x": '#!/bin/sh\necho "$1"\n'}, None),
    ("docs", {"README.md": "Say `make gold`.\n", "Makefile": "test:\n"}, "README.md:1: docs: `make gold`: there is no such target"),
    ("docs", {"README.md": "```sh\nmake test\nmake sure\n```\n", "Makefile": "test:\n"}, "README.md:3: docs: `make sure`"),
    ("docs", {"README.md": "Make sure to make gold; `make test`.\n", "Makefile": "test:\n"}, None),
    ("docs", {"README.md": "See `vm/gone.h`.\n", "Makefile": ""}, "README.md:1: docs: `vm/gone.h` is not there"),
    ("docs", {"vm/README.md": "See `src/gone.c`.\n", "Makefile": ""}, "vm/README.md:1: docs: `src/gone.c` is not there"),
    ("docs", {"vm/README.md": "See `src/here.c`.\n", "vm/src/here.c": "", "Makefile": ""}, None),
    ("docs", {"README.md": "[x](vm/gone.md)\n", "Makefile": ""}, "README.md:1: docs: `vm/gone.md` is not there"),
    ("docs", {"vm/doc/x.1": ".TH X 1\n.nosuchmacro\n", "Makefile": ""}, "vm/doc/x.1:2: docs"),
    ("docs", {"vm/doc/x.1": ".TH X 1\n.SH NAME\nx \\- y\n", "Makefile": ""}, None),
    ("docs", {"README.md": "`cupel gild x`\n", "Makefile": "", "build/dev/bin/cupel": "#!/bin/sh\n"}, "README.md:1: docs: `cupel gild`: there is no such verb"),
    ("docs", {"x/MORE.md": "`cupel cast --melt x --gild`\n", **CAST}, "x/MORE.md:1: docs: --gild is not in `cupel cast --help`"),
    ("docs", {"README.md": "`cupel cast pour --slow`, `cupel cast pour --melt`\n", **CAST}, "README.md:1: docs: --melt is not in `cupel cast pour --help`"),
    ("docs", {"README.md": "`cupel cast pour --slow`, `cupel cast --melt 'x --gild' -- x --gild`\n", **CAST}, None),
    ("docs", {"vm/doc/x.1": ".TH X 1\n.SH NAME\nx \\- y\n.B cupel cast \\-\\-gild\n", **CAST},
     "vm/doc/x.1:4: docs: --gild is not in `cupel cast --help`"),
    ("docs", {"vm/doc/t.1": ".TH T 1\n.SH NAME\nt \\- u\n.B \\-\\-gild\n", "Makefile": "", "build/dev/bin/t": "#!/bin/sh\necho\n"}, None),
    ("docs", {"vm/doc/t.1": ".TH T 1\n.SH NAME\nt \\- u\n.B \\-\\-gild\n", "Makefile": "", "build/dev/bin/t": "#!/bin/sh\necho --melt\n"},
     "vm/doc/t.1:4: docs: --gild is not in `t --help`"),
    ("docs", {"vm/doc/t.1": ".TH T 1\n.SH NAME\nt \\- u\n.B text\n", "Makefile": "", "build/dev/bin/t": "#!/bin/sh\necho --melt\n"},
     "vm/doc/t.1:1: docs: --melt of `t --help` is not told here"),
]
PRESET = '{"version": 6}'
BAD_C = "static int *f(int n) {\n    int *p = 0;\n    if (n)\n        return p;\n    return p;\n}\nint g(void);\nint g(void) {\n    return *f(1);\n}\n"


def make_tree(place, files):
    for name, text in files.items():
        path = os.path.join(place, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        if "/bin/" in name:
            os.chmod(path, 0o755)


def run(lint, place):
    lint, *switches = lint.split()
    words = [sys.executable, os.path.join(LINTS, lint + ".py"), "--root", place, *switches]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "CUPEL_BINARY_DIR": ""})
    return done.returncode, done.stdout + done.stderr


def judge(lint, place, expected):
    """None, or what is wrong."""
    status, output = run(lint, place)
    if lint.endswith("--quick") and "clang-analyzer" in output:
        return f"{lint}: the analyzer spoke: {output}"
    if status == 77:
        return "" if "skipped:" in output else f"{lint}: status 77 without a reason"
    if expected is None and status != 0:
        return f"{lint}: a clean tree gave {status}: {output}"
    if expected is not None and (status != 1 or expected not in output):
        return f"{lint}: expected status 1 and '{expected}', got {status}: {output}"
    return None


def built_cases(place):
    """Lints that need a built tree: symbols, and the two that read compile commands; the second run must be from memory."""
    make_tree(place, {
        "alloc/a.h": "int cupel_told(void);\n",
        "alloc/a.c": "int cupel_told(void);\nint cupel_told(void) { return 0; }\nint cupel_untold(void);\n"
                     "int cupel_untold(void) { return 0; }\nint bare(void);\nint bare(void) { return 0; }\n",
        "alloc/bad.c": BAD_C,
        "alloc/read.c": "int cupel_read(void);\nint cupel_read(void) {\n    int x[2] = {1, 2};\n    return x[2];\n}\n",
        ".clang-tidy": "Checks: '-*,readability-braces-around-statements,clang-analyzer-core.*'\n",
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.22)\nproject(x C)\nset(CMAKE_EXPORT_COMPILE_COMMANDS ON)\n"
                          "add_library(cupel_alloc STATIC alloc/a.c alloc/bad.c alloc/read.c)\n"
                          "set_target_properties(cupel_alloc PROPERTIES ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)\n",
    })
    for words in (["cmake", "-G", "Ninja", "-S", place, "-B", place + "/build/dev"], ["cmake", "--build", place + "/build/dev"]):
        subprocess.run(words, check=True, capture_output=True)
    yield "symbols", "bare does not begin with cupel_"
    yield "symbols", "cupel_untold is in no doorway header"
    yield "tidy", "alloc/bad.c:3: readability-braces-around-statements"
    yield "tidy --quick", "alloc/bad.c:3: readability-braces-around-statements"
    yield "tidy", "alloc/read.c:4: clang-analyzer-core.uninitialized.UndefReturn"
    yield "cppcheck", "alloc/read.c:4: arrayIndexOutOfBounds"
    make_tree(place, {"alloc/a.c": "int cupel_told(void);\nint cupel_told(void) { return 0; }\n", "alloc/bad.c": OPEN + "extern int x;\n",
                      "alloc/read.c": OPEN + "extern int y;\n"})
    subprocess.run(["cmake", "--build", place + "/build/dev"], check=True, capture_output=True)
    for lint in ("symbols", "tidy", "cppcheck"):
        yield lint, None


def main():
    wrong = []
    count = 0
    skipped = set()
    for lint, files, expected in CASES:
        with tempfile.TemporaryDirectory() as place:
            make_tree(place, files)
            verdict = judge(lint, place, expected)
        count += 1
        if verdict == "":
            skipped.add(lint)
        elif verdict:
            wrong.append(verdict)
    with tempfile.TemporaryDirectory() as place:
        place = os.path.realpath(place)
        for lint, expected in built_cases(place):
            verdict = judge(lint, place, expected)
            count += 1
            if verdict == "":
                skipped.add(lint)
            elif verdict:
                wrong.append(verdict)
        if shutil.which("clang-tidy") and "tidy" not in skipped and " 0 of them anew" not in run("tidy", place)[1]:
            wrong.append("tidy: the second run looked at clean files again")
    for words in wrong:
        print(words)
    for lint in sorted(skipped):
        print(f"skipped: {lint}: its tool is not here")
    print(f"{count - len(wrong)} of {count} cases as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
