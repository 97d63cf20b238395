/* The map of units: see debug_map.h. Tables of the second level come from mmap at first use and stay for the life of
 * the process; their untouched parts take no memory. */
#include "alloc/src/debug_map.h"

#include <sys/mman.h>

#if UINTPTR_MAX > UINT32_MAX
enum { ADDRESS_BITS = 48, TABLE_SHIFT = 32 };
#else
enum { ADDRESS_BITS = 32, TABLE_SHIFT = 24 };
#endif
enum { TABLES = 1 << (ADDRESS_BITS - TABLE_SHIFT), ENTRIES = 1 << (TABLE_SHIFT - CUPEL__UNIT_SHIFT) };

typedef struct cupel__span *entry;

static entry *tables[TABLES];

static bool is_outside(uintptr_t address) {
    return ((uint64_t)address >> ADDRESS_BITS) != 0;
}

static entry *entry_of(entry *table, uintptr_t address) {
    return &table[(address >> CUPEL__UNIT_SHIFT) & (ENTRIES - 1)];
}

struct cupel__span *cupel__map_find(uintptr_t address) {
    if (is_outside(address)) {
        return NULL;
    }
    entry *table = __atomic_load_n(&tables[address >> TABLE_SHIFT], __ATOMIC_ACQUIRE);
    return table == NULL ? NULL : __atomic_load_n(entry_of(table, address), __ATOMIC_ACQUIRE);
}

static entry *table_of(uintptr_t address) {
    entry **place = &tables[address >> TABLE_SHIFT];
    entry *table = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (table != NULL) {
        return table;
    }
    void *fresh =
        mmap(NULL, ENTRIES * sizeof(entry), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fresh == MAP_FAILED) {
        return NULL;
    }
    /* LCOV_EXCL_START(threads rarely meet here) */
    if (!__atomic_compare_exchange_n(place, &table, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        (void)munmap(fresh, ENTRIES * sizeof(entry));
        return table;
    }
    /* LCOV_EXCL_STOP */
    return fresh;
}

bool cupel__map_set(const void *range, size_t range_bytes, struct cupel__span *span) {
    uintptr_t first = (uintptr_t)range;
    uintptr_t last = first + range_bytes - 1;
    if (is_outside(last)) {
        return false;
    }
    for (uintptr_t i = first >> TABLE_SHIFT; span != NULL && i <= last >> TABLE_SHIFT; i++) {
        if (table_of(i << TABLE_SHIFT) == NULL) {
            return false;
        }
    }
    for (uintptr_t unit = first >> CUPEL__UNIT_SHIFT; unit <= last >> CUPEL__UNIT_SHIFT; unit++) {
        uintptr_t address = unit << CUPEL__UNIT_SHIFT;
        entry *table = __atomic_load_n(&tables[address >> TABLE_SHIFT], __ATOMIC_ACQUIRE);
        if (table != NULL) {
            __atomic_store_n(entry_of(table, address), span, __ATOMIC_RELEASE);
        }
    }
    return true;
}
