# How files are packed: what a tolerance changes, what `fast` does not, and what appends go on with.
python3 -c '
print("time,temp,rpm,note,count")
for i in range(3000):
    print(1709283600000 + 40 * i, (i * i % 9973) / 997, -1000 + i * 37 % 1999 / 7, "x", i % 5, sep=",")
' > log.csv
within() {
    gpucharts export "$1" | python3 -c '
import csv, sys
from fractions import Fraction
limits = [Fraction(text) for text in sys.argv[1:]]
exact = list(csv.DictReader(open("log.csv")))
rows = list(csv.DictReader(sys.stdin))
assert len(rows) == len(exact)
for name, limit in zip(("temp", "rpm", "count"), limits):
    most = max(abs(Fraction(a[name]) - Fraction(b[name])) for a, b in zip(rows, exact))
    assert most <= limit and (most > 0) == (limit > 0 and name != "count"), (name, most)
assert [r["time"] for r in rows] == [r["time"] for r in exact]
print("within", *sys.argv[1:])
' "${@:2}"
}
run gpucharts ingest log.csv -o exact.gch
within exact.gch 0 0 0
run gpucharts ingest log.csv -o fast.gch --preset fast
within fast.gch 0 0 0
run gpucharts ingest log.csv -o near.gch --preset tolerance=0.0050
within near.gch 0.005 0.005 0
run gpucharts ingest log.csv -o own.gch --tolerance rpm=0.5
within own.gch 0 0.5 0
run gpucharts ingest log.csv -o both.gch --preset tolerance=0.05 --tolerance rpm=0.5
within both.gch 0.05 0.5 0
for name in exact fast near own both; do
    gpucharts info $name.gch --json | python3 -c '
import json, sys
info = json.load(sys.stdin)
print(info["preset"], [(c["name"], c["scale"], c["tolerance"]) for c in info["columns"]])
assert 0 < info["gpu_bytes_per_point"] < min(8, info["bytes_per_point"])'
    run gpucharts verify $name.gch
    gpucharts render $name.gch -o a.png --bare --size 300x100 --backend reference &&
        gpucharts render $name.gch -o b.png --bare --size 300x100 && cmp a.png b.png && rm a.png b.png
done
gpucharts info both.gch | grep -E 'preset|within' | sed -E 's/ +/ /g'
[ $(stat -c %s both.gch) -lt $(stat -c %s exact.gch) ] || echo "FAULT: not smaller"

echo "-- appends go on as the file does"
printf 'time,temp,rpm,count\n1709283800000,1.23456,7.89,1\n' > more.csv
cp near.gch kept.gch
run gpucharts ingest more.csv -o near.gch --append --quiet
gpucharts export near.gch | tail -1
run gpucharts ingest more.csv -o near.gch --append --quiet --preset tolerance=0.005
run gpucharts ingest more.csv -o near.gch --append --quiet --preset tolerance=0.01
run gpucharts ingest more.csv -o near.gch --append --quiet --preset lossless
run gpucharts ingest more.csv -o near.gch --append --quiet --tolerance temp=0.005
run gpucharts ingest more.csv -o fast.gch --append --quiet
gpucharts info near.gch | grep -E 'rows|preset'
run gpucharts verify near.gch

echo "-- columns that take none"
run gpucharts ingest log.csv -o x.gch --tolerance note=1
run gpucharts ingest log.csv -o x.gch --tolerance temp=1 --tolerance temp=2
printf '\001\000\002\000\003\000\377\377' > r.bin
run gpucharts ingest r.bin -o x.gch --layout x:i16,y:i16 --rate 2 --time-unit ms --tolerance x=5
[ -e x.gch ] && echo "FAULT: x.gch was written"
run gpucharts gen --kind sine --points 1000 -o s.gch --quiet --preset tolerance=1e-3
gpucharts info s.gch | grep preset
