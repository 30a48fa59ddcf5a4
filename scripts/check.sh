#!/usr/bin/env bash
# Everything CI asks for beyond `make test`: format, include ladder, lint, clang, sanitizers, and the
# kernels on other processors.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
scripts/install.sh build test lavapipe check
scripts/wgpu_native.sh

echo "== format"
git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run --Werror

echo "== include ladder"
python3 scripts/check_ladder.py

echo "== clang build"
cmake --preset clang >/dev/null
cmake --build --preset clang -j "$jobs"

echo "== clang-tidy"
# What this build compiles; kernels of other processors are read with their own build, in
# check_cross.sh.
compiled=$(python3 -c 'import json, os
for entry in json.load(open("build/clang/compile_commands.json")):
    print(os.path.relpath(entry["file"]))')
git ls-files 'src/*.c' ':!*_test.c' | grep -Fx -f <(echo "$compiled") |
    xargs -P "$jobs" -n 1 clang-tidy-14 -p build/clang --quiet --warnings-as-errors='*' 2>/dev/null

echo "== tests under AddressSanitizer and UndefinedBehaviorSanitizer"
cmake --preset asan >/dev/null
cmake --build --preset asan -j "$jobs"
ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
    ctest --test-dir build/asan --output-on-failure -j "$jobs"

scripts/check_cross.sh

echo "== coverage"
scripts/coverage.sh 90

echo "== the README's demo, small"
make demo POINTS=1000000
