/* cupel vm: assembles, disassembles, verifies and runs programs of the virtual machine. */
#include "alloc/base/options.h"
#include "alloc/base/outfile.h"
#include "alloc/base/status.h"
#include "alloc/libc.h"
#include "vm/image.h"
#include "vm/run.h"
#include "vm/src/manual.h"
#include "vm/text.h"
#include "vm/tool/library.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORM_MAN, FORM_DICTIONARY };
static const size_t file_bytes_max = (size_t)1 << 30;

struct settings {
    const char *output;
    int64_t fuel, memory_bytes;
    int evaluator, form;
    bool is_stressed;
};

struct file {
    char *data;
    size_t length;
};

/* Ctrl-C stops the VM that runs. */
static vm_t *running;

static void interrupt(int number) {
    (void)number;
    vm_interrupt(running); /* NOLINT(bugprone-signal-handler): it is made for that, one atomic or */
}

/* A whole file, or standard input where the name is "-". */
static bool read_file(const char *name, struct file *file) {
    FILE *stream = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    size_t capacity = 0;
    if (stream == NULL) {
        cupel_message("%s: %s", name, strerror(errno));
        return false;
    }
    *file = (struct file){NULL, 0};
    for (size_t got = 1; got > 0;) {
        if (file->length == capacity) {
            capacity = capacity == 0 ? 65536 : capacity * 2;
            char *grown = capacity > file_bytes_max ? NULL : realloc(file->data, capacity);
            if (grown == NULL) {
                cupel_message("%s: too large", name);
                break;
            }
            file->data = grown;
        }
        got = fread(file->data + file->length, 1, capacity - file->length, stream);
        file->length += got;
        if (got == 0 && !ferror(stream)) {
            (void)(stream == stdin || fclose(stream));
            return true;
        }
    }
    if (ferror(stream)) {
        cupel_message("%s: it cannot be read", name);
    }
    (void)(stream == stdin || fclose(stream));
    free(file->data);
    return false;
}

static bool is_image(const struct file *file) {
    return file->length >= 4 && memcmp(file->data, "\x7fVMB", 4) == 0;
}

/* Says why, and gives the status to end with. */
static int refuse(const char *name, vm_status status, const struct cupel_error *error) {
    if (status == VM_ERROR_OOM) {
        cupel_message("%s: out of memory", name);
        return CUPEL_FAILED;
    }
    cupel_message_at(name, error);
    return CUPEL_USAGE;
}

/* The same of a text, with its line. */
static int refuse_text(const char *name, vm_status status, const struct file *file, const struct cupel_error *error) {
    char excerpt[512];
    int result = refuse(name, status, error);
    vm_excerpt(file->data, file->length, error, excerpt, sizeof excerpt);
    (void)fputs(excerpt, stderr);
    return result;
}

static int write_out(const struct settings *settings, const void *data, size_t length) {
    struct cupel_outfile out;
    struct cupel_error error;
    if (settings->output == NULL) {
        bool is_written = fwrite(data, 1, length, stdout) == length && fflush(stdout) == 0;
        if (!is_written) {
            cupel_message("standard output: %s", strerror(errno));
        }
        return is_written ? CUPEL_OK : CUPEL_OUTPUT;
    }
    if (!cupel_outfile_open(&out, settings->output, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_OUTPUT;
    }
    (void)fwrite(data, 1, length, out.stream);
    if (!cupel_outfile_commit(&out, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_OUTPUT;
    }
    return CUPEL_OK;
}

static int assemble(const struct settings *settings, vm_t *vm, const char *name, const struct file *file) {
    unsigned char *image;
    size_t length;
    struct cupel_error error = {.text = ""};
    vm_status status = vm_assemble(vm, file->data, file->length, name, &image, &length, &error);
    if (status != VM_OK) {
        return refuse_text(name, status, file, &error);
    }
    int result = write_out(settings, image, length);
    vm_bytes_free(vm, image, length);
    return result;
}

static int disassemble(const struct settings *settings, vm_t *vm, const char *name, const struct file *file) {
    unsigned char *text;
    size_t length;
    struct cupel_error error = {.text = ""};
    vm_status status = vm_disassemble(vm, file->data, file->length, &text, &length, &error);
    if (status != VM_OK) {
        return refuse(name, status, &error);
    }
    int result = write_out(settings, text, length);
    vm_bytes_free(vm, text, length + 1);
    return result;
}

static int verify(const struct settings *settings, vm_t *vm, const char *name, const struct file *file) {
    (void)settings;
    (void)vm;
    struct cupel_error error = {.text = ""};
    if (!vm_verify(cupel_libc(), file->data, file->length, &error)) {
        return refuse(name, VM_ERROR_IMAGE, &error);
    }
    return CUPEL_OK;
}

static int finish_run(vm_t *vm, const char *name, vm_status status, const struct cupel_error *error) {
    char text[8192];
    if (status == VM_OK) {
        return fflush(stdout) == 0 ? CUPEL_OK : CUPEL_OUTPUT;
    }
    if (status == VM_ERROR_IMAGE) {
        return refuse(name, status, error);
    }
    if (status == VM_INTERRUPTED) {
        bool is_fuel = vm_fuel(vm) == 0;
        cupel_message("%s: %s", name, is_fuel ? "the fuel is used up" : "interrupted");
        return is_fuel ? CUPEL_FAILED : CUPEL_INTERRUPTED;
    }
    (void)fflush(stdout);
    (void)vm_error_text(vm, text, sizeof text);
    cupel_message("%s: %s", name, text);
    return CUPEL_FAILED;
}

static int run(const struct settings *settings, vm_t *vm, const char *name, const struct file *file) {
    (void)settings;
    struct cupel_error error = {.text = ""};
    unsigned char *assembled = NULL;
    const void *image = file->data;
    size_t length = file->length;
    vm_status status = VM_OK;
    if (!is_image(file)) {
        status = vm_assemble(vm, file->data, file->length, name, &assembled, &length, &error);
        if (status != VM_OK) {
            return refuse_text(name, status, file, &error);
        }
        image = assembled;
    }
    if (status == VM_OK) {
        running = vm;
        (void)signal(SIGINT, interrupt);
        status = library_define(vm) ? vm_load(vm, image, length, NULL, &error) : VM_ERROR_OOM;
        (void)signal(SIGINT, SIG_DFL);
    }
    vm_bytes_free(vm, assembled, length);
    return finish_run(vm, name, status, &error);
}

static int opcodes(const struct settings *settings) {
    struct vm__buffer out = {.allocator = cupel_libc()};
    if (settings->form == FORM_MAN) {
        vm__manual_page(&out);
    } else {
        vm__manual_dictionary(&out);
    }
    int status = out.is_starved ? CUPEL_FAILED : write_out(settings, out.data, out.length);
    vm__buffer_free(&out);
    return status;
}

static const struct verb {
    const char *name;
    int (*act)(const struct settings *settings, vm_t *vm, const char *name, const struct file *file);
} verbs[] = {{"run", run}, {"asm", assemble}, {"dis", disassemble}, {"verify", verify}};

static int act(const struct settings *settings, const struct verb *verb, const char *name) {
    struct file file;
    if (!read_file(name, &file)) {
        return CUPEL_USAGE;
    }
    const struct vm_options options = {.memory_cap_bytes = (size_t)settings->memory_bytes,
                                       .stress = settings->is_stressed ? VM_STRESS_FLIP | VM_STRESS_MOVE : 0u};
    const struct vm_limits limits = {.fuel = (uint64_t)settings->fuel,
                                     .evaluator = (enum vm_evaluator)settings->evaluator};
    vm_t *vm = vm_create(cupel_libc(), &options);
    int status = CUPEL_FAILED;
    if (vm == NULL || vm_set_limits(vm, &limits) != VM_OK) {
        cupel_message("out of memory");
    } else {
        status = verb->act(settings, vm, name, &file);
    }
    vm_destroy(vm);
    free(file.data);
    return status;
}

static int begin(int argc, char **argv, struct settings *settings, struct cupel_arguments *arguments) {
    const struct cupel_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CUPEL_OPTION_TEXT,
         .value = (void *)&settings->output,
         .parameter = "FILE",
         .sentence = "where asm, dis and opcodes write (standard output)"},
        {.name = "fuel",
         .kind = CUPEL_OPTION_INT,
         .value = &settings->fuel,
         .parameter = "N",
         .sentence = "stop a run after so many calls, jumps back and raises; 0 is no limit (0)",
         .max = INT64_MAX},
        {.name = "memory",
         .kind = CUPEL_OPTION_INT,
         .value = &settings->memory_bytes,
         .parameter = "BYTES",
         .sentence = "most bytes of objects in the program's heap; 0 is no limit (0)",
         .max = INT64_MAX},
        {.name = "evaluator",
         .kind = CUPEL_OPTION_CHOICE,
         .value = &settings->evaluator,
         .parameter = "WHICH",
         .sentence = "fast, switch (in plain C), or slow, which the others are held against (fast)",
         .choices = "fast switch slow"},
        {.name = "stress",
         .kind = CUPEL_OPTION_FLAG,
         .value = &settings->is_stressed,
         .sentence = "collect at every point where the collector may run, and move everything"},
        {.name = "form",
         .kind = CUPEL_OPTION_CHOICE,
         .value = &settings->form,
         .parameter = "FORM",
         .sentence = "of opcodes: rows of the man page, or a fuzzer's dictionary (man)",
         .choices = "man dictionary"},
        {.name = NULL}};
    const struct cupel_program program = {
        .name = "cupel vm",
        .synopsis = "run|asm|dis|verify [OPTION ...] FILE | opcodes [OPTION ...]",
        .sentence = "Runs, assembles, disassembles or verifies a program of the virtual machine.",
        .after = "A FILE is text or an image; - is standard input.",
        .options = options};
    return cupel_options_begin(&program, argc, argv, arguments);
}

int main(int argc, char **argv) {
    struct settings settings = {.output = NULL};
    struct cupel_arguments arguments;
    int status = begin(argc, argv, &settings, &arguments);
    if (status >= 0) {
        return status;
    }
    if (arguments.count == 1 && strcmp(arguments.words[0], "opcodes") == 0) {
        return opcodes(&settings);
    }
    for (size_t i = 0; arguments.count > 0 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(arguments.words[0], verbs[i].name) != 0) {
            continue;
        }
        if (arguments.count != 2) {
            cupel_message("%s wants one file", verbs[i].name);
            return CUPEL_USAGE;
        }
        return act(&settings, &verbs[i], arguments.words[1]);
    }
    cupel_message("a verb is needed: run, asm, dis, verify or opcodes");
    return CUPEL_USAGE;
}
