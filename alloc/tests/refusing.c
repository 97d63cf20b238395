/* See refusing.h: a seccomp filter of a few instructions. */
#include "alloc/tests/refusing.h"

#include "harness/harness.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Jumps to the last instruction, which allows, where the word at `offset` is not `value`; `rest` instructions follow.
 */
#define UNLESS(offset, value, rest)                                                                                    \
    {BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)(offset)}, {                                                            \
        BPF_JMP | BPF_JEQ | BPF_K, 0, (rest), (uint32_t)(value)                                                        \
    }

#if defined(__has_feature)
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) ||                         \
    HAS(thread_sanitizer) || HAS(memory_sanitizer)
enum { IS_SANITIZED = true };
#else
enum { IS_SANITIZED = false };
#endif

bool refusal_is_borne(struct refusal refusal) {
    bool is_memory = refusal.number == SYS_munmap || (refusal.number == SYS_mmap && refusal.argument != 2);
    return !IS_SANITIZED ||
           !(is_memory || refusal.number == SYS_sigaltstack || (refusal.number == SYS_clone && refusal.argument == 0));
}

void refuse(struct refusal refusal) {
    if (!refusal_is_borne(refusal)) {
        cupel_test_skip("a sanitizer needs this call itself");
    }
    /* Processors of today have the low half first. */
    uint32_t low = offsetof(struct seccomp_data, args) + 8 * (refusal.argument == 0 ? 0 : refusal.argument - 1);
    struct sock_filter of_argument[] = {
        UNLESS(offsetof(struct seccomp_data, nr), refusal.number, 5),
        UNLESS(low, refusal.value, 3),
        UNLESS(low + 4, refusal.value >> 32, 1),
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)refusal.error},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_filter of_all[] = {
        UNLESS(offsetof(struct seccomp_data, nr), refusal.number, 1),
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)refusal.error},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog program = {sizeof of_all / sizeof of_all[0], of_all};
    if (refusal.argument != 0) {
        program = (struct sock_fprog){sizeof of_argument / sizeof of_argument[0], of_argument};
    }
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}
