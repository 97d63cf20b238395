/* Reads tracefiles, which may come from anywhere: each number is bounded, each record checked, nothing recurses, and
 * what is wrong is named with its line and column. See tracefile.h. */
#include "coverage/tracefile.h"

#include "coverage/src/text.h"
#include "coverage/src/vector.h"

#include <string.h>

/* Functions of 2.x sections, numbered by the file: where each starts. */
struct group {
    uint32_t start_line, end_line;
    bool is_known;
};

struct reader {
    struct cupel_coverage *coverage;
    struct cupel_error *error;
    const char *text;     /* of the whole */
    const char *end;      /* of the whole */
    const char *line;     /* start of the current line */
    const char *line_end; /* its end, without the line break */
    const char *at;       /* where reading is */
    unsigned line_number; /* from 1 */
    uint32_t variant;
    struct cupel_cover_file *file; /* NULL between sections */
    struct group *groups;
    size_t group_count, group_capacity;
    uint32_t odd_line, odd_block, odd_index; /* numbers branches whose name is no number */
};

/* Fails at a place in the current line. */
static bool fail_at(struct reader *reader, const char *place, const char *what) {
    return cupel_error_set(reader->error, reader->line_number, (unsigned)(place - reader->line) + 1, "%s", what);
}

static bool fail(struct reader *reader, const char *what) {
    return fail_at(reader, reader->at, what);
}

static bool is_digit(const struct reader *reader) {
    return reader->at < reader->line_end && *reader->at >= '0' && *reader->at <= '9';
}

/* A decimal number up to `max`. */
static bool read_number(struct reader *reader, uint64_t max, uint64_t *value) {
    const char *start = reader->at;
    if (!is_digit(reader)) {
        return fail(reader, "a number is missing here");
    }
    uint64_t result = 0;
    for (; is_digit(reader); reader->at++) {
        unsigned digit = (unsigned)(*reader->at - '0');
        if (result > (max - digit) / 10) {
            return fail_at(reader, start, "this number is too large");
        }
        result = result * 10 + digit;
    }
    *value = result;
    return true;
}

static bool read_line_number(struct reader *reader, uint32_t *line) {
    const char *start = reader->at;
    uint64_t value;
    if (!read_number(reader, CUPEL_TRACEFILE_SOURCE_LINES_MAX, &value)) {
        return false;
    }
    *line = (uint32_t)value;
    return value != 0 || fail_at(reader, start, "lines are counted from 1");
}

/* A count; a negative one is 0. */
static bool read_count(struct reader *reader, uint64_t *count) {
    bool is_negative = reader->at < reader->line_end && *reader->at == '-';
    reader->at += is_negative;
    if (!read_number(reader, UINT64_MAX, count)) {
        return false;
    }
    *count = is_negative ? 0 : *count;
    return true;
}

static bool read_comma(struct reader *reader) {
    if (reader->at >= reader->line_end || *reader->at != ',') {
        return fail(reader, "a comma is missing here");
    }
    reader->at++;
    return true;
}

static bool at_end(struct reader *reader) {
    return reader->at == reader->line_end || fail(reader, "the record should end here");
}

/* What is left of the line, not empty. */
static bool read_rest(struct reader *reader, const char **start, size_t *length) {
    *start = reader->at;
    *length = (size_t)(reader->line_end - reader->at);
    reader->at = reader->line_end;
    return *length != 0 || fail(reader, "a name is missing here");
}

/* A function's name. One that begins with a number and a comma could not be written back: in an FN these are its end
 * line. */
static bool read_function_name(struct reader *reader, const char **name, size_t *length) {
    const char *place = reader->at;
    if (!read_rest(reader, name, length)) {
        return false;
    }
    size_t digits = 0;
    while (digits < *length && (*name)[digits] >= '0' && (*name)[digits] <= '9') {
        digits++;
    }
    bool is_ambiguous = digits > 0 && digits < *length && (*name)[digits] == ',';
    return !is_ambiguous || fail_at(reader, place, "a function's name cannot begin with a number and a comma");
}

static bool read_sf(struct reader *reader) {
    const char *path;
    size_t length;
    if (reader->file != NULL) {
        return fail_at(reader, reader->line, "SF within a section: its end_of_record is missing");
    }
    if (!read_rest(reader, &path, &length)) {
        return false;
    }
    const char *root = reader->coverage->root;
    size_t root_length = strlen(root);
    if (root_length > 0 && length > root_length + 1 && memcmp(path, root, root_length) == 0 &&
        path[root_length] == '/') {
        path += root_length + 1;
        length -= root_length + 1;
    }
    reader->file = cupel_cover_file(reader->coverage, path, length);
    reader->group_count = 0;
    reader->odd_line = 0;
    return true;
}

static void add_function(struct reader *reader, const char *name, size_t length, uint32_t start_line, uint32_t end_line,
                         uint64_t count) {
    struct cupel_cover_function function = {.start_line = start_line, .end_line = end_line, .variant = reader->variant};
    function.name = cupel_cover_name(reader->coverage, reader->file, name, length);
    function.counts.total = count;
    cupel_cover_add_function(reader->coverage, reader->file, &function);
}

/* FN:<start>,<name> or FN:<start>,<end>,<name>. */
static bool read_fn(struct reader *reader) {
    uint32_t start_line;
    if (!read_line_number(reader, &start_line) || !read_comma(reader)) {
        return false;
    }
    uint32_t end_line = 0;
    const char *name_start = reader->at;
    while (is_digit(reader)) {
        reader->at++;
    }
    bool has_end = reader->at > name_start && reader->at < reader->line_end && *reader->at == ',';
    reader->at = name_start;
    if (has_end && (!read_line_number(reader, &end_line) || !read_comma(reader))) {
        return false;
    }
    const char *name;
    size_t length;
    if (!read_function_name(reader, &name, &length)) {
        return false;
    }
    add_function(reader, name, length, start_line, end_line, 0);
    return true;
}

/* FNDA:<count>,<name>; the name must have come in an FN of this file. */
static bool read_fnda(struct reader *reader) {
    uint64_t count;
    const char *name;
    size_t length;
    if (!read_count(reader, &count) || !read_comma(reader)) {
        return false;
    }
    const char *place = reader->at;
    if (!read_rest(reader, &name, &length)) {
        return false;
    }
    if (cupel_cover_find_name(reader->file, name, length) == CUPEL_COVER_NO_FUNCTION &&
        !reader->coverage->is_out_of_memory) {
        return fail_at(reader, place, "no FN came before with this name");
    }
    add_function(reader, name, length, CUPEL_TRACEFILE_SOURCE_LINES_MAX, 0, count);
    return true;
}

/* FNL:<index>,<start>[,<end>]. Indices count up from 0 in all writers; gaps are limited by what the text could hold. */
static bool read_fnl(struct reader *reader) {
    uint64_t index;
    struct group group = {.is_known = true};
    const char *place = reader->at;
    if (!read_number(reader, UINT32_MAX, &index) || !read_comma(reader) ||
        !read_line_number(reader, &group.start_line)) {
        return false;
    }
    if (index > reader->line_number) {
        return fail_at(reader, place, "this function's index is larger than the number of functions can be");
    }
    if (reader->at < reader->line_end && (!read_comma(reader) || !read_line_number(reader, &group.end_line))) {
        return false;
    }
    while (reader->group_count <= index) {
        if (!cupel__cover_grow(reader->coverage->allocator, &reader->groups, &reader->group_capacity,
                               reader->group_count, sizeof reader->groups[0])) {
            reader->coverage->is_out_of_memory = true;
            return true;
        }
        reader->groups[reader->group_count++] = (struct group){0};
    }
    reader->groups[index] = group;
    return at_end(reader);
}

/* FNA:<index>,<count>,<alias>. */
static bool read_fna(struct reader *reader) {
    uint64_t index;
    uint64_t count;
    const char *name;
    size_t length;
    const char *place = reader->at;
    if (!read_number(reader, UINT32_MAX, &index) || !read_comma(reader) || !read_count(reader, &count) ||
        !read_comma(reader) || !read_function_name(reader, &name, &length)) {
        return false;
    }
    if (index >= reader->group_count || !reader->groups[index].is_known) {
        return reader->coverage->is_out_of_memory || fail_at(reader, place, "no FNL came before with this index");
    }
    add_function(reader, name, length, reader->groups[index].start_line, reader->groups[index].end_line, count);
    return true;
}

/* The number of a branch: itself where it is a number, else its place among the named ones of its line and block. */
static uint32_t branch_index(struct reader *reader, const char *end, uint32_t line, uint32_t block) {
    uint64_t value;
    const char *start = reader->at;
    struct reader trial = *reader;
    trial.error = NULL;
    trial.line_end = end;
    reader->at = end;
    if (start < end && read_number(&trial, UINT32_MAX, &value) && trial.at == end) {
        return (uint32_t)value;
    }
    if (reader->odd_line != line || reader->odd_block != block) {
        reader->odd_line = line;
        reader->odd_block = block;
        reader->odd_index = 0;
    }
    return reader->odd_index++;
}

/* BRDA:<line>,[e|f][U]<block>,<branch>,<taken or ->; the name of a branch may hold commas. */
static bool read_brda(struct reader *reader) {
    struct cupel_cover_branch branch = {.function = CUPEL_COVER_NO_FUNCTION, .variant = reader->variant};
    uint64_t block;
    if (!read_line_number(reader, &branch.line) || !read_comma(reader)) {
        return false;
    }
    bool has_flag = reader->at < reader->line_end && (*reader->at == 'e' || *reader->at == 'f');
    reader->at += has_flag;
    bool is_unreachable = reader->at < reader->line_end && *reader->at == 'U';
    reader->at += is_unreachable;
    if (!read_number(reader, UINT32_MAX, &block) || !read_comma(reader)) {
        return false;
    }
    branch.block = (uint32_t)block;
    const char *comma = memrchr(reader->at, ',', (size_t)(reader->line_end - reader->at));
    if (comma == NULL || comma == reader->at) {
        return fail(reader, "a branch and how often it was taken are missing here");
    }
    branch.index = branch_index(reader, comma, branch.line, branch.block);
    reader->at = comma + 1;
    branch.is_reached = reader->line_end - reader->at != 1 || *reader->at != '-';
    if (branch.is_reached ? !read_count(reader, &branch.counts.total) : (reader->at++, false)) {
        return false;
    }
    cupel_cover_add_branch(reader->coverage, reader->file, &branch);
    return at_end(reader);
}

/* DA:<line>,<count>[,<checksum>]. */
static bool read_da(struct reader *reader) {
    struct cupel_cover_line line = {.function = CUPEL_COVER_NO_FUNCTION, .variant = reader->variant};
    if (!read_line_number(reader, &line.line) || !read_comma(reader) || !read_count(reader, &line.counts.total)) {
        return false;
    }
    if (reader->at < reader->line_end) {
        const char *checksum;
        size_t length;
        if (!read_comma(reader) || !read_rest(reader, &checksum, &length)) {
            return false;
        }
    }
    cupel_cover_add_line(reader->coverage, reader->file, &line);
    return true;
}

/* MCDC:<line>,[U]<group size>,<t|f>,<taken>,<index>,<expression>: checked as far as the line, then dropped. */
static bool read_mcdc(struct reader *reader) {
    uint32_t line;
    const char *rest;
    size_t length;
    return read_line_number(reader, &line) && read_comma(reader) && read_rest(reader, &rest, &length);
}

/* LF, LH and so on: the sums follow from the rest. */
static bool read_sum(struct reader *reader) {
    uint64_t value;
    return read_number(reader, UINT64_MAX, &value) && at_end(reader);
}

static bool read_nothing(struct reader *reader) {
    reader->at = reader->line_end;
    return true;
}

static const struct record {
    const char *word;
    bool is_outside; /* may stand between sections */
    bool (*read)(struct reader *);
} records[] = {
    {"DA:", false, read_da},       {"BRDA:", false, read_brda}, {"FN:", false, read_fn},   {"FNDA:", false, read_fnda},
    {"FNL:", false, read_fnl},     {"FNA:", false, read_fna},   {"SF:", true, read_sf},    {"TN:", true, read_nothing},
    {"VER:", false, read_nothing}, {"MCDC:", false, read_mcdc}, {"LF:", false, read_sum},  {"LH:", false, read_sum},
    {"FNF:", false, read_sum},     {"FNH:", false, read_sum},   {"BRF:", false, read_sum}, {"BRH:", false, read_sum},
    {"MCF:", false, read_sum},     {"MCH:", false, read_sum},
};

static bool read_record(struct reader *reader) {
    size_t length = (size_t)(reader->line_end - reader->line);
    if (length == 0 || reader->line[0] == '#') {
        return true;
    }
    static const char end[] = "end_of_record";
    if (length == sizeof end - 1 && memcmp(reader->line, end, length) == 0) {
        if (reader->file == NULL && !reader->coverage->is_out_of_memory) {
            return fail_at(reader, reader->line, "end_of_record without a section");
        }
        reader->file = NULL;
        return true;
    }
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        size_t word = strlen(records[i].word);
        if (length < word || memcmp(reader->line, records[i].word, word) != 0) {
            continue;
        }
        if (!records[i].is_outside && reader->file == NULL) {
            return fail_at(reader, reader->line, "this record stands outside of a section (no SF came before)");
        }
        reader->at = reader->line + word;
        return records[i].read(reader);
    }
    return fail_at(reader, reader->line, "this is no record of a tracefile");
}

/* The next line; a NUL byte is never text. */
static bool next_line(struct reader *reader) {
    const char *next = memchr(reader->line, '\n', (size_t)(reader->end - reader->line));
    reader->line_end = next == NULL ? reader->end : next;
    /* All of them: a name that kept one would be written at the end of a line, and lose it there. */
    while (reader->line_end > reader->line && reader->line_end[-1] == '\r') {
        reader->line_end--;
    }
    reader->line_number++;
    reader->at = reader->line;
    size_t length = (size_t)(reader->line_end - reader->line);
    if (length > CUPEL_TRACEFILE_LINE_MAX) {
        return fail(reader, "this line is too long");
    }
    const char *zero = memchr(reader->line, '\0', length);
    return zero == NULL || fail_at(reader, zero, "a zero byte: this is no text");
}

static bool read_all(struct reader *reader) {
    bool has_sections = false;
    for (reader->line = reader->text; reader->line < reader->end;) {
        if (!next_line(reader) || !read_record(reader)) {
            return false;
        }
        if (reader->coverage->is_out_of_memory) {
            return cupel_error_set(reader->error, 0, 0, "out of memory");
        }
        has_sections = has_sections || reader->file != NULL;
        const char *next = memchr(reader->line_end, '\n', (size_t)(reader->end - reader->line_end));
        reader->line = next == NULL ? reader->end : next + 1;
    }
    if (reader->file != NULL) {
        return cupel_error_set(reader->error, reader->line_number, 0,
                               "the text ends within the section of %.120s: no end_of_record", reader->file->path);
    }
    return has_sections || cupel_error_set(reader->error, 0, 0, "not a tracefile: no section (SF) in it");
}

bool cupel_tracefile_read(struct cupel_coverage *coverage, const char *text, size_t length, struct cupel_error *error) {
    if (length == 0) {
        return cupel_error_set(error, 0, 0, "not a tracefile: it is empty");
    }
    struct reader reader = {.coverage = coverage, .error = error, .text = text, .end = text + length};
    reader.variant = cupel_cover_variant(coverage, "");
    bool is_good = read_all(&reader);
    cupel_free(coverage->allocator, reader.groups, reader.group_capacity * sizeof reader.groups[0],
               _Alignof(max_align_t));
    return is_good;
}

bool cupel_tracefile_read_file(struct cupel_coverage *coverage, const char *path, struct cupel_error *error) {
    struct cupel__text text;
    if (!cupel__text_read(&text, coverage->allocator, path, CUPEL_TRACEFILE_FILE_MAX, error)) {
        return false;
    }
    bool is_good = cupel_tracefile_read(coverage, text.data, text.length, error);
    cupel__text_free(&text);
    return is_good;
}
