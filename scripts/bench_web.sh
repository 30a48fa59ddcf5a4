#!/usr/bin/env bash
# Runs the benchmarks of bench/web in Chromium and keeps their reports in build/bench/. `make bench-web`
# builds what is measured.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh web
(cd bench/web && npm ci --silent --ignore-scripts)
mkdir -p build/bench
for name in threads billion remote_marks peers "peers --gpu"; do
    echo "== $name"
    read -r script arguments <<<"$name"
    # shellcheck disable=SC2086 # none is an argument less
    node "bench/web/$script.mjs" $arguments | tee "build/bench/web_${name// --/_}.json"
done
