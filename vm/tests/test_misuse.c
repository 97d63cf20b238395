/* Goal: what a header calls a programmer error ends the program there, before it does harm. Method: one row a mistake,
 * each made in a child of its own. */
#include "alloc/libc.h"
#include "harness/harness.h"
#include "vm/src/heap.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static tagged_value_t pair_of(vm_t *vm) {
    return vm_mk_pair(vm, VM_NIL, VM_NIL);
}

static void length_of_nil(vm_t *vm) {
    (void)vm;
    (void)vm_length(VM_NIL);
}

static void element_past_the_end(vm_t *vm) {
    (void)vm_get(pair_of(vm), 2);
}

static void write_past_the_end(vm_t *vm) {
    vm_set(pair_of(vm), 2, VM_NIL);
}

static void store_out_of_memory(vm_t *vm) {
    vm_set(pair_of(vm), 0, VM_OOM_VALUE);
}

static void push_to_a_pair(vm_t *vm) {
    (void)vm_array_push(vm, pair_of(vm), VM_NIL);
}

static void push_out_of_memory(vm_t *vm) {
    (void)vm_array_push(vm, vm_mk_array(vm, 0), VM_OOM_VALUE);
}

static void push_a_byte_to_a_pair(vm_t *vm) {
    (void)vm_bytes_push(vm, pair_of(vm), 1);
}

static void pop_of_a_pair(vm_t *vm) {
    tagged_value_t element;
    (void)vm_array_pop(pair_of(vm), &element);
}

static void text_of_a_pair(vm_t *vm) {
    (void)vm_string_text(pair_of(vm));
}

static void bytes_of_a_pair(vm_t *vm) {
    size_t length;
    (void)vm_text_bytes(pair_of(vm), &length);
}

static void character_of_a_pair(vm_t *vm) {
    (void)vm_text_character(pair_of(vm), 0);
}

static void character_past_the_end(vm_t *vm) {
    (void)vm_text_character(vm_mk_string(vm, "a", 1), 1);
}

static void join_a_pair(vm_t *vm) {
    (void)vm_concat(vm, (tagged_value_t[]){pair_of(vm)}, 1);
}

static void name_of_a_pair(vm_t *vm) {
    (void)vm_symbol_name(pair_of(vm));
}

static void double_of_a_pair(vm_t *vm) {
    (void)vm_double(pair_of(vm));
}

static void integer_of_a_pair(vm_t *vm) {
    (void)vm_int64(pair_of(vm));
}

static void order_of_no_numbers(vm_t *vm) {
    (void)vm_compare_numbers(VM_TRUE, pair_of(vm));
}

static void order_of_one_number(vm_t *vm) {
    (void)vm_compare_numbers(vm_mk_integer(1), pair_of(vm));
}

static void closure_of_a_pair(vm_t *vm) {
    (void)vm_mk_closure(vm, pair_of(vm), NULL, 0);
}

static void shape_without_a_name(vm_t *vm) {
    (void)vm_mk_shape(vm, VM_NIL, NULL, 0);
}

static void field_without_a_name(vm_t *vm) {
    (void)vm_mk_shape(vm, vm_mk_symbol(vm, "a", 1), (tagged_value_t[]){VM_NIL}, 1);
}

static void record_without_a_shape(vm_t *vm) {
    (void)vm_mk_record(vm, pair_of(vm));
}

static void shape_of_a_pair(vm_t *vm) {
    (void)vm_record_shape(pair_of(vm));
}

static void field_of_a_pair(vm_t *vm) {
    (void)vm_shape_find(pair_of(vm), VM_NIL);
}

static void key_of_a_pair(vm_t *vm) {
    tagged_value_t value;
    (void)vm_table_get(vm, pair_of(vm), VM_NIL, &value);
}

static void key_set_in_a_pair(vm_t *vm) {
    (void)vm_table_set(vm, pair_of(vm), VM_NIL, VM_NIL);
}

static void key_out_of_memory(vm_t *vm) {
    (void)vm_table_set(vm, vm_mk_table(vm, 0), VM_OOM_VALUE, VM_NIL);
}

static void value_out_of_memory(vm_t *vm) {
    (void)vm_table_set(vm, vm_mk_table(vm, 0), VM_NIL, VM_OOM_VALUE);
}

static void key_deleted_in_a_pair(vm_t *vm) {
    (void)vm_table_delete(vm, pair_of(vm), VM_NIL);
}

static void keys_counted_in_a_pair(vm_t *vm) {
    (void)vm_table_count(pair_of(vm));
}

static void iteration_over_a_pair(vm_t *vm) {
    (void)vm_table_begin(pair_of(vm));
}

static void step_over_a_pair(vm_t *vm) {
    tagged_value_t cursor = VM_NIL, key, value;
    (void)vm_table_next(pair_of(vm), &cursor, &key, &value);
}

static void address_of_a_pair(vm_t *vm) {
    (void)vm_nobj_address(pair_of(vm));
}

static void size_of_a_pair(vm_t *vm) {
    (void)vm_nobj_size(pair_of(vm));
}

static void tag_of_a_pair(vm_t *vm) {
    (void)vm_nobj_tag(pair_of(vm));
}

static void release_of_a_pair(vm_t *vm) {
    vm_nobj_release(pair_of(vm));
}

static void handle_zero(vm_t *vm) {
    (void)vm_held(vm, 0);
}

static void handle_never_given(vm_t *vm) {
    (void)vm_held(vm, 1000);
}

static void handle_dropped_twice(vm_t *vm) {
    vm_handle handle = vm_hold(vm, VM_NIL);
    vm_drop(vm, handle);
    vm_drop(vm, handle);
}

static void handle_of_a_scope_dropped(vm_t *vm) {
    vm_drop(vm, vm_local(vm, VM_NIL));
}

static void handle_of_a_closed_scope(vm_t *vm) {
    vm_scope scope = vm_scope_open(vm);
    vm_handle handle = vm_local(vm, VM_NIL);
    vm_scope_close(vm, scope);
    (void)vm_held(vm, handle);
}

static void scope_closed_twice(vm_t *vm) {
    (void)vm_local(vm, VM_NIL);
    vm_scope scope = vm_scope_open(vm);
    vm_scope_close(vm, 0);
    vm_scope_close(vm, scope);
}

static void scanner_never_added(vm_t *vm) {
    struct vm__scanner scanner = {NULL, NULL, NULL};
    vm__scanner_remove(vm, &scanner);
}

static void native_ended_twice(vm_t *vm) {
    vm_native_end(vm);
}

static void flip_inside_of_a_native(vm_t *vm) {
    vm_native_begin(vm);
    (void)vm__gc_flip(vm);
}

static void older_object_unmade(vm_t *vm) {
    struct vm__object *older = vm__object(pair_of(vm));
    (void)pair_of(vm);
    vm__object_unmake(vm, older);
}

static void older_large_object_unmade(vm_t *vm) {
    struct vm__object *older = vm__object_new(vm, VM_TYPE_BLOB, 10000);
    (void)vm__object_new(vm, VM_TYPE_BLOB, 10000);
    vm__object_unmake(vm, older);
}

#define MISUSE(function)                                                                                               \
    { #function, function }

static const struct misuse {
    const char *name;
    void (*run)(vm_t *vm);
} misuses[] = {
    MISUSE(length_of_nil),
    MISUSE(element_past_the_end),
    MISUSE(write_past_the_end),
    MISUSE(store_out_of_memory),
    MISUSE(push_to_a_pair),
    MISUSE(push_out_of_memory),
    MISUSE(push_a_byte_to_a_pair),
    MISUSE(pop_of_a_pair),
    MISUSE(text_of_a_pair),
    MISUSE(bytes_of_a_pair),
    MISUSE(character_of_a_pair),
    MISUSE(character_past_the_end),
    MISUSE(join_a_pair),
    MISUSE(name_of_a_pair),
    MISUSE(double_of_a_pair),
    MISUSE(integer_of_a_pair),
    MISUSE(order_of_no_numbers),
    MISUSE(order_of_one_number),
    MISUSE(closure_of_a_pair),
    MISUSE(shape_without_a_name),
    MISUSE(field_without_a_name),
    MISUSE(record_without_a_shape),
    MISUSE(shape_of_a_pair),
    MISUSE(field_of_a_pair),
    MISUSE(key_of_a_pair),
    MISUSE(key_set_in_a_pair),
    MISUSE(key_out_of_memory),
    MISUSE(value_out_of_memory),
    MISUSE(key_deleted_in_a_pair),
    MISUSE(keys_counted_in_a_pair),
    MISUSE(iteration_over_a_pair),
    MISUSE(step_over_a_pair),
    MISUSE(address_of_a_pair),
    MISUSE(size_of_a_pair),
    MISUSE(tag_of_a_pair),
    MISUSE(release_of_a_pair),
    MISUSE(handle_zero),
    MISUSE(handle_never_given),
    MISUSE(handle_dropped_twice),
    MISUSE(handle_of_a_scope_dropped),
    MISUSE(handle_of_a_closed_scope),
    MISUSE(scope_closed_twice),
    MISUSE(scanner_never_added),
    MISUSE(native_ended_twice),
    MISUSE(flip_inside_of_a_native),
    MISUSE(older_object_unmade),
    MISUSE(older_large_object_unmade),
};

/* Asserts are left out where NDEBUG is set. */
TEST(misuse, ends_the_program, TABLE(misuses), .no_sweep = "it dies in a child", .tags = "crash slow") {
#ifdef NDEBUG
    cupel_test_skip("built without assertions");
#endif
    const struct misuse *misuse = test_row();
    cupel_note("%s", misuse->name);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        vm_t *vm = vm_create(cupel_libc(), NULL);
        misuse->run(vm);
        _exit(0);
    }
    int status = 0;
    REQUIRE_INT_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
