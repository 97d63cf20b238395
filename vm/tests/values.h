/* Values drawn from bytes: of every kind that data has, nested, some of them drawn twice, and numbers close to where
 * integers and doubles part. */
#ifndef VM_TESTS_VALUES_H
#define VM_TESTS_VALUES_H

#include "harness/harness.h"
#include "vm/vm.h"

enum { VALUES_NESTING_MAX = 3 };

/* VM_OOM_VALUE where memory ran out. Nothing is held: no safepoint may come before the caller holds it. */
static inline tagged_value_t draw_value(vm_t *vm, struct cupel_bytes *bytes, unsigned depth);

static inline tagged_value_t draw_integer(vm_t *vm, struct cupel_bytes *bytes) {
    static const int64_t edges[] = {0,
                                    1,
                                    ((int64_t)1 << 53) - 1,
                                    ((int64_t)1 << 53) + 1,
                                    VM_INTEGER_MAX,
                                    VM_INTEGER_MIN,
                                    VM_INTEGER_MAX + 1,
                                    INT64_MAX,
                                    INT64_MIN};
    size_t edge = (size_t)cupel_draw_uint(bytes, "edge", 0, sizeof edges / sizeof edges[0] - 1);
    uint64_t number = (uint64_t)edges[edge] + (uint64_t)cupel_draw_int(bytes, "offset", -2, 2);
    return vm_mk_int64(vm, (int64_t)number);
}

/* A double, or one that an integer of draw_integer is close to. */
static inline tagged_value_t draw_double(vm_t *vm, struct cupel_bytes *bytes) {
    if (!cupel_draw_more(bytes, "any double")) {
        tagged_value_t integer = draw_integer(vm, bytes);
        return vm_is_oom(integer) ? integer : vm_mk_double(vm, (double)vm_int64(integer));
    }
    return vm_mk_double(vm, cupel_draw_double(bytes, "double"));
}

static inline tagged_value_t draw_text(vm_t *vm, struct cupel_bytes *bytes, bool is_symbol) {
    static const char *const words[] = {"", "a", "ab", "b", "\xc3\xa4", "a\xe2\x82\xac", "abcdefgh", "abcdefghi"};
    const char *word = words[cupel_draw_uint(bytes, "word", 0, sizeof words / sizeof words[0] - 1)];
    if (is_symbol) {
        return vm_mk_symbol(vm, word, strlen(word));
    }
    tagged_value_t text = vm_mk_string(vm, word, strlen(word));
    if (vm_is_oom(text) || !cupel_draw_more(bytes, "slice")) {
        return text;
    }
    size_t length = vm_length(text), first = (size_t)cupel_draw_uint(bytes, "first", 0, length);
    size_t end = (size_t)cupel_draw_uint(bytes, "end", first, length);
    return vm_slice(vm, text, first, end, &text) == VM_OK ? text : VM_OOM_VALUE;
}

static inline tagged_value_t draw_array(vm_t *vm, struct cupel_bytes *bytes, unsigned depth) {
    size_t length = (size_t)cupel_draw_uint(bytes, "length", 0, 3);
    tagged_value_t array = vm_mk_array(vm, length);
    for (size_t i = 0; i < length && !vm_is_oom(array); i++) {
        tagged_value_t element = draw_value(vm, bytes, depth + 1);
        if (vm_is_oom(element)) {
            return element;
        }
        vm_set(array, i, element);
    }
    if (vm_is_oom(array) || !cupel_draw_more(bytes, "slice")) {
        return array;
    }
    size_t first = (size_t)cupel_draw_uint(bytes, "first", 0, length);
    return vm_slice(vm, array, first, length, &array) == VM_OK ? array : VM_OOM_VALUE;
}

static inline tagged_value_t draw_table(vm_t *vm, struct cupel_bytes *bytes, unsigned depth) {
    tagged_value_t table = vm_mk_table(vm, 0);
    while (!vm_is_oom(table) && cupel_draw_more(bytes, "entry")) {
        tagged_value_t key = draw_integer(vm, bytes);
        tagged_value_t value = vm_is_oom(key) ? key : draw_value(vm, bytes, depth + 1);
        if (vm_is_oom(value) || vm_table_set(vm, table, key, value) != VM_OK) {
            return VM_OOM_VALUE;
        }
    }
    return table;
}

static inline tagged_value_t draw_two(vm_t *vm, struct cupel_bytes *bytes, unsigned depth, bool is_pair) {
    tagged_value_t first = draw_value(vm, bytes, depth + 1);
    tagged_value_t second = vm_is_oom(first) ? first : draw_value(vm, bytes, depth + 1);
    if (vm_is_oom(second)) {
        return second;
    }
    return is_pair ? vm_mk_pair(vm, first, second) : vm_mk_error(vm, first, second, VM_NIL);
}

static inline tagged_value_t draw_value(vm_t *vm, struct cupel_bytes *bytes, unsigned depth) {
    static const char *const kinds[] = {"immediate", "integer", "double", "text",  "symbol", "bytes",
                                        "array",     "pair",    "table",  "error", "box"};
    const tagged_value_t immediates[] = {VM_NIL, VM_FALSE, VM_TRUE, VM_UNDEFINED, VM_PLUS_ZERO, VM_MINUS_ZERO};
    unsigned count = depth < VALUES_NESTING_MAX ? sizeof kinds / sizeof kinds[0] : 6;
    switch (cupel_draw_pick(bytes, "kind", kinds, count)) {
    case 0:
        return immediates[cupel_draw_uint(bytes, "which", 0, 5)];
    case 1:
        return draw_integer(vm, bytes);
    case 2:
        return draw_double(vm, bytes);
    case 3:
        return draw_text(vm, bytes, false);
    case 4:
        return draw_text(vm, bytes, true);
    case 5:
        return vm_mk_bytes(vm, "\0\1\1\2", (size_t)cupel_draw_uint(bytes, "bytes", 0, 4));
    case 6:
        return draw_array(vm, bytes, depth);
    case 7:
        return draw_two(vm, bytes, depth, true);
    case 8:
        return draw_table(vm, bytes, depth);
    case 9:
        return draw_two(vm, bytes, depth, false);
    default:
        return vm_mk_box(vm, VM_NIL);
    }
}

#endif
