#!/bin/sh
# The debug allocator without an operating system and without a C library: its sources as alloc/bare.cmake lists them, built with -ffreestanding
# and no headers but the compiler's, ask for nothing but what compilers ask every environment for; a program of them alone finds each misuse.
set -eu
cc=${CC:-cc}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sources=$(grep -oE 'src/[a-z0-9_]+\.c' alloc/bare.cmake)
flags="-std=c17 -O2 -g -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -nostdinc -isystem $("$cc" -print-file-name=include) -I."

# build NAME FLAGS...: one object of all sources.
build() {
    name=$1
    shift
    mkdir "$folder/$name"
    for source in $sources; do
        # shellcheck disable=SC2086
        "$cc" $flags "$@" -c "alloc/$source" -o "$folder/$name/$(basename "$source" .c).o"
    done
}

build bare
ld -r -o "$folder/bare.o" "$folder"/bare/*.o
asked=$(nm -u "$folder/bare.o" | awk '{print $2}' | grep -vxE 'mem(cpy|move|set|cmp)|__popcountdi2' || true)
if [ -n "$asked" ]; then
    echo "debug_bare: without a C library these are asked for: $asked" >&2
    exit 1
fi
build bare32 -m32 -Wno-atomic-alignment # counters are of 64 bits: there clang takes them from its libatomic

case $(uname -sm) in "Linux x86_64") ;; *)
    echo "debug_bare: built; the program is one for x86-64 Linux" >&2
    exit 77
    ;;
esac
program=alloc/tests/bare/misuse.c
# shellcheck disable=SC2086
"$cc" $flags -fno-pie -static -nostdlib "$program" "$folder/bare.o" -lgcc -o "$folder/misuse"
status=0
"$folder/misuse" >"$folder/said" || status=$?
[ "$status" != 77 ] || exit 77 # no system that lets a program give up its system calls
sed -n 's/^ \* expect: //p' "$program" | sed 's| \*/$||' >"$folder/expected"
# Each expected line in its turn.
missing=$(awk 'NR == FNR { expected[++count] = $0; next }
    at < count && index($0, expected[at + 1]) == 1 { at++ }
    END { if (at < count) print expected[at + 1] }' "$folder/expected" "$folder/said")
if [ "$status" != 0 ] || [ -n "$missing" ]; then
    echo "debug_bare: misuse ended with $status, without '$missing':" >&2
    cat "$folder/said" >&2
    exit 1
fi
