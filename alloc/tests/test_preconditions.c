/* Goal: a program that asks for what the headers forbid is ended where it asks, not later. Method: one function a
 * mistake, each in a process of its own, which must end at an assertion. */
#include "alloc/arena.h"
#include "alloc/base/json.h"
#include "alloc/base/options.h"
#include "alloc/base/outfile.h"
#include "alloc/facade.h"
#include "alloc/failing.h"
#include "alloc/fixed.h"
#include "alloc/index.h"
#include "alloc/layers.h"
#include "alloc/libc.h"
#include "alloc/mode.h"
#include "alloc/query.h"
#include "harness/harness.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef NDEBUG

static struct cupel_arena arena;

static void init_arena(struct cupel_arena_options options) {
    (void)cupel_arena_init(&arena, cupel_libc(), &options);
}

static void arena_of_tiny_pages(void) {
    init_arena((struct cupel_arena_options){.page_size = CUPEL_ARENA_PAGE_MIN - 8});
}
static void arena_whose_pages_shrink(void) {
    init_arena((struct cupel_arena_options){.page_size = 8192, .page_size_max = 4096});
}
static void arena_of_endless_pages(void) {
    init_arena((struct cupel_arena_options){.page_size_max = SIZE_MAX});
}
static void arena_whose_blocks_fill_pages(void) {
    init_arena((struct cupel_arena_options){.page_size = 4096, .large_size = 4096});
}
static void arena_of_odd_gaps(void) {
    init_arena((struct cupel_arena_options){.redzone = 12});
}
static void arena_of_wide_gaps(void) {
    init_arena((struct cupel_arena_options){.page_size = 4096, .redzone = 2048});
}

static void rewind_behind_a_reset(void) {
    init_arena((struct cupel_arena_options){0});
    (void)cupel_arena_alloc(&arena, 100, 8);
    struct cupel_arena_mark mark = cupel_arena_mark(&arena);
    cupel_arena_reset(&arena, 0);
    cupel_arena_rewind(&arena, mark);
}
static void rewind_forward(void) {
    init_arena((struct cupel_arena_options){0});
    struct cupel_arena_mark before = cupel_arena_mark(&arena);
    (void)cupel_arena_alloc(&arena, 100, 8);
    struct cupel_arena_mark mark = cupel_arena_mark(&arena);
    cupel_arena_rewind(&arena, before);
    cupel_arena_rewind(&arena, mark);
}
static void rewind_to_another_arena(void) {
    static struct cupel_arena other;
    init_arena((struct cupel_arena_options){0});
    (void)cupel_arena_alloc(&arena, 100, 8);
    (void)cupel_arena_init(&other, cupel_libc(), NULL);
    (void)cupel_arena_alloc(&other, 100, 8);
    struct cupel_arena_mark mark = cupel_arena_mark(&arena);
    mark.page = cupel_arena_mark(&other).page;
    cupel_arena_rewind(&arena, mark);
}
static void rewind_to_a_page_that_is_gone(void) {
    init_arena((struct cupel_arena_options){0});
    struct cupel_arena_mark empty = cupel_arena_mark(&arena);
    (void)cupel_arena_alloc(&arena, 100, 8);
    struct cupel_arena_mark mark = cupel_arena_mark(&arena);
    cupel_arena_rewind(&arena, empty);
    mark.position = 0;
    mark.page = (void *)&arena; /* no page, and there is none that is current */
    cupel_arena_rewind(&arena, mark);
}

static struct cupel_json json;

static void json_end_of_nothing(void) {
    cupel_json_init(&json, stderr, 0);
    cupel_json_array_end(&json);
}
static void json_end_behind_a_key(void) {
    cupel_json_init(&json, stderr, 0);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "a");
    cupel_json_object_end(&json);
}
static void json_key_of_nothing(void) {
    cupel_json_init(&json, stderr, 0);
    cupel_json_key(&json, "a");
}
static void json_key_in_an_array(void) {
    cupel_json_init(&json, stderr, 0);
    cupel_json_array_begin(&json);
    cupel_json_key(&json, "a");
}
static void json_key_behind_a_key(void) {
    cupel_json_init(&json, stderr, 0);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "a");
    cupel_json_key(&json, "b");
}

static void options_without_a_table(void) {
    struct cupel_arguments arguments;
    struct cupel_error error;
    char *words[] = {NULL};
    (void)cupel_options_parse(&(struct cupel_program){.name = "x"}, 0, words, &arguments, &error);
}
static void option_without_a_value(void) {
    static char word[] = "--flag";
    static const struct cupel_option options[] = {{.name = "flag", .kind = CUPEL_OPTION_FLAG}, {.name = NULL}};
    struct cupel_arguments arguments;
    struct cupel_error error;
    char *words[] = {word, word, NULL};
    (void)cupel_options_parse(&(struct cupel_program){.name = "x", .options = options}, 2, words, &arguments, &error);
}
static void commit_of_no_file(void) {
    struct cupel_outfile file = {.stream = NULL};
    struct cupel_error error;
    (void)cupel_outfile_commit(&file, &error);
}

static struct cupel_fixed fixed;
static _Alignas(16) char memory[256];

static void fixed_of_no_memory(void) {
    (void)cupel_fixed_init(&fixed, NULL, 100);
}
static void fixed_release_from_below(void) {
    struct cupel_allocator *a = cupel_fixed_init(&fixed, memory + 128, 128);
    cupel_free(a, memory, 16, 8);
}
static void fixed_release_from_above(void) {
    struct cupel_allocator *a = cupel_fixed_init(&fixed, memory, 128);
    cupel_free(a, memory + 128, 16, 8);
}

static struct cupel_layers_storage storage;

static void layers_of_no_text(void) {
    (void)cupel_layers(NULL, &storage, NULL);
}
static void layers_without_storage(void) {
    (void)cupel_layers("libc", NULL, NULL);
}
static void layers_over_nothing(void) {
    (void)cupel_layers_over("counting", NULL, &storage, NULL);
}
static void layers_over_of_no_text(void) {
    (void)cupel_layers_over(NULL, cupel_libc(), &storage, NULL);
}
static void layers_over_without_storage(void) {
    (void)cupel_layers_over("counting", cupel_libc(), NULL, NULL);
}

static struct cupel_failing failing;

static void fault_of_a_call_for_memory(void) {
    (void)cupel_failing_init(&failing, cupel_libc(), "", NULL);
    (void)cupel_failing_ask(&failing, CUPEL_FAULT_ALLOC, 0, false, NULL);
}
static void fault_of_no_call(void) {
    (void)cupel_failing_init(&failing, cupel_libc(), "", NULL);
    (void)cupel_failing_ask(&failing, (enum cupel_fault_call)(CUPEL_FAULT_CLOCK + 1), 0, false, NULL);
}
static void benign_end_too_often(void) {
    (void)cupel_failing_init(&failing, cupel_libc(), "", NULL);
    cupel_failing_benign_end(&failing);
}

static struct cupel_facade facade;

static void facade_over_nothing(void) {
    (void)cupel_facade_init(&facade, NULL);
}
static void facade_twice(void) {
    (void)cupel_facade_init(&facade, cupel_libc());
    (void)cupel_facade_init(&facade, cupel_libc());
}
static void mode_that_is_none(void) {
    (void)cupel_set_alloc_mode((enum cupel_alloc_mode)(CUPEL_MODE_DEBUG + 1), NULL);
}
static void mode_without_a_name(void) {
    (void)cupel_alloc_mode_name((enum cupel_alloc_mode)(CUPEL_MODE_DEBUG + 1));
}
static void index_of_no_kind(void) {
    struct cupel_index index;
    (void)cupel_index_init_with(&index, &(struct cupel_index_options){.kind = CUPEL_INDEX_KINDS});
}
static void index_of_tiny_records(void) {
    struct cupel_index index;
    (void)cupel_index_init_with(&index, &(struct cupel_index_options){.record_bytes = 8});
}
static void index_of_huge_records(void) {
    struct cupel_index index;
    (void)cupel_index_init_with(&index, &(struct cupel_index_options){.record_bytes = UINT16_MAX + (size_t)1});
}
static void owner_that_cannot_be_asked(void) {
    static struct cupel_owner owner = {.name = "x"};
    (void)cupel_owner_add(&owner);
}
static void owner_without_a_name(void) {
    static struct cupel_owner owner = {.find = cupel_owner_find_in_index};
    (void)cupel_owner_add(&owner);
}

static void (*const mistakes[])(void) = {
    arena_of_tiny_pages,
    arena_whose_pages_shrink,
    arena_of_endless_pages,
    arena_whose_blocks_fill_pages,
    arena_of_odd_gaps,
    arena_of_wide_gaps,
    rewind_behind_a_reset,
    rewind_forward,
    rewind_to_another_arena,
    rewind_to_a_page_that_is_gone,
    json_end_of_nothing,
    json_end_behind_a_key,
    json_key_of_nothing,
    json_key_in_an_array,
    json_key_behind_a_key,
    options_without_a_table,
    option_without_a_value,
    commit_of_no_file,
    fixed_of_no_memory,
    fixed_release_from_below,
    fixed_release_from_above,
    layers_of_no_text,
    layers_without_storage,
    layers_over_nothing,
    layers_over_of_no_text,
    layers_over_without_storage,
    fault_of_a_call_for_memory,
    fault_of_no_call,
    benign_end_too_often,
    facade_over_nothing,
    facade_twice,
    mode_that_is_none,
    mode_without_a_name,
    index_of_no_kind,
    index_of_tiny_records,
    index_of_huge_records,
    owner_that_cannot_be_asked,
    owner_without_a_name,
};

TEST(preconditions, end_the_program_where_they_do_not_hold, CUPEL_TABLE(mistakes), .expect_signal = SIGABRT,
     .expect_stderr = "Assertion `", .tags = "slow crash", .allow_leak = true,
     .no_sweep = "the program ends before anything could be starved") {
    mistakes[test_row_index()]();
}

#endif
