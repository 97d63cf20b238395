#!/bin/sh
# Goal: CMake's gtest_discover_tests finds the tests of our programs one by one, and ctest runs them.
# Method: a small project of a stranger, against what the build tree installs: the list that ctest has, and what each of its
# tests comes to: passed, failed, skipped, disabled, and one with a parameter.
set -eu
tree=${CUPEL_BINARY_DIR:?where the build tree is}
place=$(mktemp -d "${TMPDIR:-/tmp}/cupel-discover.XXXXXX")
trap 'rm -rf "$place"' EXIT
mkdir "$place/project"

cat >"$place/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.23)
project(stranger LANGUAGES C)
enable_testing()
include(GoogleTest)
find_package(cupel REQUIRED COMPONENTS harness)
add_executable(words words.c)
target_link_libraries(words PRIVATE cupel::harness cupel::harness_main)
gtest_discover_tests(words TEST_PREFIX found. XML_OUTPUT_DIR ${CMAKE_BINARY_DIR}/xml PROPERTIES TIMEOUT 30 LABELS quick)
cupel_add_tests(whole SOURCES words.c LABELS nightly slow TIMEOUT 33)
cupel_add_tests(each SOURCES words.c LABELS nightly TIMEOUT 44 DISCOVER)
END
cat >"$place/project/words.c" <<'END'
#include <cupel/harness/harness.h>
TEST(word, is_short) { CHECK_STR_EQ("a", "a"); }
TEST(word, is_wrong) { CHECK_STR_EQ("a", "b"); }
TEST(word, is_left_out) { cupel_test_skip("not here"); }
TEST(word, DISABLED_is_old) { CHECK(false); }
static const int lengths[] = {3, 4};
TEST(length, is_positive, TABLE(lengths)) { CHECK(*(const int *)test_row() > 0); }
END

fail() {
    printf 'discover: %s\n' "$1"
    cat "$place/log" 2>/dev/null || true
    exit 1
}

cmake --install "$tree" --prefix "$place/prefix" >"$place/log" 2>&1 || fail 'the installation failed'
cmake -G Ninja -S "$place/project" -B "$place/build" -DCMAKE_PREFIX_PATH="$place/prefix" >"$place/log" 2>&1 ||
    fail 'the project cannot be configured'
cmake --build "$place/build" >"$place/log" 2>&1 || fail 'the project cannot be built, or its tests are not found'
(cd "$place/build" && ctest -L quick >"$place/log" 2>&1) && fail 'a test that is wrong passes'

expect() {
    grep -q "$1 \.* *\**$2" "$place/log" || fail "not there: $1 $2"
}
expect found.word.is_short '  Passed'
expect found.word.is_wrong 'Failed'
expect found.word.is_left_out 'Skipped'
expect found.word.is_old 'Not Run (Disabled)'
expect found.length.is_positive/0 '  Passed'
expect found.length.is_positive/1 '  Passed'
grep -q '1 tests failed out of 5' "$place/log" || fail 'not five tests'
grep -q '<testcase name="is_short".* result="completed"' "$place/build/xml/found.word.is_short.xml" ||
    fail 'no report of a test'
grep -q 'timeout\|TIMEOUT' "$place/build/"*tests.cmake || fail 'a property was lost'
# What cupel_add_tests registers: one entry for the program, or one a test, with labels and time-outs.
entries=$(cd "$place/build" && ctest --show-only=json-v1)
printf '%s' "$entries" | python3 -c '
import json, sys
tests = {test["name"]: {one["name"]: one["value"] for one in test["properties"]} for test in json.load(sys.stdin)["tests"]}
whole, each = tests["whole"], tests["each.word.is_short"]
assert whole["LABELS"] == ["nightly", "program", "slow"] and whole["TIMEOUT"] == 33, whole
assert whole["SKIP_RETURN_CODE"] == 77, whole
assert set(each["LABELS"]) == {"nightly", "program"} and each["TIMEOUT"] == 44, each
assert "each.length.is_positive/1" in tests
' || fail 'the entries of cupel_add_tests are wrong'

echo 'discover: 6 tests found, each as it should be'
