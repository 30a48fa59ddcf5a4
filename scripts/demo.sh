#!/usr/bin/env bash
# Makes a data set of POINTS points and draws it whole and zoomed in: demo.sh COMMAND POINTS
set -euo pipefail
command=$1 points=$2
data=build/demo-$points.gch

[ -f "$data" ] || "$command" gen --kind walk --points "$points" --seed 7 -o "$data"
count=$(sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$points")
middle=$((946684800 + points / 2)) # the walk has a point a second from 2000-01-01 on

"$command" render "$data" -o demo.png --size 1600x900 --title "$count points, all of them"
"$command" render "$data" -o demo-zoom.png --size 1600x900 --from "$middle" --to $((middle + 900)) \
    --title "Fifteen minutes in the middle of $count points"
echo "demo.png shows all of $data, demo-zoom.png 900 points of it."
