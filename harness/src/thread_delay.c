/* Linked into every test program: threads that begin late. Where a perturbed repeat asks for it, pthread_create lets
 * the new thread wait before its start routine, or its own caller before it comes back, for a time that the seed and
 * the thread's number give. An object of its own, without instrumentation: what it calls is the sanitizer's interceptor
 * where there is one, so that each thread is known to it. */
#include "harness/src/perturb.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

typedef int create_function(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *user);

/* Where a sanitizer is linked statically, this is its own. */
extern create_function __interceptor_pthread_create __attribute__((weak));

/* What a thread that begins late has to know. From a pool: malloc may be what a test counts. */
struct start {
    bool is_taken;
    void *(*routine)(void *);
    void *user;
    int64_t delay_ns;
};

enum { STARTS_MAX = 256 };
static struct start starts[STARTS_MAX];

static struct start *take_start(void) {
    for (unsigned i = 0; i < STARTS_MAX; i++) {
        if (!__atomic_exchange_n(&starts[i].is_taken, true, __ATOMIC_ACQUIRE)) {
            return &starts[i];
        }
    }
    return NULL;
}

static void give_start_back(struct start *start) {
    __atomic_store_n(&start->is_taken, false, __ATOMIC_RELEASE);
}

/* Of a run's threads, mostly some microseconds, now and then long enough to lose every race. */
static int64_t delay_ns(uint64_t number) {
    enum { LONG_NS = 300000000 };
    return number % 16 == 0 ? LONG_NS : (int64_t)(1000u << (number >> 8) % 11);
}

static void wait_ns(int64_t nanoseconds) {
    struct timespec left = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static void *start_late(void *user) {
    struct start start = *(struct start *)user;
    give_start_back(user);
    wait_ns(start.delay_ns);
    return start.routine(start.user);
}

static create_function *next_create(void) {
    static create_function *found;
    create_function *next = __atomic_load_n(&found, __ATOMIC_RELAXED);
    if (next == NULL) {
        next = __interceptor_pthread_create;
        if (next == NULL) {
            *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
        }
        __atomic_store_n(&found, next, __ATOMIC_RELAXED);
    }
    return next;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *user) {
    uint64_t seed = __atomic_load_n(&cupel__thread_delay_seed, __ATOMIC_RELAXED);
    if (seed == 0) {
        return next_create()(thread, attributes, start, user);
    }
    uint64_t number = cupel__mix(seed, __atomic_fetch_add(&cupel__thread_delay_count, 1, __ATOMIC_RELAXED));
    bool is_caller_late = (number >> 32) % 3 == 0;
    struct start *late = is_caller_late ? NULL : take_start();
    if (late != NULL) {
        late->routine = start;
        late->user = user;
        late->delay_ns = delay_ns(number);
        int status = next_create()(thread, attributes, start_late, late);
        if (status != 0) {
            give_start_back(late);
        }
        return status;
    }
    int status = next_create()(thread, attributes, start, user);
    if (status == 0 && is_caller_late) {
        wait_ns(delay_ns(number));
    }
    return status;
}
