/* The order of two values as far as it can be told without looking into their elements. */
#include "vm/src/order.h"
#include "vm/src/text.h"

#include <math.h>

bool vm__is_number(tagged_value_t value) {
    return vm_is_int64(value) || vm_is_double(value);
}

static int sign_of(bool is_more, bool is_less) {
    return (int)is_more - (int)is_less;
}

/* NaN comes last. */
static int compare_doubles(double a, double b) {
    if (isnan(a) || isnan(b)) {
        return sign_of(isnan(a) && !isnan(b), !isnan(a) && isnan(b));
    }
    return sign_of(a > b, a < b);
}

/* Exactly: no integer is rounded to a double. */
static int compare_mixed(int64_t a, double b) {
    static const double bound = 9223372036854775808.0; /* 2^63 */
    if (isnan(b) || b >= bound) {
        return -1;
    }
    if (b < -bound) {
        return 1;
    }
    int64_t whole = (int64_t)b;
    double rest = b - (double)whole;
    return a != whole ? sign_of(a > whole, a < whole) : compare_doubles(0, rest);
}

/* Of numbers of one value: -0.0, the integer, the double. */
static int grade(tagged_value_t number) {
    return vm_is_int64(number) ? 1 : vm_is_same(number, VM_MINUS_ZERO) ? 0 : 2;
}

int vm__compare_numbers(tagged_value_t a, tagged_value_t b) {
    int order;
    if (vm_is_int64(a)) {
        order = vm_is_int64(b) ? sign_of(vm_int64(a) > vm_int64(b), vm_int64(a) < vm_int64(b))
                               : compare_mixed(vm_int64(a), vm_double(b));
    } else {
        order =
            vm_is_int64(b) ? -compare_mixed(vm_int64(b), vm_double(a)) : compare_doubles(vm_double(a), vm_double(b));
    }
    return order != 0 ? order : grade(a) - grade(b);
}

enum rank { RANK_NUMBER = 16, RANK_TEXT, RANK_BYTES, RANK_LIST, RANK_TABLE, RANK_OTHER = 32 };

/* Values of different ranks compare by rank: immediates, numbers, texts, bytes, arrays, tables, then by type. */
static unsigned rank_of(tagged_value_t value) {
    if (vm__is_number(value)) {
        return RANK_NUMBER;
    }
    if (!vm_is_reference(value)) {
        return (unsigned)(value.bits >> 3); /* nil, false, true, undefined */
    }
    enum vm_type type = vm__type(vm__object(value));
    switch (vm__layouts[type].order) {
    case VM__ORDER_TEXT:
        return RANK_TEXT;
    case VM__ORDER_BYTES:
        return RANK_BYTES;
    case VM__ORDER_LIST:
        return RANK_LIST;
    case VM__ORDER_TABLE:
        return RANK_TABLE;
    default:
        return RANK_OTHER + (unsigned)type;
    }
}

static enum vm__verdict verdict(int order) {
    return order < 0 ? VM__LESS : order > 0 ? VM__MORE : VM__SAME;
}

static enum vm__verdict compare_memory(const void *a, size_t a_length, const void *b, size_t b_length) {
    size_t common = a_length < b_length ? a_length : b_length;
    int order = common == 0 ? 0 : memcmp(a, b, common);
    return verdict(order != 0 ? order : sign_of(a_length > b_length, a_length < b_length));
}

/* Byte by byte, which for UTF-8 is character by character. */
static enum vm__verdict compare_texts(tagged_value_t a, tagged_value_t b) {
    struct vm__text one = vm__text(a), other = vm__text(b);
    return compare_memory(one.bytes, one.length, other.bytes, other.length);
}

const uint8_t *vm__bytes_view(tagged_value_t bytes, size_t *length) {
    const struct vm__object *object = vm__object(bytes);
    (void)vm__length(bytes, length);
    return vm__type(object) == VM_TYPE_BYTES
               ? vm__contents(object)
               : vm__contents(vm__object(object->slots[VM__SLICE_BASE])) + vm__raw_low(object, VM__SLICE_RANGE);
}

tagged_value_t *vm__array_view(tagged_value_t array, size_t *length) {
    const struct vm__object *object = vm__object(array);
    (void)vm__length(array, length);
    return vm__type(object) == VM_TYPE_ARRAY
               ? vm__elements(object)
               : vm__elements(vm__object(object->slots[VM__SLICE_BASE])) + vm__raw_low(object, VM__SLICE_RANGE);
}

static enum vm__verdict compare_bytes(tagged_value_t a, tagged_value_t b) {
    size_t a_length = 0, b_length = 0;
    const uint8_t *one = vm__bytes_view(a, &a_length), *other = vm__bytes_view(b, &b_length);
    return compare_memory(one, a_length, other, b_length);
}

static enum vm__verdict compare_identities(vm_t *vm, tagged_value_t a, tagged_value_t b) {
    uint32_t one = vm__identity(vm, vm__object(a)), other = vm__identity(vm, vm__object(b));
    return one == 0 || other == 0 ? VM__FAILED : verdict(sign_of(one > other, one < other));
}

enum vm__verdict vm__compare_flat(vm_t *vm, tagged_value_t a, tagged_value_t b) {
    if (vm_is_same(a, b)) {
        return VM__SAME;
    }
    unsigned one = rank_of(a), other = rank_of(b);
    if (one != other) {
        return one < other ? VM__LESS : VM__MORE;
    }
    if (one == RANK_NUMBER) {
        return verdict(vm__compare_numbers(a, b));
    }
    switch (vm__layouts[vm__type(vm__object(a))].order) {
    case VM__ORDER_TEXT:
        return compare_texts(a, b);
    case VM__ORDER_NAME:
        return compare_texts(vm_symbol_name(a), vm_symbol_name(b));
    case VM__ORDER_BYTES:
        return compare_bytes(a, b);
    case VM__ORDER_IDENTITY:
        return compare_identities(vm, a, b);
    default:
        return VM__INSIDE;
    }
}

struct vm__elements_of vm__elements_begin(tagged_value_t value) {
    struct vm__object *object = vm__object(value);
    struct vm__elements_of elements = {.at = 0};
    switch (vm__layouts[vm__type(object)].order) {
    case VM__ORDER_LIST:
        elements.values = vm__array_view(value, &elements.left);
        break;
    case VM__ORDER_TABLE:
        elements.is_table = true;
        elements.left = 2 * (size_t)vm__raw_low(object, VM__TABLE_COUNTS);
        elements.values = elements.left == 0 ? NULL : vm__object(object->slots[VM__TABLE_ENTRIES])->slots;
        break;
    default:
        elements.values = vm__tagged(object, &elements.left);
        break;
    }
    return elements;
}

tagged_value_t vm__elements_next(struct vm__elements_of *elements) {
    assert(elements->left > 0);
    elements->left--;
    if (elements->is_table && elements->at % VM__ENTRY_SLOTS == VM__ENTRY_HASH) {
        elements->at += VM__ENTRY_KEY;
        while (vm_is_same(elements->values[elements->at], VM__HOLE)) {
            elements->at += VM__ENTRY_SLOTS;
        }
    }
    return elements->values[elements->at++];
}
