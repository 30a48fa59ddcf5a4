#!/usr/bin/env bash
# Runs every benchmark of bench/ and keeps their reports in build/bench/: bench.sh POINTS
set -euo pipefail
cd "$(dirname "$0")/.."
points=$1
scripts/install.sh build
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)"
mkdir -p build/bench
run() {
    local name=$1
    shift
    echo "== $name $*"
    "build/release/bench/$name" "$@" | tee "build/bench/$name.json"
}
run bench_kernels
run bench_encode
run bench_frames --folder build --points "$points" --small 10000000
run bench_budget --folder build --points "$points" --budget 268435456
run bench_live --folder build --points "$points"
run bench_cache --folder build
run bench_studies --folder build --points 10000000
run bench_subscribers build/release/gpucharts "$(mktemp -d)"
run bench_urgent build/release/gpucharts "$(mktemp -d)"
run bench_ingest
run bench_soak --folder build --backend cpu --frames 100000 --px 256
run bench_gpu --folder build --points "$points" || echo "bench_gpu: no GPU to measure"
run bench_points --folder build --points "$points" || echo "bench_points: no GPU to measure"
run bench_gpu_encode || echo "bench_gpu_encode: no GPU to measure"
