/* The address index: see index.h. Here are the records, which all back ends share, and the door to the back ends. */
#include "alloc/index.h"

#include "alloc/pages.h"
#include "alloc/src/index_state.h"

#include <assert.h>
#include <string.h>

enum { RECORDS_FIRST = 128 };

static const struct cupel__index_ops *const kinds[] = {&cupel__index_hash, &cupel__index_memtable, &cupel__index_pages};

enum cupel_index_status cupel_index_init_with(struct cupel_index *index, const struct cupel_index_options *options) {
    assert(options->kind < CUPEL_INDEX_KINDS);
    size_t bytes = options->record_bytes == 0 ? sizeof(struct cupel_block) : options->record_bytes;
    assert(bytes >= sizeof(struct cupel_extent) && bytes <= UINT16_MAX);
    *index = (struct cupel_index){.memory = options->memory == NULL ? cupel_pages() : options->memory,
                                  .ops = kinds[options->kind],
                                  .record_bytes = (uint32_t)bytes,
                                  .is_system = options->memory == NULL};
    index->stride = (uint32_t)((bytes + sizeof(uint32_t) + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1));
    enum cupel_index_status status = CUPEL_INDEX_OK;
    if (options->kind == CUPEL_INDEX_MEMTABLE) {
        status = cupel__index_memtable_init(index, options->low, options->high);
    }
    if (status != CUPEL_INDEX_OK) {
        *index = (struct cupel_index){.count = 0};
    }
    return status;
}

void cupel_index_init(struct cupel_index *index) {
    (void)cupel_index_init_with(index, &(struct cupel_index_options){.kind = CUPEL_INDEX_HASH});
}

void cupel_index_deinit(struct cupel_index *index) {
    if (index->ops == NULL) {
        return;
    }
    index->ops->deinit(index);
    cupel_free(index->memory, index->records, (size_t)index->records_capacity * index->stride, _Alignof(max_align_t));
    cupel_free(index->memory, index->free_records, index->free_capacity * sizeof(uint32_t), _Alignof(max_align_t));
    struct cupel_index_options options = {.kind = index->ops->kind,
                                          .record_bytes = index->record_bytes,
                                          .memory = index->is_system ? NULL : index->memory};
    if (options.kind == CUPEL_INDEX_MEMTABLE) {
        *index = (struct cupel_index){.count = 0};
    } else {
        (void)cupel_index_init_with(index, &options);
    }
}

/* Records */

/* Records, and room to note that all of them were given up. */
static bool grow(struct cupel_index *index) {
    uint32_t capacity = index->records_capacity;
    /* LCOV_EXCL_START(of thousands of millions of blocks) */
    uint32_t wanted = capacity == 0 ? RECORDS_FIRST : capacity > UINT32_MAX / 2 ? UINT32_MAX - 1 : capacity * 2;
    if (wanted <= capacity) {
        return false;
    }
    /* LCOV_EXCL_STOP */
    if (index->free_capacity < wanted) {
        void *numbers = cupel_realloc(index->memory, index->free_records, index->free_capacity * sizeof(uint32_t),
                                      _Alignof(max_align_t), wanted * sizeof(uint32_t));
        if (numbers == NULL) {
            return false;
        }
        index->free_records = numbers;
        index->free_capacity = wanted;
    }
    void *records = cupel_realloc(index->memory, index->records, (size_t)capacity * index->stride,
                                  _Alignof(max_align_t), (size_t)wanted * index->stride);
    if (records == NULL) {
        return false;
    }
    index->records = records;
    index->records_capacity = wanted;
    return true;
}

/* An unused record's number; 0 where there is no memory. */
static uint32_t record_new(struct cupel_index *index) {
    if (index->free_count > 0) {
        return index->free_records[--index->free_count];
    }
    if (index->records_used == index->records_capacity && !grow(index)) {
        return 0;
    }
    return ++index->records_used;
}

static void record_end(struct cupel_index *index, uint32_t number) {
    index->free_records[index->free_count++] = number; /* and the record is not touched */
}

/* Strays: blocks in no table, chained by their links. */

static uint32_t stray_at(const struct cupel_index *index, uintptr_t base) {
    uint32_t number = index->stray;
    while (number != 0 && cupel__index_base(index, number) != base) {
        number = *cupel__index_link(index, number);
    }
    return number;
}

static uint32_t stray_holding(const struct cupel_index *index, uintptr_t address) {
    uint32_t number = index->stray;
    while (number != 0 && (address < cupel__index_base(index, number) || !cupel__index_holds(index, number, address))) {
        number = *cupel__index_link(index, number);
    }
    return number;
}

static uint32_t stray_take(struct cupel_index *index, uintptr_t base) {
    uint32_t number = stray_at(index, base);
    uint32_t *place = &index->stray;
    while (number != 0 && *place != number) {
        place = cupel__index_link(index, *place);
    }
    if (number != 0) {
        *place = *cupel__index_link(index, number);
    }
    return number;
}

/* Doors */

static bool is_extent(uintptr_t base, size_t size) {
    return base != 0 && size <= UINTPTR_MAX - base;
}

static uint32_t find(const struct cupel_index *index, const void *base) {
    if (index->count == 0 || base == NULL) {
        return 0;
    }
    uint32_t number = index->ops->find(index, (uintptr_t)base);
    return number != 0 ? number : stray_at(index, (uintptr_t)base);
}

/* Takes the block out of wherever it stands; 0 where there is none. */
static uint32_t take(struct cupel_index *index, const void *base) {
    if (index->count == 0 || base == NULL) {
        return 0;
    }
    uint32_t number = index->ops->take(index, (uintptr_t)base);
    return number != 0 ? number : stray_take(index, (uintptr_t)base);
}

/* The extent word by word: it was written so a moment ago, and a wider load would wait for that. */
static void copy_record(const struct cupel_index *index, uint32_t number, const void *record, uintptr_t base,
                        size_t size) {
    struct cupel_extent *to = cupel__index_record(index, number);
    to->base = (const void *)base;
    to->size = size;
    size_t rest = index->record_bytes - sizeof *to;
    if (rest == sizeof(uint64_t)) {
        memcpy(to + 1, (const struct cupel_extent *)record + 1, sizeof(uint64_t)); /* in line */
    } else {
        memcpy(to + 1, (const struct cupel_extent *)record + 1, rest);
    }
}

enum cupel_index_status cupel_index_insert(struct cupel_index *index, const void *record) {
    const struct cupel_extent *extent = record;
    uintptr_t base = (uintptr_t)extent->base;
    size_t size = extent->size;
    if (!is_extent(base, size)) {
        return CUPEL_INDEX_OUT_OF_RANGE;
    }
    if (index->stray != 0 && stray_at(index, base) != 0) {
        return CUPEL_INDEX_TAKEN;
    }
    uint32_t number = record_new(index);
    if (number == 0) {
        return CUPEL_INDEX_NO_MEMORY;
    }
    copy_record(index, number, record, base, size);
    enum cupel_index_status status = index->ops->add(index, number, base);
    if (status != CUPEL_INDEX_OK) {
        record_end(index, number);
        return status;
    }
    index->count++;
    return CUPEL_INDEX_OK;
}

void *cupel_index_at(const struct cupel_index *index, const void *base) {
    uint32_t number = find(index, base);
    return number == 0 ? NULL : cupel__index_record(index, number);
}

void *cupel_index_containing(struct cupel_index *index, const void *address) {
    uint32_t number = find(index, address);
    if (number == 0 && index->count != 0) {
        number = index->ops->holder(index, (uintptr_t)address);
        number = number != 0 ? number : stray_holding(index, (uintptr_t)address);
    }
    return number == 0 ? NULL : cupel__index_record(index, number);
}

bool cupel_index_remove(struct cupel_index *index, const void *base) {
    uint32_t number = take(index, base);
    if (number != 0) {
        record_end(index, number);
        index->count--;
    }
    return number != 0;
}

enum cupel_index_status cupel_index_resize(struct cupel_index *index, const void *base, size_t size) {
    uint32_t number = find(index, base);
    if (number == 0) {
        return CUPEL_INDEX_UNKNOWN;
    }
    if (!is_extent((uintptr_t)base, size)) {
        return CUPEL_INDEX_OUT_OF_RANGE;
    }
    if (index->stray != 0 && stray_at(index, (uintptr_t)base) != 0) {
        cupel__index_record(index, number)->size = size;
    } else {
        index->ops->resize(index, number, size);
    }
    return CUPEL_INDEX_OK;
}

enum cupel_index_status cupel_index_move(struct cupel_index *index, const void *base, const void *new_base,
                                         size_t size) {
    if (find(index, base) == 0) {
        return CUPEL_INDEX_UNKNOWN;
    }
    if (!is_extent((uintptr_t)new_base, size)) {
        return CUPEL_INDEX_OUT_OF_RANGE;
    }
    if (new_base == base) {
        return cupel_index_resize(index, base, size);
    }
    if (find(index, new_base) != 0) {
        return CUPEL_INDEX_TAKEN;
    }
    uint32_t number = take(index, base);
    *cupel__index_record(index, number) = (struct cupel_extent){new_base, size};
    if (index->ops->add(index, number, (uintptr_t)new_base) != CUPEL_INDEX_OK) {
        *cupel__index_link(index, number) = index->stray;
        index->stray = number;
    }
    return CUPEL_INDEX_OK;
}

/* Walks */

/* A walk in which strays stand among the others, by their addresses. */
struct mixed_walk {
    const struct cupel_index *index;
    struct cupel__index_walk all; /* low: where the next stray may be */
    bool is_over;
};

/* Visits the strays from all.low to before `high`, or to all.last where that is less. */
static bool visit_strays(struct mixed_walk *mixed, uintptr_t high) {
    for (;;) {
        uint32_t next = 0;
        for (uint32_t i = mixed->index->stray; i != 0; i = *cupel__index_link(mixed->index, i)) {
            uintptr_t base = cupel__index_base(mixed->index, i);
            if (base >= mixed->all.low && base <= mixed->all.last && base < high &&
                (next == 0 || base < cupel__index_base(mixed->index, next))) {
                next = i;
            }
        }
        if (next == 0) {
            return true;
        }
        mixed->all.low = cupel__index_base(mixed->index, next) + 1;
        if (!mixed->all.visit(mixed->all.user, cupel__index_record(mixed->index, next))) {
            mixed->is_over = true;
            return false;
        }
    }
}

static bool visit_mixed(void *user, const void *record) {
    struct mixed_walk *mixed = user;
    const struct cupel_extent *extent = record;
    mixed->is_over = !visit_strays(mixed, (uintptr_t)extent->base) || !mixed->all.visit(mixed->all.user, record);
    return !mixed->is_over;
}

static void walk(const struct cupel_index *index, const struct cupel__index_walk *all) {
    if (index->count == 0) {
        return;
    }
    if (index->stray == 0) {
        (void)index->ops->walk(index, all);
        return;
    }
    struct mixed_walk mixed = {index, *all, false};
    struct cupel__index_walk tables = {all->low, all->last, visit_mixed, &mixed};
    if (index->ops->walk(index, &tables)) {
        (void)visit_strays(&mixed, UINTPTR_MAX);
    }
}

void cupel_index_walk(const struct cupel_index *index, cupel_index_visit visit, void *user) {
    walk(index, &(struct cupel__index_walk){0, UINTPTR_MAX, visit, user});
}

void cupel_index_range(struct cupel_index *index, const void *low, const void *high, cupel_index_visit visit,
                       void *user) {
    if ((uintptr_t)high <= (uintptr_t)low) {
        return;
    }
    const struct cupel_extent *first = cupel_index_containing(index, low);
    if (first != NULL && first->base != low && !visit(user, first)) {
        return;
    }
    walk(index, &(struct cupel__index_walk){(uintptr_t)low, (uintptr_t)high - 1, visit, user});
}

size_t cupel_index_memory_bytes(const struct cupel_index *index) {
    return index->ops == NULL ? 0
                              : (size_t)index->records_capacity * index->stride +
                                    index->free_capacity * sizeof(uint32_t) + index->ops->memory_bytes(index);
}

const char *cupel_index_kind_name(enum cupel_index_kind kind) {
    static const char *const names[] = {"hash", "memtable", "pages"};
    return names[kind];
}

const char *cupel_index_status_name(enum cupel_index_status status) {
    static const char *const names[] = {"ok", "no memory", "taken", "unknown", "out of range"};
    return names[status];
}
