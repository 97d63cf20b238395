#!/bin/sh
# Goal: what is installed is enough for a stranger's project, and nothing outside DESTDIR is touched.
# Method: install the built tree into a folder of our own, then build and run ci/tests/consumer against it. install.sh
# does the quick ones: by find_package plain, with counters, with a sanitizer and with an engine, by add_subdirectory from
# the sources, and by pkg-config in a Makefile; and what `cupel init` writes. `install.sh full` does the others: the remaining variants, FetchContent,
# an engine of the user's own, C++, meson, and what must be refused.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tree=${CUPEL_BINARY_DIR:-$root/build/dev}
place=$(mktemp -d "${TMPDIR:-/tmp}/cupel-install.XXXXXX")
trap 'rm -rf "$place"' EXIT
log=$place/log
consumer=$place/stranger
prefix=$place/prefix
# The same objects come out whatever the folder is called.
export CCACHE_BASEDIR="$place" CCACHE_NOHASHDIR=1
unset CUPEL_VARIANT CUPEL_EVIDENCE CFLAGS CC 2>/dev/null || true
cp -r "$root/ci/tests/consumer" "$consumer"
cd "$consumer" # engines leave what they find where they stand

fail() {
    printf 'install: %s\n' "$*"
    [ ! -s "$log" ] || tail -n 40 "$log"
    exit 1
}

# step NAME COMMAND...: must end well.
step() {
    name=$1
    shift
    "$@" >"$log" 2>&1 || fail "$name failed: $*"
    printf 'ok %s\n' "$name"
}

# refused NAME WORDS COMMAND...: must fail, and say these words.
refused() {
    name=$1
    words=$2
    shift 2
    if "$@" >"$log" 2>&1; then
        fail "$name was not refused: $*"
    fi
    # Messages are broken into lines.
    tr -s '\n ' '  ' <"$log" | grep -q "$words" || fail "$name: does not say '$words'"
    printf 'ok %s is refused\n' "$name"
}

says() {
    grep -q "$1" "$log" || fail "'$1' is not said"
}

must_exist() {
    for path in "$@"; do
        [ -e "$path" ] || fail "${path#"$place"/} is not there"
    done
}

has() {
    command -v "$1" >/dev/null 2>&1 && return 0
    printf 'skipped: %s: there is no %s\n' "$2" "$1"
    return 1
}

# variant NAME COMPILER [WORDS...]: configures and builds build/NAME.
variant() {
    variant=$1
    compiler=$2
    shift 2
    step "$variant: configure" cmake -G Ninja -B "build/$variant" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$compiler" \
        -DCUPEL_VARIANT="$variant" "$@"
    step "$variant: build" cmake --build "build/$variant"
}

# tests NAME: ctest of build/NAME must run all five entries.
tests() {
    step "$1: test" ctest --test-dir "build/$1" --output-on-failure --no-tests=error
    says 'tests passed, 0 tests failed out of 5'
}

# sanitized NAME WORDS: the sanitizer must see the bug that is planted in the stranger's own code.
sanitized() {
    refused "$1: the planted bug" "$2" env WORD_PLANTED=1 "build/$1/bin/tests/word"
}

fuzz_target() {
    step "$1: target $2" "build/$1/bin/fuzz/$2" -runs=200
    says 'Done 200 runs'
}

quick() {
    [ "$(grep -vc '^ *#' CMakeLists.txt)" -le 10 ] || fail 'the stranger needs more than ten lines of CMake'
    step 'install with DESTDIR' env DESTDIR="$place/stage" cmake --install "$tree" --prefix /opt/cupel
    must_exist "$place/stage/opt/cupel/include/cupel/alloc/alloc.h"

    variant dev cc
    tests dev
    step 'dev: sweep' build/dev/bin/tests/word --sweep --verbose
    says 'word.is_stored.* [1-9][0-9]* ok'
    says 'word.is_doubled.* [1-9][0-9]* ok' # plain malloc

    if has gcc gcov && has gcov gcov; then
        variant gcov gcc
        step "gcov: report" timeout 600 cmake --build build/gcov --target cupel_report_coverage
        must_exist build/coverage/lcov.info
        grep -q "^SF:.*/word.c" build/coverage/lcov.info || fail 'word.c has no coverage'
        ! grep -q "/share/cupel/" build/coverage/lcov.info || fail 'coverage of cupel itself'
        step 'gcov: by hand' "$prefix/bin/cupel" cover capture -o build/by_hand.json
    fi
    if has clang asan; then
        variant asan clang
        tests asan
        sanitized asan 'heap-buffer-overflow'
        variant fuzz clang
        step 'fuzz: replay' ctest --test-dir build/fuzz --output-on-failure --no-tests=error -L regression
        fuzz_target fuzz word_halves_are_equal
        fuzz_target fuzz fuzzer_old
        step 'fuzz: out' cmake --install build/fuzz --component fuzzers --prefix "$place/out"
        for file in word_halves_are_equal word_halves_are_equal.dict word_halves_are_equal_seed_corpus.zip fuzzer_old; do
            must_exist "$place/out/$file"
        done
        (cd "$place/out" && cmake -E tar tf word_halves_are_equal_seed_corpus.zip) >"$log"
        says '^da23614e02469a0d7c7bd1bdab5c9c474b1904dc$'
    fi

    init
    cd "$consumer"
    with_pkg_config step make make test_word
    step 'make: test' ./test_word
    says 'passed, 0 failed'
    # shellcheck disable=SC2046 # one word a flag
    with_pkg_config step 'alone: build' cc alone.c -o alone $(with_pkg_config pkg-config --cflags --libs cupel)
    step 'alone: run' ./alone
}

# preset NAME: as `cupel init` says.
preset() {
    step "init: $1: configure" cmake --preset "$1" -G Ninja
    step "init: $1: build" cmake --build --preset "$1"
}

# What `cupel init` writes builds, passes, sweeps and fuzzes: a new project, and one that is there.
init() {
    # A space, and a name that CMake keeps for itself; what is said next is done as it is said.
    step 'init: empty' "$prefix/bin/cupel" init "$place/new one/test"
    says '^named  *my_test '
    next=$(sed -n 's/^  \(cmake --preset dev .*\) && cmake --build.*/\1/p' "$log")
    cd "$place/new one/test"
    step 'init: next' env CMAKE_GENERATOR=Ninja sh -c "$next"
    saved_path=$PATH
    PATH=$prefix/bin:$PATH # find_package looks beside the programs too
    preset dev
    step 'init: dev: test' ctest --preset dev --no-tests=error
    says 'tests passed, 0 tests failed out of 3'
    step 'init: cupel test' cupel test
    says '^2 passed, 0 failed, 0 skipped$'
    step 'init: sweep' build/dev/bin/tests/first --sweep --verbose
    says '[1-9][0-9]* faults: [1-9][0-9]* ok'
    mkdir "$place/old-one"
    cd "$place/old-one"
    printf '%s\n' 'cmake_minimum_required(VERSION 3.5)' 'project(old C)' 'add_library(word word.c)' \
        'add_executable(alone main.c)' 'target_link_libraries(alone word)' >CMakeLists.txt
    cp "$consumer/word.c" "$consumer/word.h" .
    echo 'int main(void) { return 0; }' >main.c
    step 'init: existing' cupel init
    preset dev
    step 'init: dev: test' ctest --preset dev --no-tests=error
    says 'tests passed, 0 tests failed out of 3'
    must_exist build/dev/alone
    if has clang 'init: fuzz'; then
        preset fuzz
        fuzz_target fuzz first_reverses_twice
        step 'init: cupel fuzz' cupel fuzz list
        says '^first_reverses_twice *libfuzzer .* 1 inputs  tests/test_first.c:[0-9]'
    fi
    PATH=$saved_path
}

with_pkg_config() {
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name cupel.pc)") "$@"
}

# A project in C++, with its tests in C++ too.
cplusplus() {
    mkdir "$place/cplusplus"
    cd "$place/cplusplus"
    cp "$root/ci/tests/languages/words.cpp" .
    sed -n '/^cmake_min/p; s/LANGUAGES C/LANGUAGES C CXX/p; /^find_package/p; /^cupel_enable/p; /^enable_testing/p' \
        "$root/ci/tests/consumer/CMakeLists.txt" >CMakeLists.txt
    echo 'cupel_add_tests(words SOURCES words.cpp)' >>CMakeLists.txt
    variant dev cc
    step 'C++: test' ctest --test-dir build/dev --output-on-failure --no-tests=error
    if has clang fuzz; then
        variant fuzz clang -DCMAKE_CXX_COMPILER=clang++
        fuzz_target fuzz cplusplus_draws
    fi
}

# from NAME LINES: the same project with other lines in place of find_package.
from() {
    mkdir "$place/$1"
    cp -r "$root/ci/tests/consumer" "$place/$1/stranger"
    cd "$place/$1/stranger"
    sed "s|^find_package.*|$2|" "$root/ci/tests/consumer/CMakeLists.txt" >CMakeLists.txt
    [ "$(grep -vc '^ *#' CMakeLists.txt)" -le 10 ] || fail 'the stranger needs more than ten lines of CMake'
}

full() {
    if has clang tsan; then
        variant tsan clang
        tests tsan
    fi
    for compiler in clang-22 clang-19 clang-18 clang-17 clang-16; do
        if command -v "$compiler" >/dev/null 2>&1; then
            variant msan "$compiler"
            tests msan
            break
        fi
    done
    if has afl-clang-fast afl; then
        variant afl afl-clang-fast
        step 'afl: target' build/afl/bin/fuzz/word_halves_are_equal fuzz/corpora/word_halves_are_equal/*
    fi
    if has clang engine; then
        step 'engine: configure' env CFLAGS='-g -O1 -fsanitize=fuzzer-no-link,address' cmake -G Ninja -B build/engine \
            -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER=clang -DCUPEL_ENGINE=-fsanitize=fuzzer,address
        step 'engine: build' cmake --build build/engine
        fuzz_target engine word_halves_are_equal
    fi
    if has meson meson; then
        with_pkg_config step 'meson: setup' meson setup build/meson
        step 'meson: test' meson test -C build/meson
    fi
    refused 'a variant that there is not' 'it must be one of: dev' cmake -G Ninja -B build/refused -DCMAKE_PREFIX_PATH="$prefix" \
        -DCUPEL_VARIANT=ubsan
    rm -rf build/refused
    refused 'a compiler that does not know the variant' 'CUPEL_VARIANT=fuzz needs clang' cmake -G Ninja -B build/refused \
        -DCMAKE_PREFIX_PATH="$prefix" -DCUPEL_VARIANT=fuzz -DCMAKE_C_COMPILER=gcc
    rm -rf build/refused
    sed -i 's/COMPONENTS harness/COMPONENTS harness nonsense/' CMakeLists.txt
    refused 'a component that there is not' 'nonsense' cmake -G Ninja -B build/refused -DCMAKE_PREFIX_PATH="$prefix"
    if has c++ C++; then
        cplusplus
    fi
    from fetched "include(FetchContent)\nFetchContent_Declare(cupel SOURCE_DIR $root)\nFetchContent_MakeAvailable(cupel)"
    variant dev cc
    tests dev
    must_not_exist build/dev/_deps/cupel-build/bin/cupel
    step 'fetched: a tool' cmake --build build/dev --target cupel
}

must_not_exist() {
    [ ! -e "$1" ] || fail "$1 is there, though nobody asked for it"
}

step install cmake --install "$tree" --prefix "$prefix"
must_exist "$prefix/include/cupel/alloc/alloc.h" "$prefix/include/cupel/harness/harness.h" "$prefix/lib"
case ${1:-quick} in
full) full ;;
*)
    quick
    from taken_in "add_subdirectory($root cupel)"
    variant dev cc
    tests dev
    ;;
esac
