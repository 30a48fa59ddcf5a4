# Pictures: formats, standard output, exact bounds, the statistics.
printf 'time,a,b\n0,0,3\n1,1,2\n2,2,1\n3,3,0\n' > four.csv
gpucharts ingest four.csv --quiet --time-unit s
gpucharts gen --kind ticks --points 20000 --seed 5 --quiet -o ticks.gch

echo "-- a diagonal, pixel by pixel"
gpucharts render four.gch --column a --bare --size 4x4 --from 0 --to 4 --ymin -0.5 --ymax 3.5 -o - --format ppm |
    python3 -c '
import sys
data = sys.stdin.buffer.read()
magic, width, height, top = data.split(None, 4)[:4]
pixels = data[-int(width) * int(height) * 3:]
print(magic.decode(), int(width), int(height), int(top))
for y in range(int(height)):
    row = pixels[y * int(width) * 3:(y + 1) * int(width) * 3]
    print("".join("#" if row[3 * x] == 255 else "." if row[3 * x] == 0 else "?" for x in range(int(width))))
'

echo "-- formats"
run gpucharts render four.gch -o four.png --size 300x200
run gpucharts render four.gch -o four.PPM --size 300x200
run gpucharts render four.gch -o picture --size 300x200 --format ppm
head -c 8 four.png | od -An -c
head -c 14 four.PPM | head -2
cmp four.PPM picture && echo "same: four.PPM picture"
gpucharts render four.gch -o - --size 300x200 | cmp - four.png && echo "same: standard output"

echo "-- all executors"
for view in '' '--from 1 --to 3' '--ymin 0.25 --ymax 2.75'; do
    for backend in cpu reference; do
        gpucharts render four.gch --column a --bare --size 101x77 $view --backend $backend -o $backend.ppm
    done
    cmp cpu.ppm reference.ppm && echo "same: cpu and reference '$view'"
    # Without a GPU the processor draws, and a line on stderr says so.
    gpucharts render four.gch --column a --bare --size 101x77 $view --backend gpu -o gpu.ppm 2>/dev/null
    cmp cpu.ppm gpu.ppm && echo "same: cpu and gpu '$view'"
done
for type in area candles ohlc bars; do
    for bar in 1s 7d; do
        for backend in cpu reference gpu; do
            gpucharts render four.gch --column a --type $type --bar $bar --bare --size 101x77 --backend $backend \
                -o $backend.ppm 2>/dev/null
        done
        cmp cpu.ppm reference.ppm && cmp cpu.ppm gpu.ppm && echo "same: cpu, reference and gpu, $type of $bar"
    done
done
expect 1 'reference|bare' gpucharts render four.gch --backend reference -o x.png

echo "-- every type, several files and series"
for type in line step area candles ohlc scatter bars density; do
    expect 0 "" gpucharts render ticks.gch -o $type.png --size 400x300 --type $type --column 1
done
expect 0 "" gpucharts render ticks.gch -o x.png --size 400x300 --type candles --bar 5s --theme dark --scale 2
expect 0 "" gpucharts render ticks.gch -o x.png --size 400x300 --type density --column 1 --density-scale equal --palette ember --theme dark
expect 0 "" gpucharts render four.gch -o x.png --size 400x300 --type scatter --type line --color '#f00' --line-width 4 --no-legend --title 'Four & more' --tz Asia/Tokyo
expect 0 "" gpucharts render ticks.gch -o x.png --size 400x300 --column 1 --log
for study in sma:20 ema:5 range:3 sma:1000 sma:2:volume spread:volume spread:2; do
    expect 0 "" gpucharts render ticks.gch -o x.png --size 400x300 --column 1 --type candles --bar 2s --study $study
done
expect 0 "" gpucharts render ticks.gch -o x.png --size 400x300 --study sma:3 --study range:3:volume --color '#f00' --color '#0f0' --color '#00f' --color '#ff0'
expect 0 "" gpucharts render four.gch -o x.png --size 400x300 --column a --study spread:b --bar 1
expect 0 "" gpucharts render four.gch -o x.png --size 400x300 --type band
expect 0 "" gpucharts render four.gch -o x.png --size 400x300 --column b --type band --high a --line-width 1
run gpucharts render four.gch -o x.png --column b --type band
run gpucharts render four.gch -o x.png --type line --high b
cp four.gch other.gch
expect 0 "" gpucharts render four.gch other.gch -o x.png --size 400x300 --column four.gch:a --study spread:other.gch:b
run gpucharts render four.gch -o x.png --study sma:3:c
run gpucharts render four.gch -o x.png --study spread:c
run gpucharts render four.gch ticks.gch -o x.png --study spread:price
expect 0 "" gpucharts render four.gch other.gch -o x.png --size 400x300 --column four.gch:a --column other.gch:b
expect 0 "" gpucharts render four.gch other.gch -o x.png --size 400x300
run gpucharts render four.gch other.gch -o x.png --column other.gch:c
run gpucharts render four.gch other.gch -o x.png --column c
run gpucharts render four.gch ticks.gch -o x.png
run gpucharts render four.gch -o x.png --color red

echo "-- panels, second axes, dashes"
expect 0 "" gpucharts render ticks.gch -o x.png --size 400x300 --column price --column volume --panel 1 --panel 2 --panel-height 3,1 --panel-title Price --panel-title Volume --ymin auto --ymin 0
expect 0 "" gpucharts render ticks.gch -o x.png --size 400x300 --column price --column volume --axis log --axis right
expect 0 "" gpucharts render ticks.gch -o x.png --size 400x300 --column price --column volume --type candles --type volume --panel 1 --panel 2 --study ema:5 --study sma:3:volume
gpucharts render four.gch --column a --column b --bare --size 40x30 --panel 1 --panel 2 --panel-height 2,1 --ymin 0 --ymax 4 --ymin -1 --ymax 4 -o panels.ppm --format ppm --stats |
    python3 -c '
import json, sys
for panel in json.load(sys.stdin)["panels"]:
    print(json.dumps(panel))'
for backend in reference gpu; do
    gpucharts render four.gch --column a --column b --bare --size 40x30 --panel 1 --panel 2 --panel-height 2,1 --ymin 0 --ymax 4 --ymin -1 --ymax 4 --backend $backend -o $backend.ppm 2>/dev/null
    cmp panels.ppm $backend.ppm && echo "same: panels on cpu and $backend"
done
expect 0 "" gpucharts render four.gch -o x.png --size 400x300 --dash dotted --dash 4,2,1
run gpucharts render four.gch -o x.png --dash 4,-2
run gpucharts render four.gch -o x.png --panel 9
run gpucharts render four.gch -o x.png --column a --panel 1 --panel 2
run gpucharts render four.gch -o x.png --axis middle
run gpucharts render four.gch -o x.png --panel 2 --panel-height 3,
run gpucharts render four.gch -o x.png --panel 2 --panel-height 3,1,1
run gpucharts render four.gch -o x.png --ymin 0 --ymin 1
run gpucharts render four.gch -o x.png --panel-title A --panel-title B

echo "-- statistics"
gpucharts render four.gch --column a --bare --size 40x30 --from 1 --to 3 --ymin -0.10 --ymax 10.8 -o x.png --stats > stats.json
cat > check.py <<'PY'
import json, sys
stats = json.load(sys.stdin)
view, plot = stats["view"], stats["plot"]
print(view["from"], view["to"], view["ymin"], view["ymax"], view["time_unit"], view["from_text"])
print(plot["x_px"], plot["y_px"], plot["width_px"], plot["height_px"])
print("rows visible:", stats["rows_visible"])
for name in ("blocks_decoded", "nodes_read", "bytes_read"):
    assert isinstance(stats[name], int), name
for name in ("open", "layout", "query", "raster", "encode", "total"):
    assert stats["ms"][name] >= 0, name
assert stats["ms"]["total"] >= stats["ms"]["raster"]
assert stats["memory"]["peak_rss_bytes"] >= stats["memory"]["private_rss_bytes"] > 0
PY
python3 check.py < stats.json
gpucharts render four.gch --bare --column a --size 40x30 -o - --format ppm --stats 2> stats.json > x.ppm
head -c 2 x.ppm && echo
python3 check.py < stats.json
echo "-- the view it reports gives the same picture again"
gpucharts render ticks.gch --column 1 --bare --size 200x100 --stats -o one.ppm > stats.json
eval "$(python3 -c '
import json
v = json.load(open("stats.json"))["view"]
print("again=(--from", v["from"], "--to", v["to"], "--ymin", v["ymin"], "--ymax", v["ymax"] + ")")')"
gpucharts render ticks.gch --column 1 --bare --size 200x100 "${again[@]}" -o two.ppm
cmp one.ppm two.ppm && echo "same: one.ppm two.ppm"
[ "$(sort -u <(tail -c +16 one.ppm | od -An -tu1 -v -w1) | wc -l)" -eq 2 ] || echo "FAULT: not black and white"

echo "-- a picture replaces the old one as a whole, through a link too"
echo old > target.png
chmod 640 target.png
ln -s target.png link.png
gpucharts render four.gch -o link.png --size 300x200
[ -L link.png ] && cmp four.png target.png && stat -c %a target.png
