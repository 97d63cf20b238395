/* What a sweep tells: each kind of finding once, with its first token, and a summary. See sweep_engine.h. */
#include "harness/src/sweep_engine.h"

#include <string.h>
#include <unistd.h>

/* What goes through the pipe before a text. */
struct header {
    enum cupel_verdict verdict;
    bool is_baseline;
    uint32_t length;
    char token[40];
};

void cupel__sweep_token(char *text, size_t size, enum cupel__sweep_stage stage, uint64_t point) {
    if (point == 0) {
        (void)snprintf(text, size, "%s", "");
    } else {
        (void)snprintf(text, size, "alloc:%llu%s", (unsigned long long)point, stage == CUPEL__SWEEP_FROM ? "+" : "");
    }
}

/* A hash of the words of a text: numbers and addresses differ from point to point. FNV-1a. */
static uint64_t key_of_text(const char *text) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool is_number = (text[i] >= '0' && text[i] <= '9') || (i > 1 && text[i - 1] == 'x' && text[i - 2] == '0');
        if (is_number) {
            i += strspn(text + i + 1, "0123456789abcdefx");
        } else {
            hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3;
        }
    }
    return hash | 1;
}

static void deliver(struct cupel__sweep *sweep, const struct header *header, const char *text) {
    sweep->is_baseline_bad = sweep->is_baseline_bad || header->is_baseline;
    struct cupel_sweep_finding finding = {.verdict = header->verdict, .token = header->token, .text = text};
    if (sweep->options.report != NULL) {
        fprintf(sweep->options.report, "%s%s%s\n%s", cupel_verdict_name(header->verdict),
                header->token[0] == '\0' ? " without a fault" : " at ", header->token, text);
    }
    if (sweep->options.on_finding != NULL) {
        sweep->options.on_finding(sweep->options.sink, &finding);
    }
}

static void hand_over(int file, const void *data, size_t length) {
    const char *bytes = data;
    while (length > 0) {
        ssize_t done = write(file, bytes, length);
        if (done <= 0) {
            _exit(1); /* the parent is gone */
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

void cupel__sweep_found(struct cupel__sweep *sweep, enum cupel__sweep_stage stage, uint64_t point,
                        enum cupel_verdict verdict, uint64_t key, const char *text) {
    struct cupel__sweep_note *note = sweep->note;
    struct header header = {.verdict = verdict, .is_baseline = point == 0};
    key = key != 0 ? key : key_of_text(text);
    note->tally.verdicts[verdict]++;
    struct cupel__sweep_kind *kind = find(note, verdict, key);
    if (kind != NULL) {
        kind->count++;
        return;
    }
    cupel__sweep_token(header.token, sizeof header.token, stage, point);
    if (note->kind_count == CUPEL__SWEEP_KINDS_MAX) {
        return; /* counted, not told: 64 different ones are told already */
    }
    kind = &note->kinds[note->kind_count++];
    *kind = (struct cupel__sweep_kind){.verdict = verdict, .key = key, .count = 1};
    memcpy(kind->token, header.token, sizeof kind->token);
    if (sweep->findings_file < 0) {
        deliver(sweep, &header, text);
        return;
    }
    header.length = (uint32_t)strlen(text);
    hand_over(sweep->findings_file, &header, sizeof header);
    hand_over(sweep->findings_file, text, header.length);
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
    static char text[2 * CUPEL__SWEEP_TEXT_MAX];
    struct header header;
    if (!read_all(file, &header, sizeof header) || header.length >= sizeof text ||
        !read_all(file, text, header.length)) {
        return false;
    }
    text[header.length] = '\0';
    deliver(sweep, &header, text);
    return true;
}

void cupel__sweep_tell(const struct cupel__sweep *sweep, const struct cupel_sweep_summary *summary) {
    FILE *out = sweep->options.report;
    if (out == NULL) {
        return;
    }
    fprintf(out, "%llu allocations at least, %llu faults:", (unsigned long long)summary->allocations,
            (unsigned long long)summary->points);
    for (unsigned i = 0; i < CUPEL_VERDICT_COUNT; i++) {
        if (summary->verdicts[i] != 0) {
            fprintf(out, " %llu %s", (unsigned long long)summary->verdicts[i], cupel_verdict_name(i));
        }
    }
    fputc('\n', out);
    for (unsigned i = 0; i < sweep->note->kind_count; i++) {
        const struct cupel__sweep_kind *kind = &sweep->note->kinds[i];
        if (kind->count > 1) {
            fprintf(out, "%s at %s: %llu faults show it\n", cupel_verdict_name(kind->verdict), kind->token,
                    (unsigned long long)kind->count);
        }
    }
}
