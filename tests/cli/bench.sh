# Frames of one's own data, and windows that cannot be.
gpucharts gen --kind ticks --points 50k --seed 4 --quiet -o a.gch

echo "-- figures"
figures() { sed -E -e 's/[0-9]+\.[0-9]+/N/g' -e 's/ +/ /g' -e 's/[0-9,]+ (threads|tree nodes|blocks|frames a|points in)/N \1/g' -e 's/threads of .*/threads of MACHINE/'; }
gpucharts bench frames a.gch --column price --backend cpu --frames 20 | figures
for script in pan zoom mixed; do
    gpucharts bench frames a.gch --column price --type candles --backend cpu --frames 10 --script $script \
        --size 400x300 --json >frames.json || echo "FAULT: $script"
    python3 - $script <<'PY'
import json, sys
r = json.load(open("frames.json"))
t = r["frame_ms"]
assert r["script"] == sys.argv[1] and r["frames"] == 10 and r["backend"] == "cpu" and r["rows"] == 50000, r
assert 0 < t["p50"] <= t["p99"] <= t["max"] and r["columns"] > 200 and r["machine"]["processors"] > 0, r
print(r["script"], sorted(r))
PY
done

echo "-- mistakes"
run gpucharts bench
run gpucharts bench frame a.gch
run gpucharts bench frames
run gpucharts bench frames a.gch --frames 0
run gpucharts bench frames a.gch --script spin
run gpucharts bench frames a.gch --type pie
run gpucharts bench frames a.gch -o a.png
run gpucharts view
run gpucharts view none.gch
run gpucharts view a.gch --type pie
run gpucharts view a.gch --type histogram
run gpucharts view a.gch --backend reference
run gpucharts view a.gch --column prise
left
