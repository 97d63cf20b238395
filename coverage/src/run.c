/* Runs another program: see run.h. */
#include "coverage/src/run.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool cupel__run_program(char *const arguments[], int output, int messages, struct cupel_error *error) {
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return cupel_error_set(error, 0, 0, "out of memory");
    }
    pid_t child = 0;
    int cause = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (cause == 0) {
        cause = posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    }
    if (cause == 0) {
        cause = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    if (cause != 0) {
        return cupel_error_set(error, 0, 0, "%.120s cannot be run: %s", arguments[0], strerror(cause));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return cupel_error_set(error, 0, 0, "%.120s failed (%s %d)", arguments[0],
                               WIFSIGNALED(status) ? "signal" : "status",
                               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    return true;
}
