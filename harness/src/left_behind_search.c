/* Which of some quick tests left something behind: see left_behind.h. Each runs again in a child of its own, whose
 * record lies in shared memory. */
#include "harness/src/left_behind.h"

#include "harness/src/case.h"
#include "harness/src/child.h"
#include "harness/src/execute.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TIMEOUT_MS = 20000 };

/* In a child, which looks at all after its first test. */
_Noreturn static void run_alone(const struct cupel__plan_item *item, struct cupel_result *record) {
    cupel__child_silence();
    cupel__left_behind_forget();
    cupel__execute(item, record);
    (void)fflush(NULL);
    _exit(0);
}

bool cupel__left_behind_search(const struct cupel__plan_item *items, unsigned count) {
    struct cupel_result *record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool is_found = false;
    if (record == MAP_FAILED) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) { /* several may have left something, each of its own */
        cupel_result_clear(record);
        (void)fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            run_alone(&items[i], record);
        }
        struct cupel__death death = {.status = -1};
        if (child > 0) {
            death = cupel__child_wait(child, NULL, TIMEOUT_MS);
        }
        if (death.status == 0 && record->verdict == CUPEL_VERDICT_LEAK) {
            is_found = true;
            cupel__emit(record);
        }
    }
    (void)munmap(record, sizeof *record);
    return is_found;
}

void cupel__left_behind_blame(const struct cupel__plan_item *item, const struct cupel_text *text) {
    static struct cupel_result record;
    cupel__execute_name(item, &record);
    record.verdict = CUPEL_VERDICT_LEAK;
    record.failures = 1;
    cupel_text_add_n(&record.messages, text->data, text->length);
    cupel_text_add(&record.messages, "by this test or one of those before it in the same process\n");
    cupel__emit(&record);
}
