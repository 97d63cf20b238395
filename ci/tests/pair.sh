#!/bin/sh
# Goal: the pair cupel.c and cupel.h, dropped into a tree beside one test file, is all that a project needs.
# Method: make it twice (the bytes must be the same), then build ci/tests/consumer with it and sweep it: by gcc and clang,
# with the user's code in C99 and the pair in GNU C99 too, without a warning. `pair.sh full` does so under each sanitizer,
# which must see a bug in the user's code, with an engine, with counters, and in C++.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tree=${CUPEL_BINARY_DIR:-$root/build/dev}
place=$(mktemp -d "${TMPDIR:-/tmp}/cupel-pair.XXXXXX")
trap 'rm -rf "$place"' EXIT
log=$place/log
cache=
! command -v ccache >/dev/null 2>&1 || cache=ccache
export CCACHE_BASEDIR="$place" CCACHE_NOHASHDIR=1
cd "$place"

fail() {
    printf 'pair: %s\n' "$*"
    tail -n 40 "$log"
    exit 1
}

# step NAME COMMAND...: must end well.
step() {
    name=$1
    shift
    "$@" >"$log" 2>&1 || fail "$name failed: $*"
    printf 'ok %s\n' "$name"
}

says() {
    grep -Eq -- "$1" "$log" || fail "'$1' is not said"
}

# build NAME COMPILER FLAGS FLAGS-OF-THE-USER: the program NAME.
build() {
    # shellcheck disable=SC2086 # one word a flag
    {
        step "$1: the pair" $cache "$2" $3 -Wall -Wextra -Werror -c cupel.c -o "$1-cupel.o"
        step "$1: the user" $cache "$2" $3 $4 -Wall -Wextra -Werror -c test.c -o "$1-test.o"
        step "$1: word" $cache "$2" $3 -c word.c -o "$1-word.o"
        step "$1: link" "$2" $3 "$1-test.o" "$1-word.o" "$1-cupel.o" -o "$1"
    }
}

# try NAME: passes, and every allocation of the user's own plain malloc is failed, with none of the harness's among them.
try() {
    step "$1: test" "./$1"
    says '^3 passed, 0 failed, 0 skipped$'
    step "$1: sweep" "./$1" --sweep --verbose
    says '^ok word.is_doubled .* [1-9][0-9]* ok; at least 1 allocation$'
    says '^ok word.is_stored .* [1-9][0-9]* ok; at least 1 allocation$'
}

# sanitized NAME WORDS: a bug in the user's code is seen.
sanitized() {
    if WORD_PLANTED=1 "./$1" >"$log" 2>&1; then
        fail "$1: the planted bug is not seen"
    fi
    says "$2"
}

quick() {
    build plain gcc -g '-std=c99 -pedantic'
    try plain
    step 'gnu99' gcc -std=gnu99 -Wall -Wextra -Werror -fsyntax-only cupel.c
    if command -v clang >/dev/null 2>&1; then
        build clang clang -g '-std=c99 -pedantic'
        try clang
    fi
}

full() {
    # A program with a main of its own, and malloc left alone.
    printf '%s\n' '#include "cupel.h"' 'int main(void) {' '    struct cupel_allocator *a = cupel_libc();' \
        '    void *block = cupel_alloc(a, 3, 1);' '    cupel_free(a, block, 3, 1);' '    return block == NULL;' '}' >own.c
    step 'main of its own' gcc -DCUPEL_NO_MAIN -DCUPEL_NO_MALLOC -Wall -Wextra -Werror own.c cupel.c -o own
    step 'main of its own: run' ./own
    ! nm own | grep -q ' T malloc$' || fail 'CUPEL_NO_MALLOC leaves malloc'
    printf '%s\n' '#include "cupel.h"' 'TEST(words, are_there, .timeout_s = 3) {' '    CHECK_INT_EQ(1 + 1, 2);' '}' >more.cpp
    step 'C++' g++ -std=c++11 -pedantic -Wall -Wextra -Werror -c more.cpp
    step 'C++: pair' gcc -c cupel.c
    step 'C++: link' g++ more.o cupel.o -o more
    step 'C++: test' ./more
    step 'gcc, optimised' gcc -O2 -std=gnu2x -Wall -Wextra -Werror -c cupel.c
    build gcc_asan gcc '-g -fsanitize=address,undefined' ''
    try gcc_asan
    sanitized gcc_asan heap-buffer-overflow
    build counters gcc '--coverage' ''
    try counters
    for compiler in clang clang-19; do
        command -v "$compiler" >/dev/null 2>&1 || continue
        step "$compiler: gnu99" "$compiler" -std=gnu99 -Wall -Wextra -Werror -fsyntax-only cupel.c
        build "asan_$compiler" "$compiler" '-g -fsanitize=address,undefined' ''
        try "asan_$compiler"
        sanitized "asan_$compiler" heap-buffer-overflow
        build "tsan_$compiler" "$compiler" '-g -fsanitize=thread' ''
        try "tsan_$compiler"
        step "$compiler: engine" "$compiler" -g -fsanitize=fuzzer,address -DCUPEL_TARGET=word_halves_are_equal test.c word.c cupel.c -o engine
        step "$compiler: engine: run" ./engine -runs=300
        says 'Done 300 runs'
    done
    if command -v clang-19 >/dev/null 2>&1; then
        build msan clang-19 '-g -fsanitize=memory' ''
        try msan
    fi
}

step 'making' "$root/ci/amalgamate" --build "$tree" --output "$place"
step 'making again' "$root/ci/amalgamate" --build "$tree" --output "$place/again"
cmp cupel.c again/cupel.c
cmp cupel.h again/cupel.h
cp "$root/ci/tests/consumer/word.c" "$root/ci/tests/consumer/word.h" .
sed 's|<cupel/harness/harness.h>|"cupel.h"|' "$root/ci/tests/consumer/test_word.c" >test.c
case ${1:-quick} in
full) full ;;
*) quick ;;
esac
