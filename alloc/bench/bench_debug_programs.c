/* What the debug allocator costs programs of the distribution, with the defaults: both traces, canaries, fills, nothing
 * reused, damage and leaks looked for at the end. Each program is run by itself and under debug_preload.c, in turns;
 * what counts is the processor time and the peak of memory of the best run of each. */
#include "alloc/bench/measure.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 3 };

struct cost {
    double seconds, mebibytes; /* 0: it did not run */
};

/* Runs a command of the shell; only the program's own processes count. */
static bool run(const char *command, const char *preload, struct cost *cost) {
    struct rusage usage;
    int status;
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        if (preload != NULL) {
            (void)setenv("LD_PRELOAD", preload, 1);
            (void)setenv("CUPEL_BENCH_DEBUG", "report=none", 1);
        }
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return false;
    }
    double seconds = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                     ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6;
    double mebibytes = (double)usage.ru_maxrss / 1024;
    cost->seconds = cost->seconds == 0 || seconds < cost->seconds ? seconds : cost->seconds;
    cost->mebibytes = cost->mebibytes == 0 || mebibytes < cost->mebibytes ? mebibytes : cost->mebibytes;
    return true;
}

static void row(const char *what, double ours, double rival, const char *unit, double must, double aim) {
    char budget[96];
    double ratio = ours / rival;
    (void)snprintf(budget, sizeof budget, "%.2f: %s; aim %.2f: %s", must, ratio <= must ? "met" : "MISSED", aim,
                   ratio <= aim ? "met" : "MISSED");
    measure_row(what, ours, rival, unit, budget);
}

/* The program's work is made by the commands themselves: nothing is read but what they write. */
static const struct {
    const char *what, *command;
    double must, aim;
} programs[] = {
    {"a compiler (gcc -O1, 400 functions)",
     "i=0; while [ $i -lt 400 ]; do echo \"struct s$i { int a[9]; double d; }; int f$i(struct s$i *s, int n) { int r "
     "= 0; "
     "for (int i = 0; i < n; i++) { r += s->a[i % 9] * (i ^ $i); if (r > n) r -= (int)s->d; } return r; }\"; "
     "i=$((i+1)); done | gcc -O1 -x c -S -o /dev/null -",
     1.6, 1.35},
    {"a database (sqlite3, 200000 rows, an index, a join)",
     "sqlite3 :memory: 'create table t(a integer, b text); with recursive n(i) as (select 1 union all select i+1 from "
     "n "
     "where i < 200000) insert into t select i, hex(i * 7919) from n; create index x on t(b); select count(*) from t p "
     "join t q on p.b = q.b where p.a % 3 = 0; select b, group_concat(a) from t group by substr(b, 1, 3);'",
     1.3, 1.15},
    {"an interpreter (perl, hashes and strings)",
     "PERL_HASH_SEED=1 perl -e 'for my $round (1..10) { for my $i (1..40000) { my $k = sprintf(\"k%d\", $i * 7919 % "
     "50000); $h{$k} = [] if $round > 1; push @{$h{$k}}, \"v$i\" x 3; } my $n = 0; for (sort keys %h) { $n += length "
     "join \",\", @{$h{$_}} } print $n; }'",
     2.0, 1.6}};

int main(void) {
    char preload[512];
    ssize_t length = readlink("/proc/self/exe", preload, sizeof preload - 64);
    if (length <= 0) {
        return 1;
    }
    preload[length] = '\0';
    char *folder = strrchr(preload, '/');
    *folder = '\0';
    folder = strrchr(preload, '/');
    (void)strcpy(folder, "/fixtures/libcupel_debug_preload.so");
    for (unsigned i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct cost alone = {0, 0};
        struct cost under = {0, 0};
        char what[160];
        bool has_run = true;
        for (unsigned round = 0; round < ROUNDS && has_run; round++) {
            has_run = run(programs[i].command, NULL, &alone) && run(programs[i].command, preload, &under);
        }
        if (!has_run) {
            (void)fprintf(stderr, "%s: does not run here\n", programs[i].what);
            if (alone.seconds > 0) {
                return 1; /* it does, but not under the allocator */
            }
            continue;
        }
        (void)snprintf(what, sizeof what, "%s under the debug allocator, processor time", programs[i].what);
        row(what, under.seconds, alone.seconds, "s", programs[i].must, programs[i].aim);
        (void)snprintf(what, sizeof what, "the same, peak of memory");
        row(what, under.mebibytes, alone.mebibytes, "MiB", 2.0, 1.5);
    }
    return 0;
}
