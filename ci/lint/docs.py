"""What documents name exists: Markdown files, manual pages.

In code (between backticks, or in fenced blocks) `make X` is a target, `cupel VERB` a verb, each --flag behind it one of
its --help (or of `cupel VERB WORD --help`, where WORD has one of its own), and a path of ours a file. A manual
page is clean under groff's warnings, its commands have such flags too, and each --flag that it names for its own tool is
in that tool's --help, and the other way round. Verbs and flags are asked of the built tools (--build), where they are built.
"""

import os
import re
import shutil
import subprocess
import sys

from lint import DATA, ROOMS, Lint

CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.S | re.M)
PATH = re.compile(r"(?<![\w./$<>{}~*=:-])((?:%s|ci|\.ci|\.github)/[\w./-]*[\w/])(?![\w<>{}*$])" % "|".join(ROOMS))
# What a README names from its own folder.
OWN = re.compile(r"`((?:src|tests|bench|bodies|doc|examples|tool)/[\w./-]*\w\.[a-z0-9]+)`")
COMMAND = re.compile(r"(?:^|[\s`;&(/])cupel ([a-z]+)\b(?: ([a-z]+)\b)?(?=([^\n]*))")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)(?:#[^)]*)?\)")
ALWAYS = {"--help", "--version"}


def targets(root):
    with open(os.path.join(root, "Makefile"), encoding="utf-8") as file:
        return set(re.findall(r"^([a-z]+):", file.read(), flags=re.M))


def verbs(lint):
    """The verbs that the built tree knows, or None where it is not built."""
    folder = os.path.join(lint.build, "bin")
    if not os.path.exists(os.path.join(folder, "cupel")):
        return None
    return {name[len("cupel-"):] for name in os.listdir(folder) if name.startswith("cupel-")}


def lines_of(text, start):
    return text.count("\n", 0, start) + 1


class Docs:
    def __init__(self, lint):
        self.lint = lint
        self.targets = targets(lint.root)
        self.verbs = verbs(lint)
        self.helps = {}

    def readme(self, name):
        text = self.lint.text(name)
        for match in CODE.finditer(text):
            self.code(name, lines_of(text, match.start()), match.group(0))
        for match in LINK.finditer(text):
            path = os.path.normpath(os.path.join(os.path.dirname(name), match.group(1)))
            self.path(name, lines_of(text, match.start()), path)

    def code(self, name, line, text):
        for number, words in enumerate(text.split("\n"), line):
            for match in re.finditer(r"(?:^|[\s`;&(])make ([a-z][a-z-]*)(?![\w=])", words):
                if match.group(1) not in self.targets:
                    self.lint.found("docs", name, number, f"`make {match.group(1)}`: there is no such target")
            for match in re.finditer(r"(?:^|[\s`;&(/])cupel ([a-z]+)\b", words):
                if self.verbs is not None and match.group(1) not in self.verbs:
                    self.lint.found("docs", name, number, f"`cupel {match.group(1)}`: there is no such verb")
            self.commands(name, number, words)
            for match in PATH.finditer(words):
                self.path(name, number, match.group(1))
            for match in OWN.finditer(words):
                self.path(name, number, match.group(1))

    def path(self, name, line, path):
        here = os.path.join(self.lint.root, path)
        # A room's README may name its own files from its own folder.
        beside = os.path.join(self.lint.root, os.path.dirname(name), path)
        if not os.path.exists(here) and not os.path.exists(beside):
            self.lint.found("docs", name, line, f"`{path}` is not there")

    def commands(self, name, number, words):
        """Each flag of a command `cupel VERB ...` on that line is one that it takes."""
        for match in COMMAND.finditer(words):
            verb, sub, rest = match.groups()
            # What is quoted or behind "--" is another program's.
            rest = re.sub(r"'[^']*'|\"[^\"]*\"", "", rest)
            rest = re.split(r" -- |[`|;&)]|(?: #)|\. |, ", rest + " ")[0]
            known = self.help_of("cupel-" + verb, sub) or self.help_of("cupel-" + verb)
            for flag in flags_in(rest):
                if known and flag not in known | ALWAYS:
                    command = f"cupel {verb} {sub}" if sub and self.help_of("cupel-" + verb, sub) else f"cupel {verb}"
                    self.lint.found("docs", name, number, f"{flag} is not in `{command} --help`")

    def help_of(self, tool, sub=None):
        """The flags that the tool tells; None where it is not built, or where there is no such word in it."""
        if (tool, sub) not in self.helps:
            path = os.path.join(self.lint.build, "bin", tool)
            self.helps[tool, sub] = None
            if os.path.exists(path):
                words = [path, *([sub] if sub else []), "--help"]
                done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
                if not sub or done.returncode == 0:
                    self.helps[tool, sub] = set(flags_in(done.stdout + done.stderr))
        return self.helps[tool, sub]

    def manual(self, name):
        text = self.lint.text(name)
        if shutil.which("groff"):
            words = ["groff", "-man", "-ww", "-Tutf8", "-z", os.path.join(self.lint.root, name)]
            done = subprocess.run(words, capture_output=True, text=True)
            for message in done.stderr.splitlines():
                match = re.search(r":(\d+): (.*)", message)
                line, rest = (int(match.group(1)), match.group(2)) if match else (1, message)
                self.lint.found("docs", name, line, rest)
        plain = re.sub(r"\\f[BIRP]|\\&", "", text).replace("\\-", "-")
        for number, line in enumerate(plain.split("\n"), 1):
            for match in re.finditer(r"\bcupel ([a-z]+)\b(?= |$)", line):
                if line.startswith(".") and self.verbs is not None and match.group(1) not in self.verbs:
                    self.lint.found("docs", name, number, f"cupel {match.group(1)}: there is no such verb")
            self.commands(name, number, line)
        if name.endswith(".1"):
            self.flags(name, plain)

    def flags(self, name, plain):
        tool = os.path.basename(name)[:-2]
        known = self.help_of(tool)
        if not known:
            return
        named = {}
        for number, line in enumerate(plain.split("\n"), 1):
            # A line that runs another program says that program's flags.
            if not re.search(r"\b(make|cmake|ctest|gcc|clang|valgrind|git|lcov|genhtml)\b", line):
                for flag in flags_in(line):
                    named.setdefault(flag, number)
        for flag, number in named.items():
            if flag not in known | ALWAYS and not any(k.startswith(flag + "[") for k in known):
                self.lint.found("docs", name, number, f"{flag} is not in `{tool} --help`")
        for flag in sorted(known - set(named) - ALWAYS):
            self.lint.found("docs", name, 1, f"{flag} of `{tool} --help` is not told here")


def flags_in(text):
    return [f for f in re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*)", text) if not f.startswith("--gtest")]


def main():
    lint = Lint(("docs",), __doc__)
    docs = Docs(lint)
    pages = 0
    for name in lint.files:
        if name.endswith(".md") and not DATA.search(name):
            docs.readme(name)
        elif re.search(r"/doc/[^/]+\.[1-8]$", name):
            docs.manual(name)
        else:
            continue
        pages += 1
    built = "" if docs.verbs is not None else "; cupel is not built, so verbs and flags were not asked"
    return lint.finish(f"{pages} documents{built}")


if __name__ == "__main__":
    sys.exit(main())
