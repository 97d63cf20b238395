/* Expat, a parser of XML, as a customer of the harness: documents parsed in every way that its interface offers, and
 * any bytes as a document. Where memory ends it must say so, and by its own word: XML_ERROR_NO_MEMORY. */
#include "harness/harness.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is asked of a parse, and what its handlers saw. */
struct reader {
    XML_Parser parser;
    const char *outside; /* the text of an external entity, and of an external subset */
    const char *subset;
    unsigned elements, texts, others;
    bool is_starved; /* a handler could not have what it asked for */
    bool stops;      /* at the first element, to be resumed */
};

static void XMLCALL start_element(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct reader *reader = user;
    (void)name;
    (void)attributes;
    reader->elements++;
    if (reader->stops) {
        (void)XML_StopParser(reader->parser, XML_TRUE);
    }
}

static void XMLCALL end_element(void *user, const XML_Char *name) {
    (void)user;
    (void)name;
}

static void XMLCALL text(void *user, const XML_Char *data, int length) {
    struct reader *reader = user;
    (void)data;
    reader->texts += (unsigned)length;
}

static void XMLCALL instruction(void *user, const XML_Char *target, const XML_Char *data) {
    (void)target;
    (void)data;
    ((struct reader *)user)->others++;
}

static void XMLCALL comment(void *user, const XML_Char *data) {
    (void)data;
    ((struct reader *)user)->others++;
}

static void XMLCALL start_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                                  int has_subset) {
    (void)name;
    (void)system;
    (void)public;
    ((struct reader *)user)->others += has_subset != 0;
}

static void XMLCALL end_doctype(void *user) {
    ((struct reader *)user)->others++;
}

static void XMLCALL element_declared(void *user, const XML_Char *name, XML_Content *model) {
    struct reader *reader = user;
    (void)name;
    XML_FreeContentModel(reader->parser, model);
    reader->others++;
}

static void XMLCALL attribute_declared(void *user, const XML_Char *element, const XML_Char *name, const XML_Char *type,
                                       const XML_Char *value, int is_required) {
    (void)element;
    (void)name;
    (void)type;
    (void)value;
    ((struct reader *)user)->others += is_required != 0;
}

static void XMLCALL entity_declared(void *user, const XML_Char *name, int is_parameter, const XML_Char *value,
                                    int length, const XML_Char *base, const XML_Char *system, const XML_Char *public,
                                    const XML_Char *notation) {
    (void)name;
    (void)value;
    (void)length;
    (void)base;
    (void)system;
    (void)public;
    (void)notation;
    ((struct reader *)user)->others += is_parameter != 0;
}

static void XMLCALL notation_declared(void *user, const XML_Char *name, const XML_Char *base, const XML_Char *system,
                                      const XML_Char *public) {
    (void)name;
    (void)base;
    (void)system;
    (void)public;
    ((struct reader *)user)->others++;
}

static void XMLCALL namespace_begins(void *user, const XML_Char *prefix, const XML_Char *uri) {
    (void)prefix;
    (void)uri;
    ((struct reader *)user)->others++;
}

/* A parser of its own for the external entity, below the one that met it. */
static int XMLCALL external_entity(XML_Parser parser, const XML_Char *context, const XML_Char *base,
                                   const XML_Char *system, const XML_Char *public) {
    struct reader *reader = XML_GetUserData(parser);
    (void)base;
    (void)system;
    (void)public;
    XML_Parser inner = XML_ExternalEntityParserCreate(parser, context, NULL);
    if (inner == NULL) {
        reader->is_starved = true;
        return XML_STATUS_ERROR;
    }
    const char *data = context == NULL ? reader->subset : reader->outside;
    enum XML_Status status = XML_Parse(inner, data, (int)strlen(data), 1);
    reader->is_starved = reader->is_starved || XML_GetErrorCode(inner) == XML_ERROR_NO_MEMORY;
    XML_ParserFree(inner);
    return (int)status;
}

/* An encoding that Expat does not know: KOI8-R's first half is ASCII, and the rest is close enough. */
static int XMLCALL unknown_encoding(void *user, const XML_Char *name, XML_Encoding *encoding) {
    (void)user;
    (void)name;
    for (int i = 0; i < 256; i++) {
        encoding->map[i] = i < 128 ? i : 0x400 + i - 128;
    }
    encoding->data = NULL;
    encoding->convert = NULL;
    encoding->release = NULL;
    return XML_STATUS_OK;
}

static void listen(struct reader *reader) {
    XML_Parser parser = reader->parser;
    XML_SetUserData(parser, reader);
    XML_SetElementHandler(parser, start_element, end_element);
    XML_SetCharacterDataHandler(parser, text);
    XML_SetProcessingInstructionHandler(parser, instruction);
    XML_SetCommentHandler(parser, comment);
    XML_SetDoctypeDeclHandler(parser, start_doctype, end_doctype);
    XML_SetElementDeclHandler(parser, element_declared);
    XML_SetAttlistDeclHandler(parser, attribute_declared);
    XML_SetEntityDeclHandler(parser, entity_declared);
    XML_SetNotationDeclHandler(parser, notation_declared);
    XML_SetStartNamespaceDeclHandler(parser, namespace_begins);
    XML_SetExternalEntityRefHandler(parser, external_entity);
    XML_SetUnknownEncodingHandler(parser, unknown_encoding, NULL);
    (void)XML_SetParamEntityParsing(parser, XML_PARAM_ENTITY_PARSING_ALWAYS);
    (void)XML_SetHashSalt(parser, 1); /* a fixed one: the same document asks for the same memory */
}

/* Feeds a document in pieces; the parser's last word. */
static enum XML_Error feed(struct reader *reader, const char *data, size_t length, size_t piece) {
    enum XML_Status status = XML_STATUS_OK;
    for (size_t at = 0; at < length && status == XML_STATUS_OK; at += piece) {
        size_t part = length - at < piece ? length - at : piece;
        status = XML_Parse(reader->parser, data + at, (int)part, at + part == length);
        while (status == XML_STATUS_SUSPENDED) {
            reader->stops = false;
            status = XML_ResumeParser(reader->parser);
        }
    }
    return reader->is_starved ? XML_ERROR_NO_MEMORY : XML_GetErrorCode(reader->parser);
}

/* The same through the parser's own buffer. */
static enum XML_Error feed_buffer(struct reader *reader, const char *data, size_t length, size_t piece) {
    enum XML_Status status = XML_STATUS_OK;
    for (size_t at = 0; at < length && status == XML_STATUS_OK; at += piece) {
        size_t part = length - at < piece ? length - at : piece;
        void *buffer = XML_GetBuffer(reader->parser, (int)part);
        if (buffer == NULL) {
            break;
        }
        memcpy(buffer, data + at, part);
        status = XML_ParseBuffer(reader->parser, (int)part, at + part == length);
    }
    return reader->is_starved ? XML_ERROR_NO_MEMORY : XML_GetErrorCode(reader->parser);
}

static const char with_subset[] =
    "<?xml version='1.0' encoding='utf-8'?>\n"
    "<!DOCTYPE book PUBLIC 'a public one' 'book.dtd' [\n"
    "<!ELEMENT book (title, (chapter | appendix)*, index?)>\n<!ELEMENT title (#PCDATA | em | strong | code)*>\n"
    "<!ELEMENT chapter ANY>\n<!ELEMENT index EMPTY>\n"
    "<!ELEMENT deep (((((a, b), c), d), e), ((f | g | h)+, (i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z)))>\n"
    "<!ATTLIST chapter id ID #REQUIRED kind (plain | fancy) 'plain' note CDATA #IMPLIED lang NMTOKEN #FIXED 'en'>\n"
    "<!ATTLIST book version CDATA '1' xml:lang CDATA 'en' when NMTOKENS ' a  b '>\n"
    "<!NOTATION png PUBLIC 'image/png' 'viewer'>\n<!NOTATION gif SYSTEM 'viewer'>\n"
    "<!ENTITY cover SYSTEM 'cover.png' NDATA png>\n<!ENTITY author 'A. &amp; B. <em>Writer</em>'>\n"
    "<!ENTITY twice '&author; and &author;'>\n<!ENTITY % more '<!ENTITY shade \"dark and light\">\'>\n%more;\n"
    "<!ENTITY outside SYSTEM 'outside.xml'>\n]>\n"
    "<?style sheet='a.css'?><!-- a remark -->\n"
    "<book xmlns='urn:book' xmlns:m='urn:math' m:level='3'><title>On &twice;, &shade;</title>\n"
    "<chapter id='c1' note='&shade;'>&lt;text&#x20AC;<![CDATA[ raw <&> ]]>&outside;</chapter>\n"
    "<chapter id='c2' kind='fancy' m:x='1'><m:deep xmlns:m='urn:other'/></chapter></book>\n";

TEST(expat, reads_a_document_with_a_subset, .tags = "customer") {
    struct reader reader = {.outside = "<?xml version='1.0' encoding='utf-8'?><em>from outside</em>",
                            .subset = "<!ELEMENT em ANY>"};
    reader.parser = XML_ParserCreateNS(NULL, '|');
    STARVED(reader.parser == NULL);
    listen(&reader);
    XML_SetReturnNSTriplet(reader.parser, 1);
    enum XML_Error error = XML_SetBase(reader.parser, "/here") == XML_STATUS_OK ? XML_ERROR_NONE : XML_ERROR_NO_MEMORY;
    if (error == XML_ERROR_NONE) {
        error = feed(&reader, with_subset, sizeof with_subset - 1, 37);
    }
    XML_ParserFree(reader.parser);
    STARVED(error == XML_ERROR_NO_MEMORY);
    CHECK_INT_EQ(error, XML_ERROR_NONE);
    CHECK_UINT_EQ(reader.elements, 8);
    CHECK_UINT_GE(reader.others, 12);
}

static const char subset_outside[] = "<!ELEMENT a ANY><!ENTITY % kind 'CDATA'><!ATTLIST a x %kind; 'y'>\n"
                                     "<![INCLUDE[<!ENTITY inner 'within'>]]><![IGNORE[<!ENTITY inner 'never'>]]>\n"
                                     "<!ENTITY % twice '%kind; %kind;'><!ENTITY long '%kind; and more than that'>";

TEST(expat, reads_a_subset_from_outside, .tags = "customer") {
    static const char document[] = "<!DOCTYPE a SYSTEM 'a.dtd'><a>&inner;&long;</a>";
    struct reader reader = {.subset = subset_outside};
    reader.parser = XML_ParserCreate("us-ascii");
    STARVED(reader.parser == NULL);
    listen(&reader);
    (void)XML_UseForeignDTD(reader.parser, XML_TRUE);
    enum XML_Error error = feed(&reader, document, sizeof document - 1, 8);
    XML_ParserFree(reader.parser);
    STARVED(error == XML_ERROR_NO_MEMORY);
    CHECK_INT_EQ(error, XML_ERROR_NONE);
    CHECK_UINT_EQ(reader.texts, strlen("within") + strlen("CDATA and more than that"));
}

/* Element names, attributes and prefixes beyond each first size of the parser's tables; a long name in a small piece.
 */
static size_t write_large(char *document, size_t size) {
    size_t at = (size_t)snprintf(document, size, "<tree xmlns:p='urn:%0600d'>", 7);
    at += (size_t)snprintf(document + at, size - at, "<wide");
    for (int i = 0; i < 40; i++) {
        at += (size_t)snprintf(document + at, size - at, " p:attribute_%d='%d &lt; %d'", i, i, i + 1);
    }
    at += (size_t)snprintf(document + at, size - at, "/>");
    for (int i = 0; i < 70; i++) {
        at += (size_t)snprintf(document + at, size - at, "<name_%d xmlns:q%d='urn:%d'>", i, i, i);
    }
    at += (size_t)snprintf(document + at, size - at, "<p:%0900d/>", 0);
    for (int i = 69; i >= 0; i--) {
        at += (size_t)snprintf(document + at, size - at, "</name_%d>", i);
    }
    return at + (size_t)snprintf(document + at, size - at, "</tree>");
}

TEST(expat, grows_its_tables, .tags = "customer") {
    char document[16384];
    size_t length = write_large(document, sizeof document);
    document[strlen("<tree xmlns:p='urn:")] = 'x'; /* no digit may open a prefix's name either */
    char *name = strstr(document, "<p:0000");
    REQUIRE(name != NULL);
    name[3] = 'n';
    struct reader reader = {.subset = "", .stops = true};
    reader.parser = XML_ParserCreateNS(NULL, '|');
    STARVED(reader.parser == NULL);
    listen(&reader);
    enum XML_Error error = feed(&reader, document, length, 100);
    XML_ParserFree(reader.parser);
    STARVED(error == XML_ERROR_NO_MEMORY);
    CHECK_INT_EQ(error, XML_ERROR_NONE);
    CHECK_UINT_EQ(reader.elements, 73);
}

TEST(expat, reads_encodings_and_begins_again, .tags = "customer") {
    static const char utf16[] = "\xff\xfe<\0a\0 \0b\0=\0'\0c\0'\0>\0d\0<\0/\0a\0>";
    static const char koi[] = "<?xml version='1.0' encoding='koi8-r'?><a t='\xc1\xc2'>\xc3\xc4</a>";
    struct reader reader = {.outside = "<a>in</a>", .subset = "<!ELEMENT a ANY>"};
    reader.parser = XML_ParserCreate(NULL);
    STARVED(reader.parser == NULL);
    listen(&reader);
    enum XML_Error error = feed_buffer(&reader, utf16, sizeof utf16, 7); /* with the last zero */
    if (error == XML_ERROR_NONE) {
        (void)XML_ParserReset(reader.parser, NULL);
        listen(&reader);
        error = feed_buffer(&reader, koi, sizeof koi - 1, 3);
    }
    if (error == XML_ERROR_NONE) {
        (void)XML_ParserReset(reader.parser, "iso-8859-1");
        listen(&reader);
        error = XML_SetEncoding(reader.parser, "utf-8") != XML_STATUS_OK
                    ? XML_ERROR_NO_MEMORY
                    : feed_buffer(&reader, with_subset, sizeof with_subset - 1, sizeof with_subset);
    }
    unsigned elements = reader.elements;
    XML_ParserFree(reader.parser);
    STARVED(error == XML_ERROR_NO_MEMORY);
    CHECK_INT_EQ(error, XML_ERROR_NONE);
    CHECK_UINT_GE(elements, 2);
}

/* Whether a document is accepted does not depend on the pieces in which it comes. (Why it is not may: of two bytes that
 * might open UTF-16 the first alone says less.) */
PROPERTY(expat, pieces_do_not_matter, .tags = "customer", .dictionary = "expat.dict") {
    struct cupel_view input = cupel_draw_rest(bytes, "document");
    struct reader reader = {.outside = "<a>in</a>", .subset = "<!ELEMENT a ANY>"};
    reader.parser = XML_ParserCreateNS(NULL, '|');
    STARVED(reader.parser == NULL);
    listen(&reader);
    enum XML_Error whole = feed(&reader, (const char *)input.data, input.length, input.length + 1);
    unsigned elements = reader.elements;
    (void)XML_ParserReset(reader.parser, NULL);
    reader.elements = 0;
    listen(&reader);
    enum XML_Error error = whole;
    if (whole != XML_ERROR_NO_MEMORY) {
        error = feed(&reader, (const char *)input.data, input.length, 1 + input.length / 3);
    }
    XML_ParserFree(reader.parser);
    STARVED(error == XML_ERROR_NO_MEMORY);
    CHECK_INT_EQ(error == XML_ERROR_NONE, whole == XML_ERROR_NONE);
    if (whole == XML_ERROR_NONE) {
        CHECK_UINT_EQ(reader.elements, elements);
    }
}
