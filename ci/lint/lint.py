"""What the lints share: which files there are, how a waiver is written, how findings are printed.

A waiver stands in a comment, in place: `lint: allow RULE: reason`. It covers its own line and the next one, or, for rules
about a whole file, the file it stands in. A waiver that silences nothing, or gives no reason, is itself a finding.
"""

import argparse
import os
import re
import subprocess
import sys

ROOMS = ("alloc", "vm", "harness", "coverage", "fuzz")
RULES = {
    "ladder": "who may include whom",
    "doorway": "only doorway headers are included across rooms",
    "function-length": "70 lines",
    "file-length": "600 lines",
    "opening": "a file opens with a paragraph that says what it is",
    "guard": "include guards are ROOM_NAME_H",
    "symbol": "prefixes of external names",
    "todo": "a task left open gives a reason",
    "machine": "no paths of one machine, no words about one workplace",
    "space": "no trailing spaces, no carriage returns, a newline at the end",
    "docs": "what documents name exists",
    "planted": "planted bugs apply to the tree, and say what catches them",
}
# Bytes that mean something as they are: inputs of fuzzers, recorded files of other tools, patches.
DATA = re.compile(r"(^|/)(corpora|regressions|seeds|dictionaries|testdata|golden|data|board)/|\.(patch|diff|bin|vmb|png|gcno|gcda)$")
WAIVER = re.compile(r"lint: allow ([a-z-]+)(?::\s*(\S.*?))?\s*(?:\*/|-->)?\s*$")


class Lint:
    """One run of one lint: its files, its findings, its waivers."""

    def __init__(self, rules, description, switches=()):
        """switches: words of this lint alone, told to it in self.switches."""
        parser = argparse.ArgumentParser(description=description)
        default = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        parser.add_argument("--root", default=default, help="the tree to look at")
        parser.add_argument("--build", default=os.environ.get("CUPEL_BINARY_DIR"), help="its built tree (build/dev)")
        parser.add_argument("files", nargs="*", help="only these (paths from the root)")
        for switch in switches:
            parser.add_argument("--" + switch, action="store_true")
        words = parser.parse_args()
        self.switches = {switch for switch in switches if getattr(words, switch)}
        self.root = os.path.abspath(words.root)
        self.build = os.path.abspath(words.build) if words.build else os.path.join(self.root, "build", "dev")
        self.is_partial = bool(words.files)
        self.files = sorted(f for f in (words.files or all_files(self.root)) if os.path.isfile(os.path.join(self.root, f)))
        self.rules = rules
        self.findings = []
        self.texts = {}
        self.waivers = {}  # (file, rule) -> {line: is_used}

    def text(self, name):
        if name not in self.texts:
            with open(os.path.join(self.root, name), encoding="utf-8", errors="surrogateescape", newline="") as file:
                self.texts[name] = file.read()
            self.find_waivers(name)
        return self.texts[name]

    def find_waivers(self, name):
        for number, line in enumerate(self.texts[name].split("\n"), 1):
            match = WAIVER.search(line)
            if not match or match.group(1) not in self.rules:
                continue
            if not match.group(2):
                self.findings.append((name, number, match.group(1), "this waiver gives no reason"))
            self.waivers.setdefault((name, match.group(1)), {})[number] = False

    def found(self, rule, name, line, words, last_line=None):
        """A finding on lines line..last_line, unless a waiver stands there or on the line before. line 0: the whole file."""
        waivers = self.waivers.get((name, rule), {})
        for place in waivers:
            if line == 0 or line - 1 <= place <= (last_line or line):
                waivers[place] = True
                return
        self.findings.append((name, line, rule, words))

    def finish(self, what):
        for (name, rule), places in self.waivers.items():
            for line, is_used in places.items():
                if not is_used:
                    self.findings.append((name, line, rule, "this waiver silences nothing: remove it"))
        for name, line, rule, words in sorted(self.findings):
            print(f"{name}:{max(line, 1)}: {rule}: {words}")
        if not self.findings:
            print(f"ok: {what}")
        return 1 if self.findings else 0


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def all_files(root):
    """Every file that belongs to the project: tracked, or new and not ignored; all files where git does not say."""
    if os.path.exists(os.path.join(root, ".git")):
        words = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            output = subprocess.run(words, check=True, capture_output=True).stdout.decode("utf-8", "surrogateescape")
            return sorted({name for name in output.split("\0") if name and os.path.isfile(os.path.join(root, name))})
        except (OSError, subprocess.CalledProcessError):
            pass  # no git here, or the tree is another user's: look at what there is
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
        names += [os.path.relpath(os.path.join(folder, f), root) for f in files]
    return sorted(names)


def is_c(name):
    return name.endswith((".c", ".h")) and not DATA.search(name)


def room_of(name):
    first = name.split("/", 1)[0]
    return first if first in ROOMS else None


def is_doorway(name):
    return re.fullmatch(r"(%s)/[^/]+\.(h|def)|alloc/base/[^/]+\.(h|def)" % "|".join(ROOMS), name) is not None


def blank(text):
    """C text with comments, strings, characters and preprocessor lines made blank; lines stay where they are."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    text = re.sub(pattern, spaces, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", spaces, text, flags=re.M)
