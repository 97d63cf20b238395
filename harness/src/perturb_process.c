/* A process that differs from its first instruction on: where its addresses are, how large its environment is. See
 * perturb.h. The environment's padding is one variable, CUPEL_PADDING, which moves the stack as well. */
#include "harness/src/perturb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 1024 };
static const char padding_name[] = "CUPEL_PADDING=";
static const char persona_name[] = "CUPEL_PERSONA"; /* as it was, in hexadecimal */

static char *arguments[ARGUMENTS_MAX + 2]; /* room for a word in front, and the end */
static int argument_count;

/* What this process was executed as. */
static enum cupel__addresses own_addresses;
static unsigned own_environment_bytes;

void cupel__perturb_process_keep(int argc, char **argv) {
    argument_count = argc <= ARGUMENTS_MAX ? argc : 0;
    for (int i = 0; i < argument_count; i++) {
        arguments[i] = argv[i];
    }
}

bool cupel__perturb_process_is_possible(void) {
    static int answer; /* 0: not asked, 1: yes, 2: no */
    if (answer == 0) {
        /* Under valgrind the new process would run without it. */
        const char *preload = getenv("LD_PRELOAD");
        bool is_watched = preload != NULL && strstr(preload, "vgpreload") != NULL;
        answer = !is_watched && argument_count != 0 && access("/proc/self/exe", X_OK) == 0 ? 1 : 2;
    }
    return answer == 1;
}

void cupel__perturb_process_entered(enum cupel__addresses addresses, unsigned environment_bytes) {
    /* What the tests execute in turn is laid out as ever: addresses are settled once a process runs. */
    const char *original = getenv(persona_name);
    if (original != NULL) {
        (void)personality(strtoul(original, NULL, 16));
        (void)unsetenv(persona_name);
    }
    own_addresses = addresses;
    own_environment_bytes = environment_bytes;
}

bool cupel__perturb_process_fits(const struct cupel__perturbation *perturbation) {
    return perturbation->addresses == own_addresses && perturbation->environment_bytes == own_environment_bytes;
}

/* The environment, with as many bytes more as it shall have, in one block of malloc; NULL where there is no memory. */
static char **padded_environment(unsigned extra_bytes, char *persona) {
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **made = calloc(1, (count + 3) * sizeof *made + extra_bytes + sizeof padding_name);
    if (made == NULL) {
        return NULL;
    }
    char *padding = (char *)(made + count + 3);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], padding_name, sizeof padding_name - 1) != 0) {
            made[kept++] = environ[i];
        }
    }
    if (extra_bytes > sizeof padding_name) {
        memset(padding, 'x', extra_bytes - 1);
        memcpy(padding, padding_name, sizeof padding_name - 1);
        made[kept++] = padding;
    }
    made[kept] = persona;
    return made;
}

void cupel__perturb_process_enter(const struct cupel__perturbation *perturbation, const char *word) {
    static char first[256];
    static char persona[sizeof persona_name + 32];
    int current = personality(0xffffffff);
    (void)snprintf(persona, sizeof persona, "%s=%x", persona_name, (unsigned)current);
    char **variables = NULL;
    if (current != -1 && cupel__perturb_process_is_possible()) {
        variables = padded_environment(perturbation->environment_bytes, persona);
    }
    if (variables == NULL) {
        return;
    }
    unsigned long wanted = (unsigned long)current;
    if (perturbation->addresses == CUPEL__ADDRESSES_FIXED) {
        wanted |= ADDR_NO_RANDOMIZE;
    } else if (perturbation->addresses == CUPEL__ADDRESSES_RANDOM) {
        wanted &= ~(unsigned long)ADDR_NO_RANDOMIZE;
    }
    (void)personality(wanted);
    (void)snprintf(first, sizeof first, "%s", word);
    for (int i = argument_count; i > 1; i--) {
        arguments[i] = arguments[i - 1];
    }
    arguments[1] = first;
    (void)execve("/proc/self/exe", arguments, variables);
    /* Seccomp, or a system without /proc: go on as we are. */
    for (int i = 1; i < argument_count; i++) {
        arguments[i] = arguments[i + 1];
    }
    arguments[argument_count] = NULL;
    free(variables);
    (void)personality((unsigned long)current);
}
