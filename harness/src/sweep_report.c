/* What a sweep says in the end: numbers, and one line a finding. See sweep_engine.h. */
#include "harness/src/sweep_engine.h"

#include "harness/src/plural.h"
#include "harness/src/symbolise.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS_TEXT_MAX = 16384 };

void cupel__sweep_tell_finding(const struct cupel__sweep *sweep, const struct cupel_sweep_finding *finding) {
    static struct cupel_text text; /* large */
    FILE *out = sweep->options.report;
    text.length = 0;
    text.is_truncated = false;
    cupel_text_add(&text, "%s%s%s%s%s\n%s\n", finding->is_known ? "known: " : "", cupel_verdict_name(finding->verdict),
                   finding->token[0] == '\0' ? " without a fault" : " at ", finding->token,
                   finding->is_behind_first_run ? ", behind a first run without a fault" : "", finding->text);
    if (cupel__symbolise_is_needed(&text)) {
        cupel__symbolise(&text);
    }
    fputs(text.data, out);
    (void)fflush(out); /* what was found stays, whatever comes of this process */
}

/* By the place of the request, then by that of the death, then in the order in which they were found. */
static int compare(const void *a, const void *b) {
    const struct cupel__sweep_kind *x = *(const struct cupel__sweep_kind *const *)a;
    const struct cupel__sweep_kind *y = *(const struct cupel__sweep_kind *const *)b;
    if (x->refused != y->refused) {
        return (uintptr_t)x->refused < (uintptr_t)y->refused ? -1 : 1;
    }
    int died = strcmp(x->died, y->died);
    return died != 0 ? died : x < y ? -1 : x > y;
}

static void print_kind(const struct cupel__sweep_kind *kind, FILE *out) {
    fprintf(out, "  %s%s at %s%s", kind->is_known ? "known " : "", cupel_verdict_name(kind->verdict), kind->token,
            kind->is_cold ? " of the first run" : "");
    if (kind->count > 1) {
        fprintf(out, ", and %llu fault%s more", (unsigned long long)kind->count - 1, cupel__s(kind->count - 1));
    }
    fputs("\n", out);
}

void cupel__sweep_groups(const struct cupel__sweep_kind *kinds, unsigned count, FILE *out) {
    const struct cupel__sweep_kind *sorted[CUPEL__SWEEP_KINDS_MAX];
    unsigned told = 0;
    for (unsigned i = 0; i < count; i++) {
        if (kinds[i].token[0] != '\0') {
            sorted[told++] = &kinds[i];
        }
    }
    if (told == 0) {
        return;
    }
    qsort(sorted, told, sizeof sorted[0], compare); /* NOLINT(bugprone-sizeof-expression): they are pointers */
    for (unsigned i = 0; i < told; i++) {
        const struct cupel__sweep_kind *before = i == 0 ? NULL : sorted[i - 1];
        bool is_new_request = before == NULL || before->refused != sorted[i]->refused;
        if (is_new_request && sorted[i]->refused != NULL) {
            char site[CUPEL__SWEEP_SITE_MAX + 256];
            (void)cupel__fault_note_stack(&sorted[i]->refused, 1, site, sizeof site);
            fprintf(out, "refused in\n%s", site);
        } else if (is_new_request) {
            fputs("where no request was refused\n", out);
        }
        if (sorted[i]->died[0] != '\0' && (is_new_request || strcmp(before->died, sorted[i]->died) != 0)) {
            fprintf(out, " ended in\n%s\n", sorted[i]->died);
        }
        print_kind(sorted[i], out);
    }
}

int cupel__sweep_summary_text(const struct cupel_sweep_summary *summary, char *text, size_t size) {
    int used = snprintf(text, size, "%llu fault%s%s", (unsigned long long)summary->points, cupel__s(summary->points),
                        summary->points == 0 ? "" : ":");
    for (unsigned i = 0; i < CUPEL_VERDICT_COUNT && used < (int)size; i++) {
        if (summary->verdicts[i] != 0) {
            used += snprintf(text + used, size - (size_t)used, " %llu %s", (unsigned long long)summary->verdicts[i],
                             cupel_verdict_name(i));
        }
    }
    const struct {
        uint64_t count;
        const char *before, *noun, *after; /* noun "": none */
        bool is_always;
    } parts[] = {
        {summary->known, " ", "", " known", false},
        {summary->allocations, "; at least ", " allocation", "", summary->points == 0 || summary->first_run != 0},
        {summary->growths, ", ", " growth", "", false},
        {summary->aligned, ", ", "", " aligned", false},
        {summary->first_run, ", ", "", " in the first run only", false},
        {summary->first_run_untried, "; ", " fault", " of the first run, not tried in one process", false},
        {summary->left_out - summary->first_run_untried, "; ", "", " more left out", false}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && used < (int)size; i++) {
        if (parts[i].is_always || parts[i].count != 0) {
            used += snprintf(text + used, size - (size_t)used, "%s%llu%s%s%s", parts[i].before,
                             (unsigned long long)parts[i].count, parts[i].noun,
                             parts[i].noun[0] != '\0' ? cupel__s(parts[i].count) : "", parts[i].after);
        }
    }
    if (summary->is_cut && used < (int)size) {
        used += snprintf(text + used, size - (size_t)used, "; cut short: there is more to try");
    }
    return used;
}

void cupel__sweep_tell(const struct cupel__sweep *sweep, const struct cupel_sweep_summary *summary) {
    static struct cupel_text text;
    char line[512];
    char groups[GROUPS_TEXT_MAX] = "";
    FILE *out = sweep->options.report;
    FILE *stream = out == NULL ? NULL : fmemopen(groups, sizeof groups, "w");
    if (stream == NULL) {
        return;
    }
    cupel__sweep_groups(sweep->note->kinds, sweep->note->kind_count, stream);
    (void)fclose(stream);
    (void)cupel__sweep_summary_text(summary, line, sizeof line);
    text.length = 0;
    text.is_truncated = false;
    cupel_text_add(&text, "%s", groups);
    if (cupel__symbolise_is_needed(&text)) {
        cupel__symbolise(&text);
    }
    fprintf(out, "%s%s\n", text.length == 0 ? "" : text.data, line);
    (void)fflush(out);
}
