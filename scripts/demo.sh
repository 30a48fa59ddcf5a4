#!/usr/bin/env bash
# Makes a data set of POINTS points and draws it whole and zoomed in: demo.sh COMMAND POINTS
set -euo pipefail
command=$1 points=$2
data=build/demo-$points.gch

[ -f "$data" ] || "$command" gen --kind walk --points "$points" --seed 7 -o "$data"
last=$("$command" info "$data" --json | sed -n 's/.*"last_time": *\(-\{0,1\}[0-9]*\).*/\1/p' | head -1)
first=$("$command" info "$data" --json | sed -n 's/.*"first_time": *\(-\{0,1\}[0-9]*\).*/\1/p' | head -1)
middle=$(((first + last) / 2))

"$command" render "$data" -o demo.png --size 1600x900 --title "$points points, all of them"
"$command" render "$data" -o demo-zoom.png --size 1600x900 --from "$middle" --to $((middle + 900)) \
    --title "900 of the $points points"
echo "demo.png and demo-zoom.png are drawn from $data."
