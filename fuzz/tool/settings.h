/* The environments in which engines and replays run. */
#ifndef FUZZ_TOOL_SETTINGS_H
#define FUZZ_TOOL_SETTINGS_H

/* For the sanitizers: an impossible request gives NULL instead of an end, stacks are printed. What the user set in
 * ASAN_OPTIONS and UBSAN_OPTIONS comes after, and wins. NULL-terminated. */
const char *const *settings_sanitizers(void);
/* For AFL++: no questions about the machine, no own screen. NULL-terminated. */
const char *const *settings_afl(void);

#endif
