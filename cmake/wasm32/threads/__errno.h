/* wasi-libc declares errno a thread's own, and was built where there is one for all. Those who read
 * it have asked a file for something, which only one thread does. */
#ifndef __wasilibc___errno_h
#define __wasilibc___errno_h

extern int errno;
#define errno errno

#endif
