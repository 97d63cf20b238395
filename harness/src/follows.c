/* See follows.h. First it is asked whether what was varied makes a difference at all (Fisher's exact test); then, of
 * each dimension, whether it alone makes it; of those that do, whether the failure needs them; and where none does
 * alone, which ones must meet. */
#include "harness/src/follows.h"
#include "harness/src/perturb.h"

#include <assert.h>
#include <stdio.h>

enum {
    ALL_FIRST = 8,
    NONE_FIRST = 24,
    BASELINE_MAX = 96,
    BATCH = 13, /* decides where a failure comes every time, or never */
    QUESTION_MAX = 240
};

struct search {
    cupel__follows_run *run;
    void *user;
    struct cupel__trial all, none;
    unsigned runs;
    bool is_stopped;
};

static bool run_trials(struct search *search, struct cupel__trial *trials, unsigned count) {
    unsigned before = 0;
    unsigned after = 0;
    for (unsigned i = 0; i < count; i++) {
        before += trials[i].runs;
    }
    search->is_stopped = search->is_stopped || !search->run(search->user, trials, count);
    for (unsigned i = 0; i < count; i++) {
        after += trials[i].runs;
    }
    search->runs += after - before;
    return !search->is_stopped;
}

/* That chance alone puts as many failures, or more, into the first of two groups: the upper tail of the hypergeometric
 * distribution, term by term from its mean's side. */
static double fisher_tail(const struct cupel__trial *first, const struct cupel__trial *second) {
    unsigned total = first->runs + second->runs;
    unsigned failures = first->failures + second->failures;
    unsigned least = failures > second->runs ? failures - second->runs : 0;
    unsigned most = failures < first->runs ? failures : first->runs;
    double term = 1; /* of `least`, unscaled */
    double sum = 0;
    double tail = 0;
    for (unsigned k = least; k <= most; k++) {
        sum += term;
        tail += k >= first->failures ? term : 0;
        term *= (double)(failures - k) * (double)(first->runs - k) /
                ((double)(k + 1) * (double)(total - failures - first->runs + k + 1));
    }
    return tail / sum;
}

/* A rate that is never 0 nor 1, as no number of runs shows one that is (Jeffreys' prior). */
static double rate_of(const struct cupel__trial *trial) {
    return (trial->failures + 0.5) / (trial->runs + 1);
}

static double power(double base, unsigned exponent) {
    double result = 1;
    for (; exponent != 0; exponent--) {
        result *= base;
    }
    return result;
}

/* How much likelier what came is under the rate `there` than under `here`. */
static double odds(const struct cupel__trial *trial, double here, double there) {
    unsigned passes = trial->runs - trial->failures;
    return power(there / here, trial->failures) * power((1 - there) / (1 - here), passes);
}

static bool shows_a_difference(const struct search *search, double risk) {
    return fisher_tail(&search->all, &search->none) < risk;
}

/* It does not fail again, or fails about as often with nothing varied: more runs would not tell them apart. */
static bool is_hopeless(const struct search *search) {
    if (search->all.runs < NONE_FIRST || search->none.failures == 0) {
        return search->all.failures == 0 && search->all.runs >= 2 * NONE_FIRST;
    }
    return fisher_tail(&search->all, &search->none) > 0.25;
}

/* Runs with all and with none, until they differ or there were enough. */
static bool settle_baseline(struct search *search, double risk) {
    struct cupel__trial both[2] = {search->all, search->none};
    both[0].wanted = ALL_FIRST;
    both[1].wanted = NONE_FIRST;
    for (;;) {
        if (!run_trials(search, both, 2)) {
            return false;
        }
        search->all = both[0];
        search->none = both[1];
        if (shows_a_difference(search, risk) || is_hopeless(search) || search->all.runs >= BASELINE_MAX) {
            return true;
        }
        bool is_first = search->all.runs < NONE_FIRST;
        both[0].wanted = is_first ? NONE_FIRST - search->all.runs : NONE_FIRST;
        both[1].wanted = is_first ? 0 : NONE_FIRST;
    }
}

/* What the odds say. An effect must differ from `from` itself too, of which the rate is only an estimate; where it does
 * not so far, *is_doubtful. */
static int side_of(const struct cupel__trial *trial, const struct cupel__trial *from, double there, double risk,
                   bool *is_doubtful) {
    double here = rate_of(from);
    double likelier = odds(trial, here, there);
    double chance = there > here ? fisher_tail(trial, from) : fisher_tail(from, trial);
    if (likelier > (1 - risk) / risk) {
        *is_doubtful = *is_doubtful || chance >= risk;
        return chance < risk ? 1 : 0;
    }
    return likelier < risk / (1 - risk) ? -1 : 0;
}

/* Asks of each trial whether its rate is that of `from`, or at least half way to that of `to`. */
static bool ask(struct search *search, struct cupel__trial *trials, unsigned count, struct cupel__trial *from,
                const struct cupel__trial *to, double risk) {
    struct cupel__trial batch[CUPEL__DIMENSION_COUNT + 1];
    bool is_doubtful = false;
    for (bool is_open = count != 0; is_open;) {
        for (unsigned i = 0; i < count; i++) {
            batch[i] = trials[i];
            batch[i].wanted = trials[i].side == 0 && trials[i].runs < QUESTION_MAX ? BATCH : 0;
        }
        batch[count] = *from;
        batch[count].wanted = is_doubtful && from->runs < QUESTION_MAX ? BATCH : 0;
        if (!run_trials(search, batch, count + 1)) {
            return false;
        }
        *from = batch[count];
        double there = (rate_of(from) + rate_of(to)) / 2;
        is_open = false;
        is_doubtful = false;
        for (unsigned i = 0; i < count; i++) {
            trials[i] = batch[i];
            trials[i].side =
                trials[i].side == 0 ? side_of(&trials[i], from, there, risk, &is_doubtful) : trials[i].side;
            is_open = is_open || (trials[i].side == 0 && trials[i].runs < QUESTION_MAX);
        }
    }
    return true;
}

/* Each dimension of `asked` alone (or, inverted, all of `active` but it): those that have an effect, and whether one of
 * them stayed open. */
static uint32_t ask_each(struct search *search, uint32_t asked, uint32_t active, bool is_inverted, double risk,
                         bool *is_open) {
    struct cupel__trial trials[CUPEL__DIMENSION_COUNT];
    unsigned of[CUPEL__DIMENSION_COUNT] = {0};
    unsigned count = 0;
    uint32_t found = 0;
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        if ((asked & 1u << i) != 0) {
            of[count] = i;
            trials[count++] = (struct cupel__trial){.mask = is_inverted ? active & ~(1u << i) : 1u << i};
        }
    }
    (void)ask(search, trials, count, is_inverted ? &search->all : &search->none,
              is_inverted ? &search->none : &search->all, risk);
    *is_open = false;
    for (unsigned i = 0; i < count; i++) {
        found |= trials[i].side > 0 ? 1u << of[i] : 0;
        *is_open = *is_open || trials[i].side == 0;
    }
    return found;
}

static bool is_enough(struct search *search, uint32_t mask, double risk) {
    struct cupel__trial trial = {.mask = mask};
    return ask(search, &trial, 1, &search->none, &search->all, risk) && trial.side > 0;
}

/* No dimension is enough alone: those that are needed, where these are enough; else one after the other goes for good
 * that the rest does not miss. */
static uint32_t least_set(struct search *search, uint32_t active, uint32_t needed, double risk) {
    if (needed != 0 && needed != active && is_enough(search, needed, risk)) {
        return needed;
    }
    uint32_t kept = active;
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT && !search->is_stopped; i++) {
        uint32_t rest = kept & ~(1u << i);
        if ((kept & ~needed & 1u << i) != 0 && rest != 0 && is_enough(search, rest, risk)) {
            kept = rest;
        }
    }
    return kept;
}

static enum cupel__follows_kind kind_without_difference(const struct search *search) {
    if (search->none.failures != 0) {
        return CUPEL__FOLLOWS_UNPERTURBED;
    }
    return search->all.failures == 0 ? CUPEL__FOLLOWS_GONE : CUPEL__FOLLOWS_TOO_RARE;
}

struct cupel__follows cupel__follows_find(uint32_t active, cupel__follows_run *run, void *user) {
    assert((active & ~(uint32_t)CUPEL__PERTURB_ALL) == 0);
    struct search search = {.run = run, .user = user, .all.mask = active};
    /* One question with all and none, three of each dimension at most: alone, without it, and in a set. */
    double risk = CUPEL__FOLLOWS_RISK / (1 + 3 * CUPEL__DIMENSION_COUNT);
    struct cupel__follows follows = {.kind = CUPEL__FOLLOWS_STOPPED};
    bool is_open = false;
    if (active == 0) {
        follows.kind = CUPEL__FOLLOWS_UNPERTURBED;
        return follows;
    }
    if (settle_baseline(&search, risk) && !shows_a_difference(&search, risk)) {
        follows.kind = kind_without_difference(&search);
    } else if (!search.is_stopped) {
        uint32_t enough = ask_each(&search, active, active, false, risk, &is_open);
        bool was_open = is_open;
        uint32_t needed = ask_each(&search, enough != 0 ? enough : active, active, true, risk, &is_open);
        if (enough != 0) {
            follows.kind = CUPEL__FOLLOWS_ANY;
            follows.mask = needed != 0 ? needed : enough;
        } else if (was_open) {
            follows.kind = CUPEL__FOLLOWS_TOO_RARE;
        } else {
            follows.kind = CUPEL__FOLLOWS_TOGETHER;
            follows.mask = least_set(&search, active, needed, risk);
        }
        bool is_one = follows.mask != 0 && (follows.mask & (follows.mask - 1)) == 0;
        follows.kind = is_one ? CUPEL__FOLLOWS_ANY : follows.kind;
    }
    if (search.is_stopped) {
        follows = (struct cupel__follows){.kind = CUPEL__FOLLOWS_STOPPED};
    }
    follows.runs = search.runs;
    return follows;
}

int cupel__follows_format(const struct cupel__follows *follows,
                          int (*word)(void *user, unsigned dimension, char *text, size_t size), void *user, char *text,
                          size_t size) {
    static const char *const reasons[] = {
        [CUPEL__FOLLOWS_UNPERTURBED] = "nothing that was varied: it fails unperturbed too",
        [CUPEL__FOLLOWS_GONE] = "nothing that was varied: alone it did not fail again",
        [CUPEL__FOLLOWS_TOO_RARE] = "not known: it fails too seldom to tell",
        [CUPEL__FOLLOWS_STOPPED] = "not known: it could not be run again often enough",
    };
    if (follows->kind != CUPEL__FOLLOWS_ANY && follows->kind != CUPEL__FOLLOWS_TOGETHER) {
        return snprintf(text, size, "%s", reasons[follows->kind]);
    }
    bool is_any = follows->kind == CUPEL__FOLLOWS_ANY;
    size_t length = (size_t)snprintf(text, size, "%s", is_any ? "" : "together: ");
    const char *between = "";
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        char part[80];
        if ((follows->mask & 1u << i) == 0) {
            continue;
        }
        (void)word(user, i, part, sizeof part);
        size_t used = length < size ? length : size;
        length += (size_t)snprintf(text + used, size - used, "%s%s", between, part);
        between = is_any ? " or " : ",";
    }
    return (int)length;
}
