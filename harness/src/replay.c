/* Replay and decoding of input files: see replay.h. Each file runs in a process of its own, so that one that crashes
 * does not hide the next; --isolate=none runs them all in this one, for a debugger. What failed is told by this
 * process, from memory that the other shares, with files and lines. */
#include "harness/src/replay.h"

#include "harness/src/child.h"
#include "harness/src/crash_note.h"
#include "harness/src/decode.h"
#include "harness/src/directory.h"
#include "harness/src/execute.h"
#include "harness/src/plural.h"
#include "harness/src/property.h"
#include "harness/src/select.h"
#include "harness/src/settings.h"
#include "harness/src/symbolise.h"

#include "alloc/base/message.h"
#include "alloc/base/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct replay {
    struct cupel__plan_item item;
    uint8_t *data;
    size_t length;
    unsigned ok, failed;
};

/* What a run leaves, also where its process died. */
static struct shared {
    struct cupel_result record;
    struct cupel_text story; /* why it failed; "" where it did not, or died first */
    struct cupel__fault_note fault_note;
} * shared;

static bool share(void) {
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = memory == MAP_FAILED ? NULL : memory;
    return shared != NULL;
}

static void tell_story(void) {
    cupel__fault_note_add(&shared->fault_note, &shared->story);
    if (cupel__symbolise_is_needed(&shared->story)) {
        cupel__symbolise(&shared->story);
    }
    fputs(shared->story.data, stdout);
}

static void add_leak(struct cupel_text *story) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out != NULL) {
        cupel__run_print_leak(out);
        if (fclose(out) == 0) {
            cupel_text_add_n(story, text, length);
        }
        free(text);
    }
}

/* What a sweep asks after a fault that was borne. */
static bool recovers_here(const struct replay *replay, const char *path) {
    static const struct cupel_fault_plan no_faults;
    struct cupel__case one = {
        .property = replay->item.test, .data = replay->data, .length = replay->length, .faults = &no_faults};
    cupel__run.fault_note->is_recovery = true;
    cupel__case_run(&one);
    cupel__run.fault_note->is_recovery = false;
    bool has_failed = cupel__case_has_failed(&one);
    if (has_failed) {
        cupel_text_add(&shared->story, "FAILED %s: %s\na run without a fault, after this one, fails\n%s", path,
                       cupel_verdict_name(CUPEL_VERDICT_NOT_RECOVERED), shared->record.messages.data);
    }
    return !has_failed;
}

/* Runs the input here; true where it went well, else the story is there. */
static bool run_here(const struct replay *replay, const char *path) {
    const struct cupel_fault_plan *plan = cupel__settings.fault_plan.count != 0 ? &cupel__settings.fault_plan : NULL;
    struct cupel__case one = {.property = replay->item.test, .data = replay->data, .length = replay->length};
    cupel__execute_name(&replay->item, &shared->record);
    cupel__run.item = &replay->item;
    cupel__run.result = &shared->record;
    cupel__run.fault_note = &shared->fault_note;
    one.faults = plan;
    cupel__case_run(&one);
    if (one.has_leaked) { /* again, to say where the blocks are from; the messages of the first run are enough */
        one.is_tracking = true;
        cupel__case_silence();
        cupel__case_run(&one);
        cupel__case_speak();
    }
    enum cupel_verdict verdict = cupel__case_verdict(&one);
    bool is_of_trailer = plan == NULL && (verdict == CUPEL_VERDICT_NOT_REACHED || verdict == CUPEL_VERDICT_SWALLOWED);
    if (verdict == CUPEL_VERDICT_OK && plan != NULL) {
        return recovers_here(replay, path);
    }
    if (verdict == CUPEL_VERDICT_OK || verdict == CUPEL_VERDICT_SKIPPED || is_of_trailer) {
        return true; /* an engine puts faults anywhere; whether each is borne is what --sweep and --fault ask */
    }
    cupel_text_add(&shared->story, "FAILED %s: %s\n%s", path, cupel_verdict_name(verdict),
                   shared->record.messages.data);
    if (one.has_leaked) {
        add_leak(&shared->story);
    }
    return false;
}

enum { CHILD_FAILED = 101 }; /* a status that no sanitizer leaves with */

static bool run_forked(const struct replay *replay, const char *path) {
    char words[256];
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cupel__child_begin();
        cupel__crash_note_begin(&shared->fault_note);
        bool is_ok = run_here(replay, path);
        fflush(NULL);
        _exit(is_ok ? CUPEL_OK : CHILD_FAILED);
    }
    if (child < 0) {
        return run_here(replay, path);
    }
    struct cupel__death death = cupel__child_wait(child, NULL, cupel__settings.timeout_ms);
    if (death.status != CUPEL_OK && death.status != CHILD_FAILED) {
        cupel__death_text(&death, words, sizeof words);
        shared->story.length = 0;
        cupel_text_add(&shared->story, "FAILED %s: %s\n%s", path, words, shared->record.messages.data);
    }
    return death.status == CUPEL_OK;
}

static void show(const struct replay *replay, const char *path) {
    printf("%s: %zu byte%s\n", path, replay->length, cupel__s(replay->length));
    cupel__decode_draws(stdout, replay->item.test, replay->data, replay->length);
    fputs("as bytes: ", stdout);
    cupel__decode_literal(stdout, replay->data, replay->length);
    putchar('\n');
}

static void replay_one(struct replay *replay, const char *path) {
    if (cupel__settings.decode != NULL) {
        show(replay, path);
        return;
    }
    shared->story.length = 0;
    shared->story.data[0] = '\0';
    shared->fault_note = (struct cupel__fault_note){.frame_count = 0};
    cupel_result_clear(&shared->record);
    bool is_ok = cupel__settings.isolate == 2 ? run_here(replay, path) : run_forked(replay, path);
    cupel__directory_done(&shared->record, false);
    replay->ok += is_ok;
    replay->failed += !is_ok;
    if (!is_ok) {
        tell_story();
        printf("%zu byte%s, drawn as\n", replay->length, cupel__s(replay->length));
        cupel__decode_draws(stdout, replay->item.test, replay->data, replay->length);
    } else if (cupel__settings.verbose) {
        printf("ok %s\n", path);
    }
}

static int replay_all(struct replay *replay, const struct cupel__files *files) {
    struct cupel_error error;
    replay->data = malloc(files->longest + 1);
    if (replay->data == NULL || !share()) {
        cupel_message("out of memory for inputs of %zu bytes", files->longest);
        return CUPEL_INTERNAL;
    }
    for (size_t i = 0; i < files->count; i++) {
        if (!cupel__file_read(files->paths[i], replay->data, files->longest, &replay->length, &error)) {
            cupel_message("%s", error.text);
            return CUPEL_USAGE;
        }
        replay_one(replay, files->paths[i]);
    }
    if (cupel__settings.decode == NULL) {
        printf("%u input%s ok, %u failed\n", replay->ok, cupel__s(replay->ok), replay->failed);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cupel_message("standard output could not be written: %s", strerror(errno));
        return CUPEL_OUTPUT;
    }
    return replay->failed != 0 ? CUPEL_FAILED : CUPEL_OK;
}

int cupel__replay_main(void) {
    const struct cupel__settings *settings = &cupel__settings;
    const char *title = settings->decode != NULL ? settings->decode : settings->replay;
    struct cupel_error error;
    struct cupel__files files = {.count = 0};
    struct replay replay = {
        .item = {.test = cupel__property_named(title), .row = CUPEL_NO_ROW, .seed = settings->seed}};
    int status = CUPEL_USAGE;
    if (replay.item.test == NULL) {
        cupel_message("this program has no property '%s'; --list shows what it has", title);
        return CUPEL_USAGE;
    }
    if (settings->word_count == 0) {
        cupel_message("--%s=%s: name the files or directories", settings->decode != NULL ? "decode" : "replay", title);
        return CUPEL_USAGE;
    }
    for (int i = 0; i < settings->word_count; i++) {
        size_t before = files.count;
        if (!cupel__files_add(&files, settings->words[i], &error)) {
            cupel_message("%s", error.text);
            cupel__files_deinit(&files);
            return CUPEL_USAGE;
        }
        if (files.count == before) {
            cupel_message("%s: no input in this directory", settings->words[i]);
        }
    }
    cupel__directory_begin_run();
    if (replay.item.test->options.setup != NULL && files.count != 0) {
        replay.item.test->options.setup();
    }
    status = files.count == 0 ? CUPEL_NOTHING : replay_all(&replay, &files);
    if (replay.item.test->options.teardown != NULL && files.count != 0) {
        replay.item.test->options.teardown();
    }
    cupel__directory_end_run();
    cupel__files_deinit(&files);
    free(replay.data);
    return status;
}
