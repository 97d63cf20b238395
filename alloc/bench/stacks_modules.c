/* A program for ci/tools/stacks: loads and unloads the modules that it is given in turn, so that they take each other's
 * place, and allocates inside them. No call of ours is made here: the unloading must be noticed. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *volatile kept;

static void allocate(void) {
    for (unsigned i = 0; i < 20; i++) {
        kept = malloc(i);
        free(kept);
    }
}

int main(int count, char *words[]) {
    for (int round = 0; round < 200; round++) {
        for (int i = 1; i < count; i++) {
            void *module = dlopen(words[i], RTLD_NOW | RTLD_LOCAL);
            if (module == NULL) {
                (void)fprintf(stderr, "%s\n", dlerror());
                return 1;
            }
            void (*call)(void (*)(void));
            *(void **)&call = dlsym(module, "unwind_module_call");
            call(allocate);
            (void)dlclose(module);
        }
    }
    return 0;
}
