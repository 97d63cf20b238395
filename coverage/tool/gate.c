/* `cupel cover gate`: fails where coverage is less than was agreed. */
#include "coverage/gate.h"

#include "alloc/base/message.h"
#include "alloc/libc.h"
#include "coverage/tool/tool.h"

int cupel__cover_gate(int argc, char **argv) {
    const char *data = CUPEL__COVER_DEFAULT_DATA;
    const char *rules = "coverage/gates.conf";
    const char *root = NULL;
    const struct cupel_option table[] = {
        {.name = "gates",
         .kind = CUPEL_OPTION_TEXT,
         .value = &rules,
         .parameter = "FILE",
         .sentence = "the rules; default coverage/gates.conf"},
        {.name = "root",
         .kind = CUPEL_OPTION_TEXT,
         .value = &root,
         .parameter = "DIR",
         .sentence = "of the sources, for a tracefile with absolute paths; default: what cupel.json says"},
        {.name = NULL}};
    const struct cupel_program program = {
        .name = "cupel cover gate",
        .synopsis = "[OPTION ...] [FILE]",
        .sentence =
            "Holds cupel.json, or a tracefile, against limits; ends with 3 and names the lines where one is missed.",
        .options = table};
    struct cupel_arguments arguments;
    int begun = cupel__cover_begin(&program, 1, argc, argv, &arguments);
    if (begun >= 0) {
        return begun;
    }
    static struct cupel_gates gates;
    struct cupel_error error = {0};
    if (!cupel_gates_read(&gates, cupel_libc(), rules, &error)) {
        cupel_message_at(rules, &error);
        return CUPEL_USAGE;
    }
    struct cupel_coverage coverage;
    cupel_coverage_init(&coverage, cupel_libc());
    enum cupel_status status = cupel__cover_load(&coverage, arguments.count == 1 ? arguments.words[0] : data, root);
    if (status == CUPEL_OK) {
        status = cupel_gates_check(&gates, &coverage, stdout, &error);
        if (status == CUPEL_USAGE) {
            cupel_message_at(rules, &error);
        }
    }
    cupel_coverage_deinit(&coverage);
    return (int)status;
}
