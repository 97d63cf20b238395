#!/bin/sh
# The debug allocator in builds that no variant has: without threads and traces. The sources are those of the library as
# CMake lists them; the programs of misuse say whether it works.
set -eu
cc=${CC:-cc}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sources=$(cat alloc/CMakeLists.txt alloc/debug.cmake alloc/index.cmake alloc/trace.cmake | grep -oE '(base/)?src/[a-z0-9_]+\.c' | sort -u)
flags="-std=c17 -O1 -g -w -Wno-psabi -D_GNU_SOURCE -fno-omit-frame-pointer -I."

# build NAME FLAGS...: the archive of all sources.
build() {
    name=$1
    shift
    mkdir "$folder/$name"
    for source in $sources; do
        # shellcheck disable=SC2086
        "$cc" $flags "$@" -c "alloc/$source" -o "$folder/$name/$(echo "$source" | tr / _).o"
    done
    ar rcs "$folder/$name.a" "$folder/$name"/*.o
}

# check NAME PROGRAM STATUS WORDS FLAGS...: the program ends so and says these words (none: nothing of ours).
check() {
    name=$1 program=$2 status=$3 words=$4
    shift 4
    # shellcheck disable=SC2086
    "$cc" $flags "$@" "alloc/tests/misuse/$program.c" "$folder/$name.a" -lpthread -ldl -o "$folder/program"
    actual=0
    "$folder/program" >"$folder/said" 2>&1 || actual=$?
    if [ "$actual" != "$status" ] || { [ -n "$words" ] && ! grep -q "$words" "$folder/said"; } ||
        { [ -z "$words" ] && grep -q '^misuse:' "$folder/said"; }; then
        echo "$name: $program ended with $actual (expected $status), without '$words':" >&2
        cat "$folder/said" >&2
        exit 1
    fi
}

build small -DCUPEL_DEBUG_THREADS=0 -DCUPEL_DEBUG_FRAMES_MAX=0
check small double_free 1 'freed first by thread 1 (no trace was taken)' -DCUPEL_DEBUG_THREADS=0
check small wrong_thread 1 'misuse: wrong-thread:'
check small overflow 1 '1 byte written, 0 behind the end: 00'
check small legal_churn 0 ''
