/* See wire.h. */
#include "harness/src/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* A record's texts: pointers, then arrays, then what was said. */
enum { POINTER_COUNT = 5, MESSAGES = 11, OUTPUT = 12, TEXT_COUNT = 13 };
enum { BUFFER_SIZE = 4 * CUPEL_TEXT_MAX + 65536, NAME_MAX_LENGTH = 4096 };

static const uint32_t magic = 0x33707563; /* "cup3" */

struct head {
    uint32_t magic;
    uint32_t size; /* of head and texts */
    uint64_t seed;
    uint64_t repeat;
    int64_t duration_ns;
    uint64_t flake_runs;
    uint64_t flake_failures;
    int64_t grown_bytes;
    int64_t grown_descriptors;
    uint32_t line;
    uint32_t row;
    uint32_t failures;
    uint32_t failure_line;
    int32_t signal;
    int32_t exit_status;
    uint8_t kind;
    uint8_t isolation;
    uint8_t verdict;
    uint8_t evidence;
    uint8_t has_nothing_to_starve;
    uint8_t has_settled;
    uint8_t is_unswept;
    uint8_t is_finding;
    uint32_t perturb;
    uint32_t lengths[TEXT_COUNT]; /* each text ends with a zero byte, which is counted; 0: NULL */
};
static_assert(sizeof(struct head) == 100 + 4 * TEXT_COUNT, "no byte is sent that was never set");

static size_t text_length(const char *text) {
    return text == NULL ? 0 : strnlen(text, NAME_MAX_LENGTH - 1) + 1;
}

bool cupel__wire_write(int fd, const struct cupel_result *result) {
    bool has_texts = result->verdict != CUPEL_VERDICT_OK || result->output.length != 0 || result->flake.runs != 0;
    const char *texts[TEXT_COUNT] = {
        result->program,       result->suite,         result->name,       result->file,  result->failure_file,
        result->fault,         result->reason,        result->directory,  result->flags, result->retained,
        result->flake.follows, result->messages.data, result->output.data};
    struct head head = {.magic = magic,
                        .size = sizeof head,
                        .seed = result->seed,
                        .repeat = result->repeat,
                        .duration_ns = result->duration_ns,
                        .flake_runs = result->flake.runs,
                        .flake_failures = result->flake.failures,
                        .grown_bytes = result->grown_bytes,
                        .grown_descriptors = result->grown_descriptors,
                        .has_settled = result->has_settled,
                        .perturb = result->perturb,
                        .line = result->line,
                        .row = result->row,
                        .failures = result->failures,
                        .failure_line = result->failure_line,
                        .signal = result->signal,
                        .exit_status = result->exit_status,
                        .kind = (uint8_t)result->kind,
                        .isolation = (uint8_t)result->isolation,
                        .verdict = (uint8_t)result->verdict,
                        .evidence = (uint8_t)result->evidence,
                        .has_nothing_to_starve = result->has_nothing_to_starve,
                        .is_finding = result->is_finding,
                        .is_unswept = result->is_unswept};
    struct iovec pieces[1 + TEXT_COUNT] = {{&head, sizeof head}};
    size_t piece_count = 1;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        size_t length = i < MESSAGES ? text_length(texts[i]) : 0;
        if (i == MESSAGES && has_texts) {
            length = result->messages.length + 1;
        } else if (i == OUTPUT && has_texts) {
            length = result->output.length + 1;
        }
        if (length != 0) {
            pieces[piece_count++] = (struct iovec){(void *)(uintptr_t)texts[i], length};
        }
        head.lengths[i] = (uint32_t)length;
        head.size += (uint32_t)length;
    }
    size_t left = head.size;
    for (struct iovec *piece = pieces; left > 0;) {
        ssize_t written = writev(fd, piece, (int)(pieces + piece_count - piece));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        left -= (size_t)written;
        for (size_t done = (size_t)written; done > 0;) {
            if (piece->iov_len == 0) {
                piece++; /* its base may be NULL */
                continue;
            }
            size_t step = done < piece->iov_len ? done : piece->iov_len;
            piece->iov_base = (char *)piece->iov_base + step;
            piece->iov_len -= step;
            done -= step;
        }
    }
    return true;
}

bool cupel__wire_reader_init(struct cupel__wire_reader *reader, int fd) {
    *reader = (struct cupel__wire_reader){.fd = fd, .buffer = malloc(BUFFER_SIZE)};
    return reader->buffer != NULL;
}

void cupel__wire_reader_deinit(struct cupel__wire_reader *reader) {
    free(reader->buffer);
    *reader = (struct cupel__wire_reader){.fd = -1, .is_ended = true};
}

bool cupel__wire_fill(struct cupel__wire_reader *reader) {
    if (reader->consumed != 0) {
        memmove(reader->buffer, reader->buffer + reader->consumed, reader->used - reader->consumed);
        reader->used -= reader->consumed;
        reader->consumed = 0;
    }
    ssize_t got = read(reader->fd, reader->buffer + reader->used, BUFFER_SIZE - reader->used);
    if (got > 0) {
        reader->used += (size_t)got;
        return true;
    }
    reader->is_ended = reader->is_ended || got == 0 || (errno != EAGAIN && errno != EINTR);
    return false;
}

static const uint32_t array_sizes[MESSAGES - POINTER_COUNT] = {
    CUPEL_FAULT_TOKEN_MAX, CUPEL_REASON_MAX, CUPEL_TEST_PATH_MAX, CUPEL_FLAGS_MAX, CUPEL_REASON_MAX, CUPEL_FOLLOWS_MAX};

static bool head_is_sound(const struct head *head) {
    uint64_t size = sizeof *head;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        size += head->lengths[i];
        if (head->lengths[i] > CUPEL_TEXT_MAX ||
            (i >= POINTER_COUNT && i < MESSAGES && head->lengths[i] > array_sizes[i - POINTER_COUNT])) {
            return false;
        }
    }
    return head->magic == magic && size == head->size && head->verdict < CUPEL_VERDICT_COUNT &&
           head->evidence < CUPEL_EVIDENCE_COUNT;
}

static void read_texts(const struct head *head, char *at, struct cupel_result *result) {
    const char **pointers[POINTER_COUNT] = {&result->program, &result->suite, &result->name, &result->file,
                                            &result->failure_file};
    char *arrays[] = {result->fault, result->reason,   result->directory,
                      result->flags, result->retained, result->flake.follows};
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        uint32_t length = head->lengths[i];
        if (length == 0) {
            continue;
        }
        at[length - 1] = '\0';
        if (i < POINTER_COUNT) {
            *pointers[i] = at;
        } else if (i < MESSAGES) {
            memcpy(arrays[i - POINTER_COUNT], at, length);
        } else {
            cupel_text_add_n(i == MESSAGES ? &result->messages : &result->output, at, length - 1);
        }
        at += length;
    }
}

bool cupel__wire_next(struct cupel__wire_reader *reader, struct cupel_result *result, struct cupel_error *error) {
    struct head head;
    size_t left = reader->used - reader->consumed;
    if (left < sizeof head) {
        return false;
    }
    memcpy(&head, reader->buffer + reader->consumed, sizeof head);
    if (!head_is_sound(&head)) {
        reader->is_ended = true;
        reader->consumed = reader->used;
        return cupel_error_set(error, 0, 0, "what came is no stream of result records");
    }
    if (left < head.size) {
        return false;
    }
    cupel_result_clear(result);
    result->seed = head.seed;
    result->repeat = head.repeat;
    result->duration_ns = head.duration_ns;
    result->flake.runs = head.flake_runs;
    result->flake.failures = head.flake_failures;
    result->grown_bytes = head.grown_bytes;
    result->grown_descriptors = head.grown_descriptors;
    result->has_settled = head.has_settled != 0;
    result->perturb = head.perturb;
    result->line = head.line;
    result->row = head.row;
    result->failures = head.failures;
    result->failure_line = head.failure_line;
    result->signal = head.signal;
    result->exit_status = head.exit_status;
    result->kind = (enum cupel_test_kind)head.kind;
    result->isolation = (enum cupel_isolation)head.isolation;
    result->verdict = (enum cupel_verdict)head.verdict;
    result->evidence = (enum cupel_evidence)head.evidence;
    result->has_nothing_to_starve = head.has_nothing_to_starve != 0;
    result->is_unswept = head.is_unswept != 0;
    result->is_finding = head.is_finding != 0;
    read_texts(&head, reader->buffer + reader->consumed + sizeof head, result);
    reader->consumed += head.size;
    return true;
}
