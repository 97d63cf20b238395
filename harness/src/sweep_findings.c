/* Findings of a sweep: each kind told once, with its first token. See sweep_engine.h. */
#include "harness/src/sweep_engine.h"

#include "alloc/base/status.h"

#include <string.h>
#include <unistd.h>

enum { KEY_FRAMES = 4, STORY_MAX = 2 * CUPEL__SWEEP_TEXT_MAX };

/* What goes through the pipe before a text. */
struct header {
    enum cupel_verdict verdict;
    bool is_baseline;
    bool is_known;
    bool is_behind_first_run;
    uint32_t length;
    char token[CUPEL__SWEEP_TOKEN_MAX];
};

/* FNV-1a, a word at a time. */
static uint64_t add_to_key(uint64_t key, uint64_t word) {
    return (key ^ word) * 0x100000001b3;
}

/* A hash of the words of a text: numbers and addresses differ from point to point. */
static uint64_t key_of_text(const char *text) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool is_number = (text[i] >= '0' && text[i] <= '9') || (i > 1 && text[i - 1] == 'x' && text[i - 2] == '0');
        if (is_number) {
            i += strspn(text + i + 1, "0123456789abcdefx");
        } else {
            hash = add_to_key(hash, (uint8_t)text[i]);
        }
    }
    return hash | 1;
}

uint64_t cupel__sweep_key(enum cupel_verdict verdict, const struct cupel__fault_note *note, uint64_t place) {
    uint64_t key = add_to_key(add_to_key(0xcbf29ce484222325, verdict), place);
    for (unsigned i = 0; i < note->frame_count && i < KEY_FRAMES; i++) {
        key = add_to_key(key, (uintptr_t)note->frames[i]);
    }
    return note->frame_count == 0 && place == 0 ? 0 : key | 1;
}

bool cupel__sweep_is_behind_first_run(const struct cupel__sweep *sweep, enum cupel__sweep_stage stage) {
    return sweep->note->is_warmed && stage != CUPEL__SWEEP_BASELINE && stage != CUPEL__SWEEP_COLD;
}

static void deliver(struct cupel__sweep *sweep, const struct header *header, const char *text) {
    sweep->is_baseline_bad = sweep->is_baseline_bad || header->is_baseline;
    struct cupel_sweep_finding finding = {.verdict = header->verdict,
                                          .token = header->token,
                                          .text = text,
                                          .is_known = header->is_known,
                                          .is_behind_first_run = header->is_behind_first_run};
    if (sweep->options.on_finding != NULL) {
        sweep->options.on_finding(sweep->options.sink, &finding);
    }
    if (sweep->options.report != NULL) {
        cupel__sweep_tell_finding(sweep, &finding);
    }
}

static void hand_over(int file, const void *data, size_t length) {
    const char *bytes = data;
    while (length > 0) {
        ssize_t done = write(file, bytes, length);
        if (done <= 0) {
            _exit(CUPEL_INTERNAL); /* the parent is gone */
        }
        bytes += done;
        length -= (size_t)done;
    }
}

static struct cupel__sweep_kind *find(struct cupel__sweep_note *note, enum cupel_verdict verdict, uint64_t key) {
    for (unsigned i = 0; i < note->kind_count; i++) {
        if (note->kinds[i].verdict == verdict && note->kinds[i].key == key) {
            return &note->kinds[i];
        }
    }
    return NULL;
}

bool cupel__sweep_is_known(const struct cupel__sweep *sweep, enum cupel_verdict verdict, uint64_t key,
                           const char *text) {
    return find(sweep->note, verdict, key != 0 ? key : key_of_text(text)) != NULL;
}

void cupel__sweep_log(struct cupel__sweep *sweep, uint64_t point, enum cupel_verdict verdict) {
    if (point != 0 && point <= sweep->note->scheduled) {
        sweep->region->verdicts[sweep->note->base + point - 1] = (uint8_t)(verdict + 1);
    }
}

/* A new kind, with its token in it. NULL where there are too many. */
static struct cupel__sweep_kind *new_kind(struct cupel__sweep *sweep, uint64_t point,
                                          const struct cupel__sweep_word *word, uint64_t key) {
    struct cupel__sweep_note *note = sweep->note;
    if (note->kind_count == CUPEL__SWEEP_KINDS_MAX) {
        return NULL; /* counted, not told: 64 different ones are told already */
    }
    struct cupel__sweep_kind *kind = &note->kinds[note->kind_count++];
    *kind = (struct cupel__sweep_kind){.verdict = word->verdict, .key = key, .count = 1};
    if (point != 0) {
        struct cupel__sweep_point one = cupel__sweep_point_at(sweep, point);
        kind->is_cold = one.stage == CUPEL__SWEEP_COLD;
        cupel__sweep_token(kind->token, sizeof kind->token, &one);
        kind->refused = note->fault.frame_count != 0 ? note->fault.frames[0] : NULL;
    }
    (void)snprintf(kind->died, sizeof kind->died, "%s", word->died != NULL ? word->died : "");
    return kind;
}

/* What this point is known as, or 0; words and stack of it are in `story`. */
static uint64_t ask(struct cupel__sweep *sweep, uint64_t point, const struct cupel__sweep_word *word, const char *token,
                    char *story) {
    int used = snprintf(story, STORY_MAX, "%s", word->text);
    if (point != 0 && used < STORY_MAX) {
        cupel__fault_note_text(&sweep->note->fault, story + used, STORY_MAX - (size_t)used);
    }
    struct cupel_sweep_finding finding = {.verdict = word->verdict, .token = token, .text = story};
    sweep->known_as = 1;
    bool is_known =
        point != 0 && sweep->options.is_known != NULL && sweep->options.is_known(sweep->options.sink, &finding);
    return is_known ? sweep->known_as : 0;
}

/* A kind is told apart by few frames, and what is known may be the frames behind these: what was found elsewhere may
 * fall into a kind that is known, and be known as something else, or not at all. Each whole stack is asked for once. */
static uint64_t ask_again(struct cupel__sweep *sweep, uint64_t point, const struct cupel__sweep_word *word,
                          const struct cupel__sweep_kind *kind, char *story) {
    struct cupel__sweep_note *note = sweep->note;
    uint64_t stack = add_to_key(kind->key, key_of_text(word->text));
    for (unsigned i = 0; i < note->fault.frame_count; i++) {
        stack = add_to_key(stack, (uintptr_t)note->fault.frames[i]);
    }
    for (unsigned i = 0; i < note->fault.death_frame_count; i++) {
        stack = add_to_key(stack, (uintptr_t)note->fault.death_frames[i]);
    }
    for (unsigned i = 0; i < note->asked_count; i++) {
        if (note->asked_for[i].stack == stack) {
            return note->asked_for[i].known_as;
        }
    }
    uint64_t known_as = ask(sweep, point, word, kind->token, story);
    if (note->asked_count < CUPEL__SWEEP_ASKED_MAX) {
        note->asked_for[note->asked_count].stack = stack;
        note->asked_for[note->asked_count++].known_as = known_as;
    }
    return known_as;
}

/* A new kind: words and stack of it in `story`, and whether it is known. NULL where there are too many. */
static struct cupel__sweep_kind *make_kind(struct cupel__sweep *sweep, uint64_t point,
                                           const struct cupel__sweep_word *word, uint64_t key, char *story) {
    struct cupel__sweep_kind *kind = new_kind(sweep, point, word, key);
    if (kind == NULL) {
        return NULL;
    }
    kind->known_as = ask(sweep, point, word, kind->token, story);
    kind->is_known = kind->known_as != 0;
    if (kind->is_cold) {
        size_t used = strlen(story);
        (void)snprintf(story + used, STORY_MAX - used, "only the first run of a process makes that request\n");
    }
    return kind;
}

void cupel__sweep_found(struct cupel__sweep *sweep, uint64_t point, const struct cupel__sweep_word *word) {
    static char story[STORY_MAX];
    struct cupel__sweep_note *note = sweep->note;
    struct header header = {.verdict = word->verdict, .is_baseline = point == 0};
    uint64_t key = word->key != 0 ? word->key : key_of_text(word->text);
    cupel__sweep_log(sweep, point, word->verdict);
    struct cupel__sweep_kind *old = find(note, word->verdict, key);
    uint64_t known_as = old != NULL && old->is_known ? ask_again(sweep, point, word, old, story) : 0;
    if (old != NULL && old->is_known && known_as != old->known_as) {
        key = add_to_key(key, known_as) | 1;
        old = find(note, word->verdict, key);
    }
    struct cupel__sweep_kind *kind = old != NULL ? old : make_kind(sweep, point, word, key, story);
    *(kind != NULL && kind->is_known ? &note->tally.known : &note->tally.verdicts[word->verdict]) += 1;
    if (old != NULL) {
        old->count++;
    }
    if (old != NULL || kind == NULL) {
        return;
    }
    header.is_known = kind->is_known;
    header.is_behind_first_run = point != 0 && cupel__sweep_is_behind_first_run(sweep, note->stage);
    memcpy(header.token, kind->token, sizeof header.token);
    if (sweep->findings_file < 0) {
        deliver(sweep, &header, story);
        return;
    }
    header.length = (uint32_t)strlen(story);
    hand_over(sweep->findings_file, &header, sizeof header);
    hand_over(sweep->findings_file, story, header.length);
}

static bool read_all(int file, void *data, size_t length) {
    char *bytes = data;
    while (length > 0) {
        ssize_t done = read(file, bytes, length);
        if (done <= 0) {
            return false;
        }
        bytes += done;
        length -= (size_t)done;
    }
    return true;
}

bool cupel__sweep_take(struct cupel__sweep *sweep, int file) {
    static char text[STORY_MAX];
    struct header header;
    if (!read_all(file, &header, sizeof header) || header.length >= sizeof text ||
        !read_all(file, text, header.length)) {
        return false;
    }
    text[header.length] = '\0';
    deliver(sweep, &header, text);
    return true;
}
