/* Processes of a foreign program: started with the library preloaded and all that they say in memory files, watched,
 * ended whole. See exec.h. */
#include "harness/src/settings.h"
#include "harness/tool/exec.h"

#include "alloc/base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CUPEL_LIBRARY_DIR
#define CUPEL_LIBRARY_DIR "lib"
#endif

static volatile sig_atomic_t has_interrupt;

static void note_interrupt(int number) {
    (void)number;
    has_interrupt = 1;
}

bool cupel__exec_is_interrupted(void) {
    return has_interrupt != 0;
}

void cupel__exec_catch_interrupts(void) {
    struct sigaction action = {.sa_handler = note_interrupt};
    sigset_t child;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, NULL); /* for sigtimedwait */
    cupel__exec_adopt_orphans();
}

static bool find_program(struct cupel__exec_program *program, struct cupel_error *error) {
    const char *word = program->words[0];
    char path[4096];
    const char *places = strchr(word, '/') != NULL ? "" : getenv("PATH");
    while (places != NULL) {
        size_t length = strcspn(places, ":");
        (void)snprintf(path, sizeof path, "%.*s%s%s", (int)length, places, length != 0 ? "/" : "", word);
        struct stat status;
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0 &&
            realpath(path, program->path) != NULL) {
            return true;
        }
        places = places[length] == ':' ? places + length + 1 : NULL;
    }
    return cupel_error_set(error, 0, 0, "--exec: %.200s: no program is there", word);
}

static bool find_library(struct cupel__exec_program *program, struct cupel_error *error) {
    static const char *const places[] = {"../lib/libcupel-exec.so", "../" CUPEL_LIBRARY_DIR "/cupel/libcupel-exec.so",
                                         "../lib/cupel/libcupel-exec.so"};
    char self[2048];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash != NULL && i < sizeof places / sizeof places[0]; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, places[i]);
        if (realpath(path, program->library) != NULL) {
            return true;
        }
    }
    return cupel_error_set(error, 0, 0, "libcupel-exec.so is not where this program expects it, in ../lib beside it");
}

bool cupel__exec_locate(struct cupel__exec_program *program, char *const *words, struct cupel_error *error) {
    const char *slash = strrchr(words[0], '/');
    program->words = words;
    program->name = slash == NULL ? words[0] : slash + 1;
    if (!find_program(program, error) || !find_library(program, error)) {
        return false;
    }
    char start[2] = "";
    int file = open(program->path, O_RDONLY | O_CLOEXEC);
    program->is_script = file >= 0 && read(file, start, 2) == 2 && start[0] == '#' && start[1] == '!';
    if (file >= 0) {
        (void)close(file);
    }
    return true;
}

/* Puts text before what a variable has, joined. */
static void prepend(const char *name, const char *text, const char *joint) {
    static char value[16384]; /* of the child: nothing else runs in it */
    const char *old = getenv(name);
    bool has_old = old != NULL && old[0] != '\0';
    (void)snprintf(value, sizeof value, "%s%s%s", text, has_old ? joint : "", has_old ? old : "");
    (void)setenv(name, value, 1);
}

static void set_if_free(const char *name, const char *value) {
    (void)setenv(name, value, 0);
}

/* In the child: what frameworks and sanitizers are told. */
static void set_variables(const struct cupel__exec_program *program, const struct cupel__exec_run *run, pid_t tool) {
    char text[256];
    if (run->has_library) {
        prepend("LD_PRELOAD", program->library, ":");
    }
    /* Behind the user's words, for these are needed. */
    const char *options = getenv("ASAN_OPTIONS");
    static char asan[8192];
    (void)snprintf(asan, sizeof asan, "%s%sverify_asan_link_order=0:allocator_may_return_null=1:detect_leaks=0",
                   options == NULL ? "" : options, options == NULL || options[0] == '\0' ? "" : ":");
    (void)setenv("ASAN_OPTIONS", asan, 1);
    (void)snprintf(text, sizeof text, "/proc/%d/fd/%d", (int)tool, run->note_file);
    (void)setenv(CUPEL__EXEC_NOTE_VARIABLE, text, 1);
    if (run->fault[0] != '\0') {
        (void)setenv("CUPEL_FAULT", run->fault, 1);
    } else {
        (void)unsetenv("CUPEL_FAULT");
    }
    (void)unsetenv("OPENSSL_MALLOC_FAILURES");
    (void)unsetenv("MALLOC_NUMBER_TO_FAIL");
    (void)snprintf(text, sizeof text, "%" PRIu64, cupel__settings.seed);
    (void)setenv("CUPEL_SEED", text, 1);
    (void)snprintf(text, sizeof text, "/proc/%d/fd/%d", (int)tool, run->cases_file);
    set_if_free("CK_TAP_LOG_FILE_NAME", text);
    (void)snprintf(text, sizeof text, "tap:/proc/%d/fd/%d", (int)tool, run->cases_file);
    set_if_free("CRITERION_OUTPUTS", text);
    set_if_free("CRITERION_JOBS", "1"); /* its tests in one order, so that requests have one */
    set_if_free("LIBC_FATAL_STDERR_", "1");
}

/* Takes descriptors below the lowest that shall be free; they stay open in the program. */
static void occupy_descriptors(int first) {
    int file = open("/dev/null", O_RDONLY); /* NOLINT(android-cloexec-open): the program shall have it */
    while (file >= 0 && file < first - 1) {
        file = dup(file); /* NOLINT(android-cloexec-dup): and this */
    }
}

/* In the child: what repeats vary. Memory is filled by the library. */
static void perturb(const struct cupel__perturbation *perturbation) {
    static char padding[1 << 18];
    int persona = personality(0xffffffff);
    if (persona != -1 && perturbation->addresses == CUPEL__ADDRESSES_FIXED) {
        (void)personality((unsigned long)persona | ADDR_NO_RANDOMIZE);
    } else if (persona != -1 && perturbation->addresses == CUPEL__ADDRESSES_RANDOM) {
        (void)personality((unsigned long)persona & ~(unsigned long)ADDR_NO_RANDOMIZE);
    }
    size_t bytes = perturbation->environment_bytes;
    if (bytes != 0 && bytes < sizeof padding) {
        memset(padding, 'x', bytes);
        (void)setenv("CUPEL_PADDING", padding, 1);
    }
    if (perturbation->locale != NULL) {
        (void)setenv("LC_ALL", perturbation->locale, 1);
    }
    if (perturbation->time_zone != NULL) {
        (void)setenv("TZ", perturbation->time_zone, 1);
    }
    struct rlimit limit;
    if (perturbation->descriptor_limit != 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = (rlim_t)perturbation->descriptor_limit;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    occupy_descriptors(perturbation->descriptor_first);
}

_Noreturn static void become(const struct cupel__exec_program *program, const struct cupel__exec_run *run, pid_t tool) {
    static const struct rlimit none = {0, 0};
    sigset_t empty;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setsid();
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)sigemptyset(&empty);
    (void)sigprocmask(SIG_SETMASK, &empty, NULL);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(run->output_file, STDOUT_FILENO) < 0 ||
        dup2(run->error_file, STDERR_FILENO) < 0) {
        run->note->start_error = errno;
        _exit(127);
    }
    set_variables(program, run, tool);
    if (run->perturb != 0) {
        perturb(&run->perturbation);
    }
    (void)execv(program->path, program->words);
    run->note->start_error = errno;
    _exit(127);
}

static bool make_files(struct cupel__exec_run *run) {
    run->note_bytes = sizeof *run->note;
    if (run->records_points) {
        run->note_bytes += CUPEL__EXEC_POINTS_MAX * sizeof run->note->points[0];
    }
    run->note_file = memfd_create("cupel-note", MFD_CLOEXEC);
    run->output_file = memfd_create("cupel-output", MFD_CLOEXEC);
    run->error_file = memfd_create("cupel-errors", MFD_CLOEXEC);
    run->cases_file = memfd_create("cupel-cases", MFD_CLOEXEC);
    if (run->note_file < 0 || run->output_file < 0 || run->error_file < 0 || run->cases_file < 0 ||
        ftruncate(run->note_file, (off_t)run->note_bytes) != 0 || fcntl(run->output_file, F_SETFL, O_APPEND) != 0 ||
        fcntl(run->error_file, F_SETFL, O_APPEND) != 0) {
        return false;
    }
    void *memory = mmap(NULL, run->note_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, run->note_file, 0);
    run->note = memory == MAP_FAILED ? NULL : memory;
    return run->note != NULL;
}

bool cupel__exec_start(const struct cupel__exec_program *program, struct cupel__exec_run *run,
                       struct cupel_error *error) {
    run->note = NULL;
    run->output = run->errors = run->cases = NULL;
    run->is_hang = run->is_flood = false;
    if (!make_files(run)) {
        (void)cupel_error_set(error, 0, 0, "--exec: no memory files: %s", strerror(errno));
        cupel__exec_end(run);
        return false;
    }
    run->note->magic = CUPEL__EXEC_MAGIC;
    run->note->records_points = run->records_points;
    run->note->counts_all = program->counts_all;
    const struct cupel_perturbing_options *memory = &run->perturbation.memory;
    run->note->fresh = memory->fills_fresh ? memory->fresh + 1u : 0;
    run->note->freed = memory->fills_freed ? memory->freed + 1u : 0;
    if (!program->is_script) {
        (void)snprintf(run->note->program, sizeof run->note->program, "%s", program->path);
    }
    pid_t tool = getpid();
    (void)fflush(NULL);
    run->start_ms = cupel_clock_ms();
    run->duration_ns = cupel_clock_ns();
    run->pid = fork();
    if (run->pid == 0) {
        become(program, run, tool);
    }
    if (run->pid < 0) {
        run->pid = 0;
        (void)cupel_error_set(error, 0, 0, "--exec: no process: %s", strerror(errno));
        cupel__exec_end(run);
        return false;
    }
    return true;
}

/* A file as a text; never NULL. */
static const char *read_text(int file, size_t *bytes) {
    struct stat status;
    *bytes = 0;
    if (fstat(file, &status) != 0 || status.st_size == 0) {
        return "";
    }
    size_t size = (size_t)status.st_size;
    char *text = malloc(size + 1);
    ssize_t got = text == NULL ? -1 : pread(file, text, size, 0);
    if (got < 0) {
        free(text);
        return "";
    }
    text[got] = '\0';
    *bytes = (size_t)got;
    return text;
}

static bool is_flooding(const struct cupel__exec_run *run) {
    struct stat output, errors;
    return fstat(run->output_file, &output) == 0 && fstat(run->error_file, &errors) == 0 &&
           output.st_size + errors.st_size > cupel__settings.output_limit_bytes;
}

/* A program may print any amount until somebody sees it. */
static void cut(int file) {
    struct stat status;
    if (fstat(file, &status) == 0 && status.st_size > cupel__settings.output_limit_bytes) {
        (void)ftruncate(file, (off_t)cupel__settings.output_limit_bytes);
    }
}

static void finish(struct cupel__exec_run *run) {
    (void)kill(-run->pid, SIGKILL); /* what it left behind */
    run->pid = 0;
    cupel__exec_kill_orphans(run);
    run->duration_ns = cupel_clock_ns() - run->duration_ns;
    if (run->is_flood) {
        cut(run->output_file);
        cut(run->error_file);
    }
    run->output = read_text(run->output_file, &run->output_bytes);
    run->errors = read_text(run->error_file, &run->errors_bytes);
    run->cases = read_text(run->cases_file, &run->cases_bytes);
}

int cupel__exec_wait(struct cupel__exec_run *runs, unsigned count) {
    static const struct timespec tick = {.tv_nsec = 20000000};
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < count; i++) {
            struct cupel__exec_run *run = &runs[i];
            if (run->pid != 0 && waitpid(run->pid, &run->status, WNOHANG) == run->pid) {
                finish(run);
                return (int)i;
            }
        }
        if (round == 0) {
            (void)sigtimedwait(&child, NULL, &tick);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        struct cupel__exec_run *run = &runs[i];
        bool is_late = run->pid != 0 && run->deadline_ms != 0 && cupel_clock_ms() > run->deadline_ms;
        bool is_flood = run->pid != 0 && !is_late && is_flooding(run);
        if (is_late || is_flood) {
            (void)kill(-run->pid, SIGKILL);
            (void)kill(run->pid, SIGKILL); /* it may not lead a session yet */
            (void)waitpid(run->pid, &run->status, 0);
            run->is_hang = is_late;
            run->is_flood = is_flood;
            finish(run);
            return (int)i;
        }
    }
    return -1;
}

static void give_back_text(const char **text) {
    if (*text != NULL && (*text)[0] != '\0') {
        free((void *)(uintptr_t)*text);
    }
    *text = NULL;
}

void cupel__exec_end(struct cupel__exec_run *run) {
    if (run->pid != 0) {
        (void)kill(-run->pid, SIGKILL);
        (void)kill(run->pid, SIGKILL); /* it may not lead a session yet */
        (void)waitpid(run->pid, &run->status, 0);
        run->pid = 0;
        cupel__exec_kill_orphans(run);
    }
    int *files[] = {&run->note_file, &run->output_file, &run->error_file, &run->cases_file};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (*files[i] > 0) {
            (void)close(*files[i]);
        }
        *files[i] = -1;
    }
    if (run->note != NULL) {
        (void)munmap(run->note, run->note_bytes);
        run->note = NULL;
    }
    give_back_text(&run->output);
    give_back_text(&run->errors);
    give_back_text(&run->cases);
}
