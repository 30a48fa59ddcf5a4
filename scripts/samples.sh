#!/usr/bin/env bash
# Ingests and draws real recordings that packages ship: samples.sh COMMAND [OUTPUT_FOLDER]
#  - Front_Center.wav of Debian's alsa-utils: 48 kHz, 16 bit, one channel, 44 bytes of header;
#  - seattle-temps.csv of PyPI's vega_datasets 0.9.0: hourly temperatures of 2010.
set -euo pipefail
command=$(realpath "$1")
out=${2:-build/samples}
cd "$(dirname "$0")/.."
scripts/install.sh samples
mkdir -p "$out" build/samples

wheel=build/samples/vega_datasets-0.9.0-py3-none-any.whl
if [ ! -f "$wheel" ]; then
    printf 'vega_datasets==0.9.0 --hash=sha256:%s\n' \
        3d7c63917be6ca9b154b565f4779a31fedce57b01b5b9d99d8a34a7608062a1d >build/samples/pins.txt
    python3 -m pip download -q --no-deps --require-hashes -r build/samples/pins.txt -d build/samples
fi
python3 -m zipfile -e "$wheel" build/samples/vega

"$command" ingest /usr/share/sounds/alsa/Front_Center.wav --format raw --layout amplitude:i16 \
    --skip-bytes 44 --time none --rate 48000 --time-unit ns -o build/samples/voice.gch
"$command" render build/samples/voice.gch -o "$out/voice.png" --size 1600x500 \
    --title "\"Front, center\": 48,000 samples a second"

"$command" ingest build/samples/vega/vega_datasets/_data/seattle-temps.csv \
    --tz America/Los_Angeles -o build/samples/seattle.gch
"$command" render build/samples/seattle.gch -o "$out/seattle.png" --size 1600x500 --theme dark \
    --title "Seattle 2010, hourly temperature (°F)"
"$command" render build/samples/seattle.gch -o "$out/seattle-weeks.png" --size 1600x500 \
    --type candles --bar 1w --title "Seattle 2010, temperature by week (°F)"
