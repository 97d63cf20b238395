/* Which requests of the program fail: counts them over all its processes, asks the plan, notes where the first refused
 * one was. See library.h. */
#include "harness/exec/library.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct cupel__exec_note *cupel__exec_note;
int cupel__exec_is_on;

/* Of this thread: no lookup of its address may allocate, hence the model. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    bool is_inside;
    uint32_t index; /* 1 for the first */
} thread;

static uint32_t thread_count;
static int64_t live_bytes;
static bool wants_frames;

/* Held for some tens of instructions, by no one who can die meanwhile but from outside. */
static void lock(struct cupel__exec_note *note) {
    while (__atomic_exchange_n(&note->lock, 1, __ATOMIC_ACQUIRE) != 0) {
        (void)sched_yield();
    }
}

static void unlock(struct cupel__exec_note *note) {
    __atomic_store_n(&note->lock, 0, __ATOMIC_RELEASE);
}

void cupel__exec_live(int64_t bytes) {
    (void)__atomic_add_fetch(&live_bytes, bytes, __ATOMIC_RELAXED);
}

/* Counts the request; the rule that hits it. */
static const struct cupel_fault_rule *count(struct cupel__exec_note *note, const struct cupel_fault_request *request,
                                            const struct cupel__exec_stack *stack, bool *is_first) {
    uint32_t slot = thread.index < CUPEL__EXEC_THREADS_MAX ? thread.index : 0;
    lock(note);
    uint64_t index = note->requests++;
    uint32_t number = ++note->thread_requests[slot];
    if (note->records_points && index < CUPEL__EXEC_POINTS_MAX) {
        note->points[index] = (struct cupel__exec_point){.key = stack->key, .thread = thread.index, .number = number};
    }
    if (thread_count > note->threads) {
        note->threads = thread_count;
    }
    const struct cupel_fault_rule *rule = cupel_fault_plan_next(&note->plan, request);
    *is_first = rule != NULL && note->injected++ == 0;
    unlock(note);
    return rule;
}

static const struct cupel_fault_rule *decide(unsigned calls, size_t size, const void *site) {
    struct cupel__exec_note *note = cupel__exec_note;
    struct cupel__exec_stack stack = {.count = 0};
    const void *frames[CUPEL_FAULT_FRAMES_MAX] = {site};
    bool is_first;
    if (!note->counts_all && cupel__exec_is_foreign(site)) {
        (void)__atomic_add_fetch(&note->left_alone, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    if (thread.index == 0) {
        thread.index = __atomic_add_fetch(&thread_count, 1, __ATOMIC_RELAXED);
    }
    if (note->records_points) {
        cupel__exec_stack_take(site, &stack);
    }
    struct cupel_fault_request request = {
        .calls = calls,
        .size = size,
        .live_bytes = (uint64_t)__atomic_load_n(&live_bytes, __ATOMIC_RELAXED) + size,
        .thread = thread.index,
        .frames = frames,
        .frame_count = wants_frames ? cupel__exec_frames(site, frames, CUPEL_FAULT_FRAMES_MAX) : 0,
    };
    const struct cupel_fault_rule *rule = count(note, &request, &stack, &is_first);
    if (is_first) {
        cupel__exec_stack_take(site, &note->refused);
        cupel__exec_crash_watch();
    }
    return rule;
}

const struct cupel_fault_rule *cupel__exec_decide(unsigned calls, size_t size, const void *site) {
    if (!__atomic_load_n(&cupel__exec_is_on, __ATOMIC_RELAXED) || thread.is_inside) {
        return NULL;
    }
    thread.is_inside = true;
    const struct cupel_fault_rule *rule = decide(calls, size, site);
    thread.is_inside = false;
    return rule;
}

/* The note that the tool made; without one, a note of this process's own. */
static struct cupel__exec_note *map_note(void) {
    const char *path = getenv(CUPEL__EXEC_NOTE_VARIABLE);
    size_t size_bytes = sizeof(struct cupel__exec_note);
    struct stat status;
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (file >= 0 && fstat(file, &status) == 0 && (size_t)status.st_size >= size_bytes) {
        size_bytes = (size_t)status.st_size;
    }
    void *memory = file >= 0 ? mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                             : mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (file >= 0) {
        (void)close(file);
    }
    struct cupel__exec_note *note = memory == MAP_FAILED ? NULL : memory;
    return note == NULL || (path != NULL && note->magic != CUPEL__EXEC_MAGIC) ? NULL : note;
}

/* Helpers that the program starts are none of its own: a shell, a compiler, what the system brought. */
static bool is_program(const struct cupel__exec_note *note) {
    static const char *const system_places[] = {"/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/", "/usr/libexec/"};
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    if (note->program[0] != '\0') {
        return strcmp(self, note->program) == 0;
    }
    for (size_t i = 0; i < sizeof system_places / sizeof system_places[0]; i++) {
        if (strncmp(self, system_places[i], strlen(system_places[i])) == 0) {
            return false;
        }
    }
    return true;
}

/* Once for all processes; the functions of a plan are where this process has them. */
static void read_plan(struct cupel__exec_note *note) {
    struct cupel_error error = {.text = ""};
    if (__atomic_exchange_n(&note->has_plan, 1, __ATOMIC_ACQ_REL) == 0 &&
        !cupel_fault_plan_from_environment(&note->plan, &error)) {
        memcpy(note->error, error.text, sizeof note->error);
    }
    wants_frames = cupel_fault_plan_wants_frames(&note->plan);
    if (wants_frames && !cupel_fault_plan_resolve(&note->plan, &error)) {
        memcpy(note->error, error.text, sizeof note->error);
    }
}

void cupel__exec_begin(bool is_hidden) {
    struct cupel__exec_note *note = map_note();
    if (note == NULL || !is_program(note)) {
        return;
    }
    cupel__exec_note = note;
    if (is_hidden) {
        __atomic_store_n(&note->is_hidden, 1, __ATOMIC_RELAXED);
        return;
    }
    __atomic_store_n(&note->is_loaded, 1, __ATOMIC_RELAXED);
    thread.is_inside = true;
    cupel__exec_modules_read();
    read_plan(note);
    if (note->records_points || note->injected != 0) {
        cupel__exec_crash_watch();
    }
    thread.is_inside = false;
    __atomic_store_n(&cupel__exec_is_on, 1, __ATOMIC_RELEASE);
}
