/* LibYAML as a customer of the harness: documents loaded, built by hand and dumped, events parsed and emitted in every
 * style, and any bytes as a stream of events that survives being emitted. Its parser and its emitter name the lack of
 * memory as an error of its own; the functions that build documents and events only fail. */
#include "harness/harness.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* What the emitter writes into. */
struct sink {
    char text[16384];
    size_t length;
};

static int put(void *user, unsigned char *data, size_t length) {
    struct sink *sink = user;
    if (length > sizeof sink->text - sink->length) {
        return 0;
    }
    memcpy(sink->text + sink->length, data, length);
    sink->length += length;
    return 1;
}

static const char everything[] =
    "%YAML 1.1\n%TAG !e! tag:example.org,2000:\n%TAG !f! tag:f:\n---\n"
    "plain: &anchor [a, 'single '' quoted', \"double \\u20ac \\x41 \\\n  folded\", !e!local tagged, !!str 1]\n"
    "alias: *anchor\n? complex key\n: {flow: map, nested: {deep: [[[]]]}}\n"
    "literal: |+\n  kept\n   lines\n\nfolded: >-\n  one\n  two\n\n  three\nseq:\n- - - inner\n- !<tag:verbatim> x\n"
    "long: "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
    "...\n--- second\n...\n";

/* Deep and wide enough that each stack and queue of the parser grows beyond its first size. */
static size_t write_deep(char *text, size_t size) {
    size_t at = 0;
    for (int i = 0; i < 20; i++) {
        at += (size_t)snprintf(text + at, size - at, "%*sk%d: &a%d\n", i, "", i, i);
    }
    at += (size_t)snprintf(text + at, size - at, "%*s", 21, "");
    for (int i = 0; i < 20; i++) {
        text[at++] = '[';
    }
    for (int i = 0; i < 40; i++) {
        at += (size_t)snprintf(text + at, size - at, "'%d', *a%d, ", i, i % 20);
    }
    for (int i = 0; i < 20; i++) {
        text[at++] = ']';
    }
    text[at++] = '\n';
    return at;
}

/* Loads all documents of a text; each is dumped where an emitter is given, else deleted. False where memory ended. */
static bool load_all(const char *text, size_t length, yaml_emitter_t *emitter, unsigned *nodes) {
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) {
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    bool is_done = false;
    bool has_failed = false;
    while (!is_done && !has_failed) {
        has_failed = !yaml_parser_load(&parser, &document);
        if (has_failed) {
            break;
        }
        is_done = yaml_document_get_root_node(&document) == NULL;
        *nodes += (unsigned)(document.nodes.top - document.nodes.start);
        if (emitter == NULL || is_done) {
            yaml_document_delete(&document);
        } else {
            has_failed = !yaml_emitter_dump(emitter, &document); /* which takes the document */
        }
    }
    yaml_parser_delete(&parser);
    return !has_failed;
}

TEST(libyaml, loads_documents, .tags = "customer") {
    char deep[4096];
    size_t length = write_deep(deep, sizeof deep);
    unsigned nodes = 0;
    bool is_whole = load_all(everything, sizeof everything - 1, NULL, &nodes) && load_all(deep, length, NULL, &nodes);
    STARVED(!is_whole);
    CHECK_UINT_EQ(nodes, 132);
}

TEST(libyaml, loads_and_dumps, .tags = "customer") {
    static struct sink sink;
    sink.length = 0;
    yaml_emitter_t emitter;
    unsigned nodes = 0;
    STARVED(!yaml_emitter_initialize(&emitter));
    yaml_emitter_set_output(&emitter, put, &sink);
    yaml_emitter_set_canonical(&emitter, 1);
    yaml_emitter_set_unicode(&emitter, 1);
    bool is_whole = yaml_emitter_open(&emitter) && load_all(everything, sizeof everything - 1, &emitter, &nodes) &&
                    yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
    unsigned again = 0;
    is_whole = is_whole && load_all(sink.text, sink.length, NULL, &again);
    STARVED(!is_whole);
    CHECK_UINT_EQ(again, nodes);
}

/* A document made node by node, with more of each kind than there is room for at first. */
static bool build(yaml_document_t *document) {
    yaml_version_directive_t version = {1, 1};
    yaml_tag_directive_t tags[] = {{(yaml_char_t *)"!m!", (yaml_char_t *)"tag:m:"},
                                   {(yaml_char_t *)"!n!", (yaml_char_t *)"tag:n:"}};
    if (!yaml_document_initialize(document, &version, tags, tags + 2, 0, 0)) {
        return false;
    }
    int root = yaml_document_add_mapping(document, NULL, YAML_BLOCK_MAPPING_STYLE);
    bool is_whole = root != 0;
    for (int i = 0; is_whole && i < 20; i++) {
        int key = yaml_document_add_scalar(document, NULL, (const yaml_char_t *)"key", 3, YAML_PLAIN_SCALAR_STYLE);
        int list = key == 0 ? 0
                            : yaml_document_add_sequence(document, (const yaml_char_t *)"tag:m:list",
                                                         YAML_FLOW_SEQUENCE_STYLE);
        is_whole = list != 0 && yaml_document_append_mapping_pair(document, root, key, list);
        for (int j = 0; is_whole && j < (i == 0 ? 20 : 1); j++) {
            is_whole = yaml_document_append_sequence_item(document, list, key);
        }
    }
    if (!is_whole) {
        yaml_document_delete(document);
    }
    return is_whole;
}

TEST(libyaml, dumps_what_was_built, .tags = "customer") {
    static struct sink sink;
    sink.length = 0;
    yaml_document_t document;
    yaml_emitter_t emitter;
    bool is_whole = build(&document);
    STARVED(!is_whole);
    is_whole = yaml_emitter_initialize(&emitter);
    if (is_whole) {
        yaml_emitter_set_output(&emitter, put, &sink);
        yaml_emitter_set_encoding(&emitter, YAML_UTF16LE_ENCODING);
        is_whole = yaml_emitter_dump(&emitter, &document);
        yaml_emitter_delete(&emitter);
    } else {
        yaml_document_delete(&document);
    }
    unsigned nodes = 0;
    is_whole = is_whole && load_all(sink.text, sink.length, NULL, &nodes);
    STARVED(!is_whole);
    CHECK_UINT_EQ(nodes, 41);
}

static const char tag[] = "tag:yaml.org,2002:str";

/* The nth event of a stream; false where it could not be made. 20 of them are a stream. */
static int make_event(yaml_event_t *event, unsigned n) {
    const yaml_char_t *word = (const yaml_char_t *)"a: 'word'\n and \"more\" \x7f";
    yaml_tag_directive_t tags[] = {{(yaml_char_t *)"!t!", (yaml_char_t *)"tag:t:"}};
    yaml_version_directive_t version = {1, 1};
    const yaml_char_t anchor[] = {'x', (yaml_char_t)('a' + n), '\0'};
    switch (n) {
    case 0:
        return yaml_stream_start_event_initialize(event, YAML_UTF8_ENCODING);
    case 1:
        return yaml_document_start_event_initialize(event, &version, tags, tags + 1, 0);
    case 2:
        return yaml_mapping_start_event_initialize(event, (const yaml_char_t *)"m", (const yaml_char_t *)"tag:t:map", 0,
                                                   YAML_BLOCK_MAPPING_STYLE);
    case 4:
        return yaml_sequence_start_event_initialize(event, (const yaml_char_t *)"s", (const yaml_char_t *)"!local", 0,
                                                    YAML_FLOW_SEQUENCE_STYLE);
    case 14:
        return yaml_sequence_end_event_initialize(event);
    case 16:
        return yaml_alias_event_initialize(event, (const yaml_char_t *)"s");
    case 17:
        return yaml_mapping_end_event_initialize(event);
    case 18:
        return yaml_document_end_event_initialize(event, 0);
    case 19:
        return yaml_stream_end_event_initialize(event);
    default:
        return yaml_scalar_event_initialize(event, n % 5 == 0 ? anchor : NULL, (const yaml_char_t *)tag, word,
                                            (int)strlen((const char *)word), 1, 1, (yaml_scalar_style_t)(n % 6));
    }
}

TEST(libyaml, emits_events_in_every_style, .tags = "customer") {
    static struct sink sink;
    sink.length = 0;
    yaml_emitter_t emitter;
    STARVED(!yaml_emitter_initialize(&emitter));
    yaml_emitter_set_output(&emitter, put, &sink);
    yaml_emitter_set_width(&emitter, 20);
    bool is_whole = true;
    for (unsigned i = 0; is_whole && i < 20; i++) {
        yaml_event_t event;
        is_whole = make_event(&event, i) && yaml_emitter_emit(&emitter, &event); /* which takes the event */
    }
    yaml_emitter_delete(&emitter);
    unsigned nodes = 0;
    is_whole = is_whole && load_all(sink.text, sink.length, NULL, &nodes);
    STARVED(!is_whole);
    CHECK_UINT_EQ(nodes, 13);
}

/* Parses a text and emits its events; whether memory ended. Some failures for want of it are told with no error named.
 */
static bool pass_on(const char *text, size_t length, yaml_emitter_t *emitter) {
    yaml_parser_t parser;
    yaml_event_t event;
    if (!yaml_parser_initialize(&parser)) {
        return true;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    bool is_done = false;
    bool has_failed = false;
    while (!is_done && !has_failed) {
        has_failed = !yaml_parser_parse(&parser, &event);
        if (!has_failed) {
            is_done = event.type == YAML_STREAM_END_EVENT;
            has_failed = !yaml_emitter_emit(emitter, &event);
        }
    }
    bool has_ended = parser.error == YAML_MEMORY_ERROR || emitter->error == YAML_MEMORY_ERROR ||
                     (has_failed && parser.error == YAML_NO_ERROR && emitter->error == YAML_NO_ERROR);
    yaml_parser_delete(&parser);
    return has_ended;
}

/* What is parsed can be emitted, and all memory comes back. (Not: is parsed the same again. The emitter chooses styles
 * itself, and refuses some streams that the parser takes.) */
PROPERTY(libyaml, streams_pass_through, .tags = "customer", .dictionary = "libyaml.dict") {
    struct cupel_view input = cupel_draw_rest(bytes, "stream");
    static struct sink sink;
    sink.length = 0;
    yaml_emitter_t emitter;
    STARVED(!yaml_emitter_initialize(&emitter));
    yaml_emitter_set_output(&emitter, put, &sink);
    bool has_ended = pass_on((const char *)input.data, input.length, &emitter);
    yaml_emitter_delete(&emitter);
    STARVED(has_ended);
}
