#!/usr/bin/env bash
# The window, driven by keys and mouse under Xvfb: view_test.sh GPUCHARTS
#
# What it shows is asked for with S, which saves a picture, and compared with what `gpucharts render`
# draws of the same view. Each step is tried until it shows, for as long as a slow machine may take.
set -euo pipefail
program=$(realpath "${1:?usage: view_test.sh GPUCHARTS}")
folder=$(mktemp -d)
pid=
trap 'kill $pid $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
fail() {
    echo "FAULT: $*"
    cat err.txt 2>/dev/null || true
    exit 1
}

# The sanitizers' build: X11 and what SDL loads keep what they allocated until the process ends.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
export SDL_VIDEODRIVER=x11 SDL_RENDER_DRIVER=software SDL_AUDIODRIVER=dummy TZ=UTC LC_ALL=C
export XDG_RUNTIME_DIR=$folder # Mesa complains if there is none
unset WAYLAND_DISPLAY

Xvfb -displayfd 3 -screen 0 1000x700x24 -nolisten tcp -noreset 3>display 2>/dev/null &
for _ in $(seq 200); do
    [ -s display ] && break
    sleep 0.05
done
DISPLAY=:$(cat display)
export DISPLAY

"$program" gen --kind ticks --points 40k --seed 3 --quiet -o ticks.gch
"$program" export ticks.gch --integer-times --quiet -o rows.csv
head -30001 rows.csv >first.csv
(head -1 rows.csv && tail -n +30002 rows.csv) >more.csv
"$program" ingest first.csv -o data.gch --time-unit ms --quiet
render() {
    "$program" render data.gch --size 640x400 --column price "${@:2}" -o "$1"
}

# start FILE ARGUMENT...: in `window`, with the keyboard's focus, the pointer beside it
start() {
    "$program" view "$@" --size 640x400 --column price 2>err.txt &
    pid=$!
    xdotool mousemove 2 2
    for _ in $(seq 300); do
        window=$(xdotool search --onlyvisible --name ' - GPU Charts' 2>/dev/null | head -1) || true
        # It may not be there to take the focus yet.
        [ -n "$window" ] && xdotool windowfocus "$window" 2>/dev/null &&
            [ "$(xdotool getwindowfocus 2>/dev/null)" = "$window" ] && return
        kill -0 $pid 2>/dev/null || fail "ended before there was a window"
        sleep 0.05
    done
    fail "no window"
}

# take FILE: what the window shows
take() {
    rm -f data-1.png
    xdotool key s
    for _ in $(seq 400); do
        if [ -s data-1.png ]; then
            mv data-1.png "$1"
            return
        fi
        sleep 0.05
    done
    fail "S saves no picture"
}

# shows FILE: until the window shows this picture
shows() {
    for _ in $(seq 60); do
        take shown.png
        cmp -s shown.png "$1" && return
        sleep 0.1
    done
    fail "$2: not the picture that render draws"
}

# differs FILE: until it shows another one, which is kept as shown.png
differs() {
    for _ in $(seq 60); do
        take shown.png
        cmp -s shown.png "$1" || return 0
        sleep 0.1
    done
    fail "$2: nothing has changed"
}

ends() {
    for _ in $(seq 400); do
        kill -0 $pid 2>/dev/null || break
        sleep 0.05
    done
    wait $pid || fail "$1: exit code $?"
    [ ! -s err.txt ] || fail "$1: something was said"
}

render all.png
render dark.png --theme dark
render contrast.png --theme contrast
render log.png --log
render step.png --type step

start data.gch --backend cpu
xdotool key h
shows all.png "without figures"
xdotool key h
differs all.png "figures"
xdotool key h
shows all.png "without figures again"

xdotool key t
shows dark.png "the dark theme"
xdotool key t
shows contrast.png "the theme of high contrast"
xdotool key t l
shows log.png "a logarithmic axis"
xdotool key l c
shows step.png "another type"
for _ in 1 2 3 4 5 6 7; do xdotool key c; done
shows all.png "all types round"

# Zoom and pan, and back to everything.
xdotool key plus plus
differs all.png "zooming by keys"
xdotool key Home
shows all.png "everything"
xdotool mousemove --window "$window" 300 200
differs all.png "the pointer"
xdotool click 4 click 4 click 4 mousemove 2 2
differs all.png "zooming by wheel"
cp shown.png zoomed.png
xdotool mousemove --window "$window" 300 200 mousedown 1 mousemove --window "$window" 330 200 \
    mousemove --window "$window" 360 200
sleep 0.3 # let go at rest, it does not roll on
xdotool mouseup 1 mousemove 2 2
differs zoomed.png "dragging"
xdotool key Home
shows all.png "everything again"
xdotool keydown shift mousemove --window "$window" 200 100 mousedown 1 mousemove --window "$window" 300 180 \
    mousemove --window "$window" 400 250 mouseup 1 keyup shift mousemove 2 2
differs all.png "zooming to a box"
xdotool mousemove --window "$window" 300 200 click --repeat 2 --delay 40 1 mousemove 2 2
shows all.png "a double click"
xdotool key question
differs all.png "help"
xdotool key Escape
shows all.png "help gone"

# A window at rest costs nothing: clock ticks (10 ms) of the process, all threads.
sleep 4.5 # the note of a saved picture ends
used() { awk '{ print $14 + $15 }' /proc/$pid/stat; }
before=$(used)
sleep 1.5
after=$(used)
[ $((after - before)) -le 3 ] || fail "$((after - before)) ticks of work in 1.5 s at rest"

# What a file gains is shown.
"$program" ingest more.csv -o data.gch --append --quiet
render grown.png
cmp -s grown.png all.png && fail "the file has not grown"
shows grown.png "a file that has grown"
"$program" render data.gch --size 500x300 --column price -o small.png
xdotool windowsize --sync "$window" 500 300
shows small.png "another size"
xdotool key q
ends "q"

start data.gch --backend cpu --from 2024-01-01T00:10 --theme dark
xdotool key h
render part.png --from 2024-01-01T00:10 --theme dark
shows part.png "the range that was asked for"
xdotool key Escape
ends "Escape"

# Panels: one for each series by a key, the axis of the one at the pointer, and as they are given.
two() {
    "$program" render data.gch --size 640x400 --column volume --column price "${@:2}" -o "$1"
}
two both.png
two panels.png --panel 1 --panel 2
two panels-log.png --panel 1 --panel 2 --axis left --axis log
two given.png --panel 2 --panel 1 --panel-height 3,1 --panel-title Prices
start data.gch --backend cpu --column volume
xdotool key h
shows both.png "two series in a panel"
xdotool key p
shows panels.png "a panel for each"
xdotool mousemove --window "$window" 300 300
differs panels.png "the pointer in the lower panel"
xdotool key l mousemove 2 2
shows panels-log.png "a logarithmic axis in the lower panel"
xdotool key plus plus
differs panels-log.png "zooming panels"
xdotool key Home
shows panels-log.png "all of the panels"
xdotool key p
shows both.png "a panel for all"
xdotool key q
ends "panels"
start data.gch --backend cpu --column volume --panel 2 --panel 1 --panel-height 3,1 --panel-title Prices
xdotool key h
shows given.png "panels as they were asked for"
xdotool key q
ends "panels as they were asked for"

# What lies on another machine: a file, and a live series that grows.
mkdir archive
cp data.gch archive/
"$program" serve archive --listen 127.0.0.1:0 >server.txt 2>/dev/null &
for _ in $(seq 200); do
    [ -s server.txt ] && break
    sleep 0.05
done
server=$(sed 's/serving on //' server.txt)
start "${server}data/data.gch" --backend cpu
xdotool key h
shows grown.png "a file at a URL"
xdotool key q
ends "a file at a URL"

curl -sS -X PUT "${server}v1/live/data?unit=ms&column=price:f64" >/dev/null
publish() { # FIRST LAST
    for i in $(seq "$1" "$2"); do
        echo "[$((1700000000000 + i * 500)), $((100 + i * 7 % 40)).5]"
    done | curl -sS --data-binary @- -H 'Content-Type: application/x-ndjson' "${server}v1/live/data" >/dev/null
}
start "${server}v1/live/data" --backend cpu
xdotool key h
take empty.png
publish 1 100
differs empty.png "the first rows of a live series"
sleep 1
take before.png
publish 101 200
differs before.png "further rows of a live series"
xdotool key q
ends "a live series"

for backend in auto gpu; do # or the processor, and a line that says so
    start data.gch --backend $backend
    take $backend.png
    xdotool key q
    sed -i '/^drawn on the processor: /d' err.txt
    ends "--backend $backend"
done

# Without a display there is one line, and no crash.
if DISPLAY='' "$program" view data.gch 2>err.txt; then
    fail "a window without a display"
fi
grep -q 'gpucharts: there is no window to draw in' err.txt || fail "no display: another message"
echo "view_test: all shown"
