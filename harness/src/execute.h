/* Runs one item of a plan in this process and fills its record. Here the runner meets properties and sweeps:
 *
 *     cupel__execute --+-- item with --sweep --> cupel__sweep_execute (sweep.c), which calls cupel__execute_once a
 * point
 *                      +-- else -----------------> cupel__execute_once --+-- TEST: the body, guarded
 *                                                                        +-- PROPERTY: cupel__property_run (property.c)
 */
#ifndef HARNESS_SRC_EXECUTE_H
#define HARNESS_SRC_EXECUTE_H

#include "alloc/failing.h"
#include "harness/result.h"
#include "harness/src/plan.h"
#include "harness/src/run.h"

/* Fills `result`: names, seed, then everything that came of it but the captured output. */
void cupel__execute(const struct cupel__plan_item *item, struct cupel_result *result);

/* Names and seeds into an empty record. */
void cupel__execute_name(const struct cupel__plan_item *item, struct cupel_result *result);

/* One run, setup and teardown included, with a fault plan (NULL: none). The verdict is one of ok, skipped, leak, wrong,
 * crash and hang of a property, and with a plan swallowed and not-reached. `result` was named before; messages are
 * added to it, and the test's directory is left in it to the caller. */
void cupel__execute_once(const struct cupel__plan_item *item, const struct cupel_fault_plan *faults,
                         struct cupel_result *result);

/* Turns a failure into ok where the test declares one, and ok into a failure. Also for a supervisor, after a death. */
void cupel__execute_expect(const struct cupel_test *test, struct cupel_result *result);

/* Marks what passed without its sweep though one was asked for, with the reason. Also for a supervisor, after a death.
 */
void cupel__execute_unswept(const struct cupel_test *test, struct cupel_result *result);

/* True where what the test held may be lost rightly: it failed, was skipped, or may leak. */
bool cupel__execute_may_lose_memory(const struct cupel__plan_item *item, const struct cupel_result *result);

/* property.c: runs the cases of cupel__run.item (a PROPERTY): regressions, corpus, random ones from item->seed. The
 * layers are set already with the run's fault plan, `faults` NULL for none; every case needs cupel__run_layers anew.
 * Leaves failures in cupel__run.failures (and has_leaked), with the shrunk case in the messages of the record. */
enum cupel__outcome cupel__property_run(const struct cupel_fault_plan *faults);

/* sweep.c: fails every allocation of the item in turn. One record for each finding goes out by cupel__emit; the
 * record `result` is the summary: ok, or the worst verdict. */
void cupel__sweep_execute(const struct cupel__plan_item *item, struct cupel_result *result);

/* An extra record, out to the supervisor or the reports: for a sweep's findings. Borrowed for the call. */
void cupel__emit(const struct cupel_result *result);

#endif
