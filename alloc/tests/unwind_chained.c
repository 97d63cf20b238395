/* Frames with frame pointers: this file is compiled so in every variant. */
unsigned unwind_chained(unsigned depth, unsigned (*hook)(void));

unsigned unwind_chained(unsigned depth, unsigned (*hook)(void)) {
    volatile unsigned kept = 0;
    return (depth == 0 ? hook() : unwind_chained(depth - 1, hook)) + kept;
}
