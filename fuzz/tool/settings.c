/* See settings.h. */
#include "fuzz/tool/settings.h"

#include <stdio.h>
#include <stdlib.h>

static void join(char *text, size_t size, const char *name, const char *ours) {
    const char *theirs = getenv(name);
    (void)snprintf(text, size, "%s=%s%s%s", name, ours, theirs == NULL ? "" : ":", theirs == NULL ? "" : theirs);
}

const char *const *settings_sanitizers(void) {
    static char address[1024];
    static char undefined[1024];
    static const char *words[3];
    join(address, sizeof address, "ASAN_OPTIONS", "allocator_may_return_null=1:detect_leaks=1:handle_abort=2");
    join(undefined, sizeof undefined, "UBSAN_OPTIONS", "print_stacktrace=1");
    words[0] = address;
    words[1] = undefined;
    return words;
}

const char *const *settings_afl(void) {
    static const char *const words[] = {"AFL_SKIP_CPUFREQ=1",
                                        "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1",
                                        "AFL_NO_AFFINITY=1",
                                        "AFL_ALLOW_TMP=1",
                                        "AFL_SKIP_CRASHES=1",
                                        "AFL_IGNORE_UNKNOWN_ENVS=1",
                                        "AFL_FAST_CAL=1",
                                        "AFL_FORKSRV_INIT_TMOUT=30000",
                                        "AFL_FORCE_UI=1",
                                        "TERM=dumb",
                                        "ASAN_OPTIONS=abort_on_error=1:symbolize=0:allocator_may_return_null=1",
                                        "UBSAN_OPTIONS=abort_on_error=1:symbolize=0",
                                        NULL};
    return words;
}
