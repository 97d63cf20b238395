/* The page back end of the address index: a tree of 4096 branches whose leaves are 64 KiB of addresses.
 *
 *     address  |  8  |    12    |    12    |    12     |  4  |        of 48 bits; 32 bits have a level less
 *              root   node       node       leaf        granule of 16 bytes
 *
 * A leaf has a bit for each granule in which a block begins, and the number of the block's record; where several begin
 * in one granule they are chained by their links, lowest first. A node has a bit for each branch that is not empty, so
 * that the block before or behind an address is found through bits alone. Nodes that become empty leave the tree and
 * serve again: what is linked is never empty, and numbers and branches without their bit mean nothing. */
#include "alloc/src/index_bits.h"
#include "alloc/src/index_state.h"

#include <assert.h>

#if UINTPTR_MAX > UINT32_MAX
enum { ADDRESS_BITS = 48, DEPTH = 3 };
#else
enum { ADDRESS_BITS = 32, DEPTH = 2 };
#endif
enum { GRANULE_LOG = 4, LEAF_LOG = GRANULE_LOG + CUPEL__BITS_LOG, SLAB_NODES = 32 };

struct cupel__index_leaf {
    struct cupel__bits bits;
    union {
        uint32_t heads[CUPEL__BITS];
        void *next; /* of those that are free */
    } is;
};

struct cupel__index_node {
    struct cupel__bits bits;
    union {
        void *branches[CUPEL__BITS]; /* nodes, or leaves on the lowest level */
        void *next;
    } is;
};

struct slab {
    struct slab *older;
    size_t bytes;
    max_align_t first;
};

/* Level 0 are the nodes over leaves. */
static unsigned branch_at(uintptr_t address, unsigned level) {
    return (unsigned)(address >> (LEAF_LOG + CUPEL__BITS_LOG * level)) & (CUPEL__BITS - 1);
}

static unsigned granule_of(uintptr_t address) {
    return (unsigned)(address >> GRANULE_LOG) & (CUPEL__BITS - 1);
}

static uintptr_t near_key_of(uintptr_t address) {
    return address >> (LEAF_LOG + CUPEL__BITS_LOG);
}

/* Memory for nodes. All bits of a node that is handed out are clear. */

static void *node_new(struct cupel_index *index, struct cupel__index_nodes *nodes, size_t bytes) {
    void *node = nodes->free;
    if (node != NULL) {
        nodes->free = bytes == sizeof(struct cupel__index_leaf) ? ((struct cupel__index_leaf *)node)->is.next
                                                                : ((struct cupel__index_node *)node)->is.next;
        return node;
    }
    if (nodes->next == nodes->end) {
        /* What the system gives takes no memory before it is touched. */
        size_t length = offsetof(struct slab, first) +
                        bytes * (index->is_system && bytes == sizeof(struct cupel__index_leaf) ? SLAB_NODES : 1);
        struct slab *slab = cupel_alloc_zeroed(index->memory, length, _Alignof(struct slab));
        if (slab == NULL) {
            return NULL;
        }
        *slab = (struct slab){.older = nodes->slabs, .bytes = length};
        nodes->slabs = slab;
        nodes->next = (unsigned char *)&slab->first;
        nodes->end = (unsigned char *)slab + length;
    }
    node = nodes->next;
    nodes->next += bytes;
    return node;
}

static void nodes_free(struct cupel_index *index, struct cupel__index_nodes *nodes) {
    struct slab *slab = nodes->slabs;
    while (slab != NULL) {
        struct slab *older = slab->older;
        cupel_free(index->memory, slab, slab->bytes, _Alignof(struct slab));
        slab = older;
    }
    *nodes = (struct cupel__index_nodes){.free = NULL};
}

static size_t nodes_bytes(const struct cupel__index_nodes *nodes) {
    size_t bytes = 0;
    for (const struct slab *slab = nodes->slabs; slab != NULL; slab = slab->older) {
        bytes += slab->bytes;
    }
    return bytes - (size_t)(nodes->end - nodes->next);
}

static void leaf_end(struct cupel_index *index, struct cupel__index_leaf *leaf) {
    leaf->is.next = index->table.pages.leaves.free;
    index->table.pages.leaves.free = leaf;
}

static void node_end(struct cupel_index *index, struct cupel__index_node *node) {
    node->is.next = index->table.pages.nodes.free;
    index->table.pages.nodes.free = node;
}

/* The tree */

/* The node of each level on the way to the address; NULL from where there is none. False where even the leaf's is
 * lacking. */
static bool path_to(const struct cupel_index *index, uintptr_t address, struct cupel__index_node *path[DEPTH]) {
    struct cupel__index_node *node = index->table.pages.root;
    for (unsigned level = DEPTH; level-- > 0;) {
        path[level] = node;
        unsigned branch = branch_at(address, level);
        if (level > 0) {
            node = node != NULL && cupel__bits_has(&node->bits, branch) ? node->is.branches[branch] : NULL;
        }
    }
    return path[0] != NULL;
}

/* The node over leaves on the way to the address, or NULL. */
__attribute__((noinline)) static struct cupel__index_node *node_over(const struct cupel_index *index,
                                                                     uintptr_t address) {
    struct cupel__index_node *path[DEPTH];
    bool is_covered = (uint64_t)address >> (ADDRESS_BITS - 1) >> 1 == 0;
    return is_covered && path_to(index, address, path) ? path[0] : NULL;
}

__attribute__((always_inline)) static inline struct cupel__index_leaf *leaf_of(const struct cupel_index *index,
                                                                               uintptr_t address) {
    struct cupel__index_node *node = index->table.pages.near;
    if (node == NULL || index->table.pages.near_key != near_key_of(address)) {
        node = node_over(index, address);
    }
    unsigned branch = branch_at(address, 0);
    return node != NULL && cupel__bits_has(&node->bits, branch) ? node->is.branches[branch] : NULL;
}

/* Gives back what was taken for a path that could not be finished. */
static void give_back(struct cupel_index *index, struct cupel__index_node *fresh[DEPTH]) {
    for (unsigned level = 0; level < DEPTH; level++) {
        if (fresh[level] != NULL) {
            node_end(index, fresh[level]);
        }
    }
}

/* The leaf of the address, made where there was none; NULL without memory, and then the tree is as it was. */
static struct cupel__index_leaf *leaf_make(struct cupel_index *index, uintptr_t address) {
    struct cupel__index_node *path[DEPTH];
    struct cupel__index_node *fresh[DEPTH] = {NULL};
    (void)path_to(index, address, path);
    for (unsigned level = 0; level < DEPTH; level++) {
        if (path[level] == NULL) {
            fresh[level] = node_new(index, &index->table.pages.nodes, sizeof(struct cupel__index_node));
            path[level] = fresh[level];
        }
        if (path[level] == NULL) {
            give_back(index, fresh);
            return NULL;
        }
    }
    unsigned branch = branch_at(address, 0);
    struct cupel__index_leaf *leaf =
        cupel__bits_has(&path[0]->bits, branch)
            ? path[0]->is.branches[branch]
            : node_new(index, &index->table.pages.leaves, sizeof(struct cupel__index_leaf));
    if (leaf == NULL) {
        give_back(index, fresh);
        return NULL;
    }
    index->table.pages.root = path[DEPTH - 1];
    for (unsigned level = 0; level < DEPTH; level++) {
        assert(path[level] != NULL); /* LCOV_EXCL_BR_LINE(the path was made before) */
        path[level]->is.branches[branch_at(address, level)] = level == 0 ? (void *)leaf : path[level - 1];
        cupel__bits_set(&path[level]->bits, branch_at(address, level));
    }
    index->table.pages.near = path[0];
    index->table.pages.near_key = near_key_of(address);
    return leaf;
}

/* Takes an empty leaf out of the tree, and the nodes that are empty without it. */
static void leaf_leave(struct cupel_index *index, uintptr_t address, struct cupel__index_leaf *empty) {
    struct cupel__index_node *path[DEPTH];
    (void)path_to(index, address, path);
    leaf_end(index, empty);
    for (unsigned level = 0; level < DEPTH; level++) {
        assert(path[level] != NULL); /* LCOV_EXCL_BR_LINE(the leaf is on it) */
        cupel__bits_clear(&path[level]->bits, branch_at(address, level));
        if (path[level]->bits.summary != 0) {
            return;
        }
        index->table.pages.near = index->table.pages.near == path[level] ? NULL : index->table.pages.near;
        index->table.pages.root = index->table.pages.root == path[level] ? NULL : index->table.pages.root;
        node_end(index, path[level]);
    }
}

/* The nearest leaf before or behind the one of the address that is not empty, or NULL. */
static const struct cupel__index_leaf *leaf_beside(const struct cupel_index *index, uintptr_t address, bool is_behind) {
    struct cupel__index_node *path[DEPTH];
    (void)path_to(index, address, path);
    for (unsigned level = 0; level < DEPTH; level++) {
        if (path[level] == NULL) {
            continue;
        }
        int here = (int)branch_at(address, level);
        int branch = is_behind ? cupel__bits_above(&path[level]->bits, here + 1)
                               : cupel__bits_below(&path[level]->bits, here - 1);
        const void *found = branch < 0 ? NULL : path[level]->is.branches[branch];
        for (unsigned down = level; down > 0 && found != NULL; down--) {
            const struct cupel__index_node *node = found;
            branch = is_behind ? cupel__bits_above(&node->bits, 0) : cupel__bits_below(&node->bits, CUPEL__BITS - 1);
            found = node->is.branches[branch];
        }
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* The operations */

static bool is_odd(uintptr_t base) {
    return (base & ((1 << GRANULE_LOG) - 1)) != 0;
}

/* Then a granule has one block at most, which begins with it: its record need not be looked at. */
static bool are_all_even(const struct cupel_index *index) {
    return index->table.pages.odd == 0;
}

static enum cupel_index_status pages_add(struct cupel_index *index, uint32_t number, uintptr_t base) {
    if ((uint64_t)base >> (ADDRESS_BITS - 1) >> 1 != 0) {
        return CUPEL_INDEX_OUT_OF_RANGE;
    }
    struct cupel__index_leaf *leaf = leaf_of(index, base);
    if (leaf == NULL) {
        leaf = leaf_make(index, base);
    }
    if (leaf == NULL) {
        return CUPEL_INDEX_NO_MEMORY;
    }
    unsigned granule = granule_of(base);
    index->table.pages.odd += is_odd(base);
    if (!cupel__bits_has(&leaf->bits, granule)) {
        cupel__bits_set(&leaf->bits, granule);
        leaf->is.heads[granule] = number;
        *cupel__index_link(index, number) = 0;
        return CUPEL_INDEX_OK;
    }
    uint32_t *place = &leaf->is.heads[granule];
    while (*place != 0 && cupel__index_base(index, *place) < base) {
        place = cupel__index_link(index, *place);
    }
    if (*place != 0 && cupel__index_base(index, *place) == base) {
        index->table.pages.odd -= is_odd(base);
        return CUPEL_INDEX_TAKEN;
    }
    *cupel__index_link(index, number) = *place;
    *place = number;
    return CUPEL_INDEX_OK;
}

static uint32_t pages_find(const struct cupel_index *index, uintptr_t base) {
    const struct cupel__index_leaf *leaf = leaf_of(index, base);
    unsigned granule = granule_of(base);
    uint32_t number = leaf != NULL && cupel__bits_has(&leaf->bits, granule) ? leaf->is.heads[granule] : 0;
    if (are_all_even(index)) {
        return is_odd(base) ? 0 : number;
    }
    while (number != 0 && cupel__index_base(index, number) != base) {
        number = *cupel__index_link(index, number);
    }
    return number;
}

/* Takes a block out of a chain; 0 where it is not in it. */
static uint32_t take_from_chain(struct cupel_index *index, uint32_t *place, uintptr_t base) {
    while (*place != 0 && cupel__index_base(index, *place) != base) {
        place = cupel__index_link(index, *place);
    }
    uint32_t number = *place;
    if (number != 0) {
        *place = *cupel__index_link(index, number);
        index->table.pages.odd -= is_odd(base);
    }
    return number;
}

static uint32_t pages_take(struct cupel_index *index, uintptr_t base) {
    struct cupel__index_leaf *leaf = leaf_of(index, base);
    unsigned granule = granule_of(base);
    if (leaf == NULL || !cupel__bits_has(&leaf->bits, granule)) {
        return 0;
    }
    uint32_t number = leaf->is.heads[granule];
    if (!are_all_even(index)) {
        number = take_from_chain(index, &leaf->is.heads[granule], base);
        if (leaf->is.heads[granule] != 0) {
            return number;
        }
    } else if (is_odd(base)) {
        return 0;
    }
    cupel__bits_clear(&leaf->bits, granule);
    if (leaf->bits.summary == 0) {
        leaf_leave(index, base, leaf);
    }
    return number;
}

/* The last block of a chain that begins at or before the address, or 0. */
static uint32_t last_before(const struct cupel_index *index, uint32_t number, uintptr_t address) {
    uint32_t found = 0;
    while (number != 0 && cupel__index_base(index, number) <= address) {
        found = number;
        number = *cupel__index_link(index, number);
    }
    return found;
}

/* The block that begins last before the address: it alone may hold it. */
static uint32_t pages_before(const struct cupel_index *index, uintptr_t address) {
    const struct cupel__index_leaf *leaf = leaf_of(index, address);
    int granule = leaf == NULL ? -1 : cupel__bits_below(&leaf->bits, (int)granule_of(address));
    if (granule >= 0) {
        uint32_t found = last_before(index, leaf->is.heads[granule], address);
        if (found != 0) {
            return found;
        }
        granule = cupel__bits_below(&leaf->bits, granule - 1); /* all of that granule begin behind the address */
    }
    if (granule < 0) {
        leaf = leaf_beside(index, address, false);
        granule = leaf == NULL ? -1 : cupel__bits_below(&leaf->bits, CUPEL__BITS - 1);
    }
    return granule < 0 ? 0 : last_before(index, leaf->is.heads[granule], address);
}

static uint32_t pages_holder(struct cupel_index *index, uintptr_t address) {
    uint64_t last = (UINT64_C(1) << (ADDRESS_BITS - 1) << 1) - 1;
    uint32_t number = pages_before(index, address > last ? (uintptr_t)last : address);
    return number != 0 && cupel__index_holds(index, number, address) ? number : 0;
}

static void pages_resize(struct cupel_index *index, uint32_t number, size_t size) {
    cupel__index_record(index, number)->size = size;
}

/* Visits the blocks of a leaf from granule `first` on; false where the visitor, or the range, ended it. */
static bool walk_leaf(const struct cupel_index *index, const struct cupel__index_walk *walk,
                      const struct cupel__index_leaf *leaf, int first, bool *goes_on) {
    for (int i = cupel__bits_above(&leaf->bits, first); i >= 0; i = cupel__bits_above(&leaf->bits, i + 1)) {
        for (uint32_t number = leaf->is.heads[i]; number != 0; number = *cupel__index_link(index, number)) {
            uintptr_t base = cupel__index_base(index, number);
            if (base > walk->last) {
                return false;
            }
            if (base >= walk->low) {
                *goes_on = walk->visit(walk->user, cupel__index_record(index, number));
                if (!*goes_on) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool pages_walk(const struct cupel_index *index, const struct cupel__index_walk *walk) {
    bool goes_on = true;
    uintptr_t address = walk->low;
    if ((uint64_t)address >> (ADDRESS_BITS - 1) >> 1 != 0) {
        return true;
    }
    const struct cupel__index_leaf *leaf = leaf_of(index, address);
    int first = (int)granule_of(address);
    while (leaf == NULL || walk_leaf(index, walk, leaf, first, &goes_on)) {
        leaf = leaf_beside(index, address, true);
        if (leaf == NULL) {
            break;
        }
        first = 0;
        address = cupel__index_base(index, leaf->is.heads[cupel__bits_above(&leaf->bits, 0)]);
    }
    return goes_on;
}

static void pages_deinit(struct cupel_index *index) {
    nodes_free(index, &index->table.pages.nodes);
    nodes_free(index, &index->table.pages.leaves);
}

static size_t pages_memory_bytes(const struct cupel_index *index) {
    return nodes_bytes(&index->table.pages.nodes) + nodes_bytes(&index->table.pages.leaves);
}

const struct cupel__index_ops cupel__index_pages = {.kind = CUPEL_INDEX_PAGES,
                                                    .add = pages_add,
                                                    .find = pages_find,
                                                    .take = pages_take,
                                                    .holder = pages_holder,
                                                    .resize = pages_resize,
                                                    .walk = pages_walk,
                                                    .deinit = pages_deinit,
                                                    .memory_bytes = pages_memory_bytes};
