/* Reads heads of notes files and adds counter files: see counters.h. The layout is the one that GCC's manual of its
 * internals and the files themselves show: 32-bit words in the machine's order, then records of a tag, a length and
 * that much; lengths are in bytes since version 12, in words before; a run of counters that are all zero has a negative
 * length and nothing behind it. */
#include "coverage/src/counters.h"

#include "coverage/src/text.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum {
    MAGIC_NOTES = 0x67636e6f,
    MAGIC_COUNTERS = 0x67636461,
    TAG_FUNCTION = 0x01000000,
    TAG_COUNTERS = 0x01a10000, /* kinds of counters follow at steps of 0x20000 */
    COUNTER_KINDS = 16,
    BYTE_LENGTHS_SINCE = 12, /* also the first with a checksum in the head */
    FILE_MAX = 1 << 28,
};
#define TAG_SUMMARY         UINT32_C(0xa1000000)
#define TAG_PROGRAM_SUMMARY UINT32_C(0xa3000000)

static uint32_t word_at(const char *data) {
    uint32_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* The version is four characters: since 10 a letter for the tens ("B22*" is 12.2), before that "408*" is 4.8. */
static struct cupel__compiler decode_version(uint32_t version) {
    unsigned first = version >> 24;
    unsigned second = version >> 16 & 0xff;
    unsigned third = version >> 8 & 0xff;
    if (first >= 'A') {
        return (struct cupel__compiler){.major = (first - 'A') * 10 + (second - '0'), .minor = third - '0'};
    }
    return (struct cupel__compiler){.major = first - '0', .minor = (second - '0') * 10 + (third - '0')};
}

void cupel__compiler_name(const struct cupel__compiler *compiler, char *text, size_t size) {
    (void)snprintf(text, size, "%u.%u%s", compiler->major, compiler->minor,
                   compiler->major == 4 && compiler->minor == 8 ? " (as clang writes)" : "");
}

static bool decode_head(const char *path, const char *data, uint32_t magic, struct cupel__head *head,
                        struct cupel_error *error) {
    if (word_at(data) == __builtin_bswap32(magic)) {
        return cupel_error_set(error, 0, 0, "%.160s: comes from a machine of the other byte order", path);
    }
    if (word_at(data) != magic) {
        return cupel_error_set(error, 0, 0, "%.160s: is no file of the compiler's (wrong first bytes)", path);
    }
    head->version = word_at(data + 4);
    head->stamp = word_at(data + 8);
    head->compiler = decode_version(head->version);
    return true;
}

bool cupel__notes_head(const char *path, struct cupel__head *head, struct cupel_error *error) {
    char data[12];
    FILE *file = fopen(path, "rbe");
    size_t got = file == NULL ? 0 : fread(data, 1, sizeof data, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    if (got < sizeof data) {
        return cupel_error_set(error, 0, 0, "%.160s: cannot be read, or is cut short: build it again", path);
    }
    return decode_head(path, data, MAGIC_NOTES, head, error);
}

/* One counter file while it is read. */
struct counters {
    const char *path;
    struct cupel__text text;
    size_t at;
};

struct record {
    uint32_t tag;
    size_t bytes;     /* of the data, also where it is all zero */
    const char *data; /* NULL: all zero */
};

static bool is_counter_tag(uint32_t tag) {
    return tag >= TAG_COUNTERS && tag < TAG_COUNTERS + 0x20000 * COUNTER_KINDS && (tag - TAG_COUNTERS) % 0x20000 == 0;
}

static bool corrupt(const struct counters *file, struct cupel_error *error) {
    return cupel_error_set(error, 0, 0,
                           "%.120s: corrupt at byte %zu: remove it (or the whole evidence) and run the tests again",
                           file->path, file->at);
}

/* The next record; tag 0 at the end. */
static bool next_record(struct counters *file, unsigned major, struct record *record, struct cupel_error *error) {
    size_t left = file->text.length - file->at;
    *record = (struct record){0};
    if (left == 0 || (left == 4 && word_at(file->text.data + file->at) == 0)) {
        return true;
    }
    if (left < 8) {
        return corrupt(file, error);
    }
    record->tag = word_at(file->text.data + file->at);
    int32_t length = (int32_t)word_at(file->text.data + file->at + 4);
    if (length == INT32_MIN || (length < 0 && !is_counter_tag(record->tag))) {
        return corrupt(file, error);
    }
    record->bytes = (size_t)(length < 0 ? -length : length) * (major >= BYTE_LENGTHS_SINCE ? 1 : 4);
    bool is_known = record->tag == TAG_FUNCTION || record->tag == TAG_SUMMARY || record->tag == TAG_PROGRAM_SUMMARY ||
                    is_counter_tag(record->tag);
    if (!is_known || record->bytes % 4 != 0 || (is_counter_tag(record->tag) && record->bytes % 8 != 0) ||
        record->bytes > FILE_MAX || (length >= 0 && record->bytes > left - 8)) {
        return corrupt(file, error);
    }
    if (length >= 0) {
        record->data = file->text.data + file->at + 8;
    }
    file->at += 8 + (length >= 0 ? record->bytes : 0);
    return true;
}

static bool open_counters(struct counters *file, struct cupel_allocator *allocator, const char *path,
                          const struct cupel__head *notes, struct cupel_error *error) {
    struct cupel_error cause;
    struct cupel__head head = {0};
    file->path = path;
    if (!cupel__text_read(&file->text, allocator, path, FILE_MAX, &cause)) {
        return cupel_error_set(error, 0, 0, "%.120s %.80s", path, cause.text);
    }
    file->at = notes->compiler.major >= BYTE_LENGTHS_SINCE ? 16 : 12;
    if (file->text.length < 16) {
        file->at = file->text.length;
        return corrupt(file, error);
    }
    if (!decode_head(path, file->text.data, MAGIC_COUNTERS, &head, error)) {
        return false;
    }
    if (head.version != notes->version || head.stamp != notes->stamp) {
        return cupel_error_set(
            error, 0, 0,
            "%.120s: counts of an older build of its object (%s differ): remove the evidence and run "
            "the tests again",
            path, head.version != notes->version ? "the versions" : "the stamps");
    }
    return true;
}

static uint64_t counter_at(const char *data, size_t offset) {
    uint64_t value;
    memcpy(&value, data + offset, sizeof value);
    return value;
}

static void write_word(uint32_t word, FILE *out) {
    (void)fwrite(&word, sizeof word, 1, out);
}

/* Writes the sum of one record that stands in all files. */
static void write_sum(const struct record records[], size_t count, unsigned major, FILE *out) {
    write_word(records[0].tag, out);
    write_word((uint32_t)(records[0].bytes / (major >= BYTE_LENGTHS_SINCE ? 1 : 4)), out);
    if (!is_counter_tag(records[0].tag)) {
        (void)fwrite(records[0].data, 1, records[0].bytes, out);
        return;
    }
    for (size_t offset = 0; offset < records[0].bytes; offset += 8) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += records[i].data == NULL ? 0 : counter_at(records[i].data, offset);
        }
        (void)fwrite(&sum, sizeof sum, 1, out);
    }
}

static bool sum_files(struct counters files[], size_t count, unsigned major, FILE *out, struct cupel_error *error) {
    (void)fwrite(files[0].text.data, 1, files[0].at, out);
    for (;;) {
        struct record records[CUPEL__COUNTERS_MAX] = {0};
        for (size_t i = 0; i < count; i++) {
            if (!next_record(&files[i], major, &records[i], error)) {
                return false;
            }
            bool is_function = records[i].tag == TAG_FUNCTION && i > 0 && records[i].bytes == records[0].bytes;
            if (records[i].tag != records[0].tag || records[i].bytes != records[0].bytes ||
                (is_function && memcmp(records[i].data, records[0].data, records[0].bytes) != 0)) {
                return cupel_error_set(error, 0, 0,
                                       "%.120s: other functions than in the other evidence of its object: remove the "
                                       "evidence and run the tests again",
                                       files[i].path);
            }
        }
        if (records[0].tag == 0) {
            write_word(0, out);
            return true;
        }
        write_sum(records, count, major, out);
    }
}

bool cupel__counters_sum(struct cupel_allocator *allocator, const char *const paths[], size_t count,
                         const struct cupel__head *notes, FILE *out, struct cupel_error *error) {
    assert(count >= 1 && count <= CUPEL__COUNTERS_MAX);
    struct counters files[CUPEL__COUNTERS_MAX] = {0};
    bool is_good = true;
    for (size_t i = 0; i < count && is_good; i++) {
        is_good = open_counters(&files[i], allocator, paths[i], notes, error);
    }
    is_good = is_good && sum_files(files, count, notes->compiler.major, out, error);
    for (size_t i = 0; i < count; i++) {
        cupel__text_free(&files[i].text);
    }
    return is_good;
}
