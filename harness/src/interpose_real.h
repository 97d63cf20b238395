/* For the objects that stand before functions of the C library: how each finds the function that it stands before, a
 * sanitizer's interceptor where there is one, else the next of that name. */
#ifndef HARNESS_SRC_INTERPOSE_REAL_H
#define HARNESS_SRC_INTERPOSE_REAL_H

#include <dlfcn.h>
#include <string.h>

/* `place` is a pointer to a function; dlsym gives one to data. */
static inline void cupel__real_find(void *place, const void *interceptor, const char *name) {
    const void *found = interceptor != NULL ? interceptor : dlsym(RTLD_NEXT, name);
    memcpy(place, &found, sizeof found);
}

/* Declares what REAL(name) calls. */
#define CUPEL__REAL(name_, type_, ...)                                                                                 \
    extern type_ __interceptor_##name_(__VA_ARGS__) __attribute__((weak));                                             \
    static type_ (*real_##name_)(__VA_ARGS__)

#define REAL(name_)                                                                                                    \
    (*(__builtin_expect(real_##name_ != NULL, 1)                                                                       \
           ? &real_##name_                                                                                             \
           : (cupel__real_find(&real_##name_, (const void *)(uintptr_t)__interceptor_##name_, #name_),                 \
              &real_##name_)))

#endif
