/* Mappings of this process: see maps.h. A line is "low-high perms offset device inode    name". */
#include "alloc/src/maps.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FIELD_LOW, FIELD_HIGH, FIELD_PERMISSIONS, FIELD_NAME = 6 };

struct reader {
    struct cupel__mapping mapping;
    unsigned field;
    unsigned length; /* of what was read of the field */
};

static void begin(struct reader *reader) {
    memset(reader, 0, sizeof *reader);
}

static void read_permission(struct cupel__mapping *mapping, unsigned place, char c) {
    mapping->is_readable = mapping->is_readable || (place == 0 && c == 'r');
    mapping->is_writable = mapping->is_writable || (place == 1 && c == 'w');
    mapping->is_private = mapping->is_private || (place == 3 && c == 'p');
}

/* True at the end of a line. */
static bool read_character(struct reader *reader, char c) {
    struct cupel__mapping *mapping = &reader->mapping;
    if (c == '\n') {
        return true;
    }
    if (reader->field < FIELD_NAME && (c == ' ' || (c == '-' && reader->field == FIELD_LOW))) {
        if (reader->length > 0) {
            reader->field++;
            reader->length = 0;
        }
        return false;
    }
    if (reader->field == FIELD_LOW || reader->field == FIELD_HIGH) {
        uintptr_t *number = reader->field == FIELD_LOW ? &mapping->low : &mapping->high;
        *number = *number * 16 + (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    } else if (reader->field == FIELD_PERMISSIONS) {
        read_permission(mapping, reader->length, c);
    } else if (reader->field == FIELD_NAME) {
        if (c == ' ' && reader->length == 0) {
            return false; /* names stand behind many spaces */
        }
        if (reader->length < sizeof mapping->name - 1) {
            mapping->name[reader->length] = c;
        }
    }
    reader->length++;
    return false;
}

bool cupel__maps_walk(bool (*visit)(void *user, const struct cupel__mapping *mapping), void *user) {
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    char text[4096];
    struct reader reader;
    begin(&reader);
    bool wants_more = true;
    ssize_t length;
    while (wants_more && (length = read(file, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < length && wants_more; i++) {
            if (read_character(&reader, text[i])) {
                wants_more = visit(user, &reader.mapping);
                begin(&reader);
            }
        }
    }
    (void)close(file);
    return true;
}
