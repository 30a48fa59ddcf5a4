#!/usr/bin/env bash
# Builds the libFuzzer targets and runs each for SECONDS: fuzz.sh SECONDS
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1
scripts/install.sh build test check
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "$(nproc)"
for source in tests/*_fuzz.c; do
    name=$(basename "$source" _fuzz.c)
    found=build/fuzz/found-$name
    mkdir -p "$found"
    echo "== $name, $seconds s"
    "build/fuzz/tests/${name}_fuzz" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 \
        -artifact_prefix="$found/" "$found" "tests/corpus/$name"
done
