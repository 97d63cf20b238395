/* The bench of the fuzz room: builds bin/fixtures/exec_rate in the fuzz variant, whose flags are those that count, and
 * hands on the row that it prints. */
#include "fuzz/src/process.h"

#include <stdio.h>
#include <unistd.h>

static const char root[] = CUPEL_BENCH_ROOT;
static const char program[] = CUPEL_BENCH_ROOT "/build/fuzz/bin/fixtures/exec_rate";

int main(void) {
    const char *configure[] = {"cmake", "--preset", "fuzz", NULL};
    const char *compile[] = {"cmake", "--build", "build/fuzz", "--target", "fuzz_exec_rate", NULL};
    struct cupel_error error;
    if (chdir(root) != 0 || cupel__program_run(configure, NULL, NULL, 600000, &error) != 0 ||
        cupel__program_run(compile, NULL, NULL, 600000, &error) != 0) {
        cupel_message("the fuzz variant does not build");
        return 1;
    }
    (void)execl(program, program, (char *)NULL);
    perror(program);
    return 1;
}
