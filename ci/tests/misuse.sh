#!/bin/sh
# Goal: what the commands cannot do is refused with its own status and one message, before anything is built.
# Method: wrong words, and a copy of the scripts in a tree whose build folder is a file, which not even root can write under.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
place=$(mktemp -d "${TMPDIR:-/tmp}/cupel-misuse.XXXXXX")
trap 'rm -rf "$place"' EXIT
failed=0
unset TIME TARGET ENGINE MUTANTS

# refuses STATUS MESSAGE WORDS...: the words end with that status and say one line that holds the message.
refuses() {
    wanted=$1
    message=$2
    shift 2
    status=0
    "$@" >"$place/said" 2>&1 </dev/null || status=$?
    if [ "$status" -ne "$wanted" ] || [ "$(wc -l <"$place/said")" -ne 1 ] || ! grep -qF -- "$message" "$place/said"; then
        printf 'misuse: %s: status %s, expected %s and one line with "%s":\n' "$*" "$status" "$wanted" "$message"
        head -n 20 "$place/said"
        failed=1
    fi
}

cd "$root"
refuses 2 "TIME 'abc' is no time" env TIME=abc ci/fuzz
refuses 2 "TIME '0' is no time" env TIME=0 ci/fuzz
refuses 2 "there is no TARGET 'nosuch'; there are: alloc_ops " env TARGET=nosuch ci/fuzz
refuses 2 "there is no TARGET 'ci'; there are: alloc_ops " env TARGET=ci ci/fuzz
refuses 2 "unknown ENGINE 'foo'" env ENGINE=foo ci/fuzz
refuses 2 "'x' is no number" env MUTANTS=x ci/prove
refuses 2 "'-1' is no number" ci/prove --mutants=-1
refuses 2 "unknown variant 'foo'" ci/build foo
refuses 2 "variant 'foo' has no tests" ci/test foo
refuses 2 "--readme takes all benchmarks, not 'runner'" ci/bench --readme runner
refuses 6 "$place/gone/all.xml: " python3 ci/tools/junit.py --output "$place/gone/all.xml"

mkdir "$place/tree"
cp -R ci "$place/tree/ci"
cd "$place/tree"
: >build
for words in test 'check full' 'check lints' build fuzz coverage valgrind bench install run nightly; do
    # shellcheck disable=SC2086 # a script and its words
    refuses 6 "cannot write to $place/tree/build" ci/$words
done
: >README.md
refuses 2 'README.md has no line <!-- bench: begin -->' ci/bench --readme
exit "$failed"
