#!/usr/bin/env bash
# The kernels where this machine's processor cannot show them: AArch64 under QEMU, WebAssembly in
# node, and x86-64 without AVX-512. Tests of base, codec and CSV kernels run on each; the benchmarks
# must find the SIMD kernels at least twice as cheap as the scalar ones, in the geometric mean over
# their cases.
#
#     check_cross.sh [aarch64|wasm|x86]...     all of them without an argument
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
least_ratio=2

check_aarch64() {
    scripts/install.sh check cross
    cmake --preset aarch64 >/dev/null
    cmake --build --preset aarch64 -j "$jobs"
    clang-tidy-14 -p build/aarch64 --quiet --warnings-as-errors='*' \
        --extra-arg=--target=aarch64-linux-gnu \
        --extra-arg=-isystem/usr/aarch64-linux-gnu/include \
        src/codec/codec_kernels_neon.c src/ingest/ingest_kernels_neon.c 2>/dev/null
    ctest --test-dir build/aarch64 --output-on-failure -j "$jobs"
    # QEMU has no packaged plugin that counts instructions, so here is ours.
    cc -shared -fPIC -O2 -o build/aarch64/bench_qemu_count.so bench/bench_qemu_count.c
    local bench
    for bench in bench_kernels_lean bench_csv_kernels; do
        GCH_COUNT_FILE=build/aarch64/count.bin qemu-aarch64 -L /usr/aarch64-linux-gnu \
            -plugin build/aarch64/bench_qemu_count.so \
            "build/aarch64/bench/$bench" "$least_ratio" | tee "build/aarch64/$bench.json"
    done
}

check_wasm() {
    scripts/install.sh wasm
    cmake --preset wasm >/dev/null
    cmake --build --preset wasm -j "$jobs"
    ctest --test-dir build/wasm --output-on-failure -j "$jobs"
    local bench
    for bench in bench_kernels_lean bench_csv_kernels; do
        node --no-warnings cmake/run_wasi.mjs "build/wasm/bench/$bench" "$least_ratio" |
            tee "build/wasm/$bench.json"
    done
}

# QEMU's best x86-64 processor has AVX2 and no AVX-512: the table must stop below it.
check_x86() {
    [ "$(uname -m)" = x86_64 ] || return 0
    scripts/install.sh cross
    cmake --preset release >/dev/null
    cmake --build --preset release -j "$jobs" \
        --target codec_kernels_test --target codec_kernels_rows_test --target ingest_kernels_test
    local test output
    for test in codec/codec_kernels_test codec/codec_kernels_rows_test ingest/ingest_kernels_test; do
        output=$(qemu-x86_64 -cpu max "build/release/src/$test" 2>&1) || {
            echo "$output"
            return 1
        }
        grep -q '^avx2: tested' <<<"$output"
        grep -q '^avx512: not on this processor' <<<"$output"
    done
}

[ $# -gt 0 ] || set -- aarch64 wasm x86
for target in "$@"; do
    echo "== kernels on $target"
    "check_$target"
done
