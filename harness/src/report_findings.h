/* What sweeps find, held until the record of its test comes: a report that has one member a test tells the findings
 * there. Each test has one such record, whatever was found; one that never comes is made up at the end. */
#ifndef HARNESS_SRC_REPORT_FINDINGS_H
#define HARNESS_SRC_REPORT_FINDINGS_H

#include "harness/result.h"
#include "harness/src/report.h"

/* Adds the finding to those of its test, the words too where a report wants them. Where there is no memory the reports
 * are said to be lost (cupel__reports_lose). */
void cupel__findings_hold(const struct cupel_result *finding, bool keeps_text);
/* What was found of the test whose record this is, and no longer held; the text is good until the next call. All that a
 * foreign program (with a command of its own) was found to do is of its one sweep. */
struct cupel__found cupel__findings_of(const struct cupel_result *result);
/* A record for a test with findings whose own did not come, NULL where there is none (what is known is no reason for
 * one); the findings are held until it goes through cupel__findings_of. Good until that call. */
const struct cupel_result *cupel__findings_left(void);
void cupel__findings_forget(void);

#endif
