/* A module to load and unload. FRAME_SIZE makes the frame another one and the code no longer or shorter. */
__attribute__((noinline, visibility("default"))) void unwind_module_call(void (*hook)(void));

void unwind_module_call(void (*hook)(void)) {
    volatile char bytes[FRAME_SIZE];
    bytes[FRAME_SIZE - 1] = 1;
    hook();
    bytes[0] = bytes[FRAME_SIZE - 1];
}
