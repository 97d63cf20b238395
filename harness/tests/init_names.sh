#!/bin/sh
# Goal: whatever its directory is called, a new project of `cupel init` can be configured and built.
# Method: projects in directories whose names CMake, the linker or the compiler has for itself, or that are no names of
# targets at all, as parts of one tree in which testing and packaging are on, so that CMake forbids all that it ever does.
# Their tests are left out: they are the same in each, and ci/tests/install.sh builds them.
set -eu
tree=${CUPEL_BINARY_DIR:?where the build tree is}
place=$(mktemp -d "${TMPDIR:-/tmp}/cupel-init-names.XXXXXX")
trap 'rm -rf "$place"' EXIT
cd "$place"

fail() {
    printf 'init_names: %s\n' "$1"
    tail -n 40 log
    exit 1
}

cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(zoo LANGUAGES C)
set(BUILD_TESTING OFF)
enable_testing()
include(CPack)
install(FILES CMakeLists.txt DESTINATION share)
END
count=0
for name in all clean codegen depend edit_cache help install none package package_source preinstall rebuild_cache \
    test RUN_TESTS ZERO_CHECK list_install_components cupel cupel_harness test_first m c stdlib string stdarg \
    tests src fuzz lib bin build CMakeFiles 'our  zoo (1)' 1st 2026 äpfel 'bäume' -n.so 'a;b' "it's" 'x#y' 'y$' \
    a_very_long_name_that_has_no_end_so_that_it_must_be_cut_somewhere_before_it_ends; do
    "$tree/bin/cupel-init" "./$name" >log 2>&1 || fail "no project in a directory called $name"
    count=$((count + 1))
    ln -s "./$name" "part_$count" # how a tree writes such names of directories is not the question here
    echo "add_subdirectory(part_$count)" >>CMakeLists.txt
done
cmake -G Ninja -B tree >log 2>&1 || fail 'a project cannot be configured'
! grep -q 'CMake.*Warning' log || fail 'a project is configured with warnings'
cmake --build tree >log 2>&1 || fail 'a project cannot be built'
built=$(find tree -name 'lib*.a' | wc -l)
[ "$built" -eq "$count" ] || fail "$built libraries of $count projects"
