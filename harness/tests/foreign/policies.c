/* What programs do when memory runs out, one way a word on the command line; each asks for a block or two. */
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void *volatile kept; /* so that no request is optimised away */

static void *ask(size_t size) {
    return kept = malloc(size);
}

static void *asserts(void) {
    kept = malloc(8);
    assert(kept != NULL);
    return kept;
}

static void *gives_up(void) {
    void *block = ask(8);
    if (block == NULL) {
        fprintf(stderr, "out of memory\n");
        abort();
    }
    return block;
}

static void releases_twice(void) {
    void *volatile first = malloc(40);
    void *second = ask(8);
    if (second == NULL) {
        free(first);
    }
    free(first);
    free(second);
}

static void waits(void) {
    void *block;
    while ((block = ask(8)) == NULL) {
    }
    free(block);
}

static void grows_by_runs(void) {
    FILE *file = fopen("runs", "a+");
    long count = 0;
    if (file != NULL && fputc('.', file) != EOF && fseek(file, 0, SEEK_END) == 0) {
        count = ftell(file);
        (void)fclose(file);
    }
    for (long i = 0; i < count; i++) {
        free(ask(8));
    }
}

static void *in_thread(void *user) {
    void *block = ask(24);
    *(char *)user = block == NULL ? 'n' : 'y';
    free(block);
    return NULL;
}

static int threads(void) {
    pthread_t thread;
    char answer = '?';
    free(ask(16));
    if (pthread_create(&thread, NULL, in_thread, &answer) != 0 || pthread_join(thread, NULL) != 0) {
        return 2;
    }
    return answer == 'n';
}

/* Takes the offset of local time for whole hours. */
static int counts_hours(void) {
    time_t now = 1000000000;
    struct tm local;
    return localtime_r(&now, &local) == NULL || local.tm_gmtoff % 3600 != 0;
}

/* Takes fresh memory for zero. */
static int adds_up(void) {
    unsigned char *volatile block = malloc(4000);
    unsigned sum = 0;
    for (unsigned i = 100; block != NULL && i < 200; i++) {
        sum += block[i];
    }
    free(block);
    return sum != 0;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "asserts") == 0) {
        free(asserts());
    } else if (strcmp(how, "gives_up") == 0) {
        free(gives_up());
    } else if (strcmp(how, "releases_twice") == 0) {
        releases_twice();
    } else if (strcmp(how, "waits") == 0) {
        waits();
    } else if (strcmp(how, "grows_by_runs") == 0) {
        grows_by_runs();
    } else if (strcmp(how, "threads") == 0) {
        return threads();
    } else if (strcmp(how, "warns") == 0) {
        void *block = ask(8);
        fputs(block == NULL ? "no cache\n" : "", stderr);
        free(block);
    } else if (strcmp(how, "does_without") == 0) {
        free(ask(8));
    } else if (strcmp(how, "says_nothing") == 0) {
        void *block = ask(8);
        free(block);
        return block == NULL;
    } else if (strcmp(how, "asks_for_nothing") == 0) {
        return 0;
    } else if (strcmp(how, "counts_hours") == 0) {
        return counts_hours();
    } else if (strcmp(how, "adds_up") == 0) {
        return adds_up();
    } else if (strcmp(how, "skips") == 0) {
        return 77;
    } else if (strcmp(how, "writes") == 0) { /* its argument, as it came */
        puts(argc > 2 ? argv[2] : "");
        return 3;
    }
    return 0;
}
