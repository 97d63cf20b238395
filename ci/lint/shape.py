"""The shape of files: functions of at most 70 lines, files of at most 600, an opening paragraph, include guards."""

import re
import sys

from lint import DATA, RULES, WAIVER, Lint, blank, is_c, room_of

FUNCTION_LINES = 70
FILE_LINES = 600


def functions(text):
    """(name, first line, last line) of each function body at the outermost level of C text."""
    plain = blank(text)
    depth = 0
    start = None
    last_end = 0
    for match in re.finditer(r"[{}]", plain):
        if match.group(0) == "{":
            if depth == 0:
                head = plain[last_end:match.start()]
                head = head[head.rfind(";") + 1:]
                start = head_of(head, match.start())
            depth += 1
            continue
        depth -= 1
        if depth == 0:
            if start:
                name, first = start
                yield name, plain.count("\n", 0, first) + 1, plain.count("\n", 0, match.start()) + 1
            last_end = match.end()


def head_of(head, end):
    """The name and the place of a function whose text before its brace is `head`; None where it is no function."""
    stripped = re.sub(r"__attribute__\s*\(\(.*?\)\)", lambda m: " " * len(m.group(0)), head, flags=re.S)
    match = re.search(r"([A-Za-z_]\w*)\s*\(", stripped)
    if not match or not stripped.rstrip().endswith(")") or "=" in stripped[:match.start()]:
        return None
    first = end - len(head) + len(head) - len(head.lstrip())
    return match.group(1), first


def guard_of(name):
    return re.sub(r"[^A-Z0-9]", "_", name[:-2].upper()) + "_H"


def look_c(lint, name, text):
    for function, first, last in functions(text):
        if last - first + 1 > FUNCTION_LINES:
            words = f"{function} has {last - first + 1} lines, at most {FUNCTION_LINES}"
            lint.found("function-length", name, first, words, last)
    if not text.lstrip().startswith(("/*", "//")):
        lint.found("opening", name, 1, "the file does not open with a paragraph that says what it is")
    if name.endswith(".h") and room_of(name):
        guard = guard_of(name)
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            lint.found("guard", name, 1, f"the include guard is not {guard}")


def main():
    lint = Lint(("function-length", "file-length", "opening", "guard"), __doc__)
    for name in lint.files:
        is_script = name.endswith((".py", ".sh", ".cmake", ".vim", ".lua", ".el", ".js")) or name.endswith("CMakeLists.txt")
        if not is_c(name) and (not is_script or DATA.search(name)):
            continue
        text = lint.text(name)
        count = text.count("\n")
        if count > FILE_LINES:
            lint.found("file-length", name, 0, f"{count} lines, at most {FILE_LINES}")
        if is_c(name):
            look_c(lint, name, text)
        for number, line in enumerate(text.split("\n"), 1):
            match = WAIVER.search(line)
            if match and match.group(1) not in RULES:
                lint.findings.append((name, number, match.group(1), f"no such rule; rules: {', '.join(RULES)}"))
    return lint.finish("functions, files, openings, guards")


if __name__ == "__main__":
    sys.exit(main())
