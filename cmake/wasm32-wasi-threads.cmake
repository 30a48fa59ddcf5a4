# The same with threads: memory that is shared, and workers of the host as threads
# (cmake/wasm32/threads). The C library is that of one thread: what of it is shared is locked.
set(GCH_THREADS ON)
include(${CMAKE_CURRENT_LIST_DIR}/wasm32-wasi.cmake)
string(PREPEND CMAKE_C_FLAGS_INIT "-isystem ${CMAKE_CURRENT_LIST_DIR}/wasm32/threads -matomics -D_REENTRANT ")
