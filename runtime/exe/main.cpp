// main of an executable artifact; a file of its own, so that a program with another main can have the command line.
#include "runtime/exe/command.h"

int main(int argc, char **argv) { return decant_exe_main(argc, argv, nullptr); }
