/* Goal: where tables of traces are full, cannot grow, meet the same hash twice, or are being forgotten, traces are
 * shorter or none and never others; and walks keep within stack, steps and words. Method: stores with numbers set by
 * hand, hashes that collide, a kernel that refuses one table's pages, and registers that lead into hand-written tables.
 */
#include "alloc/src/cfi.h"
#include "alloc/src/trace_hash.h"
#include "alloc/src/trace_modules.h"
#include "alloc/src/trace_rules.h"
#include "alloc/src/trace_store.h"
#include "alloc/src/trace_thread.h"
#include "alloc/tests/refusing.h"
#include "alloc/tests/unwind_odd.h"
#include "alloc/trace.h"
#include "harness/harness.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static struct cupel__trace_store store;

static void drop_store(void) {
    cupel__trace_store_deinit(&store);
    memset(&store, 0, sizeof store);
}

__attribute__((noinline)) static cupel_trace_id take_here(unsigned max) {
    struct cupel_trace_start start = cupel_trace_start_here();
    cupel_trace_id id = cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, max);
    __asm__ volatile("" : "+r"(id));
    return id;
}

TEST(trace_corners, traces_of_one_hash_are_told_apart, .teardown = drop_store) {
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX] = {1, 2, 3};
    uint32_t read[CUPEL__TRACE_FRAMES_MAX];
    enum { LONG = CUPEL__TRACE_LINE + 4, HASH = 0x12345 };
    uint32_t one = cupel__trace_store_add(&store, frames, 3, (uint64_t)HASH << 32);
    frames[2] = 4;
    uint32_t other = cupel__trace_store_add(&store, frames, 3, (uint64_t)HASH << 32);
    for (uint32_t i = 0; i < LONG; i++) {
        frames[i] = i + 1;
    }
    uint32_t longer = cupel__trace_store_add(&store, frames, LONG, (uint64_t)HASH << 32);
    frames[LONG - 1] = 99; /* in the second line alone */
    uint32_t last = cupel__trace_store_add(&store, frames, LONG, (uint64_t)HASH << 32);
    CHECK(one != 0 && other != 0 && longer != 0 && last != 0);
    CHECK(one != other && other != longer && longer != last);
    CHECK_UINT_EQ(cupel__trace_store_add(&store, frames, LONG, (uint64_t)HASH << 32), last);
    CHECK_UINT_EQ(cupel__trace_store_read(&store, last, read), LONG);
    CHECK_MEM_EQ(read, frames, LONG * sizeof frames[0]);
    CHECK_UINT_EQ(cupel__trace_store_read(&store, one, read), 3);
    CHECK_UINT_EQ(read[2], 3);
}

/* What the store makes of an address and a module (trace_frames.c), so that two of them can be made to meet. */
static uint64_t hash_of_frame(uintptr_t ip, uint32_t module) {
    uint64_t hash = (uint64_t)ip ^ (uint64_t)module << 48;
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash;
}

TEST(trace_corners, frames_of_one_hash_are_told_apart, .teardown = drop_store) {
    enum { IP = 0x1000, OTHER = 0x2000 };
    uint32_t first = cupel__trace_frame_add(&store, IP, 1);
    REQUIRE(first != 0);
    /* As if the first had the hash of the others too. */
    REQUIRE(cupel__trace_hash_insert(&store.by_frame, 1024, hash_of_frame(OTHER, 1), first, &store.table_bytes));
    REQUIRE(cupel__trace_hash_insert(&store.by_frame, 1024, hash_of_frame(IP, 2), first, &store.table_bytes));
    uint32_t second = cupel__trace_frame_add(&store, OTHER, 1);
    uint32_t third = cupel__trace_frame_add(&store, IP, 2);
    CHECK(second != 0 && third != 0 && second != first && third != first);
    CHECK_UINT_EQ(cupel__trace_frame_at(&store, second)->ip, OTHER);
    CHECK_UINT_EQ(cupel__trace_frame_at(&store, third)->module, 2);
    CHECK_UINT_EQ(cupel__trace_frame_add(&store, IP, 1), first);
}

TEST(trace_corners, a_store_whose_numbers_are_used_up_takes_no_more, .teardown = drop_store) {
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX] = {1};
    uint32_t read[CUPEL__TRACE_FRAMES_MAX];
    for (uint32_t i = 0; i < CUPEL__TRACE_LINE + 1; i++) {
        frames[i] = i + 1;
    }
    /* A trace of two lines does not cross from one chunk into the next. */
    atomic_store(&store.line_count, CUPEL__TRACE_CHUNK_LINES - 1);
    uint32_t id = cupel__trace_store_add(&store, frames, CUPEL__TRACE_LINE + 1, 7);
    CHECK_UINT_EQ(id, CUPEL__TRACE_CHUNK_LINES);
    CHECK_UINT_EQ(cupel__trace_store_read(&store, id, read), CUPEL__TRACE_LINE + 1);
    CHECK_MEM_EQ(read, frames, (CUPEL__TRACE_LINE + 1) * sizeof frames[0]);
    atomic_store(&store.line_count, CUPEL__TRACE_CHUNKS_MAX * CUPEL__TRACE_CHUNK_LINES);
    CHECK_UINT_EQ(cupel__trace_store_add(&store, frames, 1, 8), 0);
    atomic_store(&store.line_count, 0);
    atomic_store(&store.frame_count, (unsigned)CUPEL__TRACE_CHUNKS_MAX * CUPEL__TRACE_CHUNK_FRAMES);
    CHECK_UINT_EQ(cupel__trace_frame_add(&store, 0x1000, 1), 0);
    atomic_store(&store.frame_count, 0);
}

TEST(trace_corners, a_trace_has_its_most_frames) {
    static const void *frames[CUPEL_TRACE_FRAMES_MAX + 8];
    const void *read[CUPEL_TRACE_FRAMES_MAX + 8];
    for (uintptr_t i = 0; i < CUPEL_TRACE_FRAMES_MAX + 8; i++) {
        frames[i] = (const void *)(16 * (i + 1));
    }
    cupel_trace_id id = cupel_trace_intern(frames, CUPEL_TRACE_FRAMES_MAX + 8);
    CHECK_UINT_EQ(cupel_trace_frames(id, read, CUPEL_TRACE_FRAMES_MAX + 8), CUPEL_TRACE_FRAMES_MAX);
    CHECK_MEM_EQ(read, frames, CUPEL_TRACE_FRAMES_MAX * sizeof frames[0]);
    struct cupel_trace_start start = cupel_trace_start_here();
    CHECK_UINT_EQ(cupel_trace_collect(CUPEL_TRACE_NONE, &start, NULL, read, 8), 0);
    CHECK_UINT_EQ(cupel_trace_collect(CUPEL_TRACE_TABLES, &start, NULL, read, 0), 0);
    CHECK_UINT_GT(cupel_trace_collect(CUPEL_TRACE_TABLES, &start, __builtin_return_address(0), read, 8), 0);
    CHECK_PTR_EQ(read[0], __builtin_return_address(0));
}

#if defined(__x86_64__) && defined(DLFO_STRUCT_HAS_EH_DBASE)

/* While rules are being forgotten what a walk saw may be of either time: it is not remembered. */
TEST(trace_corners, nothing_is_remembered_of_a_time_between) {
    struct cupel_trace_counters before;
    struct cupel_trace_counters after;
    cupel_trace_id id = take_here(8);
    (void)atomic_fetch_add(&cupel__rules_epoch, 1);
    cupel_trace_count(&before);
    CHECK_UINT_NE(take_here(7), 0);
    CHECK_UINT_NE(take_here(7), 0);
    cupel_trace_count(&after);
    CHECK_UINT_EQ(after.hits, before.hits);
    CHECK_UINT_EQ(after.walks, before.walks + 2);
    (void)atomic_fetch_add(&cupel__rules_epoch, 1);
    CHECK_UINT_NE(take_here(8), 0);
    CHECK_UINT_NE(id, 0);
}

TEST(trace_corners, a_thread_may_have_no_memo) {
    struct cupel_trace_counters counters;
    struct cupel_trace_counters later;
    CHECK_UINT_NE(take_here(8), 0);
    REQUIRE(cupel__trace_own != NULL);
    bool has_no_memo = cupel__trace_own->has_no_memo;
    cupel__trace_own->has_no_memo = true;
    cupel_trace_count(&counters);
    CHECK(counters.has_no_memo);
    CHECK_UINT_NE(take_here(8), 0);
    CHECK_UINT_NE(take_here(8), 0);
    cupel_trace_count(&later);
    CHECK_UINT_EQ(later.hits, counters.hits);
    cupel__trace_own->has_no_memo = has_no_memo;
}

/* A request that the loader makes while it unloads: rules are forgotten with the first one behind that. */
TEST(trace_corners, rules_are_forgotten_when_the_loader_is_done) {
    struct r_debug *words = NULL;
    struct dl_find_object object = {0};
    for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
        words = entry->d_tag == DT_DEBUG ? (struct r_debug *)entry->d_un.d_ptr : words;
    }
    REQUIRE(words != NULL && _dl_find_object((void *)words->r_brk, &object) == 0);
    const void *in_loader = (const char *)object.dlfo_map_start + 4096;
    CHECK_UINT_NE(take_here(16), 0);
    struct cupel_trace_start start = cupel_trace_start_here();
    unsigned epoch = atomic_load(&cupel__rules_epoch);
    (void)cupel_trace_take(CUPEL_TRACE_TABLES, &start, in_loader, 4); /* of the loader, which does something else */
    CHECK_UINT_EQ(atomic_load(&cupel__rules_epoch), epoch);
    words->r_state = RT_DELETE;
    (void)cupel_trace_take(CUPEL_TRACE_TABLES, &start, in_loader, 4);
    (void)cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, 4); /* another thread's, meanwhile */
    CHECK_UINT_EQ(atomic_load(&cupel__rules_epoch), epoch);
    words->r_state = RT_CONSISTENT;
    CHECK_UINT_NE(take_here(16), 0);
    CHECK_UINT_EQ(atomic_load(&cupel__rules_epoch), epoch + 2);
    CHECK_UINT_NE(take_here(16), 0);
    CHECK_UINT_EQ(atomic_load(&cupel__rules_epoch), epoch + 2);
}

/* Registers of a function whose tables read memory at the frame pointer, which leads nowhere. */
TEST(trace_corners, frame_pointers_are_followed_within_the_stack, .tags = "slow crash",
     .no_sweep = "the loader gives up where it is refused memory") {
    const void *frames[8];
    volatile uintptr_t stack[64] = {0};
    struct cupel_trace_start start = cupel_trace_start_here();
    static const char *const functions[] = {"frame_loaded", "fp_at_fp", "fp_at_frame", "frame_from_fp"};
    start.sp = (uintptr_t)&stack[8];
    const uintptr_t wrong[] = {16, (uintptr_t)&stack[2], (uintptr_t)&stack[20] + 1, UINTPTR_MAX - 64};
    for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        for (unsigned j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
            start.ip = (uintptr_t)unwind_odd(functions[i]) + 1;
            start.fp = wrong[j];
            unsigned count = cupel_trace_collect(CUPEL_TRACE_TABLES, &start, NULL, frames, 8);
            CHECK_UINT_GE(count, 1);
            CHECK_PTR_EQ(frames[0], (const void *)start.ip);
            (void)cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, 8);
        }
    }
    /* And where it leads somewhere: the frame is what stands a word below it, and the caller's address below that. */
    start.ip = (uintptr_t)unwind_odd("frame_loaded") + 1;
    start.fp = (uintptr_t)&stack[21];
    stack[20] = (uintptr_t)&stack[40];
    stack[39] = (uintptr_t)unwind_odd("ip_lost") + 1; /* which says that nobody called it */
    CHECK_UINT_EQ(cupel_trace_collect(CUPEL_TRACE_TABLES, &start, NULL, frames, 8), 2);
    CHECK_PTR_EQ(frames[1], (const void *)(unwind_odd("ip_lost") + 1));
}

__attribute__((noinline)) static cupel_trace_id take_deep(unsigned depth, const void *site, unsigned max) {
    if (depth == 0) {
        struct cupel_trace_start start = cupel_trace_start_here();
        return cupel_trace_take(CUPEL_TRACE_TABLES, &start, site, max);
    }
    cupel_trace_id id = take_deep(depth - 1, site, max);
    __asm__ volatile("" : "+r"(id));
    return id;
}

/* A site that is farther than a walk goes stands alone; more words than the memo has room for are walked each time. */
TEST(trace_corners, walks_have_an_end) {
    const void *frames[CUPEL_TRACE_FRAMES_MAX];
    const void *site = __builtin_return_address(0);
    cupel_trace_id id = take_deep(200, site, 8);
    CHECK_UINT_EQ(cupel_trace_frames(id, frames, CUPEL_TRACE_FRAMES_MAX), 1);
    CHECK_PTR_EQ(frames[0], site);
    id = take_deep(60, site, 8); /* within the steps, but with more words than are kept */
    CHECK_UINT_GE(cupel_trace_frames(id, frames, CUPEL_TRACE_FRAMES_MAX), 1);
    CHECK_PTR_EQ(frames[0], site);
    CHECK_UINT_EQ(take_deep(60, site, 8), id);
}

/* Frames of 200 KiB each: the words of the third are too far away to be kept. */
__attribute__((noinline)) static cupel_trace_id take_far(unsigned depth) {
    volatile char room[200 << 10];
    room[0] = 1;
    room[sizeof room - 1] = 1;
    cupel_trace_id id = depth == 0 ? take_here(16) : take_far(depth - 1);
    room[1] = (char)id;
    return id;
}

TEST(trace_corners, far_frames_are_walked_each_time, .tags = "slow crash") {
    const void *frames[CUPEL_TRACE_FRAMES_MAX];
    cupel_trace_id ids[2];
    for (volatile unsigned i = 0; i < 2; i++) { /* from one place */
        ids[i] = take_far(4);
    }
    CHECK_UINT_EQ(cupel_trace_frames(ids[0], frames, CUPEL_TRACE_FRAMES_MAX), 16);
    CHECK_PTR_EQ(frames[2], frames[3]); /* take_far called by itself */
    CHECK_UINT_EQ(ids[1], ids[0]);
}

#define ALONE .isolate = CUPEL_ISOLATE_PROCESS, .tags = "slow crash", .no_sweep = "it takes memory away itself"

static void refuse_pages(size_t size) {
    refuse((struct refusal){SYS_mmap, ENOMEM, 2, size});
}

enum { CAPACITY = 64 };

static size_t bytes_of_hash(size_t capacity) {
    return sizeof(struct cupel__trace_hash) + capacity * sizeof(atomic_uint_least64_t);
}

TEST(trace_corners, a_table_that_cannot_grow_is_filled_to_the_last_slot_but_one, ALONE) {
    _Atomic(struct cupel__trace_hash *) table = NULL;
    atomic_size_t bytes = 0;
    refuse_pages(bytes_of_hash(CAPACITY / 2));
    CHECK(!cupel__trace_hash_insert(&table, CAPACITY / 2, (uint64_t)1 << 32, 1, &bytes)); /* there is none at all */
    refuse_pages(bytes_of_hash((size_t)2 * CAPACITY));
    for (uint32_t i = 1; i <= CAPACITY; i++) {
        CHECK_INT_EQ(cupel__trace_hash_insert(&table, CAPACITY, (uint64_t)i << 32, i, &bytes), i < CAPACITY);
    }
    for (uint32_t i = 1; i <= CAPACITY; i++) { /* a search has an end, also for what is not there */
        size_t at = i;
        CHECK_UINT_EQ(cupel__trace_hash_next(atomic_load(&table), (uint64_t)i << 32, &at), i < CAPACITY ? i : 0);
    }
    CHECK_UINT_EQ(bytes, bytes_of_hash(CAPACITY));
    cupel__trace_hash_deinit(&table);
}

TEST(trace_corners, without_tables_a_store_keeps_nothing, ALONE) {
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX] = {1};
    refuse_pages(bytes_of_hash(1 << 10));
    CHECK_UINT_EQ(cupel__trace_frame_add(&store, 0x1000, 1), 0);
    CHECK_UINT_EQ(cupel__trace_store_add(&store, frames, 1, 8), 0);
    refuse_pages(bytes_of_hash(1 << 12));
    refuse_pages(bytes_of_hash(1 << 11));
    refuse_pages(bytes_of_hash(1 << 9));
    refuse_pages(bytes_of_hash(1 << 8));
    CHECK_UINT_EQ(cupel__trace_store_add(&store, frames, 1, 9), 0);
    CHECK_UINT_EQ(atomic_load(&store.traces), 0);
}

static void *take_in_thread(void *user) {
    struct cupel_trace_counters counters;
    struct cupel_trace_start start = cupel_trace_start_here();
    const void *frames[8];
    bool *is_right = user;
    cupel_trace_id id = cupel_trace_take(CUPEL_TRACE_TABLES, &start, NULL, 8);
    *is_right = id != 0 && cupel_trace_frames(id, frames, 8) > 1;
    *is_right = *is_right && cupel_trace_collect(CUPEL_TRACE_TABLES, &start, NULL, frames, 8) > 1;
    cupel_trace_count(&counters);
    *is_right = *is_right && counters.has_no_memo && cupel__trace_own == NULL;
    return NULL;
}

TEST(trace_corners, a_thread_without_tables_walks_each_time, ALONE) {
    bool is_right = false;
    pthread_t thread;
    CHECK_UINT_NE(take_here(8), 0);
    refuse_pages(sizeof(struct cupel__trace_thread));
    REQUIRE(pthread_create(&thread, NULL, take_in_thread, &is_right) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(is_right);
}

/* Tables that cannot be emptied are no other thread's: they would hold this one's stack. */
TEST(trace_corners, tables_that_cannot_be_emptied_are_lost, ALONE) {
    CHECK_UINT_NE(take_here(8), 0);
    const struct cupel__trace_thread *own = cupel__trace_own;
    size_t bytes = cupel__trace_thread_bytes();
    cupel_trace_thread_end();
    CHECK_UINT_NE(take_here(8), 0);
    CHECK_PTR_EQ(cupel__trace_own, own); /* given back, and taken again */
    CHECK_UINT_EQ(cupel__trace_thread_bytes(), bytes);
    refuse((struct refusal){SYS_madvise, EINVAL, 3, MADV_DONTNEED});
    cupel_trace_thread_end();
    CHECK_UINT_NE(take_here(8), 0);
    CHECK(cupel__trace_own != own);
    CHECK_UINT_GT(cupel__trace_thread_bytes(), bytes);
}
#endif
