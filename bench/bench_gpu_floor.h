/* The floor for whatever has to look at all of some bytes on the GPU. */
#ifndef BENCH_GPU_FLOOR_H
#define BENCH_GPU_FLOOR_H

#include <stdint.h>

/* Milliseconds that reading `all_bytes` in the device's memory takes, by as many of them as it
 * binds at once, the median of several runs; 0 without timestamps. */
double bench_gpu_floor_ms(uint64_t all_bytes);

#endif
