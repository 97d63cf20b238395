/* What becomes of calls that are no requests for memory: see io.h. */
#include "harness/src/io.h"

#include "harness/src/run.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#if defined(__clang__)
#define ENTRY __attribute__((no_sanitize("memory"))) /* called by what is not instrumented */
#else
#define ENTRY
#endif

enum { STEP_S = 3600 };

struct cupel__io cupel__io;
_Thread_local unsigned cupel__io_aside;

static const struct {
    const char *name;
    enum cupel_fault_call call;
} words[] = {{"vm", CUPEL_FAULT_VM},
             {"read", CUPEL_FAULT_READ},
             {"write", CUPEL_FAULT_WRITE},
             {"open", CUPEL_FAULT_OPEN},
             {"clock", CUPEL_FAULT_CLOCK}};

bool cupel__io_declared(const struct cupel_test *test, unsigned *calls, struct cupel_error *error) {
    const char *at = test->options.faults != NULL ? test->options.faults : "";
    *calls = 0;
    for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        unsigned call = 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (strlen(words[i].name) == length && strncmp(at, words[i].name, length) == 0) {
                call = 1u << words[i].call;
            }
        }
        if (call == 0) {
            return cupel_error_set(error, 0, 0, "%s.%s: .faults: '%.*s' is none of vm, read, write, open and clock",
                                   test->suite, test->name, (int)length, at);
        }
        *calls |= call;
        at += length;
    }
    return true;
}

void cupel__io_begin(const struct cupel_test *test, const struct cupel_fault_plan *faults) {
    const char *declared = test != NULL && test->options.faults != NULL ? test->options.faults : "vm";
    bool is_active = faults != NULL && strcmp(declared, "vm") != 0; /* which no call of the system is */
    for (unsigned i = 0; faults != NULL && i < faults->count; i++) {
        enum cupel_fault_call call = faults->rules[i].call;
        is_active = is_active || (call >= CUPEL_FAULT_READ && call <= CUPEL_FAULT_CLOCK);
    }
    cupel__io.is_active = is_active;
    cupel__io_aside = 0; /* the last body may have left from within */
    __atomic_store_n(&cupel__io.step_s, 0, __ATOMIC_RELAXED);
}

bool cupel_vm_is_granted(void *context, size_t size_bytes) {
    (void)context;
    cupel__route_enter();
    const struct cupel_fault_rule *rule =
        cupel_failing_ask(&cupel__run.failing, CUPEL_FAULT_VM, size_bytes, false, __builtin_return_address(0));
    cupel__route_leave();
    return rule == NULL;
}

void cupel_aside_begin(void) {
    cupel__io_aside++;
}

void cupel_aside_end(void) {
    assert(cupel__io_aside > 0);
    cupel__io_aside--;
}

/* Where the plan names none. */
static int usual_error(enum cupel_fault_call call) {
    return call == CUPEL_FAULT_READ ? EIO : call == CUPEL_FAULT_WRITE ? ENOSPC : EACCES;
}

static int fate_of(const struct cupel_fault_rule *rule) {
    int error = cupel_fault_errno(rule);
    if (error != 0) {
        return error;
    }
    if (rule->call == CUPEL_FAULT_CLOCK) {
        int64_t step_s = strcmp(rule->how, "forward") == 0 ? STEP_S : -STEP_S;
        (void)__atomic_add_fetch(&cupel__io.step_s, step_s, __ATOMIC_RELAXED);
        return CUPEL__IO_GO_ON;
    }
    bool is_short = rule->how[0] == 's' && (rule->call == CUPEL_FAULT_READ || rule->call == CUPEL_FAULT_WRITE);
    return is_short ? CUPEL__IO_SHORT : usual_error(rule->call);
}

ENTRY int cupel__io_ask(enum cupel_fault_call call, size_t size, bool can_be_short, const void *site) {
    int errno_before = errno;
    cupel__route_enter();
    const struct cupel_fault_rule *rule = cupel_failing_ask(&cupel__run.failing, call, size, can_be_short, site);
    int fate = rule == NULL ? CUPEL__IO_GO_ON : fate_of(rule);
    cupel__route_leave();
    errno = errno_before;
    return fate;
}
