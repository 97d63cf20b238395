/* What the programs of misuse share. Each makes one mistake; its first comment has the lines that its report must have,
 * in this order ("expect: text"), and, where it does not end with status 1, how it ends ("status: 0"). What is done to
 * a block is done in a function of its own name, so that the stacks can be told apart. */
#ifndef ALLOC_TESTS_MISUSE_MISUSE_H
#define ALLOC_TESTS_MISUSE_MISUSE_H

#include "alloc/debug.h"
#include "alloc/pages.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A function that stands in stacks under its own name. */
#ifdef __clang__
#define STEP static __attribute__((noinline))
#else
#define STEP static __attribute__((noinline, noclone, no_icf))
#endif

/* No call may be the last thing that a step does, or the compiler jumps there and the step leaves the stack. And a step
 * has a frame pointer though it calls nobody: where there are no tables, stacks are walked by those. */
#define STAY __asm__ volatile("" ::"r"(__builtin_frame_address(0)) : "memory")

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MISUSE_IS_SANITIZED 1
#elif defined(__has_feature)
#define MISUSE_IS_SANITIZED                                                                                            \
    (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer))
#else
#define MISUSE_IS_SANITIZED 0
#endif

static struct cupel_debug misuse_debug;

/* The allocator under test, with options of cupel_debug_parse ("" for the defaults). */
static inline struct cupel_allocator *misuse_begin(const char *text) {
    struct cupel_debug_options options;
    struct cupel_error error;
    cupel_debug_defaults(&options);
    options.name = "misuse";
    if (!cupel_debug_parse(&options, text, &error)) {
        (void)fprintf(stderr, "%s\n", error.text);
        exit(2);
    }
    struct cupel_allocator *a = cupel_debug_init(&misuse_debug, cupel_pages(), &options, &error);
    if (a == NULL) {
        (void)fprintf(stderr, "%s\n", error.text);
        exit(2);
    }
    return a;
}

/* The program's status. */
static inline int misuse_end(void) {
    return cupel_debug_deinit(&misuse_debug) != 0;
}

/* Runs it in a thread of its own until its end. */
static inline void *misuse_in_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    void *result;
    if (pthread_create(&thread, NULL, run, argument) != 0 || pthread_join(thread, &result) != 0) {
        exit(2);
    }
    return result;
}

/* A write and a read that the compiler keeps, to and from it knows not where. */
__attribute__((always_inline)) static inline void write_byte(void *address, unsigned char value) {
    __asm__ volatile("" : "+r"(address));
    *(volatile unsigned char *)address = value;
}

__attribute__((always_inline)) static inline unsigned char read_byte(const void *address) {
    __asm__ volatile("" : "+r"(address));
    return *(const volatile unsigned char *)address;
}

#endif
