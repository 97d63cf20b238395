#!/bin/sh
# The debug allocator for 32 bits: its tests, those of the index and of queries, and all programs of misuse, built and run as such programs.
# usage: debug_32.sh SOURCES. 77: this compiler makes no programs for 32 bits (gcc-multilib).
set -eu
sources=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cc=${CC:-cc}
echo 'int main(void) { return 0; }' >"$folder/nothing.c"
if ! "$cc" -m32 "$folder/nothing.c" -o "$folder/nothing" 2>/dev/null || ! "$folder/nothing"; then
    echo "debug_32: $cc makes no programs for 32 bits" >&2
    exit 77
fi
programs="alloc_debug alloc_index alloc_misuse"
targets=$(for program in $programs; do printf 'bin/tests/%s ' "$program"; done)
# shellcheck disable=SC2086
if ! { cmake -G Ninja -S "$sources" -B "$folder/build" -DCUPEL_VARIANT=dev -DCMAKE_C_FLAGS=-m32 -DCUPEL_WITH_LIBDW=OFF &&
    cmake --build "$folder/build" --target misuse_programs $targets; } >"$folder/said" 2>&1; then
    tail -n 40 "$folder/said" >&2
    exit 1
fi
for program in $programs; do
    "$folder/build/bin/tests/$program" >"$folder/said" 2>&1 || {
        cat "$folder/said" >&2
        exit 1
    }
    grep -q ' 0 failed' "$folder/said"
done
