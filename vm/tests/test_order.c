/* Goal: the order of values is total, equality and hashes agree with it, and none of them knows an address. Method: the
 * laws on drawn values, before and after a flip that moves everything; the edges of numbers, long lists, and data
 * without end by table. */
#include "harness/harness.h"
#include "vm/src/heap.h"
#include "vm/tests/starve.h"
#include "vm/tests/values.h"

#include <math.h>

enum { COUNT = 5 };

struct laws {
    vm_t *vm;
    vm_handle handles[COUNT];
    unsigned count;
    int order[COUNT][COUNT];
    uint32_t hashes[COUNT];
};

/* False where memory ran out. */
static bool compare_all(struct laws *laws) {
    for (unsigned i = 0; i < laws->count; i++) {
        tagged_value_t one = vm_held(laws->vm, laws->handles[i]);
        laws->hashes[i] = vm_hash(laws->vm, one);
        for (unsigned j = 0; j < laws->count; j++) {
            tagged_value_t other = vm_held(laws->vm, laws->handles[j]);
            bool is_equal = false;
            vm_status status = vm_compare(laws->vm, one, other, &laws->order[i][j]);
            status = status == VM_OK ? vm_equal(laws->vm, one, other, &is_equal) : status;
            if (status == VM_ERROR_OOM) {
                return false;
            }
            REQUIRE_INT_EQ(status, VM_OK);
            REQUIRE_INT_EQ(is_equal, laws->order[i][j] == 0);
        }
    }
    return true;
}

static void check_laws(const struct laws *laws) {
    for (unsigned i = 0; i < laws->count; i++) {
        REQUIRE_INT_EQ(laws->order[i][i], 0);
        for (unsigned j = 0; j < laws->count; j++) {
            REQUIRE_INT_EQ(laws->order[i][j], -laws->order[j][i]);
            REQUIRE(laws->order[i][j] != 0 || laws->hashes[i] == laws->hashes[j]);
            for (unsigned k = 0; k < laws->count; k++) {
                bool goes_up = laws->order[i][j] <= 0 && laws->order[j][k] <= 0;
                REQUIRE(!goes_up || laws->order[i][k] <= 0);
                REQUIRE(!goes_up || laws->order[i][k] != 0 || (laws->order[i][j] == 0 && laws->order[j][k] == 0));
            }
        }
    }
}

static bool draw_all(struct laws *laws, struct cupel_bytes *bytes) {
    while (laws->count < COUNT && cupel_draw_more(bytes, "value")) {
        tagged_value_t value = draw_value(laws->vm, bytes, 0);
        laws->handles[laws->count] = vm_is_oom(value) ? 0 : vm_hold(laws->vm, value);
        if (laws->handles[laws->count] == 0) {
            return false;
        }
        laws->count++;
    }
    return true;
}

PROPERTY(order, is_total_and_hashes_agree, .longest = 512, .faults = "vm") {
    struct laws laws = {
        .vm = vm_create(a, &(struct vm_options){HEAP_STARVES, .stress = VM_STRESS_FLIP | VM_STRESS_MOVE})};
    bool goes_on = laws.vm != NULL && draw_all(&laws, bytes) && compare_all(&laws);
    if (goes_on) {
        check_laws(&laws);
        struct laws before = laws;
        goes_on = vm_safepoint(laws.vm) == VM_OK && compare_all(&laws);
        if (goes_on) {
            REQUIRE_MEM_EQ(laws.order, before.order, sizeof laws.order);
            REQUIRE_MEM_EQ(laws.hashes, before.hashes, sizeof laws.hashes);
            goes_on = vm_check_heap(laws.vm);
        }
    }
    vm_destroy(laws.vm);
    STARVED(!goes_on);
}

/* From the least to the greatest: integers in the first column where the second is 0. */
struct number {
    const char *what;
    int64_t integer;
    double number;
    bool is_double;
};

static const struct number numbers[] = {
    {"-inf", 0, -HUGE_VAL, true},
    {"below all integers", 0, -9223372036854777856.0, true},
    {"the least integer", INT64_MIN, 0, false},
    {"the same as a double", 0, -9223372036854775808.0, true},
    {"-2^53 - 1", -((int64_t)1 << 53) - 1, 0, false},
    {"-2^53", 0, -9007199254740992.0, true},
    {"-1.5", 0, -1.5, true},
    {"-1", -1, 0, false},
    {"-1.0", 0, -1, true},
    {"-0.5", 0, -0.5, true},
    {"-0.0", 0, -0.0, true},
    {"0", 0, 0, false},
    {"0.0", 0, 0, true},
    {"the least double", 0, 5e-324, true},
    {"0.5", 0, 0.5, true},
    {"1", 1, 0, false},
    {"1.0", 0, 1, true},
    {"2^53", 0, 9007199254740992.0, true},
    {"2^53 + 1", ((int64_t)1 << 53) + 1, 0, false},
    {"2^63 - 1", INT64_MAX, 0, false},
    {"2^63", 0, 9223372036854775808.0, true},
    {"1e300", 0, 1e300, true},
    {"inf", 0, HUGE_VAL, true},
    {"nan", 0, NAN, true},
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static tagged_value_t make_number(vm_t *vm, const struct number *number) {
    return made(vm, number->is_double ? vm_mk_double(vm, number->number) : vm_mk_int64(vm, number->integer));
}

TEST(order, numbers_compare_by_exact_value) {
    vm_t *vm = create(NULL);
    for (int i = 0; i < NUMBERS; i++) {
        tagged_value_t one = make_number(vm, &numbers[i]);
        for (int j = 0; j < NUMBERS; j++) {
            tagged_value_t other = make_number(vm, &numbers[j]);
            int order = 7;
            CHECK_INT_EQ(vm_compare(vm, one, other, &order), VM_OK);
            if (order != (i > j) - (i < j)) {
                cupel_note("%s and %s", numbers[i].what, numbers[j].what);
            }
            CHECK_INT_EQ(order, (i > j) - (i < j));
            CHECK_INT_EQ(vm_compare_numbers(one, other) > 0, i > j);
        }
    }
    vm_destroy(vm);
}

static tagged_value_t list_of(vm_t *vm, int length, tagged_value_t end) {
    tagged_value_t list = end;
    for (int i = 0; i < length; i++) {
        list = made(vm, vm_mk_pair(vm, vm_mk_integer(i), list));
    }
    return list;
}

static int order_of(vm_t *vm, tagged_value_t a, tagged_value_t b) {
    int order = 7;
    vm_status status = vm_compare(vm, a, b, &order);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_OK);
    return order;
}

TEST(order, long_lists_are_one_level, .tags = "slow") {
    vm_t *vm = create(NULL);
    tagged_value_t list = list_of(vm, 100000, VM_NIL), other = list_of(vm, 100000, VM_TRUE);
    CHECK_INT_EQ(order_of(vm, list, list_of(vm, 100000, VM_NIL)), 0);
    CHECK_INT_EQ(order_of(vm, list, other), -1);
    CHECK_INT_EQ(order_of(vm, other, list), 1);
    CHECK_UINT_EQ(vm_hash(vm, list), vm_hash(vm, list_of(vm, 100000, VM_NIL)));
    vm_destroy(vm);
}

TEST(order, longer_arrays_come_behind_their_beginnings) {
    vm_t *vm = create(NULL);
    tagged_value_t one = made(vm, vm_mk_array(vm, 1)), two = made(vm, vm_mk_array(vm, 2)), slice;
    CHECK_INT_EQ(order_of(vm, one, two), -1);
    CHECK_INT_EQ(order_of(vm, two, one), 1);
    vm_set(one, 0, VM_TRUE);
    CHECK_INT_EQ(order_of(vm, one, two), 1);
    end_where(vm, vm_slice(vm, two, 0, 1, &slice) != VM_OK);
    CHECK_INT_EQ(order_of(vm, slice, two), -1);
    CHECK_INT_EQ(order_of(vm, made(vm, vm_mk_table(vm, 0)), made(vm, vm_mk_table(vm, 3))), 0);
    vm_destroy(vm);
}

/* As deep as is allowed, and one deeper. */
TEST(order, nesting_has_a_limit) {
    enum { MOST = 50 };
    vm_t *vm = create(&(struct vm_options){.nesting_max = MOST});
    tagged_value_t nests[2];
    int order;
    for (int depth = 1; depth <= MOST + 1; depth++) {
        for (int i = 0; i < 2; i++) {
            tagged_value_t outer = made(vm, vm_mk_array(vm, 2));
            vm_set(outer, 0, depth == 1 ? VM_NIL : nests[i]);
            nests[i] = outer;
        }
        vm_status status = vm_compare(vm, nests[0], nests[1], &order);
        end_where(vm, status == VM_ERROR_OOM);
        CHECK_INT_EQ(status, depth <= MOST ? VM_OK : VM_ERROR_DEPTH);
    }
    CHECK_UINT_EQ(vm_hash(vm, nests[0]), vm_hash(vm, nests[1]));
    vm_destroy(vm);
}

TEST(order, data_without_end_is_refused) {
    vm_t *vm = create(NULL);
    int order = 0;
    tagged_value_t rings[2];
    for (int i = 0; i < 2; i++) {
        rings[i] = list_of(vm, 3, VM_NIL);
        vm_set(vm_get(vm_get(rings[i], 1), 1), 1, rings[i]);
    }
    CHECK_INT_EQ(vm_compare(vm, rings[0], rings[1], &order), VM_ERROR_DEPTH);
    CHECK_UINT_EQ(vm_hash(vm, rings[0]), vm_hash(vm, rings[1]));
    bool is_equal = false;
    CHECK_INT_EQ(vm_equal(vm, rings[0], rings[1], &is_equal), VM_ERROR_DEPTH);
    CHECK_INT_EQ(vm_equal(vm, rings[0], rings[0], &is_equal), VM_OK);
    CHECK(is_equal);
    /* Each level refers twice to the next: 2^40 ways through 40 objects. */
    tagged_value_t shared[2] = {VM_NIL, VM_NIL};
    for (int i = 0; i < 80; i++) {
        shared[i % 2] = made(vm, vm_mk_pair(vm, shared[i % 2], shared[i % 2]));
    }
    vm_status status = vm_compare(vm, shared[0], shared[1], &order);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_ERROR_DEPTH);
    vm_destroy(vm);
}

TEST(order, what_has_an_identity_keeps_it) {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP | VM_STRESS_MOVE});
    vm_handle boxes[2] = {hold(vm, vm_mk_box(vm, VM_NIL)), hold(vm, vm_mk_box(vm, VM_NIL))};
    int order = order_of(vm, vm_held(vm, boxes[1]), vm_held(vm, boxes[0]));
    CHECK_INT_EQ(order, -1); /* asked about first */
    uint32_t hash = vm_hash(vm, vm_held(vm, boxes[0]));
    CHECK(hash != vm_hash(vm, vm_held(vm, boxes[1])));
    flip(vm);
    CHECK_INT_EQ(order_of(vm, vm_held(vm, boxes[1]), vm_held(vm, boxes[0])), -1);
    CHECK_UINT_EQ(vm_hash(vm, vm_held(vm, boxes[0])), hash);
    vm->last_identity = UINT32_MAX;
    CHECK_INT_EQ(vm_compare(vm, vm_held(vm, boxes[0]), made(vm, vm_mk_box(vm, VM_NIL)), &order), VM_ERROR_RANGE);
    vm_destroy(vm);
}

TEST(order, slices_are_as_what_they_are_slices_of) {
    vm_t *vm = create(NULL);
    tagged_value_t wholes[3] = {made(vm, vm_mk_array(vm, 3)), made(vm, vm_mk_bytes(vm, "abc", 3)),
                                made(vm, vm_mk_string(vm, "abc", 3))};
    tagged_value_t parts[3] = {made(vm, vm_mk_array(vm, 2)), made(vm, vm_mk_bytes(vm, "bc", 2)),
                               made(vm, vm_mk_string(vm, "bc", 2))};
    for (int i = 0; i < 3; i++) {
        tagged_value_t slice = VM_NIL;
        end_where(vm, vm_slice(vm, wholes[i], 1, 3, &slice) != VM_OK);
        CHECK_INT_EQ(order_of(vm, slice, parts[i]), 0);
        CHECK_INT_EQ(order_of(vm, parts[i], slice), 0);
        CHECK_UINT_EQ(vm_hash(vm, slice), vm_hash(vm, parts[i]));
        CHECK(order_of(vm, slice, wholes[i]) != 0);
    }
    vm_destroy(vm);
}

TEST(order, hashes_depend_on_the_seed) {
    vm_t *vm = create(NULL);
    uint32_t hash = vm_hash(vm, made(vm, vm_mk_string(vm, "text", 4)));
    vm_destroy(vm);
    vm = create(&(struct vm_options){.hash_seed = 1});
    CHECK(hash != vm_hash(vm, made(vm, vm_mk_string(vm, "text", 4))));
    vm_destroy(vm);
}

TEST(freeze, reaches_everything_or_nothing) {
    vm_t *vm = create(NULL);
    tagged_value_t inner = made(vm, vm_mk_array(vm, 1)), table = made(vm, vm_mk_table(vm, 0));
    tagged_value_t pair = made(vm, vm_mk_pair(vm, inner, table)), box = made(vm, vm_mk_box(vm, VM_NIL));
    vm_set(inner, 0, pair);
    vm_status status = vm_table_set(vm, table, vm_mk_integer(1), box);
    end_where(vm, status == VM_ERROR_OOM);
    status = vm_freeze(vm, pair);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_ERROR_TYPE);
    CHECK(!vm_is_frozen(pair) && !vm_is_frozen(inner) && !vm_is_frozen(table));
    check_heap(vm);
    CHECK_INT_EQ(vm_table_set(vm, table, vm_mk_integer(1), VM_TRUE), VM_OK);
    status = vm_freeze(vm, pair);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_OK);
    CHECK(vm_is_frozen(pair) && vm_is_frozen(inner) && vm_is_frozen(table) && !vm_is_frozen(box));
    CHECK_INT_EQ(vm_put(pair, 0, VM_NIL), VM_ERROR_FROZEN);
    CHECK_INT_EQ(vm_put(inner, 0, VM_NIL), VM_ERROR_FROZEN);
    CHECK_INT_EQ(vm_array_push(vm, inner, VM_NIL), VM_ERROR_FROZEN);
    CHECK_INT_EQ(vm_array_pop(inner, &box), VM_ERROR_FROZEN);
    CHECK_INT_EQ(vm_table_set(vm, table, vm_mk_integer(1), VM_NIL), VM_ERROR_FROZEN);
    CHECK_INT_EQ(vm_table_delete(vm, table, vm_mk_integer(1)), VM_ERROR_FROZEN);
    CHECK(vm_is_same(vm_get(pair, 1), table));
    check_heap(vm);
    vm_destroy(vm);
}

TEST(freeze, reaches_a_thousand_objects) {
    vm_t *vm = create(NULL);
    tagged_value_t list = list_of(vm, 1000, VM_NIL);
    vm_status status = vm_freeze(vm, list);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_OK);
    for (; vm_is(list, VM_TYPE_PAIR); list = vm_get(list, 1)) {
        CHECK(vm_is_frozen(list));
    }
    vm_destroy(vm);
}

TEST(freeze, holds_through_slices_both_ways) {
    vm_t *vm = create(NULL);
    tagged_value_t array = made(vm, vm_mk_array(vm, 2)), before, after = VM_NIL;
    tagged_value_t bytes = made(vm, vm_mk_bytes(vm, "ab", 2));
    end_where(vm, vm_slice(vm, array, 0, 1, &before) != VM_OK);
    vm_status status = vm_freeze(vm, array);
    status = status == VM_OK ? vm_freeze(vm, bytes) : status;
    status = status == VM_OK ? vm_slice(vm, array, 0, 1, &after) : status;
    end_where(vm, status == VM_ERROR_OOM);
    CHECK_INT_EQ(status, VM_OK);
    CHECK_INT_EQ(vm_put(before, 0, VM_TRUE), VM_ERROR_FROZEN);
    CHECK(vm_is_frozen(after));
    CHECK_INT_EQ(vm_bytes_push(vm, bytes, 1), VM_ERROR_FROZEN);
    CHECK_INT_EQ(vm_put(bytes, 0, vm_mk_integer(1)), VM_ERROR_FROZEN);
    tagged_value_t other = made(vm, vm_mk_array(vm, 2));
    end_where(vm, vm_slice(vm, other, 0, 1, &after) != VM_OK);
    status = vm_freeze(vm, after);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK(vm_is_frozen(other));
    CHECK(vm_is_frozen(VM_TRUE));
    vm_destroy(vm);
}
