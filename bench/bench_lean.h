/* Measuring where there is no cJSON and time may mean nothing: in an emulator, where instructions
 * are counted instead (bench_lean_instructions.c), and in a WebAssembly engine (bench_lean_time.c).
 * CMake chooses the file. */
#ifndef GCH_BENCH_LEAN_H
#define GCH_BENCH_LEAN_H

/* "ns" or "instructions". */
const char *bench_lean_unit(void);
/* What a call of body(context) costs in that unit; negative if it cannot be measured. */
typedef void bench_lean_body(void *context);
double bench_lean_cost(bench_lean_body *body, void *context);

#endif
