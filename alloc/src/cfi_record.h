/* The records of .eh_frame: what finding one and running its program share. */
#ifndef ALLOC_SRC_CFI_RECORD_H
#define ALLOC_SRC_CFI_RECORD_H

#include "alloc/src/cfi_bytes.h"

/* A function's entry (FDE), with what it takes from its common entry (CIE). */
struct cupel__cfi_record {
    uintptr_t start, size;           /* of the code */
    struct cupel__cfi_bytes initial; /* the program that all functions of the common entry begin with */
    struct cupel__cfi_bytes program;
    uint64_t code_alignment;
    int64_t data_alignment;
    uint64_t return_column;
    uint8_t encoding; /* of addresses */
    bool is_signal;
};

struct cupel__cfi_module;

/* The record of a code address; false where there is none. */
bool cupel__cfi_record_find(const struct cupel__cfi_module *module, uintptr_t address,
                            struct cupel__cfi_record *record);

/* An address in one of the encodings of the LSB; *is_known is false for an encoding that code addresses do not have. */
uintptr_t cupel__cfi_address(struct cupel__cfi_bytes *bytes, uint8_t encoding, const uint8_t *data_base,
                             bool *is_known);

#endif
