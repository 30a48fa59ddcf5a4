/* tests/test.h includes it because cmocka asks for it; the stand-in does not jump, and a platform
 * without jumps (WASI) has no such header. */
