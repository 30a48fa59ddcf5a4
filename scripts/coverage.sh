#!/usr/bin/env bash
# Line coverage of the rooms by the test suite; fails below LINES per cent: coverage.sh [LINES]
set -euo pipefail
cd "$(dirname "$0")/.."
least=${1:-90}
scripts/install.sh build test lavapipe coverage
cmake --preset coverage >/dev/null
cmake --build --preset coverage -j "$(nproc)" >/dev/null
find build/coverage -name '*.gcda' -delete
ctest --test-dir build/coverage -j "$(nproc)" --output-on-failure >build/coverage/tests.log ||
    { tail -40 build/coverage/tests.log; exit 1; }
gcovr --root . --gcov-ignore-parse-errors --object-directory build/coverage --exclude '.*_test\.[ch]' --exclude '.*_fuzz\.c' \
    --exclude 'tests/.*' --exclude 'bench/.*' --filter 'src/(base|codec|store|ingest|data|query|net|serve)/' \
    --print-summary --fail-under-line "$least" --json-summary build/coverage/summary.json \
    >/dev/null 2>build/coverage/gcovr.log || { tail -5 build/coverage/gcovr.log; exit 1; }
python3 - <<'END'
import collections, json
rooms = collections.defaultdict(lambda: [0, 0])
for file in json.load(open("build/coverage/summary.json"))["files"]:
    room = rooms[file["filename"].split("/")[1]]
    room[0] += file["line_covered"]
    room[1] += file["line_total"]
for name, (covered, total) in sorted(rooms.items()):
    print(f"{name:8} {100 * covered / total:5.1f} % of {total} lines")
covered, total = (sum(room[i] for room in rooms.values()) for i in (0, 1))
print(f"all      {100 * covered / total:5.1f} % of {total} lines")
END
