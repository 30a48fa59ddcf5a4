#!/usr/bin/env bash
# The example program draws a picture, and the documents show C word for word as it is compiled:
# examples_test.sh GPUCHARTS RENDER_PNG REPOSITORY
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" gen --kind ecg --points 5000 --seed 1 -o "$folder/ecg.gch" --quiet
"$2" "$folder/ecg.gch" >"$folder/chart.png"
"$1" render "$folder/ecg.gch" -o "$folder/expected.png" --size 1280x720
cmp "$folder/chart.png" "$folder/expected.png"
if "$2" "$folder/missing.gch" 2>"$folder/message"; then
    echo "a missing file was not refused" >&2
    exit 1
fi
grep -q missing.gch "$folder/message"
python3 - "$3" <<'END'
import pathlib, re, sys
root = pathlib.Path(sys.argv[1])
for page, program in [("README.md", "examples/render_png.c"),
                      ("docs/ingest.md", "src/ingest/ingest_arrow_export_test.c")]:
    shown = re.findall(r"```c\n(.*?)```", (root / page).read_text(), re.S)
    source = (root / program).read_text()
    assert shown, page + " shows no C"
    for text in shown:
        assert text in source, page + " shows C that is not in " + program + ":\n" + text
END
echo "1 passed, 0 failed"
