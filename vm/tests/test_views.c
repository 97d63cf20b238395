/* Goal: arrays, bytes and texts agree with plain C, and so do slices of slices of them, whatever is written, appended
 * or taken off, and whenever the collector moves everything. Method: drawn operations on both; a slice in the model is
 * a base and a range, a text an array of characters. */
#include "harness/harness.h"
#include "vm/src/heap.h"
#include "vm/tests/starve.h"
#include "vm/vm.h"

#include <string.h>

enum { VIEWS_MAX = 12, LENGTH_MAX = 24 };

/* A base (its own base) or a slice of one. */
struct view {
    vm_handle handle;
    unsigned base;
    size_t offset, length; /* of a base: 0, and its present length */
};

struct model {
    vm_t *vm;
    enum vm_type type; /* of bases: VM_TYPE_ARRAY or VM_TYPE_BYTES */
    struct view views[VIEWS_MAX];
    int64_t contents[VIEWS_MAX][LENGTH_MAX];
    unsigned count;
};

/* Of a slice, what its base still has. */
static size_t length_of(const struct model *model, const struct view *view) {
    size_t there = model->views[view->base].length;
    there = there > view->offset ? there - view->offset : 0;
    return view->length < there ? view->length : there;
}

static vm_status compare(const struct model *model) {
    for (unsigned i = 0; i < model->count; i++) {
        const struct view *view = &model->views[i];
        tagged_value_t value = vm_held(model->vm, view->handle), element = VM_NIL;
        size_t length = length_of(model, view);
        REQUIRE_UINT_EQ(vm_length(value), length);
        for (size_t j = 0; j < length; j++) {
            REQUIRE_INT_EQ(vm_at(value, j, &element), VM_OK);
            REQUIRE_INT_EQ(vm_integer(element), model->contents[view->base][view->offset + j]);
        }
        REQUIRE_INT_EQ(vm_at(value, length, &element), VM_ERROR_RANGE);
        bool is_slice = view->base != i;
        REQUIRE(!is_slice || vm_is_same(vm__object(value)->slots[VM__SLICE_BASE],
                                        vm_held(model->vm, model->views[view->base].handle)));
    }
    return vm_check_heap(model->vm) ? VM_OK : VM_ERROR_OOM;
}

static vm_status add(struct model *model, tagged_value_t value, struct view view) {
    view.handle = vm_is_oom(value) ? 0 : vm_hold(model->vm, value);
    if (view.handle == 0) {
        return VM_ERROR_OOM;
    }
    model->views[model->count++] = view;
    return VM_OK;
}

static vm_status add_base(struct model *model, struct cupel_bytes *bytes) {
    size_t length = (size_t)cupel_draw_uint(bytes, "length", 0, LENGTH_MAX / 2);
    memset(model->contents[model->count], 0, sizeof model->contents[0]);
    tagged_value_t value =
        model->type == VM_TYPE_ARRAY ? vm_mk_array(model->vm, length) : vm_mk_bytes(model->vm, NULL, length);
    for (size_t i = 0; !vm_is_oom(value) && i < length; i++) {
        vm_set(value, i, vm_mk_integer(0));
    }
    return add(model, value, (struct view){.base = model->count, .length = length});
}

static vm_status add_slice(struct model *model, const struct view *view, struct cupel_bytes *bytes) {
    size_t length = length_of(model, view), first = (size_t)cupel_draw_uint(bytes, "first", 0, length);
    size_t end = (size_t)cupel_draw_uint(bytes, "end", first, length);
    tagged_value_t value = vm_held(model->vm, view->handle), slice = VM_OOM_VALUE;
    REQUIRE_INT_EQ(vm_slice(model->vm, value, first, length + 1, &slice), VM_ERROR_RANGE);
    vm_status status = vm_slice(model->vm, value, first, end, &slice);
    struct view added = {.base = view->base, .offset = view->offset + first, .length = end - first};
    return status == VM_OK ? add(model, slice, added) : status;
}

static vm_status push(struct model *model, struct view *base, int64_t number) {
    tagged_value_t value = vm_held(model->vm, base->handle);
    if (base->length == LENGTH_MAX) {
        return VM_OK;
    }
    vm_status status = model->type == VM_TYPE_ARRAY ? vm_array_push(model->vm, value, vm_mk_integer(number))
                                                    : vm_bytes_push(model->vm, value, (uint8_t)number);
    if (status == VM_OK) {
        model->contents[base->base][base->length++] = number;
    }
    return status;
}

static void pop(const struct model *model, struct view *base) {
    tagged_value_t element = VM_NIL;
    if (model->type == VM_TYPE_ARRAY) {
        vm_status status = vm_array_pop(vm_held(model->vm, base->handle), &element);
        REQUIRE_INT_EQ(status, base->length == 0 ? VM_ERROR_RANGE : VM_OK);
        base->length -= base->length > 0;
    }
}

static void put(struct model *model, const struct view *view, struct cupel_bytes *bytes) {
    size_t index = (size_t)cupel_draw_uint(bytes, "index", 0, LENGTH_MAX), length = length_of(model, view);
    int64_t number = cupel_draw_int(bytes, "number", 0, UINT8_MAX);
    vm_status status = vm_put(vm_held(model->vm, view->handle), index, vm_mk_integer(number));
    REQUIRE_INT_EQ(status, index < length ? VM_OK : VM_ERROR_RANGE);
    if (index < length) {
        model->contents[view->base][view->offset + index] = number;
    }
}

static vm_status step(struct model *model, struct cupel_bytes *bytes) {
    static const char *const names[] = {"base", "slice", "put", "push", "pop", "flip"};
    unsigned what = model->count == 0 ? 0 : cupel_draw_pick(bytes, "what", names, 6);
    struct view *view = &model->views[model->count < 2 ? 0 : cupel_draw_uint(bytes, "view", 0, model->count - 1)];
    vm_status status;
    switch (what) {
    case 0:
        return model->count < VIEWS_MAX ? add_base(model, bytes) : VM_OK;
    case 1:
        return model->count < VIEWS_MAX ? add_slice(model, view, bytes) : VM_OK;
    case 2:
        put(model, view, bytes);
        return VM_OK;
    case 3:
        return push(model, &model->views[view->base], cupel_draw_int(bytes, "number", 0, UINT8_MAX));
    case 4:
        pop(model, &model->views[view->base]);
        return VM_OK;
    default:
        status = vm_safepoint(model->vm);
        return status == VM_OK ? compare(model) : status;
    }
}

PROPERTY(views, agree_with_plain_arrays, .longest = 1024, .faults = "vm") {
    static const char *const names[] = {"array", "bytes"};
    unsigned stress = VM_STRESS_FLIP | VM_STRESS_MOVE;
    struct model model = {.vm = vm_create(a, &(struct vm_options){HEAP_STARVES, .stress = stress})};
    bool starved = model.vm == NULL;
    model.type = cupel_draw_pick(bytes, "of", names, 2) == 0 ? VM_TYPE_ARRAY : VM_TYPE_BYTES;
    while (!starved && cupel_draw_more(bytes, "operation")) {
        starved = step(&model, bytes) != VM_OK;
    }
    starved = starved || compare(&model) != VM_OK;
    vm_destroy(model.vm);
    STARVED(starved);
}

/* Texts: what each is in characters. */
struct text {
    vm_handle handle;
    uint32_t characters[LENGTH_MAX];
    size_t length;
};

struct texts {
    vm_t *vm;
    struct text texts[VIEWS_MAX];
    unsigned count;
};

static vm_status add_text(struct texts *texts, tagged_value_t value, const struct text *text) {
    vm_handle handle = vm_is_oom(value) ? 0 : vm_hold(texts->vm, value);
    if (handle == 0) {
        return VM_ERROR_OOM;
    }
    texts->texts[texts->count] = *text;
    texts->texts[texts->count++].handle = handle;
    return VM_OK;
}

static vm_status write_text(struct texts *texts, struct cupel_bytes *bytes) {
    static const uint32_t alphabet[] = {'a', 'b', 0x7f, 0xe4, 0x7ff, 0x20ac, 0xffff, 0x10ffff};
    struct text text = {.length = (size_t)cupel_draw_uint(bytes, "length", 0, LENGTH_MAX / 2)};
    char utf8[LENGTH_MAX * 4];
    size_t size = 0;
    for (size_t i = 0; i < text.length; i++) {
        text.characters[i] = alphabet[cupel_draw_uint(bytes, "character", 0, 7)];
        size += vm_utf8_write(text.characters[i], utf8 + size);
    }
    return add_text(texts, vm_mk_string(texts->vm, utf8, size), &text);
}

static vm_status cut_text(struct texts *texts, const struct text *whole, struct cupel_bytes *bytes) {
    size_t first = (size_t)cupel_draw_uint(bytes, "first", 0, whole->length);
    size_t end = (size_t)cupel_draw_uint(bytes, "end", first, whole->length);
    struct text text = {.length = end - first};
    memcpy(text.characters, whole->characters + first, text.length * sizeof text.characters[0]);
    tagged_value_t slice = VM_OOM_VALUE;
    vm_status status = vm_slice(texts->vm, vm_held(texts->vm, whole->handle), first, end, &slice);
    return status == VM_OK ? add_text(texts, slice, &text) : status;
}

static vm_status join_texts(struct texts *texts, const struct text *one, const struct text *other) {
    if (one->length + other->length > LENGTH_MAX) {
        return VM_OK;
    }
    struct text text = {.length = one->length + other->length};
    memcpy(text.characters, one->characters, one->length * sizeof text.characters[0]);
    memcpy(text.characters + one->length, other->characters, other->length * sizeof text.characters[0]);
    tagged_value_t parts[2] = {vm_held(texts->vm, one->handle), vm_held(texts->vm, other->handle)};
    return add_text(texts, vm_concat(texts->vm, parts, 2), &text);
}

static int order_of(const struct text *one, const struct text *other) {
    for (size_t i = 0; i < one->length && i < other->length; i++) {
        if (one->characters[i] != other->characters[i]) {
            return one->characters[i] < other->characters[i] ? -1 : 1;
        }
    }
    return (one->length > other->length) - (one->length < other->length);
}

static vm_status compare_texts(const struct texts *texts) {
    for (unsigned i = 0; i < texts->count; i++) {
        const struct text *text = &texts->texts[i];
        tagged_value_t value = vm_held(texts->vm, text->handle);
        REQUIRE_UINT_EQ(vm_length(value), text->length);
        for (size_t j = 0; j < text->length; j++) {
            REQUIRE_UINT_EQ(vm_text_character(value, j), text->characters[j]);
        }
        const struct text *next = &texts->texts[(i + 1) % texts->count];
        tagged_value_t other = vm_held(texts->vm, next->handle);
        int order = 7;
        REQUIRE_INT_EQ(vm_compare(texts->vm, value, other, &order), VM_OK);
        REQUIRE_INT_EQ(order, order_of(text, next));
        REQUIRE(order != 0 || vm_hash(texts->vm, value) == vm_hash(texts->vm, other));
    }
    return vm_check_heap(texts->vm) ? VM_OK : VM_ERROR_OOM;
}

PROPERTY(views, texts_agree_with_arrays_of_characters, .longest = 1024, .faults = "vm") {
    struct texts texts = {.vm = vm_create(a, &(struct vm_options){HEAP_STARVES, .stress = VM_STRESS_FLIP})};
    vm_status status = texts.vm == NULL ? VM_ERROR_OOM : VM_OK;
    while (status == VM_OK && cupel_draw_more(bytes, "operation")) {
        static const char *const names[] = {"write", "cut", "join", "flip"};
        unsigned what = texts.count == 0 ? 0 : cupel_draw_pick(bytes, "what", names, 4);
        unsigned last = texts.count == 0 ? 0 : texts.count - 1;
        const struct text *one = &texts.texts[cupel_draw_uint(bytes, "one", 0, last)];
        if (what == 3 || texts.count == VIEWS_MAX) {
            status = vm_safepoint(texts.vm);
            status = status == VM_OK ? compare_texts(&texts) : status;
        } else {
            status = what == 0   ? write_text(&texts, bytes)
                     : what == 1 ? cut_text(&texts, one, bytes)
                                 : join_texts(&texts, one, &texts.texts[cupel_draw_uint(bytes, "other", 0, last)]);
        }
    }
    status = status == VM_OK ? compare_texts(&texts) : status;
    vm_destroy(texts.vm);
    STARVED(status != VM_OK);
}
