/* The table of the words of a layer stack. Private to the spec parser. */
#ifndef ALLOC_SRC_LAYERS_TABLE_H
#define ALLOC_SRC_LAYERS_TABLE_H

#include "alloc/layers.h"

/* What a layer is made of. */
struct cupel_layer_request {
    struct cupel_layers_storage *storage;
    struct cupel_layer *layer;
    struct cupel_allocator *parent; /* NULL for a root */
    const char *argument;           /* "" where none is given */
    struct cupel_error *error;
};

struct cupel_layer_kind {
    const char *word;
    const char *argument; /* its form for help; NULL: takes none */
    bool is_root;
    const char *sentence;
    /* Makes the layer; NULL where the argument is malformed: the error's column is then counted in the argument, 0 for
     * all of it. */
    struct cupel_allocator *(*init)(const struct cupel_layer_request *request);
    void (*deinit)(struct cupel_layer *layer); /* NULL: nothing to give back */
    struct cupel_allocator *(*shared)(void);   /* a root that is there already, instead of init */
};

/* Ends with a row without a word. */
extern const struct cupel_layer_kind cupel__layer_kinds[];

/* A number of bytes with an optional K, M or G, up to `end` (exclusive). False where it is none. */
bool cupel__layers_parse_size(const char *text, const char *end, size_t *size);

#endif
