# shellcheck shell=sh disable=SC2034 # its variables are for those who source it
# What the scripts of ci share: where the project is, how many things to do at once, messages. Sourced, not run.
# Sets `root` (and goes there), `jobs`, `reports`.

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 99
jobs=${CUPEL_JOBS:-}
case $jobs in
'' | *[!0-9]*) jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) ;;
esac
reports=build/reports
variants='dev release asan tsan msan gcov fuzz afl'
tested_variants='dev release asan tsan msan gcov'

say() {
    printf '%s\n' "$*"
}

# fail STATUS WORDS...: the message on stderr, with this script's name before it, and that exit status.
fail() {
    fail_status=$1
    shift
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit "$fail_status"
}

# need_marks FILE NAME: ends with a message where FILE has not one place between the two marks of NAME.
need_marks() {
    for mark in begin end; do
        [ "$(grep -cxF "<!-- $2: $mark -->" "$1")" = 1 ] || fail 2 "$1 has no line <!-- $2: $mark -->"
    done
}

# put_between FILE NAME TABLE: what is in TABLE stands between these marks then; FILE is replaced whole or not at all.
put_between() {
    awk -v name="$2" -v table="$3" '
        $0 == "<!-- " name ": begin -->" {
            print
            while ((getline line <table) > 0) print line
            inside = 1
        }
        $0 == "<!-- " name ": end -->" { inside = 0 }
        !inside { print }' "$1" >"$1.new" || {
        rm -f "$1.new"
        fail 6 "cannot write $1.new"
    }
    mv "$1.new" "$1" || fail 6 "cannot write $1"
}

# need_build_folder: ends with one message where nothing could be written under build/; every task that builds says it first.
need_build_folder() {
    mkdir -p "$reports" 2>/dev/null || true
    for folder in build "$reports"; do
        if [ ! -d "$folder" ] || [ ! -w "$folder" ]; then
            fail 6 "cannot write to $root/$folder"
        fi
    done
}

# groups_of VARIANT: what ci/bootstrap must see to for that variant.
groups_of() {
    case $1 in
    asan | tsan) echo 'build clang' ;;
    msan) echo 'build msan' ;;
    fuzz) echo 'build clang fuzz' ;;
    afl) echo 'build clang fuzz' ;;
    *) echo build ;;
    esac
}

known_variant() {
    case " $variants " in
    *" $1 "*) ;;
    *) fail 2 "unknown variant '$1': one of $variants" ;;
    esac
}

# build_variant VARIANT [TARGET ...]: configures where that was never done, and builds.
build_variant() {
    known_variant "$1"
    build_name=$1
    shift
    mkdir -p "build/$build_name" 2>/dev/null || true
    if [ ! -d "build/$build_name" ] || [ ! -w "build/$build_name" ]; then
        fail 6 "cannot write to $root/build/$build_name"
    fi
    if [ ! -e "build/$build_name/build.ninja" ]; then
        if ! cmake --preset "$build_name" >"build/$build_name/configure.log" 2>&1; then
            tail -n 30 "build/$build_name/configure.log" >&2
            return 1
        fi
    fi
    if [ $# -eq 0 ]; then
        set -- all
    fi
    # Quiet when all is well: ninja's progress is of no use in a log.
    if ! cmake --build "build/$build_name" --parallel "$jobs" --target "$@" >"build/$build_name/build.log" 2>&1; then
        tail -n 60 "build/$build_name/build.log" >&2
        return 1
    fi
    if [ "$build_name" = gcov ]; then
        forget_dead_counters
    fi
}

# A source that is gone leaves its counters behind, which no capture could make sense of.
forget_dead_counters() {
    ninja -C build/gcov -t cleandead >/dev/null
    find build/gcov -path '*/CMakeFiles/*' -name '*.gc[dn]*' | while read -r counters; do
        [ -e "${counters%.gc*}.o" ] || rm -f "$counters"
    done
}
