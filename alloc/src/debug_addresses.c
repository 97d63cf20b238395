/* The supply of addresses: see debug_addresses.h. */
#include "alloc/src/debug_addresses.h"

#include "alloc/src/debug_map.h"

static const size_t first_piece = (size_t)1 << (sizeof(void *) == 8 ? 30 : 25);
static const size_t largest_piece = (size_t)1 << (sizeof(void *) == 8 ? 40 : 26);
static const size_t smallest_piece = (size_t)1 << 20;
enum { LIMITED_PART = 64 }; /* of a limited address space, the first piece takes at most so much */

static size_t piece_wanted(const struct cupel__debug *debug) {
    size_t limit = cupel__address_limit();
    size_t piece = debug->addresses.reserved_bytes;
    piece = piece < first_piece ? first_piece : piece > largest_piece ? largest_piece : piece;
    if (limit != SIZE_MAX && piece > limit / LIMITED_PART) {
        piece = limit / LIMITED_PART & ~((size_t)CUPEL__UNIT - 1);
    }
    return piece < smallest_piece ? smallest_piece : piece;
}

/* Reserves a piece for at least `length` bytes; what is left of the piece before is never used. */
static bool grow(struct cupel__debug *debug, size_t length) {
    struct cupel__address_supply *addresses = &debug->addresses;
    if (addresses->count == CUPEL__RESERVATIONS) {
        return false;
    }
    size_t piece = piece_wanted(debug);
    size_t budget = debug->options.address_bytes;
    if (budget != 0) {
        size_t left = budget > addresses->reserved_bytes ? budget - addresses->reserved_bytes : 0;
        piece = piece < left ? piece : left & ~((size_t)CUPEL__UNIT - 1);
    }
    piece = piece < length && budget == 0 ? length : piece;
    for (; piece >= length && piece > 0; piece = piece == length ? 0 : piece / 2 < length ? length : piece / 2) {
        unsigned char *base = debug->system->reserve(piece);
        if (base != NULL) {
            addresses->reservations[addresses->count].base = base;
            addresses->reservations[addresses->count++].length = piece;
            addresses->next = base;
            addresses->end = base + piece;
            addresses->reserved_bytes += piece;
            return true;
        }
    }
    return false;
}

unsigned char *cupel__addresses_take(struct cupel__debug *debug, size_t length) {
    struct cupel__address_supply *addresses = &debug->addresses;
    if (debug->backing != NULL) {
        void *range = debug->backing->ops->acquire(debug->backing, length, CUPEL__UNIT, 0, NULL);
        addresses->used_bytes += range == NULL ? 0 : length;
        return range;
    }
    if (length > (size_t)(addresses->end - addresses->next) && !grow(debug, length)) {
        return NULL;
    }
    unsigned char *range = addresses->next;
    addresses->next += length;
    addresses->used_bytes += length;
    return range;
}

void cupel__addresses_untake(struct cupel__debug *debug, const unsigned char *range) {
    size_t length = (size_t)(debug->addresses.next - range);
    debug->addresses.next -= length;
    debug->addresses.used_bytes -= length;
}

static void give_back(struct cupel__debug *debug, const struct cupel__span_list *list) {
    for (const struct cupel__span *span = list->first; span != NULL; span = span->next) {
        (void)cupel__map_set(span->range, span->range_bytes, NULL);
        debug->backing->ops->release(debug->backing, span->range, span->range_bytes, CUPEL__UNIT, NULL);
    }
}

void cupel__addresses_deinit(struct cupel__debug *debug) {
    struct cupel__address_supply *addresses = &debug->addresses;
    if (debug->backing != NULL) {
        give_back(debug, &debug->open);
        give_back(debug, &debug->large);
        give_back(debug, &debug->retired);
        give_back(debug, &debug->forgotten);
        for (unsigned i = 0; i < CUPEL__CLASSES; i++) {
            give_back(debug, &debug->full[i]);
        }
    }
    for (unsigned i = 0; i < addresses->count; i++) {
        unsigned char *base = addresses->reservations[i].base;
        size_t length = addresses->reservations[i].length;
        size_t used = i + 1 == addresses->count ? (size_t)(addresses->next - base) : length;
        if (used > 0) {
            (void)cupel__map_set(base, used, NULL);
        }
        debug->system->unreserve(base, length);
    }
    addresses->count = 0;
}
