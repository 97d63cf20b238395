/* Goal: the store gives equal traces equal ids, other traces others, and stays within its limit. Method: a property
 * against an array of traces; threads that intern the same ones; a limit of a few traces; a lock that a fork left. */
#include "alloc/src/trace_store.h"
#include "harness/harness.h"

#include <pthread.h>
#include <string.h>

enum { MODEL_MAX = 400 };

static struct cupel__trace_store store; /* one of the tests' own */

static void close_store(void) {
    cupel__trace_store_deinit(&store);
    memset(&store, 0, sizeof store);
}

static uint32_t add(const uint32_t frames[], unsigned count) {
    uint32_t whole[CUPEL__TRACE_FRAMES_MAX] = {0};
    memcpy(whole, frames, count * sizeof frames[0]);
    return cupel__trace_store_add(&store, whole, count, cupel__trace_hash_of(whole, count));
}

struct model {
    uint32_t frames[MODEL_MAX][CUPEL__TRACE_FRAMES_MAX];
    unsigned counts[MODEL_MAX];
    uint32_t ids[MODEL_MAX];
    unsigned count;
};

static unsigned find(const struct model *model, const uint32_t frames[], unsigned count) {
    for (unsigned i = 0; i < model->count; i++) {
        if (model->counts[i] == count && memcmp(model->frames[i], frames, count * sizeof frames[0]) == 0) {
            return i;
        }
    }
    return model->count;
}

/* Few different frames, so that traces repeat and begin alike. */
PROPERTY(trace_store, gives_each_trace_one_id, .longest = 2048, .teardown = close_store) {
    static struct model model;
    close_store();
    memset(&model, 0, sizeof model);
    while (model.count < MODEL_MAX && cupel_draw_more(bytes, "another trace")) {
        uint32_t frames[CUPEL__TRACE_FRAMES_MAX] = {0};
        unsigned count = (unsigned)cupel_draw_uint(bytes, "length", 1, CUPEL__TRACE_FRAMES_MAX);
        for (unsigned i = 0; i < count; i++) {
            frames[i] = i < 2 || i + 1 == count ? 1 + (uint32_t)cupel_draw_uint(bytes, "frame", 0, 2) : 7;
        }
        uint32_t id = add(frames, count);
        unsigned known = find(&model, frames, count);
        CHECK_UINT_NE(id, 0);
        if (known < model.count) {
            CHECK_UINT_EQ(id, model.ids[known]);
            continue;
        }
        for (unsigned i = 0; i < model.count; i++) {
            CHECK_UINT_NE(id, model.ids[i]);
        }
        memcpy(model.frames[model.count], frames, count * sizeof frames[0]);
        model.counts[model.count] = count;
        model.ids[model.count++] = id;
    }
    for (unsigned i = 0; i < model.count; i++) {
        uint32_t frames[CUPEL__TRACE_FRAMES_MAX];
        CHECK_UINT_EQ(cupel__trace_store_read(&store, model.ids[i], frames), model.counts[i]);
        CHECK_MEM_EQ(frames, model.frames[i], model.counts[i] * sizeof frames[0]);
    }
    CHECK_UINT_EQ(store.traces, model.count);
}

TEST(trace_store, hash_of_a_replaced_frame) {
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX];
    for (unsigned i = 0; i < CUPEL__TRACE_FRAMES_MAX; i++) {
        frames[i] = i * 77 + 1;
    }
    uint64_t hash = cupel__trace_hash_of(frames, CUPEL__TRACE_FRAMES_MAX);
    for (unsigned i = 0; i < CUPEL__TRACE_FRAMES_MAX; i++) {
        hash = cupel__trace_hash_swap(hash, i, frames[i], 4000000000U - i);
        frames[i] = 4000000000U - i;
        CHECK_UINT_EQ(hash, cupel__trace_hash_of(frames, CUPEL__TRACE_FRAMES_MAX));
    }
}

TEST(trace_store, keeps_its_limit, .setup = close_store, .teardown = close_store, .tags = "slow") {
    store.limit_bytes = 128 * 1024;
    uint32_t first = add((const uint32_t[]){1}, 1);
    uint32_t frames[CUPEL__TRACE_FRAMES_MAX];
    uint32_t stored = 0;
    for (uint32_t i = 2; i < 10000; i++) {
        stored += add((const uint32_t[]){i, i}, 2) != 0;
    }
    CHECK_UINT_GT(stored, 500);
    CHECK_UINT_LT(stored, 5000);
    CHECK_UINT_GE(store.dropped, 5000);
    CHECK_UINT_LE(cupel__trace_store_bytes(&store), store.limit_bytes);
    CHECK_UINT_EQ(add((const uint32_t[]){1}, 1), first); /* what is there is found */
    CHECK_UINT_EQ(cupel__trace_store_read(&store, first, frames), 1);
    store.limit_bytes = 1024 * 1024;
    CHECK_UINT_NE(add((const uint32_t[]){9999, 9999}, 2), 0);
}

TEST(trace_store, takes_a_lock_over_that_a_fork_left, .setup = close_store, .teardown = close_store) {
    store.lock.owner = 1; /* of another process */
    CHECK_UINT_NE(add((const uint32_t[]){5}, 1), 0);
    CHECK_INT_EQ(store.lock.owner, 0);
}

TEST(trace_store, same_address_in_another_module, .setup = close_store, .teardown = close_store) {
    uint32_t one = cupel__trace_frame_add(&store, 0x1000, 1);
    uint32_t two = cupel__trace_frame_add(&store, 0x1000, 2);
    CHECK_UINT_NE(one, two);
    CHECK_UINT_EQ(cupel__trace_frame_add(&store, 0x1000, 1), one);
    CHECK_UINT_EQ(cupel__trace_frame_at(&store, two)->module, 2);
    for (uintptr_t ip = 1; ip < 3000; ip++) {
        (void)cupel__trace_frame_add(&store, ip, 1);
    }
    CHECK_UINT_EQ(cupel__trace_frame_add(&store, 0x1000, 2), two);
    CHECK_UINT_EQ(cupel__trace_frame_at(&store, one)->ip, 0x1000);
}

enum { THREADS = 4, TRACES = 3000 };
static uint32_t ids[THREADS][TRACES];

static void *intern_all(void *user) {
    uint32_t *mine = user;
    for (uint32_t i = 0; i < TRACES; i++) {
        mine[i] = add((const uint32_t[]){i % 50 + 1, i + 1, 3}, 3);
    }
    return NULL;
}

TEST(trace_store, agrees_between_threads, .setup = close_store, .teardown = close_store, .tags = "slow") {
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, intern_all, ids[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    }
    CHECK_UINT_EQ(store.traces, TRACES);
    for (unsigned i = 1; i < THREADS; i++) {
        CHECK_MEM_EQ(ids[i], ids[0], sizeof ids[0]);
    }
}
