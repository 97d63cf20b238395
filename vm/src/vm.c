/* Life of a VM, and its safepoints. */
#include "vm/src/heap.h"

#include "alloc/base/poison.h"

/* What must be there when nothing more can be had. */
static bool make_roots(vm_t *vm) {
    static const char kind[] = "out-of-memory", message[] = "out of memory";
    tagged_value_t symbol = vm_mk_symbol(vm, kind, sizeof kind - 1);
    tagged_value_t text = vm_is_oom(symbol) ? symbol : vm_mk_string(vm, message, sizeof message - 1);
    tagged_value_t error = vm_is_oom(text) ? text : vm_mk_error(vm, symbol, text, VM_NIL);
    vm->roots[VM__ROOT_OUT_OF_MEMORY] = error;
    return !vm_is_oom(error);
}

vm_t *vm_create(struct cupel_allocator *allocator, const struct vm_options *options) {
    vm_t *vm = CUPEL_NEW(allocator, vm_t);
    if (vm == NULL) {
        return NULL;
    }
    vm->allocator = allocator;
    if (options != NULL) {
        vm->options = *options;
    }
    vm->is_watched = cupel__is_watched();
    vm->redzone_bytes = CUPEL__HAS_ASAN || vm->is_watched ? VM__REDZONE_BYTES : 0;
    vm->is_slow = vm->options.may_allocate != NULL || vm->redzone_bytes != 0;
    vm->due_bytes = SIZE_MAX;
    for (unsigned i = 0; i < VM__ROOT_COUNT; i++) {
        vm->roots[i] = VM_NIL;
    }
    if (!make_roots(vm)) {
        vm->roots[VM__ROOT_OUT_OF_MEMORY] = VM_NIL;
        vm_destroy(vm);
        return NULL;
    }
    vm->bytes_at_start = vm__pool_bytes(&vm->pool);
    vm->bytes_after_flip = vm->bytes_at_start;
    vm->bytes_allocated = vm->bytes_at_start;
    vm__due_set(vm);
    vm__pool_limit(vm);
    return vm;
}

void vm_destroy(vm_t *vm) {
    if (vm == NULL) {
        return;
    }
    vm__evaluator_free(vm->evaluator);
    vm__owned_free(vm);
    vm__pool_open(vm);
    vm__pool_clear(vm, &vm->pool);
    vm__pages_trim(vm, 0);
    vm__symbols_free(vm);
    CUPEL_FREE_ARRAY(vm->allocator, tagged_value_t, vm->handles.slots, vm->handles.capacity);
    CUPEL_FREE_ARRAY(vm->allocator, tagged_value_t, vm->locals.slots, vm->locals.capacity);
    CUPEL_FREE(vm->allocator, vm_t, vm);
}

void vm_statistics(const vm_t *vm, struct vm_statistics *statistics) {
    *statistics = vm->statistics;
    size_t bytes = vm__pool_bytes(&vm->pool);
    statistics->bytes_in_pool = bytes;
    statistics->bytes_at_start = vm->bytes_at_start;
    statistics->bytes_after_flip = vm->bytes_after_flip;
    statistics->bytes_allocated = vm->bytes_allocated + (bytes - vm->bytes_after_flip);
    statistics->handles = vm->handles.held;
}

vm_status vm_safepoint(vm_t *vm) {
    bool is_due = (atomic_load_explicit(&vm->attention, memory_order_relaxed) & VM__ATTENTION_FLIP) != 0;
    if (!is_due && (vm->options.stress & VM_STRESS_FLIP) == 0) {
        return VM_OK;
    }
    if (vm->native_depth > 0) {
        return VM_ERROR_DEFERRED;
    }
    return vm__gc_flip(vm) ? VM_OK : VM_ERROR_OOM;
}

vm_status vm__callback_safepoint(vm_t *vm) {
    if ((vm->options.stress & VM_STRESS_CALLBACK) == 0 || vm->native_depth > 0) {
        return vm_safepoint(vm);
    }
    return vm__gc_flip(vm) ? VM_OK : VM_ERROR_OOM;
}

void vm_native_begin(vm_t *vm) {
    vm->native_depth++;
}

void vm_native_end(vm_t *vm) {
    assert(vm->native_depth > 0);
    vm->native_depth--;
    size_t bytes = vm__pool_bytes(&vm->pool);
    if (vm->native_depth == 0 && bytes > vm->statistics.native_bytes_peak) {
        vm->statistics.native_bytes_peak = bytes;
    }
}
