/* The memtable back end of the address index: Stephen Kell's, a table of bins that is linear in addresses, as a page
 * table of one level would be. A bin is the head of a chain of the blocks that begin in it, by their links, in no
 * order. Most of the table is never touched and takes address space alone.
 *
 * Long blocks would make an address inside one far from its bin. They have tables of their own, with longer bins: a
 * block is at most 64 bins of its table long, so that an address is looked for in so many bins of each table that has
 * blocks. For walks a bit says which 4096 bins were ever used, and another which 4096 such bits. */
#include "alloc/src/index_state.h"

#include <sys/mman.h>

#if UINTPTR_MAX > UINT32_MAX
static const uintptr_t highest = UINTPTR_MAX >> 17; /* of a process: 47 bits */
#else
static const uintptr_t highest = UINTPTR_MAX;
#endif

enum { BIN_LOG = 8, STEP_LOG = 6, REGION_LOG = 12, LEVELS = CUPEL__INDEX_LEVELS };

struct cupel__index_level {
    uint32_t *bins;
    uint64_t *regions; /* a bit for 4096 bins: some were used */
    uint64_t *areas;   /* a bit for 4096 regions */
    size_t bin_count;
    size_t blocks;
    unsigned bin_log;
    unsigned reach; /* bins that a block may pass */
};

/* A piece of memory for each part of a level, one behind the other. */
static size_t parts_of(size_t bin_count, size_t parts[3]) {
    size_t regions = (bin_count >> REGION_LOG) + 1;
    size_t areas = (regions >> REGION_LOG) + 1;
    parts[0] = (areas / 64 + 1) * sizeof(uint64_t);
    parts[1] = (regions / 64 + 1) * sizeof(uint64_t);
    parts[2] = (bin_count * sizeof(uint32_t) + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
    return parts[0] + parts[1] + parts[2];
}

static unsigned bin_log_of(unsigned which) {
    unsigned log = BIN_LOG + which * STEP_LOG;
    return log < sizeof(uintptr_t) * 8 ? log : (unsigned)sizeof(uintptr_t) * 8 - 1;
}

static size_t bins_over(uintptr_t length, unsigned which) {
    return (size_t)((length - 1) >> bin_log_of(which)) + 1;
}

static size_t table_bytes(uintptr_t length) {
    size_t bytes = LEVELS * sizeof(struct cupel__index_level);
    for (unsigned i = 0; i < LEVELS; i++) {
        size_t parts[3];
        bytes += parts_of(bins_over(length, i), parts);
    }
    return bytes;
}

static void *reserve(struct cupel_index *index, size_t bytes) {
    if (!index->is_system) {
        return cupel_alloc_zeroed(index->memory, bytes, _Alignof(max_align_t));
    }
    void *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return table == MAP_FAILED ? NULL : table;
}

enum cupel_index_status cupel__index_memtable_init(struct cupel_index *index, const void *low, const void *high) {
    uintptr_t first = (uintptr_t)low;
    uintptr_t last = low == NULL && high == NULL ? highest : (uintptr_t)high - 1;
    if (last < first || (high == NULL && low != NULL)) {
        return CUPEL_INDEX_OUT_OF_RANGE;
    }
    uintptr_t length = last - first == UINTPTR_MAX ? UINTPTR_MAX : last - first + 1;
    unsigned char *memory = reserve(index, table_bytes(length));
    if (memory == NULL) {
        return CUPEL_INDEX_NO_MEMORY;
    }
    index->table.memtable.low = first;
    index->table.memtable.high = last;
    index->table.memtable.levels = (struct cupel__index_level *)(void *)memory;
    memory += LEVELS * sizeof(struct cupel__index_level);
    for (unsigned i = 0; i < LEVELS; i++) {
        size_t parts[3];
        struct cupel__index_level *level = &index->table.memtable.levels[i];
        level->bin_count = bins_over(length, i);
        level->bin_log = bin_log_of(i);
        level->reach = 1 << STEP_LOG;
        (void)parts_of(level->bin_count, parts);
        level->areas = (uint64_t *)(void *)memory;
        level->regions = (uint64_t *)(void *)(memory + parts[0]);
        level->bins = (uint32_t *)(void *)(memory + parts[0] + parts[1]);
        memory += parts[0] + parts[1] + parts[2];
    }
    index->table.memtable.levels[LEVELS - 1].reach = UINT32_MAX; /* for what is longer still */
    return CUPEL_INDEX_OK;
}

/* Which table has blocks of this size. */
static struct cupel__index_level *level_of(const struct cupel_index *index, size_t size) {
    unsigned i = 0;
    while (i < LEVELS - 1 && size != 0 && ((uint64_t)size - 1) >> STEP_LOG >> bin_log_of(i) != 0) {
        i++;
    }
    return &index->table.memtable.levels[i];
}

static size_t bin_of(const struct cupel_index *index, const struct cupel__index_level *level, uintptr_t address) {
    return (size_t)((address - index->table.memtable.low) >> level->bin_log);
}

static bool is_covered(const struct cupel_index *index, uintptr_t address) {
    return address >= index->table.memtable.low && address <= index->table.memtable.high;
}

static void note(struct cupel__index_level *level, size_t bin) {
    size_t region = bin >> REGION_LOG;
    uint64_t bit = UINT64_C(1) << (region % 64);
    if ((level->regions[region / 64] & bit) == 0) {
        level->regions[region / 64] |= bit;
        size_t area = region >> REGION_LOG;
        level->areas[area / 64] |= UINT64_C(1) << (area % 64);
    }
}

/* The link that names the block at base, or the end of its chain. */
static uint32_t *place_in(const struct cupel_index *index, const struct cupel__index_level *level, uintptr_t base) {
    uint32_t *place = &level->bins[bin_of(index, level, base)];
    while (*place != 0 && cupel__index_base(index, *place) != base) {
        place = cupel__index_link(index, *place);
    }
    return place;
}

/* The same among all tables; NULL where there is none. */
static uint32_t *place_of(const struct cupel_index *index, uintptr_t base, struct cupel__index_level **holder) {
    for (unsigned i = 0; is_covered(index, base) && i < LEVELS; i++) {
        struct cupel__index_level *level = &index->table.memtable.levels[i];
        uint32_t *place = level->blocks == 0 ? NULL : place_in(index, level, base);
        if (place != NULL && *place != 0) {
            *holder = level;
            return place;
        }
    }
    return NULL;
}

static void put(struct cupel_index *index, struct cupel__index_level *level, uint32_t number, uintptr_t base) {
    size_t bin = bin_of(index, level, base);
    uint32_t head = level->bins[bin];
    if (head == 0) {
        note(level, bin);
    }
    *cupel__index_link(index, number) = head;
    level->bins[bin] = number;
    level->blocks++;
}

static enum cupel_index_status memtable_add(struct cupel_index *index, uint32_t number, uintptr_t base) {
    const struct cupel_extent *extent = cupel__index_record(index, number);
    struct cupel__index_level *holder;
    if (!is_covered(index, base)) {
        return CUPEL_INDEX_OUT_OF_RANGE;
    }
    if (place_of(index, base, &holder) != NULL) {
        return CUPEL_INDEX_TAKEN;
    }
    put(index, level_of(index, extent->size), number, base);
    return CUPEL_INDEX_OK;
}

static uint32_t memtable_find(const struct cupel_index *index, uintptr_t base) {
    struct cupel__index_level *holder;
    const uint32_t *place = place_of(index, base, &holder);
    return place == NULL ? 0 : *place;
}

static uint32_t memtable_take(struct cupel_index *index, uintptr_t base) {
    struct cupel__index_level *holder;
    uint32_t *place = place_of(index, base, &holder);
    uint32_t number = place == NULL ? 0 : *place;
    if (number != 0) {
        *place = *cupel__index_link(index, number);
        holder->blocks--;
    }
    return number;
}

/* The block of a table that begins last at or before the address, no more than the table's reach away; or 0. */
static uint32_t before(const struct cupel_index *index, const struct cupel__index_level *level, uintptr_t address) {
    size_t bin = bin_of(index, level, address);
    size_t first = bin < level->reach ? 0 : bin - level->reach;
    for (size_t i = bin + 1; i-- > first;) {
        uint32_t found = 0;
        for (uint32_t number = level->bins[i]; number != 0; number = *cupel__index_link(index, number)) {
            uintptr_t base = cupel__index_base(index, number);
            if (base <= address && (found == 0 || base > cupel__index_base(index, found))) {
                found = number;
            }
        }
        if (found != 0) {
            return found;
        }
    }
    return 0;
}

static uint32_t memtable_holder(struct cupel_index *index, uintptr_t address) {
    if (address < index->table.memtable.low) {
        return 0;
    }
    uintptr_t near = address > index->table.memtable.high ? index->table.memtable.high : address;
    for (unsigned i = 0; i < LEVELS; i++) {
        const struct cupel__index_level *level = &index->table.memtable.levels[i];
        uint32_t number = level->blocks == 0 ? 0 : before(index, level, near);
        if (number != 0 && cupel__index_holds(index, number, address)) {
            return number;
        }
    }
    return 0;
}

static void memtable_resize(struct cupel_index *index, uint32_t number, size_t size) {
    struct cupel_extent *extent = cupel__index_record(index, number);
    if (level_of(index, size) == level_of(index, extent->size)) {
        extent->size = size;
        return;
    }
    (void)memtable_take(index, (uintptr_t)extent->base);
    extent->size = size;
    put(index, level_of(index, size), number, (uintptr_t)extent->base);
}

/* Walks */

/* The lowest bit that is set from `i` on; `count` where there is none. */
static size_t next_bit(const uint64_t *bits, size_t i, size_t count) {
    while (i < count) {
        uint64_t rest = bits[i / 64] >> (i % 64);
        if (rest != 0) {
            i += (size_t)__builtin_ctzll(rest);
            return i < count ? i : count;
        }
        i = (i | 63) + 1;
    }
    return count;
}

/* The first bin from `bin` on in a region that was used; bin_count where there is none. */
static size_t next_used(const struct cupel__index_level *level, size_t bin) {
    size_t regions = (level->bin_count >> REGION_LOG) + 1;
    size_t areas = (regions >> REGION_LOG) + 1;
    for (size_t region = bin >> REGION_LOG; region < regions;) {
        size_t area = next_bit(level->areas, region >> REGION_LOG, areas);
        region = area == region >> REGION_LOG ? region : area << REGION_LOG;
        size_t end = (area + 1) << REGION_LOG < regions ? (area + 1) << REGION_LOG : regions;
        size_t found = area == areas ? regions : next_bit(level->regions, region, end);
        if (found < end && area < areas) {
            return found == bin >> REGION_LOG ? bin : found << REGION_LOG;
        }
        region = area == areas ? regions : end;
    }
    return level->bin_count;
}

/* The block of a table that begins first at or behind the address, and no later than `last`; or 0. */
static uint32_t behind(const struct cupel_index *index, const struct cupel__index_level *level, uintptr_t address,
                       uintptr_t last) {
    if (level->blocks == 0 || address > last) {
        return 0;
    }
    size_t end = bin_of(index, level, last) + 1;
    for (size_t bin = next_used(level, bin_of(index, level, address)); bin < end; bin = next_used(level, bin + 1)) {
        uint32_t found = 0;
        for (uint32_t number = level->bins[bin]; number != 0; number = *cupel__index_link(index, number)) {
            uintptr_t base = cupel__index_base(index, number);
            if (base >= address && base <= last && (found == 0 || base < cupel__index_base(index, found))) {
                found = number;
            }
        }
        if (found != 0) {
            return found;
        }
    }
    return 0;
}

static bool memtable_walk(const struct cupel_index *index, const struct cupel__index_walk *walk) {
    uint32_t next[LEVELS];
    uintptr_t low = walk->low < index->table.memtable.low ? index->table.memtable.low : walk->low;
    uintptr_t last = walk->last > index->table.memtable.high ? index->table.memtable.high : walk->last;
    for (unsigned i = 0; i < LEVELS; i++) {
        next[i] = behind(index, &index->table.memtable.levels[i], low, last);
    }
    for (;;) {
        unsigned lowest = LEVELS;
        for (unsigned i = 0; i < LEVELS; i++) {
            if (next[i] != 0 &&
                (lowest == LEVELS || cupel__index_base(index, next[i]) < cupel__index_base(index, next[lowest]))) {
                lowest = i;
            }
        }
        if (lowest == LEVELS) {
            return true;
        }
        uintptr_t base = cupel__index_base(index, next[lowest]);
        if (!walk->visit(walk->user, cupel__index_record(index, next[lowest]))) {
            return false;
        }
        next[lowest] = behind(index, &index->table.memtable.levels[lowest], base + 1, last);
    }
}

static void memtable_deinit(struct cupel_index *index) {
    uintptr_t last = index->table.memtable.high;
    uintptr_t low = index->table.memtable.low;
    size_t bytes = table_bytes(last - low == UINTPTR_MAX ? UINTPTR_MAX : last - low + 1);
    if (index->is_system) {
        (void)munmap(index->table.memtable.levels, bytes);
    } else {
        cupel_free(index->memory, index->table.memtable.levels, bytes, _Alignof(max_align_t));
    }
}

static size_t memtable_memory_bytes(const struct cupel_index *index) {
    size_t bytes = LEVELS * sizeof(struct cupel__index_level);
    for (unsigned i = 0; i < LEVELS; i++) {
        const struct cupel__index_level *level = &index->table.memtable.levels[i];
        for (size_t bin = next_used(level, 0); bin < level->bin_count;
             bin = next_used(level, (bin | ((1 << REGION_LOG) - 1)) + 1)) {
            bytes += sizeof(uint32_t) << REGION_LOG;
        }
    }
    return bytes;
}

const struct cupel__index_ops cupel__index_memtable = {.kind = CUPEL_INDEX_MEMTABLE,
                                                       .add = memtable_add,
                                                       .find = memtable_find,
                                                       .take = memtable_take,
                                                       .holder = memtable_holder,
                                                       .resize = memtable_resize,
                                                       .walk = memtable_walk,
                                                       .deinit = memtable_deinit,
                                                       .memory_bytes = memtable_memory_bytes};
