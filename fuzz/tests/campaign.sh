#!/bin/sh
# Real campaigns on a small project of planted targets: each engine alone finds the canary and the find goes all the way;
# inputs cross from each engine to the other; the corpus grows only by coverage; a campaign that is killed loses nothing;
# bad input of each kind is told.
#
# usage: campaign.sh SOURCE_DIR DEV_BUILD_DIR. Exit status 77 where clang is not there.
set -eu
source=$1
dev=$2
command -v clang >/dev/null 2>&1 || {
    echo "clang is not here: ci/bootstrap clang"
    exit 77
}
has_afl=0
if command -v afl-fuzz >/dev/null 2>&1 && command -v afl-clang-fast >/dev/null 2>&1; then
    has_afl=1
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/cupel-campaign.XXXXXX")
supervisor=
mounted=
clean() {
    [ -z "$supervisor" ] || kill -9 "$supervisor" 2>/dev/null || true
    [ -z "$mounted" ] || umount "$mounted" || true
    rm -rf "$work"
}
trap clean EXIT
out=$work/out
failed=0

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
    "$@" >"$out" 2>&1 || got=$?
    [ "$got" -eq "$wanted" ] || complain "status $got and not $wanted: $*"
}

says() {
    grep -q -- "$1" "$out" || complain "does not say '$1'"
}

fuzz() {
    "$dev/bin/cupel-fuzz" "$@"
}

# The project: its property's source, the targets of both engines, and a test program that decodes.
project=$work/project
mkdir -p "$project/fuzz/bodies" "$project/build/fuzz/bin/fuzz" "$project/build/afl/bin/fuzz" "$project/build/dev/bin/tests"
cp "$source/fuzz/tests/fixtures/canary.c" "$project/fuzz/bodies/"
ln -s "$dev/bin/fixtures/canary" "$project/build/dev/bin/tests/canary"
flags="-g -O1 -D_GNU_SOURCE -std=c17 -I$source"
libraries="$dev/lib/libcupel_harness.a $dev/lib/libcupel_alloc.a -lm -ldl -lpthread"
for name in magic crossing; do
    printf '#define CUPEL_TARGET canary_%s\n#include "harness/src/fuzz_target.inc"\n' "$name" >"$work/$name.c"
    # shellcheck disable=SC2086 # one word a flag
    clang $flags -fsanitize=fuzzer,address "$work/$name.c" "$project/fuzz/bodies/canary.c" $libraries \
        -o "$project/build/fuzz/bin/fuzz/canary_$name"
    if [ "$has_afl" = 1 ]; then
        # shellcheck disable=SC2086 # one word a flag
        AFL_QUIET=1 AFL_LLVM_DICT2FILE="$project/build/afl/auto.dict" \
            afl-clang-fast $flags -fsanitize=fuzzer "$work/$name.c" "$project/fuzz/bodies/canary.c" $libraries \
            -o "$project/build/afl/bin/fuzz/canary_$name" >"$out" 2>&1 || complain "does not build for AFL++"
    fi
done

# --- selection and bad input
expect 0 fuzz list --root "$project"
says 'canary_magic .*libfuzzer'
says 'fuzz/bodies/canary.c:[0-9]'
expect 2 fuzz run --root "$project" --target no_such
says "there is no target 'no_such'"
expect 2 fuzz run --root "$project" --tim 3
says 'tim'
expect 2 fuzz jump --root "$project"
says "there is no verb 'jump'"
expect 4 fuzz regress --root "$project"
says 'has no stored input'
expect 4 fuzz list --root "$work"
says 'no fuzz target is built'
expect 2 fuzz fmt --root "$project" canary_magic "$work/nothing"

# --- an input of a tree where no campaign has ever run
printf cpel >"$work/cpel"
[ ! -e "$project/build/fuzzing" ] || complain "the work folder is there before it is needed"
expect 0 fuzz fmt --root "$project" canary_magic "$work/cpel"
says 'input = 4 bytes "cpel"'
rm -rf "$project/build/fuzzing"
: >"$project/build/fuzzing"
expect 6 fuzz fmt --root "$project" canary_magic "$work/cpel"
says "could not make directory '.*build/fuzzing"
rm "$project/build/fuzzing"
mv "$project/build/dev/bin/tests/canary" "$work/canary"
expect 5 fuzz fmt --root "$project" canary_magic "$work/cpel"
says 'no test program in .*build/dev/bin/tests decodes canary_magic'
mv "$work/canary" "$project/build/dev/bin/tests/canary"

# --- each engine alone finds the canary; the find is stored small, decoded, and reproduces
finds_canary() {
    rm -rf "$project/build/fuzzing" "$project/fuzz/corpora" "$project/fuzz/regressions"
    AFL_BENCH_UNTIL_CRASH=1 expect 1 fuzz run --root "$project" --target canary.magic --engine "$1" --time 120 --minimise 2
    says 'FINDING canary_magic: .*the canary was found'
    says 'input = 4 bytes "cpel"'
    says 'reproduce  build/fuzz/bin/fuzz/canary_magic fuzz/regressions/canary_magic/'
    [ "$(cat "$project/fuzz/regressions/canary_magic/"* 2>/dev/null)" = cpel ] || complain "$1: not stored as 'cpel'"
    stored=$(ls "$project/fuzz/regressions/canary_magic")
    [ "$stored" = "$(printf cpel | sha1sum | cut -d' ' -f1)" ] || complain "$1: not named by its SHA-1"
    expect 1 fuzz regress --root "$project" --target canary_magic
    says 'FAILED canary_magic: .*the canary was found'
    # libFuzzer's own status of a crash; ours never passes it on.
    expect 77 "$project/build/fuzz/bin/fuzz/canary_magic" "$project/fuzz/regressions/canary_magic/$stored"
    says 'the canary was found'
}
finds_canary libfuzzer
[ "$has_afl" = 0 ] || finds_canary afl

# A finding that is known is told again, and not stored twice.
expect 1 fuzz run --root "$project" --target canary_magic --engine libfuzzer --time 1
says 'stored before, still fails'
[ "$(find "$project/fuzz/regressions" -type f | wc -l)" -eq 1 ] || complain "the known finding was stored again"

# --- inputs cross both ways; the corpus grows only by coverage
figure() {
    awk -v engine="$1" '$1 == "canary_crossing" && $2 == engine { print $8 }' "$out"
}
corpus=$project/fuzz/corpora/canary_crossing
has_crossed_to() {
    [ "$(figure "$1")" -ge 1 ] 2>/dev/null
}
holds_both_words() {
    cat "$corpus"/* >"$work/all" 2>/dev/null && grep -q LIBF "$work/all" && grep -q 'AFL!' "$work/all"
}
crosses() {
    rm -rf "$project/build/fuzzing" "$corpus"
    expect 0 fuzz run --root "$project" --target canary_crossing --time "$seconds"
    has_crossed_to libfuzzer && has_crossed_to afl && holds_both_words
}
if [ "$has_afl" = 1 ]; then
    # A busy machine needs longer: again from nothing, with twice the time, until it has been seen.
    seconds=5
    until crosses; do
        [ "$seconds" -lt 80 ] || break
        seconds=$((seconds * 2))
    done
    for engine in libfuzzer afl; do
        has_crossed_to "$engine" || complain "nothing crossed to $engine in $seconds s"
    done
    says '100.00%'
    holds_both_words || complain "no stored input holds LIBF, or none AFL!"
else
    expect 0 fuzz run --root "$project" --target canary_crossing --time 3
    says 'going on with libFuzzer alone'
fi
# find, not ls: hidden files count.
find "$corpus" -type f | sort >"$work/before"
[ "$(wc -l <"$work/before")" -le 8 ] || complain "more inputs than there is coverage"
expect 0 fuzz run --root "$project" --target canary_crossing --engine libfuzzer --time 2
find "$corpus" -type f | sort >"$work/after"
cmp -s "$work/before" "$work/after" || complain "inputs without new coverage were stored"
while read -r file; do
    [ "$(basename "$file")" = "$(sha1sum <"$file" | cut -d' ' -f1)" ] || complain "$file is not named by its SHA-1"
done <"$work/before"
expect 0 fuzz regress --root "$project" --target canary_crossing
says '0 failed'
expect 0 fuzz cmin --root "$project" --target canary_crossing
says 'inputs became'
expect 0 fuzz status --root "$project"
says 'canary_crossing'

# --- killed: whole files or none, no engine left behind, and the next campaign takes the work up
rm -rf "$project/build/fuzzing" "$project/fuzz/corpora"
engine=ensemble
[ "$has_afl" = 1 ] || engine=libfuzzer
"$dev/bin/cupel-fuzz" run --root "$project" --target canary_crossing --engine "$engine" --time 300 >"$out" 2>&1 &
supervisor=$!
inputs=$project/build/fuzzing/canary_crossing/inputs
tries=0
until [ "$(find "$inputs" -type f 2>/dev/null | wc -l)" -ge 2 ] || [ "$tries" -ge 1200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
kill -9 "$supervisor"
wait "$supervisor" 2>/dev/null || true
supervisor=
[ "$tries" -lt 1200 ] || complain "the engines found nothing in two minutes"
tries=0
while pgrep -f "$project/build/.*/bin/fuzz/canary_crossing" >/dev/null && [ "$tries" -lt 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
[ "$tries" -lt 600 ] || complain "engines live on after their supervisor was killed"
[ "$(find "$inputs" -type f | wc -l)" -ge 2 ] || complain "the killed campaign's inputs are gone"
expect 0 fuzz run --root "$project" --target canary_crossing --engine libfuzzer --time 1
[ "$(find "$corpus" -type f | wc -l)" -ge 2 ] || complain "the next campaign did not take up the killed one's inputs"

# --- interrupted: in order, status 130, what was found is stored
rm -rf "$project/build/fuzzing" "$project/fuzz/corpora"
"$dev/bin/cupel-fuzz" run --root "$project" --target canary_crossing --engine libfuzzer --time 300 >"$out" 2>&1 &
supervisor=$!
tries=0
until [ "$(find "$inputs" -type f 2>/dev/null | wc -l)" -ge 2 ] || [ "$tries" -ge 1200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
kill -INT "$supervisor"
got=0
wait "$supervisor" || got=$?
supervisor=
[ "$got" -eq 130 ] || complain "interrupted: status $got and not 130"
[ "$(find "$corpus" -type f | wc -l)" -ge 1 ] || complain "the interrupted campaign stored nothing"

# --- places that are not what they should be
rm -rf "$corpus"
printf x >"$corpus"
expect 6 fuzz run --root "$project" --target canary_crossing --engine libfuzzer --time 1
says 'canary_crossing'
rm -f "$corpus"
mkdir -p "$corpus/directory"
head -c 20000000 /dev/zero >"$corpus/huge"
expect 0 fuzz run --root "$project" --target canary_crossing --engine libfuzzer --time 1
rm -rf "$corpus"

# --- a full disk: told, nothing half written, and stored once there is room again
mkdir -p "$project/fuzz/corpora"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=64k cupel "$project/fuzz/corpora" 2>/dev/null; then
    mounted=$project/fuzz/corpora
    mkdir "$corpus"
    cat /dev/zero >"$mounted/filler" 2>/dev/null || true
    rm -rf "$project/build/fuzzing"
    expect 6 fuzz run --root "$project" --target canary_crossing --engine libfuzzer --time 3
    says 'No space left'
    [ "$(find "$corpus" -type f | wc -l)" -eq 0 ] || complain "the full disk holds a half-written input"
    rm "$mounted/filler"
    expect 0 fuzz run --root "$project" --target canary_crossing --engine libfuzzer --time 3
    [ "$(find "$corpus" -type f | wc -l)" -ge 1 ] || complain "nothing was stored when there was room again"
    umount "$mounted"
    mounted=
else
    echo "skipped: no rights to mount a small disk"
fi

# --- a dictionary that the property names
sed 's/^PROPERTY(canary, crossing,/&\n    .dictionary = "words.dict",/' "$source/fuzz/tests/fixtures/canary.c" \
    >"$project/fuzz/bodies/canary.c"
expect 2 fuzz run --root "$project" --target canary_crossing --engine libfuzzer --time 1
says 'canary_crossing names the dictionary fuzz/dictionaries/words.dict: No such file'
mkdir -p "$project/fuzz/dictionaries"
printf 'word="a named word"\n' >"$project/fuzz/dictionaries/words.dict"
expect 0 fuzz run --root "$project" --target canary_crossing --engine libfuzzer --time 1
grep -q 'a named word' "$project/build/fuzzing/canary_crossing/afl.dict" || complain "the named dictionary is not used"
cp "$source/fuzz/tests/fixtures/canary.c" "$project/fuzz/bodies/"

# --- as long as the property says
expect 0 "$project/build/fuzz/bin/fuzz/canary_crossing" --longest
says '^longest 64$'
expect 0 "$project/build/fuzz/bin/fuzz/canary_crossing" -runs=1
says 'INFO: Seed'
! grep -q 'max_len is not provided' "$out" || complain "libFuzzer was not told how long inputs may be"
if [ "$has_afl" = 1 ]; then
    mkdir "$work/bin"
    printf '#!/bin/sh\necho "$*" >"%s/words"\nexec "%s" "$@"\n' "$work" "$(command -v afl-fuzz)" >"$work/bin/afl-fuzz"
    chmod +x "$work/bin/afl-fuzz"
    rm -rf "$project/build/fuzzing" "$corpus"
    expect 0 env PATH="$work/bin:$PATH" "$dev/bin/cupel-fuzz" run --root "$project" --target canary_crossing --engine afl --time 1
    grep -q ' -G 64 ' "$work/words" || complain "AFL++ was not told how long inputs may be"
fi

# --- without AFL++
empty=$work/empty
mkdir "$empty"
expect 5 env PATH="$empty" "$dev/bin/cupel-fuzz" run --root "$project" --target canary_crossing --engine afl --time 1
says 'afl-fuzz is not there'
expect 0 env PATH="$empty" "$dev/bin/cupel-fuzz" run --root "$project" --target canary_crossing --time 1
says 'going on with libFuzzer alone'

if [ "$failed" -gt 0 ]; then
    echo "$failed expectations failed"
    exit 1
fi
echo "campaigns: all as expected"
