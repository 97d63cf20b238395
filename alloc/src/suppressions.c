/* Which findings the rules meet: see suppressions.h. Who stands on a stack is read from what cupel_trace_print says of
 * it, a line a frame: "    #0 function+0x12 (module+0x3456) at file:line". */
#include "alloc/suppressions.h"

#include "alloc/src/glob.h"
#include "alloc/src/suppressions_read.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STACK_BYTES = 16 << 10, FRAMES = 2 * CUPEL_TRACE_FRAMES_MAX /* inlined calls are frames too */ };

struct name {
    const char *text; /* NULL: not known */
    size_t length;
};

struct frame {
    struct name function, module, source;
};

/* One stack as it was printed. */
struct stack {
    size_t used;
    unsigned count;
    struct frame frames[FRAMES];
    char text[STACK_BYTES];
};

static void put_stack(void *user, const char *text, size_t length) {
    struct stack *stack = user;
    size_t room = sizeof stack->text - stack->used;
    length = length < room ? length : room;
    memcpy(stack->text + stack->used, text, length);
    stack->used += length;
}

static const char *find(const char *from, const char *end, const char *word) {
    return memmem(from, (size_t)(end - from), word, strlen(word));
}

static struct name name_between(const char *from, const char *end) {
    return (struct name){from, end > from ? (size_t)(end - from) : 0};
}

/* The last "+0x" before `end`, which ends a name; or `end`. */
static const char *offset_before(const char *from, const char *end) {
    const char *last = end;
    for (const char *at = from; (at = find(at, end, "+0x")) != NULL; at++) {
        last = at;
    }
    return last;
}

static void read_frame(const char *line, const char *end, struct frame *frame) {
    const char *start = find(line, end, "#");
    start = start == NULL ? NULL : memchr(start, ' ', (size_t)(end - start));
    *frame = (struct frame){{NULL, 0}, {NULL, 0}, {NULL, 0}};
    if (start == NULL) {
        return;
    }
    start++;
    const char *at = find(start, end, " at ");
    const char *module = find(start, end, "(");
    const char *head = module != NULL && (at == NULL || module < at) ? module : at;
    if (module != NULL && head == module) {
        const char *close = memchr(module, ')', (size_t)(end - module));
        close = close == NULL ? end : close;
        frame->module = name_between(module + 1, offset_before(module, close));
        at = find(close, end, " at ");
    }
    if (head != NULL && head > start) {
        frame->function = name_between(start, offset_before(start, head[-1] == ' ' ? head - 1 : head));
    }
    if (at != NULL) {
        const char *file = at + strlen(" at ");
        const char *colon = memchr(file, ':', (size_t)(end - file));
        frame->source = name_between(file, colon == NULL ? end : colon);
    }
}

static void read_stack(struct stack *stack, cupel_trace_id trace, bool is_quick) {
    stack->used = 0;
    stack->count = 0;
    cupel_trace_print(trace, is_quick, put_stack, stack);
    const char *end = stack->text + stack->used;
    for (const char *line = stack->text; line < end && stack->count < FRAMES;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        line_end = line_end == NULL ? end : line_end;
        read_frame(line, line_end, &stack->frames[stack->count++]);
        line = line_end + 1;
    }
}

static bool is_name(const struct cupel__pattern *pattern, const struct name *name, bool is_whole) {
    if (name->text == NULL) {
        return false;
    }
    if (is_whole) {
        return cupel__glob(pattern->text, pattern->length, name->text, name->length, false);
    }
    bool is_first = pattern->text[0] == '^';
    bool is_last = pattern->length > is_first && pattern->text[pattern->length - 1] == '$';
    const char *text = pattern->text + is_first;
    size_t length = pattern->length - is_first - is_last;
    for (size_t from = 0; from <= (is_first ? 0 : name->length); from++) {
        if (cupel__glob(text, length, name->text + from, name->length - from, !is_last)) {
            return true;
        }
    }
    return false;
}

static bool is_frame(const struct cupel__pattern *pattern, const struct frame *frame, bool is_whole) {
    bool is_any = pattern->of == CUPEL__OF_ANY;
    return ((is_any || pattern->of == CUPEL__OF_FUNCTION) && is_name(pattern, &frame->function, is_whole)) ||
           ((is_any || pattern->of == CUPEL__OF_MODULE) && is_name(pattern, &frame->module, is_whole)) ||
           (pattern->of == CUPEL__OF_SOURCE && is_name(pattern, &frame->source, is_whole));
}

/* The frames from here on are those of the patterns from there on. As a glob, of frames. */
static bool are_frames(const struct cupel__suppression *rule, unsigned pattern, const struct stack *stack,
                       unsigned frame) {
    unsigned star = UINT32_MAX;
    unsigned taken = 0;
    while (pattern < rule->count) {
        if (rule->patterns[pattern].of == CUPEL__OF_FRAMES) {
            star = ++pattern;
            taken = frame;
        } else if (frame < stack->count && is_frame(&rule->patterns[pattern], &stack->frames[frame], true)) {
            pattern++;
            frame++;
        } else if (star != UINT32_MAX && taken < stack->count) {
            pattern = star;
            frame = ++taken;
        } else {
            return false;
        }
    }
    return true;
}

/* A frame of what allocates: stacks here begin at its caller. */
static bool is_allocation(const struct cupel__pattern *pattern) {
    static const char *const names[] = {"malloc", "calloc",   "realloc", "reallocarray",  "free",          "cfree",
                                        "valloc", "memalign", "pvalloc", "aligned_alloc", "posix_memalign"};
    bool is_one = pattern->length > 2 && (memcmp(pattern->text, "_Zn", 3) == 0 || memcmp(pattern->text, "_Zd", 3) == 0);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        is_one = is_one || cupel__glob(pattern->text, pattern->length, names[i], strlen(names[i]), false);
    }
    return pattern->of == CUPEL__OF_FUNCTION && is_one;
}

static bool is_met(const struct cupel__suppression *rule, const struct stack *stack) {
    if (rule->is_block) {
        return are_frames(rule, 0, stack, 0) || (is_allocation(&rule->patterns[0]) && are_frames(rule, 1, stack, 0));
    }
    for (unsigned i = 0; i < stack->count; i++) {
        if (is_frame(&rule->patterns[0], &stack->frames[i], false)) {
            return true;
        }
    }
    return false;
}

/* The stack of the mistake itself: of a leak, who allocated; otherwise the first. */
static unsigned stack_of_mistake(const struct cupel_finding *finding) {
    bool is_leak = cupel_finding_row(finding->kind)->severity == CUPEL_SEVERITY_LEAK;
    return is_leak && finding->trace_count > 0 ? finding->trace_count - 1 : 0;
}

/* A rule meets one of the stacks; `wants_lines` becomes whether one would want to know of lines. */
static bool match(const char *text, const struct cupel_finding *finding, struct stack *stack, bool is_quick,
                  bool *wants_lines) {
    for (unsigned i = 0; i < finding->trace_count; i++) {
        struct cupel__suppression_text rules = {text, 1};
        struct cupel__suppression rule;
        read_stack(stack, finding->traces[i].trace, is_quick);
        while (cupel__suppressions_next(&rules, &rule, NULL) == CUPEL__SUPPRESSION) {
            if ((rule.kinds >> finding->kind & 1) == 0 || (rule.is_block && i != stack_of_mistake(finding))) {
                continue;
            }
            for (unsigned j = 0; j < rule.count; j++) {
                *wants_lines = *wants_lines || rule.patterns[j].of == CUPEL__OF_SOURCE;
            }
            if (is_met(&rule, stack)) {
                return true;
            }
        }
    }
    return false;
}

bool cupel_suppressions_match(const char *text, const struct cupel_finding *finding) {
    bool wants_lines = false;
    /* Not on this stack, which may be a small one. */
    struct stack *stack = mmap(NULL, sizeof *stack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)stack == MAP_FAILED) {
        return false;
    }
    bool is_met = match(text, finding, stack, true, &wants_lines) ||
                  (wants_lines && match(text, finding, stack, false, &wants_lines));
    (void)munmap(stack, sizeof *stack);
    return is_met;
}

bool cupel_suppressions_check(const char *text, struct cupel_error *error) {
    struct cupel__suppression_text rules = {text, 1};
    struct cupel__suppression rule;
    enum cupel__suppressions_end end;
    do {
        end = cupel__suppressions_next(&rules, &rule, error);
    } while (end == CUPEL__SUPPRESSION);
    return end == CUPEL__SUPPRESSIONS_DONE;
}

/* All of the file, ended as a string, on pages of its own; NULL where it cannot be read. */
static char *read_file(const char *path) {
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return NULL;
    }
    char *text = NULL;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
        size_t size = (size_t)status.st_size;
        void *memory = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        size_t done = 0;
        ssize_t part = 1;
        while (memory != MAP_FAILED && done < size && part > 0) {
            part = read(file, (char *)memory + done, size - done);
            done += part > 0 ? (size_t)part : 0;
        }
        text = memory == MAP_FAILED ? NULL : memory;
    }
    (void)close(file);
    return text;
}

const char *cupel_suppressions_load(const char *path, struct cupel_error *error) {
    char *text = read_file(path);
    if (text == NULL) {
        (void)cupel_error_set(error, 0, 0, "suppressions: %s cannot be read", path);
        return NULL;
    }
    struct cupel_error own;
    if (!cupel_suppressions_check(text, &own)) {
        (void)cupel_error_set(error, own.line, own.column, "suppressions: %s:%u:%u: %s", path, own.line, own.column,
                              own.text);
        return NULL;
    }
    return text;
}
