/* main of a test program, and what its sanitizer shall do. Linked as an object, and left out where an engine brings its
 * own. */
#include <stdbool.h>

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

int cupel__run_main(int argc, char **argv);
bool cupel__here_has_lost_memory(void);

/* An allocation that is too large is NULL, as with any other malloc. */
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
const char *__asan_default_options(void);
int __lsan_is_turned_off(void);

const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

/* What a test held that failed in this very process is lost, and no leak of the runner's. */
int __lsan_is_turned_off(void) {
    return cupel__here_has_lost_memory();
}
#elif HAS_FEATURE(memory_sanitizer)
const char *__msan_default_options(void);

const char *__msan_default_options(void) {
    return "allocator_may_return_null=1";
}
#elif defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
const char *__tsan_default_options(void);

/* A worker leaves by _exit, where nobody would see the reports that came before. */
const char *__tsan_default_options(void) {
    return "halt_on_error=1:allocator_may_return_null=1";
}
#endif

int main(int argc, char **argv) {
    return cupel__run_main(argc, argv);
}
