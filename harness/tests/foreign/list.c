/* See list.h. The planted defects: list_add keeps a word that it has no room for (a crash in list_join_backwards), and
 * list_join_backwards takes no memory for no words (an empty text and no complaint). */
#include "harness/tests/foreign/list.h"

#include <stdlib.h>
#include <string.h>

bool list_add(struct list *list, const char *word) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 2 : list->capacity * 2;
        char **words = realloc(list->words, capacity * sizeof *words);
        if (words == NULL) {
            return false;
        }
        list->words = words;
        list->capacity = capacity;
    }
    list->words[list->count] = strdup(word);
#ifndef PLANTED
    if (list->words[list->count] == NULL) {
        return false;
    }
#endif
    list->count++;
    return true;
}

struct list *list_read(const char *text) {
    struct list *list = calloc(1, sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    while (*(text += strspn(text, " ")) != '\0') {
        char word[64];
        size_t length = strcspn(text, " ");
        size_t kept = length < sizeof word - 1 ? length : sizeof word - 1;
        memcpy(word, text, kept);
        word[kept] = '\0';
        if (!list_add(list, word)) {
            list_free(list);
            return NULL;
        }
        text += length;
    }
    return list;
}

char *list_join_backwards(const struct list *list) {
    size_t size = 1;
    for (size_t i = 0; i < list->count; i++) {
        size += strlen(list->words[i]) + 1;
    }
    char *text = malloc(size);
    if (text == NULL) {
#ifdef PLANTED
        return calloc(1, 1);
#else
        return NULL;
#endif
    }
    text[0] = '\0';
    for (size_t i = list->count; i > 0; i--) {
        (void)strcat(text, list->words[i - 1]); /* there is room for all */
        (void)strcat(text, i > 1 ? "," : "");
    }
    return text;
}

void list_free(struct list *list) {
    if (list != NULL) {
        for (size_t i = 0; i < list->count; i++) {
            free(list->words[i]);
        }
        free(list->words);
        free(list);
    }
}
