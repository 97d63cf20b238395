/* Suppressions: findings that are known and not to be told, by rules on who stands on their stacks. The rules are in
 * the two forms that users of sanitizers and of valgrind write, mixed as one likes.
 *
 *     # Lines: KIND:PATTERN. KIND is a word of alloc/findings.def, leak (all leaks), or * (all kinds). The pattern is
 *     # looked for in each function's name and each module's path on any stack of the finding; * stands for anything
 *     # and ? for one character; ^ and $ hold it to the beginning and the end. fun:, obj: or src: before it limit it to
 *     # functions, modules or source files.
 *     leak:parse_forever
 *     double-free:libold.so
 *     wild-pointer:src:vendor
 *
 *     {
 *        what valgrind writes with --gen-suppressions: a name, Memcheck:Leak, Memcheck:Free, Memcheck:Addr8 or
 *        cupel:KIND, then fun:, obj:, src: or ... for each frame of the stack of the mistake, innermost first
 *     }
 *
 * In a block patterns are of the whole name, frames behind the last one may be any, and names of allocation functions
 * in front, which stand on no stack here, are passed over. Blocks of other tools of valgrind's, and of errors that are
 * none here, are read and have no effect. Only what loaded modules' symbol tables say is known of functions: names of
 * C++ are as they are in there; src: costs the start of a process for each finding that no other rule meets. */
#ifndef ALLOC_SUPPRESSIONS_H
#define ALLOC_SUPPRESSIONS_H

#include "alloc/base/message.h"
#include "alloc/report.h"

#ifdef __cplusplus
extern "C" {
#endif

/* False, with line and column of what is wrong, where the text holds what is no rule. */
bool cupel_suppressions_check(const char *text, struct cupel_error *error);
/* True where a rule of the text, which was checked, is of the finding's kind and met on its stacks. Takes memory from
 * nobody and no lock; some 10 us a frame. Safe in signal handlers. */
bool cupel_suppressions_match(const char *text, const struct cupel_finding *finding);
/* The checked text of a file; it lives as long as the process. NULL where the file cannot be read or is malformed. */
const char *cupel_suppressions_load(const char *path, struct cupel_error *error);

#ifdef __cplusplus
}
#endif

#endif
