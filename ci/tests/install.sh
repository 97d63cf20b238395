#!/bin/sh
# Goal: what is installed is enough for a stranger's project, and nothing outside DESTDIR is touched.
# Method: install the built tree into a folder of our own, then build and run ci/tests/consumer against it: by
# find_package, by find_package with an engine, by pkg-config, and by add_subdirectory from the sources.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tree=${CUPEL_BINARY_DIR:-$root/build/dev}
place=$(mktemp -d "${TMPDIR:-/tmp}/cupel-install.XXXXXX")
trap 'rm -rf "$place"' EXIT
log=$place/log
cd "$place" # engines leave what they find where they stand

step() {
    name=$1
    shift
    if ! "$@" >"$log" 2>&1; then
        printf 'install: %s failed: %s\n' "$name" "$*"
        tail -n 40 "$log"
        exit 1
    fi
    printf 'ok %s\n' "$name"
}

must_exist() {
    for path in "$@"; do
        [ -e "$path" ] || {
            printf 'install: %s is not there\n' "${path#"$place"/}"
            exit 1
        }
    done
}

build_and_test() {
    mode=$1
    shift
    step "$mode: configure" cmake -G Ninja -S "$root/ci/tests/consumer" -B "$place/$mode" "$@"
    step "$mode: build" cmake --build "$place/$mode" --target test_word test_fuzzer_old alone
    step "$mode: test" ctest --test-dir "$place/$mode" --output-on-failure --no-tests=error -R '^(word|fuzzer_old|alone)$'
}

prefix=$place/prefix
step install cmake --install "$tree" --prefix "$prefix"
must_exist "$prefix/include/cupel/alloc/alloc.h" "$prefix/include/cupel/harness/harness.h" "$prefix/lib"
step 'install with DESTDIR' env DESTDIR="$place/stage" cmake --install "$tree" --prefix /opt/cupel
must_exist "$place/stage/opt/cupel/include/cupel/alloc/alloc.h"

build_and_test found -DCMAKE_PREFIX_PATH="$prefix"

package=$(find "$prefix" -name cupel.pc)
flags=$(PKG_CONFIG_PATH=${package%/*} pkg-config --define-prefix --cflags --libs cupel)
# shellcheck disable=SC2086 # one word a flag
step 'pkg-config: build' cc "$root/ci/tests/consumer/alone.c" -o "$place/alone" $flags
step 'pkg-config: run' "$place/alone"

if command -v clang >/dev/null 2>&1; then
    step 'engine: configure' env CFLAGS='-g -O1 -fsanitize=fuzzer-no-link,address' cmake -G Ninja -S "$root/ci/tests/consumer" \
        -B "$place/engine" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER=clang -DCUPEL_ENGINE=-fsanitize=fuzzer,address
    step 'engine: build' cmake --build "$place/engine"
    for target in word_halves_are_equal fuzzer_old; do
        step "engine: $target" "$place/engine/bin/fuzz/$target" -runs=200
    done
fi

build_and_test sources -DCUPEL_FROM="$root"
