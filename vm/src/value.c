/* Doubles as tagged words: see value.h. */
#include "vm/value.h"

#include <string.h>

enum { ROTATION = 4 };

bool vm_double_encode(double number, tagged_value_t *value) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    if (bits << 1 == 0) {
        *value = bits == 0 ? VM_PLUS_ZERO : VM_MINUS_ZERO;
        return true;
    }
    uint64_t rotated = bits << ROTATION | bits >> (64 - ROTATION);
    if (((rotated - 3) & 7) >= 2) {
        return false;
    }
    value->bits = rotated;
    return true;
}

double vm_double_decode(tagged_value_t value) {
    uint64_t bits = value.bits >> ROTATION | value.bits << (64 - ROTATION);
    if (vm_is_same(value, VM_PLUS_ZERO)) {
        bits = 0;
    } else if (vm_is_same(value, VM_MINUS_ZERO)) {
        bits = UINT64_C(1) << 63;
    }
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}
