#!/bin/sh
# Goal: users write tests in any C from C99 on and any C++ from C++11 on, without a warning.
# Method: compile ci/tests/languages with each compiler and standard, pedantic; link some with the built libraries, and
# hold what those programs say against what their tests are.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tree=${CUPEL_BINARY_DIR:-$root/build/dev}
place=$(mktemp -d "${TMPDIR:-/tmp}/cupel-languages.XXXXXX")
trap 'rm -rf "$place"' EXIT
mkdir "$place/include"
ln -s "$root" "$place/include/cupel"
warnings='-pedantic -Wall -Wextra -Wshadow -Wundef -Werror'
count=0

# one COMPILER STANDARD SOURCE
one() {
    command -v "$1" >/dev/null 2>&1 || return 0
    # shellcheck disable=SC2086 # one word a flag
    if ! "$1" "-std=$2" $warnings -I"$place/include" -I"$root" -c "$root/ci/tests/languages/$3" -o "$place/$1.o" 2>"$place/log"; then
        printf 'languages: %s -std=%s %s does not compile\n' "$1" "$2" "$3"
        cat "$place/log"
        exit 1
    fi
    count=$((count + 1))
}

# run COMPILER SUMMARY: links what `one` compiled last with that compiler; the tests must come to that summary.
run() {
    command -v "$1" >/dev/null 2>&1 || return 0
    # Of the objects that CMake lists: others may be left over from an older build.
    main=$(sed -n "s|^object harness/\(.*\)|$tree/harness/CMakeFiles/cupel_harness_main.dir/\1.o|p" "$tree/amalgamation.txt")
    # shellcheck disable=SC2086 # one word a file
    "$1" -o "$place/program" "$place/$1.o" $main "$tree/lib/libcupel_harness.a" "$tree/lib/libcupel_alloc.a" -pthread -lm
    "$place/program" >"$place/log" 2>&1 || {
        cat "$place/log"
        exit 1
    }
    grep -q "^$2" "$place/log" || {
        printf 'languages: %s: not "%s" but:\n' "$1" "$2"
        cat "$place/log"
        exit 1
    }
    "$place/program" --sweep >"$place/log" 2>&1 || {
        cat "$place/log"
        exit 1
    }
}

for compiler in gcc clang; do
    for standard in c2x c17 c11 c99; do
        one "$compiler" "$standard" words.c
    done
    run "$compiler" '6 passed, 0 failed, 1 skipped'
done
for compiler in g++ clang++; do
    for standard in c++20 c++17 c++14 c++11; do
        one "$compiler" "$standard" words.cpp
    done
    run "$compiler" '7 passed, 0 failed, 1 skipped'
done
[ "$count" -gt 0 ] || {
    echo 'skipped: no compiler is here: ci/bootstrap build clang'
    exit 77
}
printf 'ok: %s compilations\n' "$count"
