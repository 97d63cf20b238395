/* Goal: memory is what the header says: flips come when they are due, pools shrink again, caps hold, roots of every
 * kind are found, and memory that is no longer an object's is nobody's. Method: counters and an allocator that counts;
 * a scanner of roots; bytes that must not be touched, asked of ASan and valgrind, and touched in a child. */
#include "alloc/base/poison.h"
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/libc.h"
#include "harness/harness.h"
#include "vm/src/heap.h"
#include "vm/tests/starve.h"

#include <sys/wait.h>
#include <unistd.h>

static struct vm_statistics statistics_of(const vm_t *vm) {
    struct vm_statistics statistics;
    vm_statistics(vm, &statistics);
    return statistics;
}

TEST(memory, a_flip_is_due_after_so_many_bytes) {
    vm_t *vm = create(&(struct vm_options){.flip_after_bytes = 2400});
    for (int i = 0; i < 99; i++) {
        (void)made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL));
    }
    flip(vm);
    CHECK_UINT_EQ(statistics_of(vm).flips, 0);
    (void)made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL));
    flip(vm);
    CHECK_UINT_EQ(statistics_of(vm).flips, vm->redzone_bytes != 0 ? 1 : 0); /* noted when the next one is made */
    (void)made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL));
    flip(vm);
    CHECK_UINT_EQ(statistics_of(vm).flips, 1);
    CHECK_UINT_EQ(statistics_of(vm).bytes_allocated - statistics_of(vm).bytes_at_start, UINT64_C(24) * 101);
    vm_destroy(vm);
}

/* A due flip that finds no memory is tried again when more was allocated, not at every safepoint. */
TEST(memory, a_flip_that_fails_is_not_tried_at_once_again) {
    struct cupel_failing failing;
    vm_t *vm = create_in(cupel_failing_init(&failing, test_allocator(), "", NULL),
                         &(struct vm_options){.flip_after_bytes = 1000});
    (void)hold(vm, vm_mk_array(vm, 1000));
    (void)made(vm, vm_mk_array(vm, 1));
    struct cupel_fault_plan plan;
    REQUIRE(cupel_fault_plan_parse(&plan, "alloc:1", NULL));
    cupel_failing_set(&failing, &plan);
    CHECK_INT_EQ(vm_safepoint(vm), VM_ERROR_OOM);
    end_where(vm, failing.injected == 0); /* a sweep's fault came first */
    uint64_t calls = failing.calls;
    CHECK_INT_EQ(vm_safepoint(vm), VM_OK);
    CHECK_UINT_EQ(failing.calls, calls);
    for (int i = 0; i < 70; i++) {
        (void)made(vm, vm_mk_array(vm, 125));
    }
    CHECK_UINT_EQ(statistics_of(vm).flips, 0);
    flip(vm);
    CHECK_UINT_EQ(statistics_of(vm).flips, 1);
    vm_destroy(vm);
}

TEST(memory, large_objects_change_pools_without_being_copied) {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    tagged_value_t array = made(vm, vm_mk_array(vm, 10000));
    vm_set(array, 9999, array);
    vm_handle handle = hold(vm, array), twice = hold(vm, array);
    const struct vm__object *storage = vm__object(vm__object(array)->slots[VM__ARRAY_STORAGE]);
    (void)made(vm, vm_mk_array(vm, 20000)); /* dies */
    for (int i = 0; i < 3; i++) {
        flip(vm);
        check_heap(vm);
        array = vm_held(vm, handle);
        CHECK(vm_is_same(array, vm_held(vm, twice)));
        CHECK(vm__object(vm__object(array)->slots[VM__ARRAY_STORAGE]) == storage);
        CHECK(vm_is_same(vm_get(array, 9999), array));
    }
    CHECK_UINT_EQ(statistics_of(vm).bytes_in_pool, statistics_of(vm).bytes_at_start + 24 + 80008);
    vm_drop(vm, handle);
    vm_drop(vm, twice);
    flip(vm);
    CHECK_UINT_EQ(statistics_of(vm).bytes_in_pool, statistics_of(vm).bytes_at_start);
    vm_destroy(vm);
}

/* A large object that only another large one refers to, and that refers to a small one. */
TEST(memory, large_objects_are_scanned_wherever_they_are_found) {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    tagged_value_t inner = made(vm, vm_mk_array(vm, 5000)), outer = made(vm, vm_mk_array(vm, 6000));
    vm_set(outer, 17, inner);
    vm_set(inner, 4711, made(vm, vm_mk_string(vm, "small", 5)));
    vm_handle handle = hold(vm, outer);
    flip(vm);
    check_heap(vm);
    CHECK_STR_EQ(vm_string_text(vm_get(vm_get(vm_held(vm, handle), 17), 4711)), "small");
    vm_destroy(vm);
}

TEST(memory, pools_shrink_again, .tags = "slow") {
    struct cupel_counting counting;
    vm_t *vm = create_in(cupel_counting_init(&counting, test_allocator()), NULL);
    vm_native_begin(vm);
    for (int i = 0; i < 200000; i++) {
        (void)made(vm, vm_mk_pair(vm, VM_NIL, VM_NIL));
    }
    CHECK_INT_EQ(vm_safepoint(vm), VM_ERROR_DEFERRED);
    vm_native_end(vm);
    CHECK(statistics_of(vm).native_bytes_peak >= 200000 * 24);
    CHECK(counting.counts.live_bytes >= 200000 * 24);
    flip(vm);
    flip(vm);
    CHECK(counting.counts.live_bytes < 3 << 20);
    vm_destroy(vm);
}

/* What the evaluator does with its registers. */
struct registers {
    tagged_value_t values[4];
    unsigned scans;
};

static bool scan_registers(void *context, struct vm__visitor *visitor) {
    struct registers *registers = context;
    registers->scans++;
    return visitor->visit(visitor, registers->values, 2) && visitor->visit(visitor, registers->values + 2, 2);
}

TEST(memory, scanners_show_roots_and_get_them_back) {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    struct registers first = {.values = {VM_NIL, VM_NIL, VM_TRUE, VM_NIL}}, second = first;
    struct vm__scanner scanners[2] = {{scan_registers, &first, NULL}, {scan_registers, &second, NULL}};
    vm__scanner_add(vm, &scanners[0]);
    vm__scanner_add(vm, &scanners[1]);
    first.values[0] = made(vm, vm_mk_string(vm, "one", 3));
    second.values[3] = made(vm, vm_mk_pair(vm, first.values[0], VM_NIL));
    tagged_value_t before = first.values[0];
    flip(vm);
    CHECK(!vm_is_same(first.values[0], before));
    CHECK_STR_EQ(vm_string_text(first.values[0]), "one");
    CHECK(vm_is_same(vm_get(second.values[3], 0), first.values[0]));
    check_heap(vm);
    vm__scanner_remove(vm, &scanners[0]);
    unsigned scans = first.scans;
    flip(vm);
    CHECK_UINT_EQ(first.scans, scans);
    CHECK(vm_is(second.values[3], VM_TYPE_PAIR));
    vm__scanner_remove(vm, &scanners[1]);
    vm_destroy(vm);
}

TEST(memory, callbacks_of_safe_natives_can_move_everything) {
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_CALLBACK});
    vm_handle handle = hold(vm, vm_mk_pair(vm, VM_TRUE, VM_NIL));
    tagged_value_t before = vm_held(vm, handle);
    flip(vm);
    CHECK(vm_is_same(vm_held(vm, handle), before));
    vm_status status = vm__callback_safepoint(vm);
    end_where(vm, status == VM_ERROR_OOM);
    CHECK(!vm_is_same(vm_held(vm, handle), before));
    before = vm_held(vm, handle);
    vm_native_begin(vm); /* one that is not safe is active further out */
    CHECK_INT_EQ(vm__callback_safepoint(vm), VM_OK);
    vm_native_end(vm);
    CHECK(vm_is_same(vm_held(vm, handle), before));
    vm_destroy(vm);
}

/* The cap is met to the byte, by small objects on the quick way and by large ones. */
TEST(memory, the_cap_holds_to_the_byte) {
    for (size_t cap = 24 * 10; cap < 24 * 11; cap++) {
        vm_t *vm = create(&(struct vm_options){.memory_cap_bytes = cap});
        unsigned made_pairs = 0;
        while (!vm_is_oom(vm_mk_pair(vm, VM_NIL, VM_NIL))) {
            made_pairs++;
        }
        CHECK_UINT_EQ(made_pairs, 10);
        CHECK_UINT_EQ(statistics_of(vm).bytes_in_pool, statistics_of(vm).bytes_at_start + 240);
        vm_destroy(vm);
    }
    vm_t *vm = create(&(struct vm_options){.memory_cap_bytes = 80008 + 24});
    CHECK(vm_is_oom(vm_mk_array(vm, 10001)));
    (void)made(vm, vm_mk_array(vm, 10000));
    CHECK(vm_is_oom(vm_mk_box(vm, VM_NIL)));
    vm_destroy(vm);
    vm = create(&(struct vm_options){.memory_cap_bytes = SIZE_MAX});
    (void)made(vm, vm_mk_array(vm, 10));
    flip(vm);
    vm_destroy(vm);
}

/* Each leaves one byte that nobody may touch, and returns its address; NULL when out of memory. */
static volatile char *byte_of_the_old_pool(vm_t *vm) {
    tagged_value_t string = vm_mk_string(vm, "old", 3);
    volatile char *byte = vm_is_oom(string) ? NULL : (volatile char *)(uintptr_t)vm_string_text(string);
    return vm_safepoint(vm) == VM_OK ? byte : NULL;
}

static volatile char *byte_behind_an_object(vm_t *vm) {
    tagged_value_t pair = vm_mk_pair(vm, VM_NIL, VM_NIL);
    bool is_there = !vm_is_oom(pair) && !vm_is_oom(vm_mk_pair(vm, VM_NIL, VM_NIL));
    return is_there ? (volatile char *)&vm__object(pair)->slots[2] : NULL;
}

static volatile char *byte_behind_a_large_object(vm_t *vm) {
    tagged_value_t array = vm_mk_array(vm, 10000);
    return vm_is_oom(array) ? NULL : (volatile char *)&vm__elements(vm__object(array))[10000];
}

static volatile char *byte_behind_the_last_object(vm_t *vm) {
    return (volatile char *)vm->pool.cursor;
}

struct misuse {
    const char *name;
    volatile char *(*leave)(vm_t *vm);
};

static const struct misuse misuses[] = {{"of the old pool", byte_of_the_old_pool},
                                        {"behind an object", byte_behind_an_object},
                                        {"behind a large object", byte_behind_a_large_object},
                                        {"behind the last object", byte_behind_the_last_object}};

/* Whether the checker at work would refuse an access; `has_checker` false where there is none. */
static bool is_refused(volatile char *address, bool *has_checker) {
    (void)address;
    *has_checker = false;
#ifdef CUPEL__ASAN
    *has_checker = true;
    return __asan_address_is_poisoned(address) != 0;
#elif defined(CUPEL_HAS_VALGRIND)
    if (cupel__is_watched()) {
        *has_checker = true;
        unsigned char bits;
        return VALGRIND_GET_VBITS(address, &bits, 1) == 3; /* it is not addressable */
    }
#endif
    return false;
}

TEST(memory, checkers_refuse_what_is_no_object, TABLE(misuses)) {
    const struct misuse *misuse = test_row();
    cupel_note("%s", misuse->name);
    vm_t *vm = create(&(struct vm_options){.stress = VM_STRESS_FLIP});
    volatile char *byte = misuse->leave(vm);
    end_where(vm, byte == NULL);
    bool has_checker, refused = is_refused(byte, &has_checker);
    vm_destroy(vm);
    if (!has_checker) {
        cupel_test_skip("neither built with AddressSanitizer nor run under valgrind");
    }
    CHECK(refused);
}

/* Small and large objects alike: whoever keeps an address over a flip dies at once. */
TEST(memory, a_protected_old_pool_ends_those_who_look, .no_sweep = "it dies in a child", .tags = "crash slow") {
    for (unsigned large = 0; large < 2; large++) {
        int status = 0;
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            unsigned stress = VM_STRESS_FLIP | VM_STRESS_PROTECT | VM_STRESS_MOVE;
            vm_t *vm = vm_create(cupel_libc(), &(struct vm_options){.stress = stress});
            tagged_value_t array = vm_mk_array(vm, large != 0 ? 10000 : 10);
            const tagged_value_t *elements = vm__elements(vm__object(array));
            (void)vm_hold(vm, array);
            (void)close(STDERR_FILENO);
            bool is_wrong = vm_safepoint(vm) != VM_OK;
            _exit(is_wrong || elements[0].bits == 1 ? 3 : 0);
        }
        REQUIRE_INT_EQ(waitpid(child, &status, 0), child);
        CHECK(!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 3));
    }
}

TEST(memory, a_protected_old_pool_is_used_again) {
    unsigned stress = VM_STRESS_FLIP | VM_STRESS_PROTECT | VM_STRESS_MOVE;
    vm_t *vm = create(&(struct vm_options){.stress = stress});
    vm_handle small = hold(vm, vm_mk_string(vm, "small", 5)), large = hold(vm, vm_mk_array(vm, 10000));
    vm_set(vm_held(vm, large), 9999, vm_held(vm, small));
    for (int i = 0; i < 5; i++) {
        flip(vm);
        check_heap(vm);
        CHECK_STR_EQ(vm_string_text(vm_get(vm_held(vm, large), 9999)), "small");
    }
    vm_destroy(vm);
}
