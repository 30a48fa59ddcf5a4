/* Random numbers by counter: number n of a key is gch__mix64(key + n * GCH__GOLDEN), where the mix
 * is SplitMix64's finaliser (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
 * 2014). */
#ifndef GCH_INGEST_RANDOM_H
#define GCH_INGEST_RANDOM_H

#include <stdint.h>

#define GCH__GOLDEN 0x9E3779B97F4A7C15u

static inline uint64_t gch__mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t gch__draw64(uint64_t key, uint64_t counter)
{
    return gch__mix64(key + counter * GCH__GOLDEN);
}

/* A walk reflected at 0 and `top`. */
static inline int64_t gch__fold(int64_t sum, int64_t top)
{
    int64_t rest = sum % (2 * top);
    rest += rest < 0 ? 2 * top : 0;
    return rest <= top ? rest : 2 * top - rest;
}

#endif
