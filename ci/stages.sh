# shellcheck shell=sh disable=SC2154 # reports is set by ci/lib.sh
# Runs a table of stages one after another and sums what they counted. Sourced after ci/lib.sh by ci/run and ci/nightly.
#
# A row is `NAME | NEEDED FILE | COMMAND`; "-" needs nothing. Where the needed file is not there, the stage is skipped and says so.
# Each stage's output is in build/reports/stages/NAME.log; its last line `N passed, N failed, N skipped` is its count, and a
# stage without such a line counts as one. A failed stage does not stop those after it. Where CUPEL_STAGES is `print`, the
# commands are printed and nothing is run.

stage_count() {
    sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed, \([0-9][0-9]*\) skipped.*/\1 \2 \3/p' "$1" | tail -n 1
}

# run_stages TABLE [NAME ...]: all rows, or those named. Returns 0 when all passed, else 1; 4 where no stage ran.
run_stages() {
    table=$1
    shift
    logs=$reports/stages
    need_build_folder
    mkdir -p "$logs" || fail 6 "cannot write to $logs"
    passed=0 failed=0 skipped=0 ran=0
    while IFS='|' read -r name needed command; do
        name=$(echo "$name" | tr -d ' ')
        needed=$(echo "$needed" | tr -d ' ')
        case $name in '' | '#'*) continue ;; esac
        [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
        if [ "${CUPEL_STAGES:-}" = print ]; then
            say "$command"
        else
            one_stage
        fi
    done <<EOT
$table
EOT
    [ "${CUPEL_STAGES:-}" != print ] || return 0
    [ "$ran" -gt 0 ] || fail 4 "no stage named '$*'"
    say "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

# Runs the row in $name, $needed, $command.
one_stage() {
    ran=$((ran + 1))
    if [ "$needed" != - ] && [ ! -e "$needed" ]; then
        skipped=$((skipped + 1))
        printf '%-10s skipped: %s is not there\n' "$name" "$needed"
        return
    fi
    began=$(date +%s)
    status=0
    sh -c "$command" >"$logs/$name.log" 2>&1 </dev/null || status=$?
    took=$(($(date +%s) - began))
    count=$(stage_count "$logs/$name.log")
    # shellcheck disable=SC2086 # three words
    set -- ${count:-0 0 0}
    word=ok
    if [ "$status" -ne 0 ]; then
        word="FAILED with status $status"
        # A stage that failed counts a failure, whatever it counted itself.
        [ "$2" -gt 0 ] || set -- "$1" 1 "$3"
    elif [ -z "$count" ]; then
        set -- 1 0 0
    fi
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    printf '%-10s %4d s  %s (%s passed, %s failed, %s skipped)\n' "$name" "$took" "$word" "$1" "$2" "$3"
    if [ "$status" -ne 0 ]; then
        tail -n 40 "$logs/$name.log" | sed 's/^/    /'
        say "    whole output: $logs/$name.log"
    else
        sed -n 's/^skipped: /    skipped: /p' "$logs/$name.log"
    fi
}
