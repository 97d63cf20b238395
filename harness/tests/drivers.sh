#!/bin/sh
# One source, every driver: the properties of harness/tests/fixtures/inputs.c, built by clang with libFuzzer's driver, by
# afl-clang-fast with AFL++'s, and by the build's own compiler. Each program lists, runs, sweeps and replays; clang's also
# fuzzes, AFL++'s is a persistent target, the plain one runs under valgrind; what one finds, all replay. And the test in C
# that a failure writes compiles without a warning and fails as the property did.
#
# usage: drivers.sh SOURCE_DIR BUILD_DIR. Exit status 77 where clang is not there.
set -eu
source=$1
build=$2
command -v clang >/dev/null 2>&1 || {
    echo "clang is not here: ci/bootstrap clang"
    exit 77
}
work=$(mktemp -d "${TMPDIR:-/tmp}/cupel-drivers.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
out=$work/out
failed=0
word=inputs.do_not_know_the_word
main=$(find "$build/harness/CMakeFiles/cupel_harness_main.dir" -name '*.o' | tr '\n' ' ') # the harness's main and malloc

complain() {
    printf 'FAILED: %s\n' "$*"
    sed 's/^/    | /' "$out"
    failed=$((failed + 1))
}

# expect STATUS WORDS...: runs the words, output in $out.
expect() {
    wanted=$1
    shift
    got=0
    "$@" >"$out" 2>&1 </dev/null || got=$?
    [ "$got" -eq "$wanted" ] || complain "status $got and not $wanted: $*"
}

says() {
    grep -q -- "$1" "$out" || complain "does not say '$1'"
}

# compile PROGRAM WORDS...: the properties and the harness's objects, with that compiler and these flags.
# shellcheck disable=SC2086 # one word a flag or object
compile() {
    program=$1
    shift
    expect 0 env AFL_QUIET=1 "$@" -g -O1 -std=c17 -D_GNU_SOURCE -DCUPEL_FUZZ_ROOT='"fuzzroot"' -I"$source" \
        "$source/harness/tests/fixtures/inputs.c" $main \
        "$build/lib/libcupel_harness.a" "$build/lib/libcupel_alloc.a" $engine -lm -ldl -lpthread -o "$program"
}

# What every driver does with the same body.
try_common() {
    expect 0 "$1" --list
    says "^$word$"
    expect 1 "$1" --seed=1 --filter=inputs.sum_stays_small
    says 'as bytes: "<.001"'
    expect 1 "$1" --seed=1 --sweep --filter=inputs.swallow_a_fault
    says 'swallowed'
    printf cupe >crash
    expect 1 "$1" --replay=$word crash
    says "rest.data.3. != 'e'"
    expect 0 "$1" --replay=inputs.hold crash
}

archive=$(clang -print-file-name="libclang_rt.fuzzer_no_main-$(uname -m).a")
if [ -e "$archive" ]; then
    engine="-Wl,-u,LLVMFuzzerRunDriver $archive -lstdc++"
    compile ./clangs clang -fsanitize=fuzzer-no-link,address
    try_common ./clangs
    expect 1 ./clangs --fuzz=$word -- -runs=3000000 -seed=1
    says "rest.data.3. != 'e'"
    says '"cupe'
    expect 1 ./clangs --replay=$word build/reports/failures/crash-*
    expect 1 "$build/bin/tests/fixtures/inputs" --replay=$word build/reports/failures/crash-*
else
    echo "skipped: clang's engine is not here ($archive): ci/bootstrap clang"
fi

if command -v afl-fuzz >/dev/null 2>&1 && command -v afl-clang-fast >/dev/null 2>&1; then
    engine='-fsanitize=fuzzer -Wl,-u,LLVMFuzzerRunDriver -lstdc++'
    compile ./afls afl-clang-fast
    try_common ./afls
    mkdir seeds
    printf 'cu__' >seeds/one
    expect 0 env AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 AFL_ALLOW_TMP=1 \
        AFL_BENCH_UNTIL_CRASH=1 afl-fuzz -V 60 -m none -s 1 -i seeds -o afl -- ./afls --fuzz=$word
    cp afl/default/fuzzer_stats "$out"
    says 'target_mode.*persistent'
    says 'saved_crashes *: 1'
    expect 1 "$build/bin/tests/fixtures/inputs" --replay=$word afl/default/crashes/id*
else
    echo "skipped: AFL++ is not here: ci/bootstrap fuzz"
fi

plain=$build/bin/tests/fixtures/inputs
try_common "$plain"
expect 5 "$plain" --fuzz=$word
says 'no fuzzing engine is linked'
if command -v valgrind >/dev/null 2>&1; then
    expect 0 valgrind -q --soname-synonyms=somalloc=nouserintercepts --error-exitcode=99 "$plain" --isolate=none --seed=1 --filter=inputs.hold --cases=5
fi

expect 1 "$plain" --seed=1 --filter=inputs.sum_stays_small:inputs.are_short --write-test=found.c
expect 1 "$plain" --seed=1 --filter=inputs.bear_faults --fault=alloc:3 --write-test=found.c
engine=
expect 0 cc -std=c17 -Wall -Wextra -Wpedantic -Wstrict-prototypes -Wmissing-prototypes -Werror -I"$source" -c found.c
for form in 1 2; do # alone in a file, and pasted behind the property
    if [ $form = 1 ]; then
        compile ./written cc found.o
    else
        cat "$source/harness/tests/fixtures/inputs.c" found.c >pasted.c
        # shellcheck disable=SC2086 # one word an object
        expect 0 cc -std=c17 -Wall -Wextra -Werror -D_GNU_SOURCE -I"$source" pasted.c $main \
            "$build/lib/libcupel_harness.a" "$build/lib/libcupel_alloc.a" -lm -ldl -lpthread -o written
    fi
    expect 1 ./written --filter='*_input_*'
    says 'sum < 60 does not hold'
    says 'taken != 2 does not hold'
    says '0 passed, 3 failed'
done

if [ "$failed" -ne 0 ]; then
    echo "$failed failed"
    exit 1
fi
echo "one source, every driver: all went well"
