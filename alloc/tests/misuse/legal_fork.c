/* Legal: a child frees what its parent allocated, and allocates.
 *
 * status: 0 */
#include "alloc/tests/misuse/misuse.h"

#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    void *block = cupel_alloc(a, 50, 8);
    pid_t child = fork();
    if (child == 0) {
        cupel_free(a, block, 50, 8);
        cupel_free(a, cupel_alloc(a, 60, 8), 60, 8);
        return misuse_end();
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        return 2;
    }
    cupel_free(a, block, 50, 8);
    return misuse_end();
}
