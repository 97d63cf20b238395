"""Runs a slow lint on C files, remembering by content which were clean: the file, what it includes, how it is compiled.

What a file includes comes from ninja's own record of the build, so the tree must have been built.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess


def dependencies(build):
    """object file -> files that it was made from, from ninja's record."""
    result = {}
    current = None
    output = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True).stdout
    for line in output.splitlines():
        if line and not line.startswith(" "):
            current = result.setdefault(line.split(":", 1)[0], [])
        elif line.strip() and current is not None:
            current.append(os.path.normpath(os.path.join(build, line.strip())))
    return result


def compile_commands(build, root):
    """source (path from the root) -> (command, object); the first of several."""
    path = os.path.join(build, "compile_commands.json")
    result = {}
    with open(path, encoding="utf-8") as file:
        for entry in json.load(file):
            name = os.path.relpath(os.path.realpath(entry["file"]), root)
            if not name.startswith(("..", "build" + os.sep)):
                made = re.search(r" -o (\S+)", entry["command"])
                result.setdefault(name, (entry["command"], made.group(1) if made else None))
    return result


class Cache:
    def __init__(self, lint, program, settings):
        self.lint = lint
        self.folder = os.path.join(lint.build, "lint", os.path.basename(program))
        os.makedirs(self.folder, exist_ok=True)
        version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
        self.base = hashlib.sha256((version + settings).encode()).hexdigest()
        self.commands = compile_commands(lint.build, lint.root)
        self.includes = dependencies(lint.build)
        self.hashes = {}

    def hash_of(self, path):
        if path not in self.hashes:
            with open(path, "rb") as file:
                self.hashes[path] = hashlib.sha256(file.read()).hexdigest()
        return self.hashes[path]

    def key(self, name):
        """None where ninja has no record of the file: then it is always looked at."""
        command, made = self.commands[name]
        own = [p for p in self.includes.get(made, []) if p.startswith(self.lint.root + os.sep)]
        if not own:
            return None
        try:
            parts = [self.base, command, name] + [self.hash_of(path) for path in sorted(own)]
        except OSError:
            return None
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def run(self, names, look):
        """look(name) -> findings as (name, line, rule, words). Clean files are remembered. Returns how many were looked at."""
        waiting = []
        for name in names:
            key = self.key(name)
            if key is None or not os.path.exists(os.path.join(self.folder, key)):
                waiting.append((name, key))
        jobs = int(os.environ.get("CUPEL_JOBS") or os.cpu_count())
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for (name, key), findings in zip(waiting, pool.map(lambda item: look(item[0]), waiting)):
                self.lint.findings += findings
                if not findings and key:
                    with open(os.path.join(self.folder, key), "w", encoding="utf-8") as file:
                        file.write(name + "\n")
        return len(waiting)
