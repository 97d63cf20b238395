#!/bin/sh
# Goal: the tool's whole way, from a build with counters to a gate that fails, and its answers to bad input.
# Method: a project of three files, built and run here; every step's exit status and words are checked, and the tracefile
# is held against lcov's own capture (equal_to_lcov.py, beside this).
#
#   fixture.sh CUPEL-COVER
#
# Exit status: 0 all as it should be, 1 not, 77 where gcc or gcov is missing.
set -eu
cover=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v gcc >/dev/null || ! command -v gcov >/dev/null; then
    echo "skipped: no gcc or no gcov"
    exit 77
fi
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
# What the caller counts of its own must not mix with what is built here.
unset GCOV_PREFIX_STRIP CUPEL_EVIDENCE
caller_prefix=${GCOV_PREFIX:-}

bad() {
    printf 'fixture: %s\n' "$*" >&2
    exit 1
}

# expect STATUS WORDS COMMAND...: runs the tool; its status and a part of what it says are as given.
expect() {
    wanted=$1 words=$2
    shift 2
    got=0
    GCOV_PREFIX=$caller_prefix "$cover" "$@" >out.txt 2>&1 || got=$?
    [ "$got" -eq "$wanted" ] || {
        cat out.txt >&2
        bad "cupel cover $*: status $got, not $wanted"
    }
    [ -z "$words" ] || grep -qF -- "$words" out.txt || {
        cat out.txt >&2
        bad "cupel cover $*: does not say '$words'"
    }
}

mkdir -p src build/gcov
cat >src/shape.h <<'END'
static inline int twice(int x) {
    return x > 100 ? 100 : 2 * x;
}
END
cat >src/shape.c <<'END'
#include "shape.h"
int area(int a, int b);
int area(int a, int b) {
    if (a < 0 || b < 0) {
        return -1;
    }
    if (a == 7777) { /* LCOV_EXCL_START(cannot happen) */
        return 7;
    } /* LCOV_EXCL_STOP */
    return twice(a) * b / 2;
}
#define BOTH(name) int name##_one(int x); int name##_two(int x); int name##_one(int x) { return x > 1; } int name##_two(int x) { return x && x > 2; }
BOTH(pair)
int perimeter(int a, int b);
int perimeter(int a, int b) {
    return 2 * (a + b);
}
END
cat >src/never.c <<'END'
#include "shape.h"
int never(int x);
int never(int x) {
    return twice(x) + 1;
}
END
cat >src/main.c <<'END'
#include "shape.h"
#include <stdlib.h>
int area(int a, int b);
int perimeter(int a, int b);
int pair_one(int x);
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == 'a') {
            if (area(i, 3) != 3 * i) return 1;
        } else if (perimeter(1, i) != 2 + 2 * i) {
            return 1;
        }
    }
    return twice(1) == 2 && pair_one(2) ? 0 : 1;
}
END

build() {
    for name in shape never main; do
        gcc -g -O0 --coverage -c "$work/src/$name.c" -o "$work/build/gcov/$name.o" || bad "the fixture does not build"
    done
    (cd build/gcov && gcc shape.o main.o --coverage -o program)
}

# run CLASS WORDS: one run of the program, counted in that class.
run() {
    class=$1
    shift
    GCOV_PREFIX=$work/build/evidence/gcov/$class GCOV_PREFIX_STRIP=0 build/gcov/program "$@" || bad "the program fails"
}

expect 4 'no notes (.gcno) there: build the variant' capture
build
expect 4 'run its tests first' capture
run unit area
run fuzz area area
run unit perimeter
expect 0 'captured 4 sources from 3 objects (2 of them ran)' capture --stage "$work/stage"
expect 0 'src/never.c:3: never was never called' show --uncovered
cp build/coverage/cupel.json first.json
expect 0 '' capture --quiet
cmp -s first.json build/coverage/cupel.json || bad 'two captures of the same counters differ'

[ -z "$(command -v genhtml)" ] || expect 0 '3 objects, 2 of them ran' doctor
html=
command -v genhtml >/dev/null || html=--no-html
expect 0 'never.c' report $html
[ -n "$html" ] || [ -s build/coverage/html/index.html ] || bad 'no HTML'
expect 0 'total' report $html
[ "$(ls build/coverage)" = "$(printf '%s\n' cupel.json gcov ${html:+} html lcov.info quickfix.txt)" ] || [ -n "$html" ] ||
    bad "something is left behind: $(ls build/coverage)"
grep -q '^src/shape.c:4: 2 of 4 branches never taken$' build/coverage/quickfix.txt || bad 'a place is missing in quickfix.txt'

# gcov's own text of the same counters, line for line; functions that share a line have more lines there.
(cd stage && gcov -t ./*.gcda) >theirs.txt 2>/dev/null
sed -n '/0:Source:.*shape\.c$/,/0:Source:/p' theirs.txt | grep -v ':    0:' | sed '/^----/d; /^pair_/{N;d}' >shape.theirs
grep -v ':    0:' 'build/coverage/gcov/src#shape.c.gcov' >shape.ours
diff shape.theirs shape.ours || bad 'the .gcov text differs from that of gcov'
expect 0 '' report --no-html --gcov-compat --quiet
if grep -qE '^ *[0-9]+\*:' build/coverage/gcov/*; then bad 'a star with --gcov-compat'; fi
expect 0 'u.z..         3:    3:int area' show shape.c

if command -v lcov >/dev/null; then
    python3 "$here/equal_to_lcov.py" stage build/coverage/lcov.info || bad 'lcov captures something else'
fi

# A gate that holds, and does not once a test is taken away.
cat >gates.conf <<'END'
# limits
src          lines=70 functions=60   # room
src/shape.c  lines=85
END
expect 0 'ok     src/shape.c: lines' gate --gates gates.conf
expect 0 'ok     src: functions' gate --gates gates.conf build/coverage/lcov.info --root .
rm -rf build/evidence
run unit area
expect 0 '' capture --quiet
expect 3 'FAILED src/shape.c: lines 57.1 % (4 of 7), at least 85 %' gate --gates gates.conf
grep -q '^src/shape.c:15: lines to 16 never ran$' out.txt || bad 'the gate does not name the lines'

# Bad input.
printf 'src lines=101\n' >bad.conf
expect 2 'bad.conf:1:11: a limit is a number' gate --gates bad.conf
printf '\nnowhere lines=1\n' >bad.conf
expect 2 'bad.conf:2:1: nowhere: no source' gate --gates bad.conf
expect 2 'missing.conf: cannot be opened' gate --gates missing.conf
printf 'TN:\nSF:a.c\nDA:1,x\nend_of_record\n' >corrupt.info
expect 2 'corrupt.info:3:6: a number is missing here' merge -o merged.info corrupt.info
[ ! -e merged.info ] || bad 'a merge that failed left a file'
expect 2 "unknown verb 'frobnicate'" frobnicate
expect 2 'unknown' capture --frobnicate
expect 2 "unexpected word 'frobnicate'" doctor frobnicate
expect 2 "unexpected word 'more'" gate lcov.info more
expect 4 'nowhere.json: cannot be opened' show --data nowhere.json
expect 5 'cannot be run' capture --gcov "$work/no-such-gcov"
expect 5 'install lcov' report --html-tool "$work/no-such-genhtml"
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked && chmod a-w locked
    expect 6 'locked' report --no-html --output locked/coverage
fi
printf 'a file' >file
expect 6 'file' report --no-html --output file/coverage
[ ! -e /dev/full ] || [ "$({ GCOV_PREFIX=$caller_prefix "$cover" show >/dev/full 2>&1; } || echo $?)" = 6 ] || bad 'a full disk goes unnoticed'

# Merging: counts of one line are added.
expect 0 '' report --no-html --quiet
expect 0 '' merge -o twice.info build/coverage/lcov.info build/coverage/lcov.info
expect 0 '' merge -o twice.json build/coverage/cupel.json build/coverage/cupel.json
once=$(sed -n '/shape\.c$/,/end_of/s/^DA:3,//p' build/coverage/lcov.info)
[ "$(sed -n '/shape\.c$/,/end_of/s/^DA:3,//p' twice.info)" -eq $((once * 2)) ] || bad 'merge does not add'

# Notes of an object that is no more built, of a source that is no more, are passed over; where it ran they are not.
cp src/never.c src/gone.c
gcc -g -O0 --coverage -c "$work/src/gone.c" -o "$work/build/gcov/gone.o"
rm src/gone.c
expect 0 'captured 4 sources' capture
mv src/main.c main.c
expect 2 'src/main.c: gone, but in its object' capture
mv main.c src/main.c

# Counters that do not fit what is there.
gcda=$(find build/evidence/gcov/unit -name shape.gcda)
cp "$gcda" good.gcda
head -c 40 good.gcda >"$gcda"
expect 2 'corrupt at byte' capture
printf 'nonsense nonsense' >"$gcda"
expect 2 'is no file of the compiler' capture
cp good.gcda "$gcda"
mv build/gcov/shape.gcno shape.gcno
expect 2 'its notes (.gcno) are gone' capture
mv shape.gcno build/gcov/shape.gcno
touch -d '+1 minute' src/shape.c
expect 2 'src/shape.c: newer than its object' capture
expect 0 '1 sources are newer than their objects and are marked stale' capture --allow-stale
touch -d '-1 minute' src/shape.c
sed -i 's/return -1;/return -2 * (a > b);/' src/shape.c
touch -d '-1 minute' src/shape.c
gcc -g -O0 --coverage -c "$work/src/shape.c" -o "$work/build/gcov/shape.o"
expect 2 'counts of an older build of its object (the stamps differ)' capture
if command -v clang >/dev/null; then
    clang -g -O0 --coverage -c "$work/src/shape.c" -o "$work/build/gcov/shape.o"
    expect 2 'written by compiler version 4.8 (as clang writes), but gcov is version' capture
    expect 5 'written by compiler version' doctor
fi
echo 'fixture: all as it should be'
