/* The table of checks: what the suite asks of a machine. A row is all that it takes to ask for more. */
#include "harness/tool/doctor.h"

/* Compiles, links and starts a program with everything that a fuzz target needs. */
#define FUZZ_SOURCE                                                                                                    \
    "cd \"$CUPEL_DOCTOR_DIR\" && printf '%s\\n' '#include <stddef.h>' "                                                \
    "'int LLVMFuzzerTestOneInput(const unsigned char *d, size_t n);' "                                                 \
    "'int LLVMFuzzerTestOneInput(const unsigned char *d, size_t n) { return n > 8 && d[0] == 255 ? 0 : 0; }' >t.c && "

const struct doctor_check doctor_checks[] = {
    {"gcc", DOCTOR_FOR_TEST, "nothing is built", "gcc", "gcc -dumpfullversion", 12, 0, doctor_look_version},
    {"libc headers", DOCTOR_FOR_TEST, "nothing is built", "libc6-dev",
     "cd \"$CUPEL_DOCTOR_DIR\" && printf '#include <stdio.h>\\nint main(void) { return puts(\"\") < 0; }\\n' >m.c && "
     "gcc m.c -o m && ./m",
     0, 0, doctor_look_works},
    {"cmake", DOCTOR_FOR_TEST, "nothing is built", "cmake", "cmake --version", 3, 25, doctor_look_version},
    {"ninja", DOCTOR_FOR_TEST, "nothing is built", "ninja-build", "ninja --version", 1, 10, doctor_look_version},
    {"make", DOCTOR_FOR_TEST, "the short commands are missing", "make", "make --version", 4, 0, doctor_look_version},
    {"python3", DOCTOR_FOR_TEST, "results of a run are not summed up", "python3", "python3 --version", 3, 8,
     doctor_look_version},
    {"git", DOCTOR_FOR_TEST, "what changed is not known", "git", "git --version", 2, 0, doctor_look_version},
    {"build directory", DOCTOR_FOR_TEST, "nothing is built", NULL, NULL, 0, 0, doctor_look_writable},
    {"disk space", DOCTOR_FOR_TEST, "builds of several variants end half-way", NULL, NULL, 0, 0, doctor_look_space},
    {"clang", DOCTOR_FOR_FUZZ, "no libFuzzer, no sanitizers", "clang", "clang -dumpversion", 14, 0,
     doctor_look_version},
    {"clang runtime", DOCTOR_FOR_FUZZ, "no libFuzzer, no sanitizers", "libclang-rt-@-dev",
     FUZZ_SOURCE "clang -fsanitize=fuzzer,address,undefined t.c -o t && ./t -runs=1", 0, 0, doctor_look_works},
    {"random bits", DOCTOR_FOR_FUZZ, "programs with sanitizers die at their start now and then", NULL, NULL, 0, 0,
     doctor_look_random_bits},
    {"afl-fuzz", DOCTOR_FOR_FUZZ, "no AFL++ engine", "afl++", "afl-fuzz -h", 4, 0, doctor_look_version},
    {"afl-clang-fast", DOCTOR_FOR_FUZZ, "no AFL++ engine", "afl++-clang",
     FUZZ_SOURCE "AFL_QUIET=1 afl-clang-fast -fsanitize=fuzzer t.c -o t", 0, 0, doctor_look_works},
    {"gcov", DOCTOR_FOR_FUZZ, "no coverage", "gcc", "gcov --version", 0, 0, doctor_look_gcov},
    {"pkg-config", DOCTOR_FOR_FUZZ, "libraries are not found", "pkg-config", "pkg-config --version", 0, 0,
     doctor_look_version},
    {"jansson", DOCTOR_FOR_FUZZ, "no coverage", "libjansson-dev", "pkg-config --modversion jansson", 2, 10,
     doctor_look_version},
    {"lcov", DOCTOR_FOR_FUZZ, "the tracefile is not held against lcov's", "lcov", "lcov --version", 1, 14,
     doctor_look_version},
    {"genhtml", DOCTOR_FOR_FUZZ, "no HTML report", "lcov", "genhtml --version", 1, 14, doctor_look_version},
    {"core pattern", DOCTOR_OPTIONAL, "AFL++ takes a crash for a time-out", NULL, NULL, 0, 0, doctor_look_core_pattern},
    {"ptrace", DOCTOR_OPTIONAL, "no leak search by sanitizers, no debugger on a running process", NULL, NULL, 0, 0,
     doctor_look_ptrace},
    {"mounts", DOCTOR_OPTIONAL, "tests on a full disk are skipped", NULL, NULL, 0, 0, doctor_look_mount},
    {"ccache", DOCTOR_OPTIONAL, "builds take longer", "ccache", "ccache --version", 0, 0, doctor_look_version},
    {"libdw", DOCTOR_OPTIONAL, "the allocator's reports ask addr2line for lines", "libdw-dev",
     "pkg-config --modversion libdw", 0, 0, doctor_look_version},
    {"llvm-symbolizer", DOCTOR_OPTIONAL, "sanitizers' stacks show addresses instead of lines", "llvm",
     "llvm-symbolizer --version", 0, 0, doctor_look_version},
    {"clang for msan", DOCTOR_OPTIONAL, "no msan variant", "clang-19 libclang-rt-19-dev",
     "cd \"$CUPEL_DOCTOR_DIR\" && printf 'int main(void) { return 0; }\\n' >u.c && "
     "for v in 22 21 20 19 18 17 16; do command -v clang-$v >/dev/null || continue; "
     "clang-$v -fsanitize=memory u.c -o u && ./u && clang-$v -dumpversion; exit; done",
     16, 0, doctor_look_version},
    {"valgrind", DOCTOR_OPTIONAL, "no make valgrind", "valgrind", "valgrind --version", 3, 15, doctor_look_version},
    {"gdb", DOCTOR_OPTIONAL, "no debugger", "gdb", "gdb --version", 9, 0, doctor_look_version},
    {"vim", DOCTOR_OPTIONAL, "the Vim plugin is not tested", "vim", "vim --version", 8, 1, doctor_look_version},
    {"nvim", DOCTOR_OPTIONAL, "the Neovim plugin is not tested", "neovim", "nvim --version", 0, 5, doctor_look_version},
    {"man", DOCTOR_OPTIONAL, "manuals are not tested", "man-db", "man --version", 0, 0, doctor_look_version},
    {"clang-format", DOCTOR_OPTIONAL, "make check leaves out the format", "clang-format", "clang-format --version", 14,
     0, doctor_look_version},
    {"clang-tidy", DOCTOR_OPTIONAL, "make check leaves out clang-tidy", "clang-tidy", "clang-tidy --version", 14, 0,
     doctor_look_version},
    {"cppcheck", DOCTOR_OPTIONAL, "make check leaves out cppcheck", "cppcheck", "cppcheck --version", 2, 0,
     doctor_look_version},
    {"shellcheck", DOCTOR_OPTIONAL, "make check leaves out shellcheck", "shellcheck", "shellcheck --version", 0, 8,
     doctor_look_version},
    {NULL, DOCTOR_OPTIONAL, NULL, NULL, NULL, 0, 0, NULL},
};
