/* A value of the VM: one 64-bit word, tagged in its low three bits.
 *
 *     000        integer, 61 bits, signed (bits >> 3)
 *     001        reference to a heap object (8-byte aligned)
 *     010        immediate: nil, false, true, ... the two zeros of double; which one is in the bits from 3 up
 *     011, 100   double, its bits rotated left by four: every double with 2^-255 <= |x| < 2^257. Sign and the three
 * highest bits of the exponent then stand lowest, and those three are 011 or 100 for just that range. Others are boxed.
 *     101..111   reserved
 *
 * A reference is good until the next safepoint; what must live longer is held by a handle (vm_hold). The encoding of
 * doubles is known as self-tagging (Melançon, Feeley, Serrano, "Float Self-Tagging", 2024). */
#ifndef VM_VALUE_H
#define VM_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t bits;
} tagged_value_t;

enum vm_tag { VM_TAG_INTEGER = 0, VM_TAG_REFERENCE = 1, VM_TAG_IMMEDIATE = 2 };

/* A value from its bits. (C++ has no compound literals.) */
#ifdef __cplusplus
#define VM__VALUE(bits_) (tagged_value_t{(bits_)})
#else
#define VM__VALUE(bits_) ((tagged_value_t){(bits_)})
#endif

#define VM__IMMEDIATE(n) VM__VALUE(((uint64_t)(n) << 3) | VM_TAG_IMMEDIATE)
#define VM_NIL           VM__IMMEDIATE(0)
#define VM_FALSE         VM__IMMEDIATE(1)
#define VM_TRUE          VM__IMMEDIATE(2)
#define VM_UNDEFINED     VM__IMMEDIATE(3)
#define VM_PLUS_ZERO     VM__IMMEDIATE(4) /* +0.0 */
#define VM_MINUS_ZERO    VM__IMMEDIATE(5) /* -0.0 */
#define VM_OOM_VALUE                                                                                                   \
    VM__IMMEDIATE(6) /* what a constructor gives when the memory cap is reached; never stored in an object */

#define VM_INTEGER_MAX (INT64_MAX >> 3)
#define VM_INTEGER_MIN (INT64_MIN >> 3)

/* True where both are the same word: the same integer, immediate or object. Never collects, never fails. */
static inline bool vm_is_same(tagged_value_t a, tagged_value_t b) {
    return a.bits == b.bits;
}

static inline enum vm_tag vm_tag(tagged_value_t value) {
    return (enum vm_tag)(value.bits & 7);
}

static inline bool vm_is_integer(tagged_value_t value) {
    return vm_tag(value) == VM_TAG_INTEGER;
}

static inline bool vm_is_reference(tagged_value_t value) {
    return vm_tag(value) == VM_TAG_REFERENCE;
}

static inline bool vm_is_oom(tagged_value_t value) {
    return vm_is_same(value, VM_OOM_VALUE);
}

/* An integer from VM_INTEGER_MIN to VM_INTEGER_MAX; outside of that the high bits are lost (check with
 * vm_integer_fits). */
static inline tagged_value_t vm_mk_integer(int64_t value) {
    return VM__VALUE((uint64_t)value << 3);
}

static inline bool vm_integer_fits(int64_t value) {
    return value >= VM_INTEGER_MIN && value <= VM_INTEGER_MAX;
}

/* The integer in a value for which vm_is_integer holds. (Arithmetic shift right: gcc and clang define it so.) */
static inline int64_t vm_integer(tagged_value_t value) {
    return (int64_t)value.bits >> 3;
}

/* True where the value is a double that needs no object: self-tagged or a zero. */
static inline bool vm_is_immediate_double(tagged_value_t value) {
    return ((value.bits - 3) & 7) < 2 || vm_is_same(value, VM_PLUS_ZERO) || vm_is_same(value, VM_MINUS_ZERO);
}

/* Encodes where no object is needed; false where the double must be boxed (see vm_mk_double). */
bool vm_double_encode(double number, tagged_value_t *value);
/* The double in a value for which vm_is_immediate_double holds. */
double vm_double_decode(tagged_value_t value);

#ifdef __cplusplus
}
#endif

#endif
