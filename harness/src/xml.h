/* Text in XML: escaped, and with every byte replaced that XML 1.0 has no character for. */
#ifndef HARNESS_SRC_XML_H
#define HARNESS_SRC_XML_H

#include <stdio.h>

/* Content of an element. */
void cupel__xml_text(FILE *out, const char *text);
/* " name=\"text\""; line ends and tabs are kept. */
void cupel__xml_attribute(FILE *out, const char *name, const char *text);

#endif
