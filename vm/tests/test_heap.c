/* Goal: what is reachable survives every flip unchanged, and nothing moves in between. Method: an object graph built
 * from drawn operations beside a shadow model in plain C, with flips forced at every safepoint; and the edges of caps
 * and handles. */
#include "alloc/failing.h"
#include "harness/harness.h"
#include "vm/tests/starve.h"
#include "vm/vm.h"

#include <stdio.h>
#include <string.h>

enum { NODES_MAX = 48, ARITY_MAX = 5 };

/* The shadow of one object: what its elements are, as indexes of other nodes or integers. */
struct node {
    enum vm_type type;
    vm_handle handle;
    size_t arity;
    int links[ARITY_MAX]; /* a node's index, or -1: `numbers` */
    int64_t numbers[ARITY_MAX];
    char text[16];
};

struct model {
    vm_t *vm;
    struct node nodes[NODES_MAX];
    int count;
};

static bool add_node(struct model *model, struct cupel_bytes *bytes) {
    static const char *const names[] = {"array", "pair", "string"};
    struct node *node = &model->nodes[model->count];
    tagged_value_t value;
    memset(node, 0, sizeof *node);
    switch (cupel_draw_pick(bytes, "kind", names, 3)) {
    case 0:
        node->type = VM_TYPE_ARRAY;
        node->arity = (size_t)cupel_draw_uint(bytes, "length", 0, ARITY_MAX);
        value = vm_mk_array(model->vm, node->arity);
        for (size_t i = 0; !vm_is_oom(value) && i < node->arity; i++) {
            CHECK(vm_is_same(vm_get(value, i), VM_NIL));
            vm_set(value, i, vm_mk_integer(0));
        }
        break;
    case 1:
        node->type = VM_TYPE_PAIR;
        node->arity = 2;
        value = vm_mk_pair(model->vm, vm_mk_integer(0), vm_mk_integer(0));
        break;
    default:
        node->type = VM_TYPE_STRING;
        value = vm_mk_string(model->vm, node->text, cupel_draw_string(bytes, "text", node->text, sizeof node->text));
        break;
    }
    for (size_t i = 0; i < node->arity; i++) {
        node->links[i] = -1;
    }
    if (vm_is_oom(value)) {
        return false;
    }
    node->handle = vm_hold(model->vm, value);
    model->count += node->handle != 0;
    return node->handle != 0;
}

static void change_node(struct model *model, struct cupel_bytes *bytes) {
    struct node *node = &model->nodes[cupel_draw_uint(bytes, "object", 0, (uint64_t)model->count - 1)];
    if (node->arity == 0) {
        return;
    }
    size_t place = (size_t)cupel_draw_uint(bytes, "element", 0, node->arity - 1);
    tagged_value_t object = vm_held(model->vm, node->handle);
    if (cupel_draw_bool(bytes, "link")) {
        node->links[place] = (int)cupel_draw_uint(bytes, "to", 0, (uint64_t)model->count - 1);
        vm_set(object, place, vm_held(model->vm, model->nodes[node->links[place]].handle));
    } else {
        node->links[place] = -1;
        node->numbers[place] = cupel_draw_int(bytes, "number", -1000, 1000);
        vm_set(object, place, vm_mk_integer(node->numbers[place]));
    }
}

static void compare(const struct model *model) {
    for (int i = 0; i < model->count; i++) {
        const struct node *node = &model->nodes[i];
        tagged_value_t object = vm_held(model->vm, node->handle);
        REQUIRE(vm_is(object, node->type));
        if (node->type == VM_TYPE_STRING) {
            REQUIRE_STR_EQ(vm_string_text(object), node->text);
            continue;
        }
        for (size_t j = 0; j < node->arity; j++) {
            tagged_value_t element = vm_get(object, j);
            tagged_value_t expected = node->links[j] >= 0 ? vm_held(model->vm, model->nodes[node->links[j]].handle)
                                                          : vm_mk_integer(node->numbers[j]);
            REQUIRE(vm_is_same(element, expected));
        }
    }
}

PROPERTY(vm, graphs_survive_flips, .longest = 2048, .faults = "vm") {
    struct model model = {.vm = vm_create(a, &(struct vm_options){HEAP_STARVES, .stress = VM_STRESS_FLIP})};
    bool starved = model.vm == NULL;
    while (!starved && cupel_draw_more(bytes, "operation")) {
        static const char *const names[] = {"add", "change", "flip"};
        switch (cupel_draw_pick(bytes, "what", names, 3)) {
        case 0:
            starved = model.count < NODES_MAX && !add_node(&model, bytes);
            break;
        case 1:
            if (model.count > 0) {
                change_node(&model, bytes);
            }
            break;
        default:
            starved = vm_safepoint(model.vm) != VM_OK;
            compare(&model);
            break;
        }
    }
    if (model.vm != NULL) {
        compare(&model);
        starved = !vm_check_heap(model.vm) || starved;
        vm_destroy(model.vm);
    }
    STARVED(starved);
}

TEST(vm, nothing_moves_between_safepoints) {
    vm_t *vm = create(&(struct vm_options){.flip_after_bytes = 1});
    tagged_value_t first = made(vm, vm_mk_pair(vm, vm_mk_integer(1), VM_NIL));
    vm_handle handle = hold(vm, first);
    for (int i = 0; i < 100; i++) {
        (void)made(vm, vm_mk_array(vm, 10));
    }
    CHECK(vm_is_same(vm_held(vm, handle), first));
    CHECK_INT_EQ(vm_integer(vm_get(first, 0)), 1);
    struct vm_statistics statistics;
    vm_statistics(vm, &statistics);
    CHECK_UINT_EQ(statistics.flips, 0);
    flip(vm);
    vm_statistics(vm, &statistics);
    CHECK_UINT_EQ(statistics.flips, 1);
    CHECK_UINT_EQ(statistics.bytes_after_flip, statistics.bytes_at_start + 24); /* one pair */
    CHECK(!vm_is_same(vm_held(vm, handle), first));
    vm_destroy(vm);
}

TEST(vm, an_active_native_defers_the_flip) {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    tagged_value_t string = made(vm, vm_mk_string(vm, "stays", 5));
    vm_native_begin(vm);
    CHECK_INT_EQ(vm_safepoint(vm), VM_ERROR_DEFERRED);
    CHECK_STR_EQ(vm_string_text(string), "stays");
    vm_native_end(vm);
    flip(vm);
    vm_destroy(vm);
}

TEST(vm, cycles_are_copied_once_and_collected) {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    tagged_value_t loop = made(vm, vm_mk_array(vm, 2));
    vm_set(loop, 0, loop);
    vm_set(loop, 1, made(vm, vm_mk_double(vm, 1e300)));
    vm_handle handle = hold(vm, loop);
    flip(vm);
    loop = vm_held(vm, handle);
    CHECK(vm_is_same(vm_get(loop, 0), loop));
    CHECK_DOUBLE_NEAR(vm_double(vm_get(loop, 1)), 1e300, 0);
    check_heap(vm);
    vm_drop(vm, handle);
    flip(vm);
    struct vm_statistics statistics;
    vm_statistics(vm, &statistics);
    CHECK_UINT_EQ(statistics.bytes_in_pool, statistics.bytes_at_start);
    CHECK_UINT_EQ(statistics.bytes_after_flip, statistics.bytes_at_start);
    vm_destroy(vm);
}

TEST(vm, the_memory_cap_holds_to_the_object) {
    vm_t *vm = create(&(struct vm_options){.memory_cap_bytes = 128});
    vm_handle kept = hold(vm, vm_mk_pair(vm, VM_NIL, VM_NIL)); /* 24 bytes */
    (void)made(vm, vm_mk_array(vm, 9));                        /* 24 bytes of head, 80 of storage */
    CHECK(vm_is_oom(vm_mk_pair(vm, VM_NIL, VM_NIL)));
    CHECK(vm_alloc(vm, 0) == NULL);
    flip(vm);
    (void)made(vm, vm_mk_array(vm, 9));
    CHECK(vm_is(vm_held(vm, kept), VM_TYPE_PAIR));
    CHECK(vm_is_oom(vm_mk_array(vm, VM_LENGTH_MAX + 1)));
    CHECK(vm_alloc(vm, SIZE_MAX) == NULL);
    vm_destroy(vm);
}

TEST(vm, dropped_handles_are_used_again) {
    vm_t *vm = create(NULL);
    vm_handle handles[100];
    for (int i = 0; i < 100; i++) {
        handles[i] = hold(vm, vm_mk_integer(i));
    }
    vm_drop(vm, handles[40]);
    vm_drop(vm, 0);
    CHECK_UINT_EQ(hold(vm, VM_TRUE), handles[40]);
    CHECK(vm_is_same(vm_held(vm, handles[40]), VM_TRUE));
    CHECK_INT_EQ(vm_integer(vm_held(vm, handles[99])), 99);
    vm_replace(vm, handles[99], VM_FALSE);
    CHECK(vm_is_same(vm_held(vm, handles[99]), VM_FALSE));
    struct vm_statistics statistics;
    vm_statistics(vm, &statistics);
    CHECK_UINT_EQ(statistics.handles, 100);
    vm_destroy(vm);
}

/* Deep lists would overflow the C stack in a collector that recurses. */
TEST(vm, a_list_of_a_million_pairs_is_copied, .no_sweep = "it is the same flip as of shorter lists, only longer",
     .tags = "slow") {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    tagged_value_t list = VM_NIL;
    for (int i = 0; i < 1000000; i++) {
        list = vm_mk_pair(vm, vm_mk_integer(i), list);
    }
    vm_handle handle = hold(vm, list);
    flip(vm);
    int64_t length = 0;
    for (list = vm_held(vm, handle); vm_is(list, VM_TYPE_PAIR); list = vm_get(list, 1)) {
        length++;
    }
    CHECK_INT_EQ(length, 1000000);
    check_heap(vm);
    vm_destroy(vm);
}

static int64_t list_sum(tagged_value_t list) {
    int64_t sum = 0;
    for (; vm_is(list, VM_TYPE_PAIR); list = vm_get(list, 1)) {
        sum += (int64_t)vm_length(vm_get(vm_get(list, 0), 0)) + vm_integer(vm_get(vm_get(list, 0), 1));
    }
    return sum;
}

/* The other pool's second page is refused in the middle of a flip; then nothing is. */
TEST(vm, a_flip_without_memory_leaves_the_heap_as_it_was, .tags = "slow") {
    struct cupel_failing failing;
    vm_t *vm = create_in(cupel_failing_init(&failing, test_allocator(), "", NULL),
                         &(struct vm_options){.stress = VM_STRESS_FLIP});
    tagged_value_t list = VM_NIL;
    for (int i = 0; i < 200; i++) {
        tagged_value_t array = made(vm, vm_mk_array(vm, (size_t)i % 100));
        tagged_value_t pair = made(vm, vm_mk_pair(vm, array, vm_mk_integer(i)));
        list = made(vm, vm_mk_pair(vm, pair, list));
    }
    int64_t sum = list_sum(list);
    vm_handle handle = hold(vm, list);
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:2", NULL));
    cupel_failing_set(&failing, &plan);
    CHECK_INT_EQ(vm_safepoint(vm), VM_ERROR_OOM);
    end_where(vm, failing.injected == 0); /* a sweep's fault came first */
    CHECK(vm_is_same(vm_held(vm, handle), list));
    CHECK_INT_EQ(list_sum(list), sum);
    check_heap(vm);
    flip(vm);
    CHECK_INT_EQ(list_sum(vm_held(vm, handle)), sum);
    check_heap(vm);
    vm_destroy(vm);
}

/* A large object is not copied, so its slots are changed in place, and have to be changed back. */
TEST(vm, a_flip_without_memory_leaves_large_objects_as_they_were, .tags = "slow") {
    enum { LENGTH = 8000 };
    struct cupel_failing failing;
    vm_t *vm = create_in(cupel_failing_init(&failing, test_allocator(), "", NULL),
                         &(struct vm_options){.stress = VM_STRESS_FLIP});
    vm_handle handle = hold(vm, vm_mk_array(vm, LENGTH));
    for (int i = 0; i < LENGTH; i++) {
        vm_set(vm_held(vm, handle), (size_t)i, made(vm, vm_mk_pair(vm, vm_mk_integer(i), VM_NIL)));
    }
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:2", NULL));
    cupel_failing_set(&failing, &plan);
    CHECK_INT_EQ(vm_safepoint(vm), VM_ERROR_OOM);
    end_where(vm, failing.injected == 0); /* a sweep's fault came first */
    for (unsigned round = 0; round < 2; round++) {
        check_heap(vm);
        for (int i = 0; i < LENGTH; i += 97) {
            CHECK_INT_EQ(vm_integer(vm_get(vm_get(vm_held(vm, handle), (size_t)i), 0)), i);
        }
        flip(vm);
    }
    vm_destroy(vm);
}
