#!/usr/bin/env bash
# 100,000 requests with random cancellation, of our client to our server, plainly and under the
# address and thread sanitizers: soak.sh [REQUESTS]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh build test check
export GCH_SOAK_REQUESTS=${1:-100000}
# Freed memory is kept aside for a while only, so that residency tells something.
export ASAN_OPTIONS=quarantine_size_mb=16
for preset in release asan tsan; do
    cmake --preset $preset >/dev/null
    cmake --build --preset $preset -j "$(nproc)" --target soak_test >/dev/null
    echo "$preset:"
    (cd build/$preset/tests && ./soak_test)
done
