#!/usr/bin/env bash
# Runs the benchmarks of bench/web in Chromium and keeps their reports in build/bench/. `make bench-web`
# builds what is measured.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh web
(cd bench/web && npm ci --silent --ignore-scripts)
mkdir -p build/bench
for name in threads billion remote_marks peers; do
    echo "== $name"
    node "bench/web/$name.mjs" | tee "build/bench/web_$name.json"
done
