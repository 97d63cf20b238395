/* The sweep behind a wall: a child runs the points and notes where it is; what kills it is a verdict of that point, and
 * the next child goes on behind it. See sweep_engine.h.
 *
 * A crash is tried again alone in a fresh child: where it then does not crash, an earlier fault had a part in it, and
 * the finding says so instead of naming a token that would not replay. */
#include "harness/src/sweep_engine.h"

#include "harness/src/child.h"
#include "harness/src/crash_note.h"
#include "harness/src/meddler.h"
#include "harness/src/plural.h"

#include "alloc/base/progress.h"
#include "alloc/base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TICK_MS = 50,
    TIMEOUT_RUNS = 200,
    TIMEOUT_FIRST_RUNS = 20, /* those that set up what later ones find, in each new process */
    TIMEOUT_MIN_MS = 2000,
    TIMEOUT_UNFAILED_MS = 60000, /* before it is known how long a run takes */
    TIMEOUT_DYING_MS = 60000,    /* a sanitizer starts another program to tell of a death */
    PATIENCE_MS = 1000,
    HANG_COST = 10, /* the whole time limit; endless output costs a part of it */
    COST_MAX = 5 * HANG_COST,
    OUTPUT_SHOWN = 2500,
    OUTPUT_LIMIT_BYTES = 64 << 20,
    OUTPUT_KEPT_BYTES = 1 << 20, /* of points before the present one */
    OWN_DESCRIPTORS = 500,       /* and above: out of the way of the tests */
};

/* A child and what it prints. */
struct watch {
    struct cupel__sweep *sweep;
    pid_t child;
    int findings;        /* our end of the pipe */
    int output;          /* memory file that takes the child's standard output and error */
    int64_t printed;     /* before the present run, or by it before it was first seen */
    uint64_t printed_by; /* that run, as the note's progress */
    unsigned cost;       /* of deaths that had to be waited for */
    struct cupel_progress progress;
};

static int64_t timeout_ms(const struct cupel__sweep *sweep) {
    int64_t scaled = sweep->note->baseline_ns / 1000000 * TIMEOUT_RUNS;
    int64_t first = sweep->note->first_ns / 1000000 * TIMEOUT_FIRST_RUNS;
    if (sweep->options.timeout_ms > 0) {
        return sweep->options.timeout_ms;
    }
    if (sweep->note->stage == CUPEL__SWEEP_BASELINE) {
        return TIMEOUT_UNFAILED_MS;
    }
    scaled = scaled > first ? scaled : first;
    return scaled > TIMEOUT_MIN_MS ? scaled : TIMEOUT_MIN_MS;
}

void (*cupel__sweep_on_progress)(const char *pass, uint64_t point, uint64_t total, unsigned findings);

static volatile sig_atomic_t interrupt_signal;

static void note_interrupt(int number) {
    interrupt_signal = number;
}

static pid_t watcher; /* the parent of this child */
static struct cupel__sweep_note *note_of_child;

/* The point is to blame, and is over before the signal goes. */
static void refuse_kill(pid_t process, int number) {
    if (process == watcher && (number == SIGTERM || number == SIGINT || number == SIGHUP)) {
        note_of_child->sent_signal = number;
        _exit(CUPEL_INTERNAL);
    }
}

static void become_child(struct watch *watch, int findings_file) {
    watch->sweep->findings_file = findings_file;
    watch->sweep->output_file = watch->output;
    if (watch->sweep->is_apart) {
        watcher = getppid();
        note_of_child = watch->sweep->note;
        cupel__meddler_on_kill = refuse_kill;
        (void)setpgid(0, 0);
    }
    cupel__child_begin();
    cupel__crash_note_begin(&watch->sweep->note->fault);
    (void)ftruncate(watch->output, 0);
    if (watch->output >= 0) {
        (void)dup2(watch->output, STDOUT_FILENO);
        (void)dup2(watch->output, STDERR_FILENO);
    }
}

/* What the child printed last, from there on. */
static void read_output(const struct watch *watch, off_t from, char *text, size_t size) {
    off_t end = lseek(watch->output, 0, SEEK_END);
    off_t start = end - from > (off_t)size - 1 ? end - (off_t)size + 1 : from;
    ssize_t got = end <= start ? 0 : pread(watch->output, text, size - 1, start);
    text[got > 0 ? got : 0] = '\0';
}

static enum cupel_verdict judge(const struct watch *watch, const struct cupel__death *death, const char *output) {
    const struct cupel__sweep_note *note = watch->sweep->note;
    if (death->is_hang || note->has_lost_pipe || note->sent_signal != 0) {
        return death->is_hang ? CUPEL_VERDICT_HANG : CUPEL_VERDICT_WRONG;
    }
    return cupel__death_is_policy(death, output) ? CUPEL_VERDICT_ABORTED : CUPEL_VERDICT_CRASH;
}

/* The run without a fault failed. The batch goes again with care; where that was done, the next child begins behind the
 * point that is to blame. */
static void go_with_care(struct cupel__sweep_note *note) {
    note->is_spoiled = false;
    note->is_recovery = false;
    if (note->point <= note->careful_until) {
        return;
    }
    note->careful_until = note->point;
    note->culprits = 0;
    note->point = note->batch_start - 1;
    note->tally = note->batch_tally;
}

/* In a stretch run with care, the run without a fault killed its process: the point before it is to blame. */
static void tell_deadly_recovery(struct watch *watch, const struct cupel__death *death) {
    struct cupel__sweep_note *note = watch->sweep->note;
    char words[256];
    char text[512];
    if (note->point <= note->careful_until) {
        note->tally.verdicts[CUPEL_VERDICT_OK] -= note->is_point_ok;
        memcpy(note->fault.frames, note->point_fault.frames, sizeof note->fault.frames);
        note->fault.frame_count = note->point_fault.frame_count;
        cupel__death_text(death, words, sizeof words);
        (void)snprintf(text, sizeof text, "a run without a fault, after this one, %s\n", words);
        cupel__sweep_found(watch->sweep, note->point,
                           &(struct cupel__sweep_word){.verdict = CUPEL_VERDICT_NOT_RECOVERED, .text = text});
        note->culprits++;
    }
}

/* Where it died, as a person looks for it: the line of the stack that is not the C library's own way out, or what a
 * sanitizer said in one line. */
static void find_place(const struct cupel__fault_note *fault, const char *output, char *place, size_t size) {
    char stack[OUTPUT_SHOWN];
    const char *summary = strstr(output, "SUMMARY: ");
    place[0] = '\0';
    if (summary != NULL) {
        (void)snprintf(place, size, "    %.*s", (int)strcspn(summary, "\n"), summary);
        return;
    }
    if (fault->death_frame_count == 0) {
        return;
    }
    (void)cupel__fault_note_stack(fault->death_frames, fault->death_frame_count, stack, sizeof stack);
    const char *line = stack;
    for (const char *next = stack; *next != '\0'; next += strcspn(next, "\n"), next += *next == '\n') {
        const char *end = next + strcspn(next, "\n");
        if (memmem(next, (size_t)(end - next), "/libc.so", 8) == NULL &&
            memmem(next, (size_t)(end - next), "/libc-", 6) == NULL) {
            line = next;
            break;
        }
    }
    const char *words = strchr(line, '#'); /* each is the first of a stack of its own */
    words = words == NULL ? line : words + 1 + strspn(words + 1, "0123456789");
    (void)snprintf(place, size, "    #0%.*s", (int)strcspn(words, "\n"), words);
}

static uint64_t key_of_place(const char *place) {
    uint64_t key = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; place[i] != '\0'; i++) {
        key = (key ^ (uint8_t)place[i]) * 0x100000001b3;
    }
    return place[0] == '\0' ? 0 : key;
}

/* The finding of a death, as one of the verdicts of its point. */
static void find_death(struct watch *watch, const struct cupel__death *death, const char *token_before) {
    struct cupel__sweep *sweep = watch->sweep;
    struct cupel__sweep_note *note = sweep->note;
    char output[OUTPUT_SHOWN];
    char words[256];
    char place[CUPEL__SWEEP_SITE_MAX];
    char text[CUPEL__SWEEP_TEXT_MAX];
    uint64_t point = note->stage == CUPEL__SWEEP_BASELINE ? 0 : note->point;
    read_output(watch, 0, output, sizeof output);
    if (note->sent_signal != 0) {
        (void)snprintf(words, sizeof words, "it sent the runner signal %d (SIG%s)", note->sent_signal,
                       sigabbrev_np(note->sent_signal));
    } else if (note->has_lost_pipe) {
        (void)snprintf(words, sizeof words, "the test closed the harness's own descriptor");
    } else {
        cupel__death_text(death, words, sizeof words);
    }
    find_place(&note->fault, output, place, sizeof place);
    const char *flag = death->output_max != 0 && sweep->output_limit_bytes != 0 ? " (--output-limit)" : "";
    int used = snprintf(text, sizeof text, "%s%s\n%s%s", words, flag, output,
                        output[0] == '\0' || output[strlen(output) - 1] == '\n' ? "" : "\n");
    if (token_before != NULL && used < (int)sizeof text) {
        (void)snprintf(text + used, sizeof text - (size_t)used,
                       "alone, this fault does not do it: one of those from %s on has a part in it\n", token_before);
    }
    struct cupel__sweep_word word = {.verdict = judge(watch, death, output), .text = text, .died = place};
    uint64_t where = cupel__death_is_by_limit(death) ? 1 : key_of_place(place); /* a loop is met anywhere in it */
    word.key = point == 0 ? 0 : cupel__sweep_key(word.verdict, &note->fault, where);
    note->tally.points += point != 0;
    cupel__sweep_found(sweep, point, &word);
    note->culprits += note->has_lost_pipe; /* it was alone in its batch */
    note->has_lost_pipe = false;
    note->sent_signal = 0;
}

static void show_progress(struct watch *watch) {
    static const char *const passes[] = {[CUPEL__SWEEP_BASELINE] = "unfailed",
                                         [CUPEL__SWEEP_COLD] = "first run",
                                         [CUPEL__SWEEP_ONCE] = "once",
                                         [CUPEL__SWEEP_FROM] = "from there on",
                                         [CUPEL__SWEEP_GROW] = "growth in place",
                                         [CUPEL__SWEEP_MOVES] = "moving growth",
                                         [CUPEL__SWEEP_PAIRS] = "pairs",
                                         [CUPEL__SWEEP_BUDGETS] = "budgets",
                                         [CUPEL__SWEEP_CALLS] = "calls",
                                         [CUPEL__SWEEP_ENDED] = "done"};
    const struct cupel__sweep_note *note = watch->sweep->note;
    if (watch->sweep->options.progress != NULL) {
        cupel_progress_show(&watch->progress, false, "sweep: %s, fault %llu of %llu; %u finding%s", passes[note->stage],
                            (unsigned long long)note->point, (unsigned long long)note->scheduled, note->kind_count,
                            cupel__s(note->kind_count));
    }
    if (cupel__sweep_on_progress != NULL) {
        cupel__sweep_on_progress(passes[note->stage], note->point, note->scheduled, note->kind_count);
    }
}

/* Ends a child that goes on: by a signal that lets it note where it is, and where it does not heed that, by the other.
 */
static void end_child(const struct watch *watch) {
    struct pollfd wait = {.fd = watch->findings, .events = POLLIN};
    if (interrupt_signal == 0) {
        (void)kill(watch->child, SIGABRT);
        cupel__child_is_alive(); /* the runner's own patience is near its end */
        (void)poll(&wait, 1, PATIENCE_MS);
    }
    (void)kill(watch->child, SIGKILL);
}

/* Whether the present run printed more than it may. What those before it printed is of no use to anybody. */
static bool has_flooded(struct watch *watch, int64_t limit) {
    struct cupel__sweep_note *note = watch->sweep->note;
    struct stat status;
    int64_t size = fstat(watch->output, &status) == 0 ? (int64_t)status.st_size : 0;
    if (note->progress != watch->printed_by || size < watch->printed) {
        watch->printed_by = note->progress;
        watch->printed = size;
        note->has_old_output = size > OUTPUT_KEPT_BYTES;
    }
    return size - watch->printed > limit;
}

/* Then something that it started holds its end of the pipe. */
static bool has_ended(pid_t child) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

/* Whether the present run is about to end by a fatal signal or a sanitizer's word: it stands still, but does not hang.
 */
static bool is_dying(const struct watch *watch) {
    const struct cupel__sweep_note *note = watch->sweep->note;
    char output[OUTPUT_SHOWN];
    read_output(watch, note->progress == watch->printed_by ? (off_t)watch->printed : 0, output, sizeof output);
    return note->fault.death_frame_count != 0 || strstr(output, "Sanitizer") != NULL;
}

/* Whether the child has stood still for too long. */
static bool is_late(const struct watch *watch, int64_t since_ns) {
    int64_t stands_ms = (cupel_clock_ns() - since_ns) / 1000000;
    if (stands_ms > timeout_ms(watch->sweep) && stands_ms <= TIMEOUT_DYING_MS && is_dying(watch)) {
        cupel__child_is_alive();
        return false;
    }
    return stands_ms > timeout_ms(watch->sweep);
}

/* Takes findings until the child's end of the pipe closes; kills it where it stands still, stops itself or prints
 * without end. */
static struct cupel__death follow(struct watch *watch) {
    const struct cupel__sweep_note *note = watch->sweep->note;
    int64_t limit = watch->sweep->output_limit_bytes;
    struct pollfd wait = {.fd = watch->findings, .events = POLLIN};
    struct cupel__death death = {.status = -1};
    uint64_t last = note->progress;
    int64_t since = cupel_clock_ns();
    limit = limit != 0 ? limit : OUTPUT_LIMIT_BYTES;
    cupel__child_is_alive(); /* the child before this one may have used up the runner's patience */
    for (;;) {
        int ready = poll(&wait, 1, TICK_MS);
        if (ready > 0 ? !cupel__sweep_take(watch->sweep, watch->findings) : ready == 0 && has_ended(watch->child)) {
            death = cupel__child_wait(watch->child, &note->progress, timeout_ms(watch->sweep));
            break;
        }
        if (ready == 0 && cupel__child_end_stopped(watch->child, &death)) {
            while (poll(&wait, 1, 0) > 0 && cupel__sweep_take(watch->sweep, watch->findings)) { /* its last words */
            }
            break;
        }
        show_progress(watch);
        death.output_max = has_flooded(watch, limit) ? limit : 0;
        if (note->progress != last) {
            last = note->progress;
            cupel__child_is_alive();
            since = cupel_clock_ns();
        } else {
            death.is_hang = death.output_max == 0 && is_late(watch, since);
        }
        if (cupel__death_is_by_limit(&death) || interrupt_signal != 0) {
            end_child(watch);
            while (waitpid(watch->child, NULL, 0) < 0 && errno == EINTR) {
            }
            break;
        }
    }
    if (watch->sweep->is_apart) {
        (void)kill(-watch->child, SIGKILL);
    }
    (void)close(watch->findings);
    return death;
}

/* Starts a child that goes on from the note, or runs one point alone where it is not 0. False where no process is to be
 * had. */
static bool start(struct watch *watch, uint64_t alone) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    int high = fcntl(ends[1], F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
    if (high >= 0) {
        (void)close(ends[1]);
        ends[1] = high;
    }
    fflush(NULL);
    watch->child = fork();
    if (watch->child == 0) {
        (void)close(ends[0]);
        become_child(watch, alone == 0 ? ends[1] : -1);
        if (alone == 0) {
            cupel__sweep_points(watch->sweep);
        } else {
            cupel__sweep_warm_up(watch->sweep);
            cupel__sweep_one(watch->sweep, alone);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    watch->findings = ends[0];
    if (watch->child < 0) {
        (void)close(ends[0]);
    } else if (watch->sweep->is_apart) {
        (void)setpgid(watch->child, watch->child); /* the child does the same; whoever comes first */
    }
    return watch->child > 0;
}

/* Tells of a point whose child died, and notes that it is done. */
static void tell_death(struct watch *watch, struct cupel__death death) {
    struct cupel__sweep *sweep = watch->sweep;
    struct cupel__sweep_note *note = sweep->note;
    char before[CUPEL__SWEEP_TOKEN_MAX];
    bool is_alone = true;
    if (note->stage != CUPEL__SWEEP_BASELINE && !cupel__death_is_by_limit(&death) && note->point > note->batch_start) {
        struct cupel__fault_note noted = note->fault;
        struct cupel__death again = start(watch, note->point) ? follow(watch) : (struct cupel__death){.status = 0};
        is_alone =
            again.signal == death.signal && again.status == death.status && again.stop_signal == death.stop_signal;
        if (!is_alone && note->point > note->careful_until) {
            go_with_care(note);
            return;
        }
        note->fault = is_alone ? note->fault : noted;
    }
    if (!is_alone) {
        struct cupel__sweep_point first = cupel__sweep_point_at(sweep, note->batch_start);
        cupel__sweep_token(before, sizeof before, &first);
    }
    find_death(watch, &death, is_alone ? NULL : before);
    watch->cost += death.is_hang ? HANG_COST : death.output_max != 0;
    if (note->stage == CUPEL__SWEEP_BASELINE || watch->cost >= COST_MAX) {
        note->is_cut = note->stage != CUPEL__SWEEP_BASELINE;
        note->stage = CUPEL__SWEEP_ENDED;
    }
}

static int open_output(void) {
    int file = memfd_create("cupel-sweep-output", MFD_CLOEXEC);
    int high = file < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
    if (high >= 0) {
        (void)close(file);
    }
    return high >= 0 ? high : file;
}

void cupel__sweep_watch(struct cupel__sweep *sweep) {
    struct watch watch = {.sweep = sweep};
    struct cupel__sweep_note *note = sweep->note;
    watch.output = open_output();
    (void)fcntl(watch.output, F_SETFL, O_APPEND); /* several children write, and it is emptied in between */
    cupel_progress_init(&watch.progress, sweep->options.progress);
    struct sigaction before;
    const struct sigaction action = {.sa_handler = note_interrupt};
    bool is_ours = sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == SIG_DFL;
    interrupt_signal = 0;
    if (is_ours) {
        (void)sigaction(SIGINT, &action, NULL);
    }
    while (note->stage != CUPEL__SWEEP_ENDED) {
        if (!start(&watch, 0)) {
            cupel__sweep_points(sweep); /* no process to be had: without a wall */
            break;
        }
        struct cupel__death death = follow(&watch);
        if (note->stage == CUPEL__SWEEP_ENDED) {
            break;
        }
        if (interrupt_signal != 0) {
            note->is_cut = true;
            break;
        }
        if (note->is_used_up) {
            note->is_used_up = false;
            continue;
        }
        if (note->is_recovery) {
            tell_deadly_recovery(&watch, &death);
        }
        if (note->is_recovery || note->is_spoiled) {
            go_with_care(note);
        } else {
            tell_death(&watch, death);
        }
    }
    cupel_progress_clear(&watch.progress);
    if (is_ours) {
        (void)sigaction(SIGINT, &before, NULL);
        sweep->interrupt = interrupt_signal;
    }
    if (watch.output >= 0) {
        (void)close(watch.output);
    }
}
