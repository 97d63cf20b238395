/* Goal: tables hold what was put into them, in its order, through growth, deletion and flips. Method: a plain list in C
 * beside the table, drawn operations on both; iteration that is disturbed; keys of every kind. */
#include "harness/harness.h"
#include "vm/src/heap.h"
#include "vm/tests/starve.h"
#include "vm/tests/values.h"

enum { KEYS_MAX = 40 };

/* What the table should hold, in order. */
struct model {
    vm_t *vm;
    vm_handle table;
    int64_t keys[KEYS_MAX];
    int64_t values[KEYS_MAX];
    unsigned count;
};

static unsigned place_of(const struct model *model, int64_t key) {
    unsigned i = 0;
    while (i < model->count && model->keys[i] != key) {
        i++;
    }
    return i;
}

/* Even keys are integers, odd ones texts, so that equal keys are different objects. */
static tagged_value_t key_of(vm_t *vm, int64_t key) {
    char text[2] = {(char)('A' + key), 'x'};
    return key % 2 == 0 ? vm_mk_integer(key) : vm_mk_string(vm, text, 2);
}

static vm_status put(struct model *model, int64_t key, int64_t value) {
    tagged_value_t word = key_of(model->vm, key);
    vm_status status = vm_is_oom(word)
                           ? VM_ERROR_OOM
                           : vm_table_set(model->vm, vm_held(model->vm, model->table), word, vm_mk_integer(value));
    if (status == VM_OK) {
        unsigned place = place_of(model, key);
        model->keys[place] = key;
        model->values[place] = value;
        model->count += place == model->count;
    }
    return status;
}

static vm_status take(struct model *model, int64_t key) {
    tagged_value_t word = key_of(model->vm, key);
    vm_status status =
        vm_is_oom(word) ? VM_ERROR_OOM : vm_table_delete(model->vm, vm_held(model->vm, model->table), word);
    unsigned place = place_of(model, key);
    if (status == VM_ERROR_OOM) {
        return status;
    }
    REQUIRE_INT_EQ(status, place < model->count ? VM_OK : VM_ERROR_MISSING);
    if (place < model->count) {
        model->count--;
        for (; place < model->count; place++) {
            model->keys[place] = model->keys[place + 1];
            model->values[place] = model->values[place + 1];
        }
    }
    return VM_OK;
}

static vm_status compare(const struct model *model) {
    tagged_value_t table = vm_held(model->vm, model->table), key, value, cursor = vm_table_begin(table);
    REQUIRE_UINT_EQ(vm_table_count(table), model->count);
    for (unsigned i = 0; i < model->count; i++) {
        REQUIRE_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_OK);
        REQUIRE_INT_EQ(vm_integer(value), model->values[i]);
        tagged_value_t word = key_of(model->vm, model->keys[i]);
        if (vm_is_oom(word)) {
            return VM_ERROR_OOM;
        }
        bool is_equal = false;
        REQUIRE_INT_EQ(vm_equal(model->vm, key, word, &is_equal), VM_OK);
        REQUIRE(is_equal);
        REQUIRE_INT_EQ(vm_table_get(model->vm, table, word, &value), VM_OK);
        REQUIRE_INT_EQ(vm_integer(value), model->values[i]);
    }
    REQUIRE_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_ERROR_MISSING);
    return VM_OK;
}

static vm_status step(struct model *model, struct cupel_bytes *bytes) {
    static const char *const names[] = {"put", "delete", "flip"};
    switch (cupel_draw_pick(bytes, "what", names, 3)) {
    case 0: {
        int64_t key = cupel_draw_int(bytes, "key", 0, KEYS_MAX - 1);
        return put(model, key, cupel_draw_int(bytes, "value", 0, 9));
    }
    case 1:
        return take(model, cupel_draw_int(bytes, "key", 0, KEYS_MAX - 1));
    default: {
        vm_status status = vm_safepoint(model->vm);
        status = status == VM_OK ? compare(model) : status;
        return status == VM_OK && !vm_check_heap(model->vm) ? VM_ERROR_OOM : status;
    }
    }
}

PROPERTY(table, agrees_with_a_list, .longest = 1024, .faults = "vm") {
    struct model model = {
        .vm = vm_create(a, &(struct vm_options){HEAP_STARVES, .stress = VM_STRESS_FLIP | VM_STRESS_MOVE})};
    bool starved = model.vm == NULL;
    if (!starved) {
        tagged_value_t table = vm_mk_table(model.vm, (size_t)cupel_draw_uint(bytes, "expected", 0, 20));
        model.table = vm_is_oom(table) ? 0 : vm_hold(model.vm, table);
        starved = model.table == 0;
    }
    while (!starved && cupel_draw_more(bytes, "operation")) {
        starved = step(&model, bytes) != VM_OK;
    }
    starved = starved || compare(&model) != VM_OK;
    vm_destroy(model.vm);
    STARVED(starved);
}

static void must(vm_t *vm, vm_status status) {
    end_where(vm, status == VM_ERROR_OOM);
    REQUIRE_INT_EQ(status, VM_OK);
}

TEST(table, many_keys_come_and_go, .tags = "slow") {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP | VM_STRESS_MOVE});
    vm_handle handle = hold(vm, vm_mk_table(vm, 0));
    tagged_value_t value;
    for (int64_t i = 0; i < 5000; i++) {
        must(vm, vm_table_set(vm, vm_held(vm, handle), vm_mk_integer(i), vm_mk_integer(i * i)));
        if (i >= 100) {
            must(vm, vm_table_delete(vm, vm_held(vm, handle), vm_mk_integer(i - 100)));
        }
    }
    flip(vm);
    check_heap(vm);
    tagged_value_t table = vm_held(vm, handle);
    CHECK_UINT_EQ(vm_table_count(table), 100);
    must(vm, vm_table_get(vm, table, vm_mk_integer(4999), &value));
    CHECK_INT_EQ(vm_integer(value), 4999 * 4999);
    CHECK_INT_EQ(vm_table_get(vm, table, vm_mk_integer(4899), &value), VM_ERROR_MISSING);
    struct vm_statistics statistics;
    vm_statistics(vm, &statistics);
    CHECK(statistics.bytes_after_flip < 20000); /* deleted entries do not stay */
    vm_destroy(vm);
}

TEST(table, iteration_sees_that_keys_came_or_went) {
    vm_t *vm = create(NULL);
    tagged_value_t table = made(vm, vm_mk_table(vm, 0)), key, value;
    for (int i = 0; i < 4; i++) {
        must(vm, vm_table_set(vm, table, vm_mk_integer(i), VM_NIL));
    }
    tagged_value_t cursor = vm_table_begin(table), kept = cursor;
    must(vm, vm_table_next(table, &cursor, &key, &value));
    must(vm, vm_table_set(vm, table, vm_mk_integer(2), VM_TRUE)); /* another value: no change */
    must(vm, vm_table_next(table, &cursor, &key, &value));
    CHECK_INT_EQ(vm_integer(key), 1);
    must(vm, vm_table_delete(vm, table, vm_mk_integer(3)));
    CHECK_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_ERROR_CHANGED);
    cursor = vm_table_begin(table);
    must(vm, vm_table_set(vm, table, vm_mk_integer(9), VM_TRUE));
    CHECK_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_ERROR_CHANGED);
    CHECK_INT_EQ(vm_table_next(table, &kept, &key, &value), VM_ERROR_CHANGED);
    cursor = VM_NIL;
    CHECK_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_ERROR_TYPE);
    cursor = vm_mk_integer(VM_INTEGER_MIN);
    CHECK_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_ERROR_CHANGED);
    cursor = vm_mk_integer(vm_integer(vm_table_begin(table)) + 1000000);
    CHECK_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_ERROR_MISSING);
    vm_destroy(vm);
}

TEST(table, iteration_sees_a_key_for_which_there_was_room) {
    vm_t *vm = create(NULL);
    tagged_value_t table = made(vm, vm_mk_table(vm, 20)), key, value, cursor = vm_table_begin(table);
    must(vm, vm_table_set(vm, table, vm_mk_integer(1), VM_NIL));
    CHECK_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_ERROR_CHANGED);
    cursor = vm_table_begin(table);
    must(vm, vm_table_delete(vm, table, vm_mk_integer(1)));
    CHECK_INT_EQ(vm_table_next(table, &cursor, &key, &value), VM_ERROR_CHANGED);
    vm_destroy(vm);
}

TEST(table, keys_are_what_cannot_change) {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP | VM_STRESS_MOVE});
    tagged_value_t table = made(vm, vm_mk_table(vm, 0)), array = made(vm, vm_mk_array(vm, 2)), value;
    CHECK_INT_EQ(vm_table_set(vm, table, array, VM_TRUE), VM_ERROR_FROZEN);
    must(vm, vm_freeze(vm, array));
    must(vm, vm_table_set(vm, table, array, vm_mk_integer(1)));
    must(vm, vm_table_set(vm, table, made(vm, vm_mk_double(vm, 1.0)), vm_mk_integer(2)));
    must(vm, vm_table_set(vm, table, vm_mk_integer(1), vm_mk_integer(3)));
    must(vm, vm_table_set(vm, table, made(vm, vm_mk_double(vm, 0.0 / 0.0)), vm_mk_integer(4)));
    tagged_value_t box = made(vm, vm_mk_box(vm, VM_NIL));
    must(vm, vm_table_set(vm, table, box, vm_mk_integer(5)));
    CHECK_UINT_EQ(vm_table_count(table), 5);
    vm_handle handles[2] = {hold(vm, table), hold(vm, box)};
    flip(vm);
    table = vm_held(vm, handles[0]);
    must(vm, vm_table_get(vm, table, made(vm, vm_mk_array(vm, 2)), &value)); /* to look needs nothing frozen */
    CHECK_INT_EQ(vm_integer(value), 1);
    must(vm, vm_table_get(vm, table, made(vm, vm_mk_double(vm, 1.0)), &value));
    CHECK_INT_EQ(vm_integer(value), 2);
    must(vm, vm_table_get(vm, table, made(vm, vm_mk_double(vm, 0.0 / 0.0)), &value));
    CHECK_INT_EQ(vm_integer(value), 4);
    must(vm, vm_table_get(vm, table, vm_held(vm, handles[1]), &value));
    CHECK_INT_EQ(vm_integer(value), 5);
    CHECK_INT_EQ(vm_table_get(vm, table, made(vm, vm_mk_box(vm, VM_NIL)), &value), VM_ERROR_MISSING);
    CHECK(vm_is_oom(vm_mk_table(vm, VM_TABLE_MAX + 1)));
    vm_destroy(vm);
}

/* Ten keys whose hashes are equal, since they differ only behind the part that is hashed. */
TEST(table, keys_with_one_hash_are_told_apart) {
    vm_t *vm = create(NULL);
    tagged_value_t table = made(vm, vm_mk_table(vm, 0)), value, keys[10];
    for (int i = 0; i < 10; i++) {
        keys[i] = made(vm, vm_mk_array(vm, 200));
        vm_set(keys[i], 199, vm_mk_integer(i));
        must(vm, vm_freeze(vm, keys[i]));
        CHECK_UINT_EQ(vm_hash(vm, keys[i]), vm_hash(vm, keys[0]));
        must(vm, vm_table_set(vm, table, keys[i], vm_mk_integer(i)));
    }
    for (int i = 0; i < 10; i += 2) {
        must(vm, vm_table_delete(vm, table, keys[i]));
    }
    for (int i = 0; i < 10; i++) {
        CHECK_INT_EQ(vm_table_get(vm, table, keys[i], &value), i % 2 == 0 ? VM_ERROR_MISSING : VM_OK);
    }
    vm_destroy(vm);
}

/* Two keys of one hash, so deep that they cannot be compared. */
TEST(table, keys_that_cannot_be_compared_are_told) {
    vm_t *vm = create(&(struct vm_options){.nesting_max = 5});
    tagged_value_t small = made(vm, vm_mk_table(vm, 0)), big = made(vm, vm_mk_table(vm, 20)), keys[2], value;
    for (int i = 0; i < 2; i++) {
        keys[i] = VM_TRUE;
        for (int j = 0; j < 9; j++) {
            tagged_value_t outer = made(vm, vm_mk_array(vm, 2));
            vm_set(outer, 0, keys[i]);
            keys[i] = outer;
        }
        must(vm, vm_freeze(vm, keys[i]));
    }
    must(vm, vm_table_set(vm, small, keys[0], VM_TRUE));
    must(vm, vm_table_set(vm, big, keys[0], VM_TRUE));
    tagged_value_t tables[2] = {small, big};
    for (int i = 0; i < 2; i++) {
        CHECK_INT_EQ(vm_table_get(vm, tables[i], keys[1], &value), VM_ERROR_DEPTH);
        CHECK_INT_EQ(vm_table_set(vm, tables[i], keys[1], VM_NIL), VM_ERROR_DEPTH);
        CHECK_INT_EQ(vm_table_delete(vm, tables[i], keys[1]), VM_ERROR_DEPTH);
        CHECK_INT_EQ(vm_table_get(vm, tables[i], keys[0], &value), VM_OK);
    }
    CHECK_INT_EQ(vm_table_delete(vm, small, VM_NIL), VM_ERROR_MISSING);
    vm_destroy(vm);
}

TEST(record, fields_have_names, .faults = "vm") {
    vm_t *vm = create(&(struct vm_options){HEAP_STARVES, .stress = VM_STRESS_FLIP | VM_STRESS_MOVE});
    tagged_value_t fields[2] = {made(vm, vm_mk_symbol(vm, "x", 1)), made(vm, vm_mk_symbol(vm, "y", 1))};
    tagged_value_t shape = made(vm, vm_mk_shape(vm, made(vm, vm_mk_symbol(vm, "point", 5)), fields, 2));
    vm_handle handle = hold(vm, vm_mk_record(vm, shape));
    vm_set(vm_held(vm, handle), 1, vm_mk_integer(5));
    flip(vm);
    check_heap(vm);
    tagged_value_t record = vm_held(vm, handle), element;
    shape = vm_record_shape(record);
    CHECK_UINT_EQ(vm_length(record), 2);
    CHECK_UINT_EQ(vm_shape_find(shape, made(vm, vm_mk_symbol(vm, "y", 1))), 1);
    CHECK_UINT_EQ(vm_shape_find(shape, made(vm, vm_mk_symbol(vm, "z", 1))), SIZE_MAX);
    CHECK(vm_is_same(vm_get(record, 0), VM_NIL));
    CHECK_INT_EQ(vm_integer(vm_get(record, 1)), 5);
    CHECK_INT_EQ(vm_at(record, 2, &element), VM_ERROR_RANGE);
    must(vm, vm_freeze(vm, record));
    CHECK_INT_EQ(vm_put(record, 0, VM_TRUE), VM_ERROR_FROZEN);
    vm_destroy(vm);
}
