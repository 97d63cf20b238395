/* The evaluator's state: registers, frames, loaded code, globals.
 *
 *     stack    | function | register 0 ... | function | register 0 ... |                 | soft end     | end
 *                         ^ base of a frame           ^ base of the next: its arguments are where its caller put them
 *
 * A function's window begins behind the slot that holds the function itself, and that slot takes the result. Neither
 * stack nor frames ever move. Invariant: every slot below the soft end is a good value, so that nothing need be cleared
 * when a function is entered; the collector clears what lies above the top. */
#ifndef VM_SRC_EVAL_H
#define VM_SRC_EVAL_H

#include "alloc/arena.h"
#include "vm/run.h"
#include "vm/src/heap.h"
#include "vm/src/opcodes.h"
#include "vm/src/program.h"

enum { VM__ATTENTION_INTERRUPT = 2 };

/* A global: never moves, so that code refers to it. */
struct vm__global {
    tagged_value_t value; /* VM_UNDEFINED: not there */
    struct vm__global *next;
    uint32_t length;
    char name[];
};

/* A function ready to run. A closure's first slot is its address, whose low bits make it look like an integer. */
struct vm__routine {
    const uint32_t *words;
    const tagged_value_t *constants; /* of the module */
    struct vm__global *const *globals;
    const struct vm__routine *routines; /* of the module */
    uint32_t exact_count;               /* arguments that need nothing done; UINT32_MAX: none */
    uint32_t registers;
    uint32_t word_count;
    uint32_t handler_count, line_count, capture_count;
    const struct vm__handler *handlers;
    const struct vm__line *lines;
    const struct vm__capture *captures;
    const tagged_value_t *name, *file; /* strings, or nil */
    uint8_t arity, optional;
    bool has_rest;
};

/* The routine of frames that stand for a call from C: its one word ends the run. */
extern const struct vm__routine vm__halt;

struct vm__module {
    struct vm__module *next;
    struct cupel_arena arena; /* all of it, itself excepted */
    tagged_value_t *values;   /* constants, then names */
    uint32_t value_count;
    struct vm__routine *routines;
};

struct vm__frame {
    const uint32_t *pc; /* the next word, while another frame runs */
    tagged_value_t *base;
    const struct vm__routine *routine; /* vm__halt: a call from C, below its first function */
};

struct vm__evaluator {
    vm_t *vm;
    tagged_value_t *stack, *soft_end, *end;
    tagged_value_t *top; /* behind the last live slot, while C runs */
    struct vm__frame *frames, *frame, *frames_end;
    uint64_t fuel;         /* UINT64_MAX: no limit */
    int64_t slice, budget; /* points in this slice, and those that are left of it */
    struct vm_limits limits;
    struct vm__module *modules;
    struct vm__global *globals;
    struct vm__global **buckets;
    uint32_t bucket_count, global_count;
    tagged_value_t raised;        /* what is on its way; VM_UNDEFINED: nothing */
    tagged_value_t backtrace;     /* of it: an array of name, file, line, or nil */
    const tagged_value_t *native; /* where the native that runs stands; NULL: none does */
    unsigned nesting;
    bool is_stopping;  /* an interrupt is on its way: no handler sees it */
    bool is_suspended; /* the outermost call was interrupted and can be resumed */
    struct vm__scanner scanner;
};

static inline struct vm__evaluator *vm__evaluator(const vm_t *vm) {
    return vm->evaluator;
}

static inline const struct vm__routine *vm__routine(const struct vm__object *closure) {
    return (const struct vm__routine *)(uintptr_t)vm__raw(closure, VM__CLOSURE_PROTO);
}

/* The evaluator of a VM, made where there is none; NULL when out of memory. */
struct vm__evaluator *vm__evaluator_make(vm_t *vm);

/* A program becomes a module. NULL when out of memory. */
struct vm__module *vm__module_make(struct vm__evaluator *evaluator, const struct vm__program *program);
void vm__module_free(struct vm__evaluator *evaluator, struct vm__module *module);
/* The global of that name, made undefined where there is none, or NULL when out of memory; the other never makes one.
 */
struct vm__global *vm__global_find(const struct vm__evaluator *evaluator, const char *name, size_t length);
struct vm__global *vm__global(struct vm__evaluator *evaluator, const char *name, size_t length);

/* Room for slots up to before `end`; false: a trap was raised. */
bool vm__make_room(struct vm__evaluator *evaluator, const tagged_value_t *end);
/* Sets the fuel and begins a new slice of it. */
void vm__refuel(struct vm__evaluator *evaluator, uint64_t fuel);

/* How a run ended. */
enum vm__outcome { VM__RETURNED, VM__RAISED, VM__STOPPED };
/* Runs from the current frame on until the call from C that is below it has its result. Three evaluators, which do the
 * same: with computed goto, with a switch, and the slow one. */
enum vm__outcome vm__run_goto(struct vm__evaluator *evaluator);
enum vm__outcome vm__run_switch(struct vm__evaluator *evaluator);
enum vm__outcome vm__run_reference(struct vm__evaluator *evaluator);

/* One instruction that neither jumps nor calls. False: something was raised. The frame's pc is behind its word. */
typedef bool vm__operation(struct vm__evaluator *evaluator, tagged_value_t *base, uint32_t word);
extern vm__operation *const vm__operations[VM__OP_COUNT];
/* A condition's truth: 0 or 1; -1: something was raised. */
int vm__condition(struct vm__evaluator *evaluator, const tagged_value_t *base, uint32_t word);

/* What a call comes to. */
enum vm__entry {
    VM__ENTERED_FRAME, /* the evaluator's frame is that of a closure: go on at its pc, which is the first word */
    VM__ENTERED_VALUE, /* a native has returned, and its result is where the function was */
    VM__ENTERED_RAISED,
};
/* Calls callee[0] with the `count` arguments behind it; the current frame is the caller's, its pc behind the call. */
enum vm__entry vm__enter(struct vm__evaluator *evaluator, tagged_value_t *callee, uint32_t count);
/* Whether that can be called with so many arguments; false: a trap was raised. */
bool vm__check_call(struct vm__evaluator *evaluator, tagged_value_t function, size_t count);
/* Lays the elements of an array behind callee[0]; false: something was raised. */
bool vm__spread(struct vm__evaluator *evaluator, tagged_value_t *callee, tagged_value_t array, uint32_t *count);
/* Looks for who catches what is raised: true where the current frame goes on at its pc; false where it reached the call
 * from C, whose frame is the current one then. */
bool vm__unwind(struct vm__evaluator *evaluator);
/* A point where the budget is used up or somebody wants attention: interrupts, fuel, the collector. VM__RETURNED: go
 * on. The current frame's pc is where it goes on. */
enum vm__outcome vm__point(struct vm__evaluator *evaluator);
/* FORPREP and FORLOOP: 1 where the body comes next, 0 where the loop has ended; -1: something was raised. */
int vm__for_begin(struct vm__evaluator *evaluator, const tagged_value_t *base, uint32_t word);
int vm__for_next(struct vm__evaluator *evaluator, tagged_value_t *base, uint32_t word);

/* Raises an error of a kind that vm/opcodes.def tells by its letter. Always false. */
bool vm__trap(struct vm__evaluator *evaluator, char kind, const char *format, ...) CUPEL_PRINTF(3, 4);
/* The trap for a status of the heap that is not VM_OK. Always false. */
bool vm__trap_status(struct vm__evaluator *evaluator, vm_status status, const char *what);
/* What kind of thing a value is, for messages. */
const char *vm__kind_word(tagged_value_t value);
bool vm__is_kind(tagged_value_t value, enum vm__kind kind);

static inline bool vm__is_true(tagged_value_t value) {
    return !vm_is_same(value, VM_NIL) && !vm_is_same(value, VM_FALSE);
}

/* A primitive by its number: their tags count up from nil. */
static inline tagged_value_t vm__primitive(uint32_t number) {
    return VM__IMMEDIATE(number);
}

#endif
