# Toolchain: WebAssembly with WASI, run by node. Debian: clang-19, lld-19, llvm-19, wasi-libc,
# libclang-rt-19-dev-wasm32.
set(CMAKE_SYSTEM_NAME Generic) # CMake 3.25 knows no WASI
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_ASM_COMPILER clang-19)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_ASM_COMPILER_TARGET wasm32-wasi)
set(CMAKE_AR llvm-ar-19)
set(CMAKE_RANLIB llvm-ranlib-19)
set(CMAKE_CROSSCOMPILING_EMULATOR node --no-warnings ${CMAKE_CURRENT_LIST_DIR}/run_wasi.mjs)
# -nostdlibinc: the compiler would look for headers of the host behind those of wasi-libc.
set(CMAKE_C_FLAGS_INIT "-nostdlibinc -isystem ${CMAKE_CURRENT_LIST_DIR}/wasm32 \
-isystem /usr/include/wasm32-wasi -mbulk-memory -msign-ext \
-mmutable-globals -mnontrapping-fptoint")
# The linker sees the whole program, which takes 2 % off the module. -O0 here is about linking alone: with
# any other -O the linker's driver runs the wasm-opt that it finds on the PATH, whatever its version. The
# stack lies first, so that overflow traps.
set(CMAKE_C_FLAGS_RELEASE_INIT "-flto")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-O0 -Wl,--lto-O2 -Wl,--stack-first -Wl,-z,stack-size=1048576")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
