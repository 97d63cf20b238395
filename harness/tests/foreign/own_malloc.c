/* A program with a malloc of its own, as one has that was linked with a sanitizer statically. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(16) unsigned char bytes[1 << 20];
static size_t used;

void *malloc(size_t size) {
    size_t start = used;
    used += (size + 15) / 16 * 16;
    return used <= sizeof bytes ? bytes + start : NULL;
}

void free(void *block) {
    (void)block;
}

void *calloc(size_t count, size_t size) {
    return malloc(count * size);
}

void *realloc(void *block, size_t size) {
    void *copy = malloc(size);
    return copy == NULL || block == NULL ? copy : memmove(copy, block, size);
}

int main(void) {
    char *volatile text = malloc(10);
    return text == NULL;
}
