/* Shrinking of a byte stream: see shrink.h. Removing comes first, since a shorter input makes all later questions
 * cheaper; numbers are lowered last, in windows of 8, 4, 2 and 1 bytes, because a scalar lies in memory with its low
 * byte first (see bytes.c). */
#include "harness/src/shrink.h"

#include <string.h>

#include "alloc/base/progress.h"

struct state {
    struct cupel__shrink *shrink;
    uint8_t *data; /* the best so far */
    size_t length;
    uint8_t *scratch; /* the candidate */
    bool has_total;   /* sizes are being lowered: */
    uint64_t total;   /* of the best, which no candidate may pass */
};

static bool may_ask(struct state *state) {
    struct cupel__shrink *shrink = state->shrink;
    if (shrink->steps >= shrink->steps_max || (shrink->deadline_ns != 0 && cupel_clock_ns() >= shrink->deadline_ns)) {
        shrink->was_cut = true;
    }
    return !shrink->was_cut;
}

static bool read_draws(struct state *state, const uint8_t *data, size_t length, struct cupel__draws *draws) {
    if (!may_ask(state)) {
        return false;
    }
    *draws = (struct cupel__draws){.base = data};
    state->shrink->steps++;
    state->shrink->draws(state->shrink->user, data, length, draws);
    return true;
}

/* Asks about the candidate in scratch; where it fails, and its sizes come to no more than `total`, it becomes the best.
 */
static bool accept_below(struct state *state, size_t length, uint64_t total) {
    struct cupel__draws draws;
    if (!may_ask(state)) {
        return false;
    }
    state->shrink->steps++;
    if (!state->shrink->fails(state->shrink->user, state->scratch, length)) {
        return false;
    }
    if (state->has_total) {
        if (!read_draws(state, state->scratch, length, &draws) || draws.total > total) {
            return false;
        }
        state->total = draws.total;
    }
    memcpy(state->data, state->scratch, length);
    state->length = length;
    return true;
}

static bool accept(struct state *state, size_t length) {
    return accept_below(state, length, state->total);
}

static bool try_without(struct state *state, size_t from, size_t count) {
    memcpy(state->scratch, state->data, from);
    memcpy(state->scratch + from, state->data + from + count, state->length - from - count);
    return accept(state, state->length - count);
}

/* Removes chunks of half the input, a quarter, ... one byte; from the end and, so that the front's own structure goes
 * too, from the start. */
static bool remove_chunks(struct state *state) {
    bool has_helped = false;
    for (size_t count = state->length; count > 0; count /= 2) {
        size_t end = state->length;
        while (end >= count && may_ask(state)) {
            if (try_without(state, end - count, count)) {
                has_helped = true;
            }
            end = end - count < state->length ? end - count : state->length;
        }
        size_t start = 0;
        while (start + count <= state->length && may_ask(state)) {
            if (try_without(state, start, count)) {
                has_helped = true;
            } else {
                start += count;
            }
        }
    }
    return has_helped;
}

static bool is_zero(const uint8_t *data, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool zero_chunks(struct state *state) {
    bool has_helped = false;
    for (size_t count = state->length; count > 1; count /= 2) {
        for (size_t start = 0; start + count <= state->length && may_ask(state); start += count) {
            if (is_zero(state->data + start, count)) {
                continue;
            }
            memcpy(state->scratch, state->data, state->length);
            memset(state->scratch + start, 0, count);
            has_helped = accept(state, state->length) || has_helped;
        }
    }
    return has_helped;
}

static uint64_t load(const uint8_t *data, unsigned width) {
    uint64_t value = 0;
    for (unsigned i = width; i-- > 0;) {
        value = value << 8 | data[i];
    }
    return value;
}

static bool try_value(struct state *state, size_t at, unsigned width, uint64_t value) {
    memcpy(state->scratch, state->data, state->length);
    for (unsigned i = 0; i < width; i++) {
        state->scratch[at + i] = (uint8_t)(value >> 8 * i);
    }
    return accept(state, state->length);
}

/* The smallest value that fails, where failing is a threshold: zero, then bisection. Values that pass anywhere in
 * between only cost a less small result, which the next round takes up. */
static bool lower_window(struct state *state, size_t at, unsigned width) {
    uint64_t high = load(state->data + at, width); /* fails */
    if (high == 0) {
        return false;
    }
    if (try_value(state, at, width, 0)) {
        return true;
    }
    bool has_helped = false;
    uint64_t low = 0; /* passes */
    while (high - low > 1 && may_ask(state)) {
        uint64_t middle = low + (high - low) / 2;
        if (try_value(state, at, width, middle)) {
            high = middle;
            has_helped = true;
        } else {
            low = middle;
        }
    }
    return has_helped;
}

/* Lowers by one and by small steps where bisection found no threshold: parities, kinds chosen by a remainder. */
static bool lower_steps(struct state *state, size_t at) {
    uint8_t value = state->data[at];
    for (uint8_t lower = 1; lower < value && lower <= 8; lower++) {
        if (try_value(state, at, 1, lower)) {
            return true;
        }
    }
    return value > 0 && try_value(state, at, 1, (uint64_t)value - 1);
}

static bool lower_numbers(struct state *state) {
    bool has_helped = false;
    for (unsigned width = 8; width > 0; width /= 2) {
        for (size_t at = state->length; at-- > 0 && may_ask(state);) {
            if (at + width <= state->length) {
                has_helped = lower_window(state, at, width) || has_helped;
            }
        }
    }
    for (size_t at = state->length; at-- > 0 && may_ask(state);) {
        has_helped = lower_steps(state, at) || has_helped;
    }
    return has_helped;
}

/* One byte away and a neighbour lowered by one: an element and the count that announced it. */
static bool remove_counted(struct state *state) {
    bool has_helped = false;
    for (size_t count_at = state->length; count_at-- > 0 && may_ask(state);) {
        for (size_t at = 0; at < state->length && count_at < state->length && may_ask(state); at++) {
            if (at == count_at || state->data[count_at] == 0) {
                continue;
            }
            state->data[count_at]--;
            bool is_smaller = try_without(state, at, 1);
            if (!is_smaller) {
                state->data[count_at]++;
            }
            has_helped = has_helped || is_smaller;
        }
    }
    return has_helped;
}

/* Writes a size anew, `above` its min, in the form that holds it; *draw follows. */
static bool try_size(struct state *state, struct cupel__size_draw *draw, uint64_t above) {
    bool is_small = above <= CUPEL__SIZE_SMALL_MAX;
    unsigned width = is_small ? 1 : draw->width;
    size_t from = draw->end - draw->used;
    size_t length = state->length - draw->used + width + 1;
    if (length > state->length && length > state->shrink->capacity) {
        return false;
    }
    memcpy(state->scratch, state->data, from);
    for (unsigned i = 0; i < width; i++) {
        state->scratch[from + i] = (uint8_t)(above >> 8 * i);
    }
    state->scratch[from + width] = is_small ? CUPEL__SIZE_SMALL : CUPEL__SIZE_PLAIN;
    memcpy(state->scratch + from + width + 1, state->data + draw->end, state->length - draw->end);
    if (!accept_below(state, length, state->total - 1)) { /* less, since it may be longer: so this comes to an end */
        return false;
    }
    draw->used = width + 1;
    draw->end = from + width + 1;
    return true;
}

static bool lower_size(struct state *state, struct cupel__size_draw *draw) {
    uint8_t shape = state->data[draw->end - 1];
    bool is_exact = shape < CUPEL__SIZE_POWER || (shape >= CUPEL__SIZE_PLAIN && shape < CUPEL__SIZE_HIGHEST);
    uint64_t high = draw->above;
    if (is_exact || high == 0) { /* lowering its bytes lowers it */
        return false;
    }
    if (try_size(state, draw, 0)) {
        return true;
    }
    bool has_helped = false;
    uint64_t low = 0;
    while (high - low > 1 && may_ask(state)) {
        uint64_t middle = low + (high - low) / 2;
        if (try_size(state, draw, middle)) {
            high = middle;
            has_helped = true;
        } else {
            low = middle;
        }
    }
    return has_helped;
}

/* The log is read again for each: what is written anew may change what is drawn after it. */
static bool lower_sizes(struct state *state) {
    struct cupel__draws draws;
    bool has_helped = false;
    for (unsigned i = 0; read_draws(state, state->data, state->length, &draws) && i < draws.count; i++) {
        state->has_total = true;
        state->total = draws.total;
        has_helped = lower_size(state, &draws.sizes[i]) || has_helped;
    }
    return has_helped;
}

static void run_passes(struct state *state) {
    enum { COUNTED_LENGTH_MAX = 64 }; /* the quadratic pass is for inputs that are small already */
    bool has_helped = true;
    while (has_helped && !state->shrink->was_cut) {
        has_helped = remove_chunks(state);
        has_helped = zero_chunks(state) || has_helped;
        has_helped = lower_numbers(state) || has_helped;
        if (!has_helped && state->length <= COUNTED_LENGTH_MAX) {
            has_helped = remove_counted(state);
        }
    }
}

size_t cupel__shrink_run(struct cupel__shrink *shrink, uint8_t *data, size_t length, uint8_t *scratch) {
    struct state state = {.shrink = shrink, .data = data, .length = length, .scratch = scratch};
    shrink->steps = 0;
    shrink->was_cut = false;
    run_passes(&state);
    while (shrink->draws != NULL && !shrink->was_cut && lower_sizes(&state)) {
        run_passes(&state);
    }
    return state.length;
}
