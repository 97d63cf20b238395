#!/bin/sh
# Goal: the commands of the long tiers can be run at all, which nobody sees before the night. Method: each row of ci/run and
# ci/nightly is read by the shell, its script is there, its target is make's, and its flags are those of cupel test.
set -eu
cd "$(dirname "$0")/../.."
said=$(mktemp "${TMPDIR:-/tmp}/cupel-stages.XXXXXX")
trap 'rm -f "$said"' EXIT
failed=0
count=0

# try WORDS...: they end well.
try() {
    "$@" >"$said" 2>&1 </dev/null || {
        printf 'stages: %s: %s\n' "$command" "$(tail -n 3 "$said")"
        failed=1
    }
}

for table in ci/run ci/nightly; do
    while read -r command; do
        count=$((count + 1))
        try sh -n -c "$command"
        case $command in
        *'cupel test'*) try sh -c "$command --list" ;;
        'make '*) try sh -c "make -n ${command#make }" ;;
        *) try command -v "${command%% *}" ;;
        esac
    done <<EOT
$(CUPEL_STAGES=print $table)
EOT
done
[ "$count" -gt 20 ] || {
    echo "stages: $count commands only"
    failed=1
}
exit "$failed"
