/* Goal: a program's text becomes its image, and what is wrong in a text is told by the word. Method: a program with
 * something in every table there and back, and one row a mistake. */
#include "vm/tests/text.h"

TEST(asm, is_the_same_there_and_back, BUILDS) {
    static const char text[] = "(function |main program| (registers 4) (file \"f.vma\")\n"
                               "(names a b c)\n"
                               "(constant unused \"nothing uses me\")\n"
                               "(constant pair [1 'a])\n"
                               "(line 3)\n"
                               "(loadi a -7)\n"
                               "(loadk c [[] pair \"\\x41;\\n\" inf '[x y]])\n"
                               "again: (line 4) (closure b twice)\n"
                               "(function twice (captures a r2) (arguments 1) (optional 2) (rest)\n"
                               "  (function nil (file) (line) (captures 1 r4)\n"
                               "    (getup r0 0) (loadk r1 -2.5) (ret r1))\n"
                               "  (loadp r4 undefined) (closure r0 0) (getup r1 a)\n (ret r0))\n"
                               "(loadk r3 pair) (move r3 b)\n"
                               "begin: (call r3 0) end:\n"
                               "(handler begin end caught r1)\n"
                               "(istype b nil true again)\n"
                               "(setg b |a global|)\n"
                               "caught: (ret b) ; the end\n)";
    static const char canonical[] =
        "(function |main program| (file \"f.vma\") (registers 4)\n"
        "  (constant K8 [1 'a])\n"
        "  (function twice (arguments 1) (optional 2) (rest) (registers 5) (captures r0 r2)\n"
        "    (function () (file) (registers 2) (captures 1 r4)\n"
        "      (line)\n"
        "      (getup r0 0)\n"
        "      (loadk r1 -2.5)\n"
        "      (ret r1)\n"
        "    )\n"
        "    (line 12)\n"
        "    (loadp r4 undefined)\n"
        "    (closure r0 0)\n"
        "    (getup r1 0)\n"
        "    (line 13)\n"
        "    (ret r0)\n"
        "  )\n"
        "  (handler L2 L3 L4 r1)\n"
        "  (line 3)\n"
        "  (loadi r0 -7)\n"
        "  (loadk r2 [[] K8 \"A\\n\" inf ['x 'y]])\n"
        "L1:\n"
        "  (line 4)\n"
        "  (closure r1 twice)\n"
        "  (loadk r3 K8)\n"
        "  (move r3 r1)\n"
        "L2:\n"
        "  (call r3 0)\n"
        "L3:\n"
        "  (istype r1 nil true L1)\n"
        "  (setg r1 |a global|)\n"
        "L4:\n"
        "  (ret r1)\n"
        ")\n";
    vm_t *vm = create(NULL);
    struct vm__buffer image;
    struct cupel_error error;
    vm_status status = text_assemble(vm, text, sizeof text - 1, "ignored.vma", &image, &error);
    CHECK_STR_EQ(error.text, "");
    REQUIRE_INT_EQ(status, VM_OK);
    struct vm__buffer back = text_go_round(vm, &image);
    vm__buffer_add(&back, "", 1);
    end_where(vm, back.is_starved);
    CHECK_STR_EQ((const char *)back.data, canonical);
    vm_destroy(vm);
}
