/* setjmp for a platform whose stack cannot be unwound (wasi-libc has no setjmp.h): the first return
 * is the only one, and a jump traps, which ends the module's instance. */
#ifndef GCH_WASM32_SETJMP_H
#define GCH_WASM32_SETJMP_H

typedef char jmp_buf[1];

#define setjmp(place) ((void)(place), 0)
#define longjmp(place, value) ((void)(place), (void)(value), __builtin_trap())

#endif
