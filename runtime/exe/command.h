/* The command line of an artifact: main of an executable one, `decant run` of a library. Tested in tests/e2e. */
#ifndef DECANT_EXE_COMMAND_H
#define DECANT_EXE_COMMAND_H

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the command line on the library at `module_path`, or with NULL on the module linked into this program.
 * Returns the exit code; results go to stdout, one sentence about a failure to stderr. */
int decant_exe_main(int argc, char **argv, const char *module_path);

#ifdef __cplusplus
}
#endif
#endif
