#!/usr/bin/env bash
# The example program draws a picture, and the README shows its source word for word:
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
shown = re.findall(r"```c\n(.*?)```", (root / "README.md").read_text(), re.S)
source = (root / "examples/render_png.c").read_text()
assert shown, "the README shows no C"
for text in shown:
    assert text in source, "the README's C is not examples/render_png.c:\n" + text
END
echo "1 passed, 0 failed"
