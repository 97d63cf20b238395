#!/bin/sh
# Goal: the code builds without a warning beyond the two compilers of the variants.
# Method: the tree is built by every gcc and clang that is installed, and as C23 by those that know it.
# Ends with `N passed, N failed, N skipped`.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
place=$(mktemp -d "${TMPDIR:-/tmp}/cupel-compilers.XXXXXX")
trap 'rm -rf "$place"' EXIT
passed=0 failed=0 skipped=0

# one COMPILER STANDARD
one() {
    tree=$place/$1-$2
    if cmake -G Ninja -S "$root" -B "$tree" -DCMAKE_C_COMPILER="$1" -DCMAKE_COMPILE_WARNING_AS_ERROR=ON -DCMAKE_C_STANDARD="$2" \
        >"$tree.log" 2>&1 && cmake --build "$tree" >>"$tree.log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok %s -std=c%s\n' "$1" "$2"
    else
        failed=$((failed + 1))
        printf 'failed: %s -std=c%s\n' "$1" "$2"
        grep -m 10 -E 'error|Error' "$tree.log" || tail -n 20 "$tree.log"
    fi
    rm -rf "$tree"
}

for compiler in gcc gcc-12 gcc-13 gcc-14 gcc-15 clang clang-14 clang-16 clang-19 clang-22; do
    command -v "$compiler" >/dev/null 2>&1 || continue
    for standard in 17 23; do
        flag=$standard
        [ "$flag" != 23 ] || flag=2x
        if ! echo 'int x;' | "$compiler" "-std=c$flag" -xc -fsyntax-only - 2>/dev/null; then
            skipped=$((skipped + 1))
            printf 'skipped: %s does not know -std=c%s\n' "$compiler" "$flag"
            continue
        fi
        one "$compiler" "$standard"
    done
done
printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
