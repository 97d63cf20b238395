/* main of a test program. Linked as an object, and left out where an engine brings its own. */
int cupel__run_main(int argc, char **argv);

int main(int argc, char **argv) {
    return cupel__run_main(argc, argv);
}
