/* Goal: every value comes back from its word as it went in. Method: edges of each encoding by table, and random doubles
 * against their own bits. */
#include "alloc/libc.h"
#include "harness/harness.h"
#include "vm/vm.h"

#include <float.h>
#include <math.h>
#include <string.h>

static uint64_t bits_of(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static const int64_t integers[] = {0, 1, -1, INT32_MAX, INT32_MIN, VM_INTEGER_MAX, VM_INTEGER_MIN};

TEST(value, integers_come_back, TABLE(integers)) {
    int64_t expected = *(const int64_t *)test_row();
    tagged_value_t value = vm_mk_integer(expected);
    CHECK(vm_is_integer(value));
    CHECK(!vm_is_reference(value) && !vm_is_double(value));
    CHECK_INT_EQ(vm_integer(value), expected);
}

TEST(value, integers_that_do_not_fit_are_told) {
    CHECK(vm_integer_fits(VM_INTEGER_MAX));
    CHECK(vm_integer_fits(VM_INTEGER_MIN));
    CHECK(!vm_integer_fits(VM_INTEGER_MAX + 1));
    CHECK(!vm_integer_fits(VM_INTEGER_MIN - 1));
}

/* The first and last doubles that need no box, and their neighbours on the other side. */
TEST(value, the_range_without_a_box_is_as_documented) {
    tagged_value_t value;
    double smallest = ldexp(1, -255);
    double largest = nextafter(ldexp(1, 257), 0);
    CHECK(vm_double_encode(smallest, &value));
    CHECK(vm_double_encode(-smallest, &value));
    CHECK(vm_double_encode(largest, &value));
    CHECK(vm_double_encode(-largest, &value));
    CHECK(!vm_double_encode(nextafter(smallest, 0), &value));
    CHECK(!vm_double_encode(ldexp(1, 257), &value));
    CHECK(!vm_double_encode((double)INFINITY, &value));
    CHECK(!vm_double_encode((double)NAN, &value));
    CHECK(vm_double_encode(0.0, &value));
    CHECK(vm_is_same(value, VM_PLUS_ZERO));
    CHECK(vm_double_encode(-0.0, &value));
    CHECK(vm_is_same(value, VM_MINUS_ZERO));
}

PROPERTY(value, doubles_come_back, .longest = 8) {
    double expected = cupel_draw_double(bytes, "number");
    vm_t *vm = vm_create(a, NULL);
    STARVED(vm == NULL);
    tagged_value_t value = vm_mk_double(vm, expected);
    if (vm_is_oom(value)) {
        vm_destroy(vm);
    }
    STARVED(vm_is_oom(value));
    CHECK(vm_is_double(value));
    CHECK(!vm_is_integer(value));
    CHECK_UINT_EQ(bits_of(vm_double(value)), bits_of(expected));
    vm_destroy(vm);
}
