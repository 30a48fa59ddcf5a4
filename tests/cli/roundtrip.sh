# CSV to .gch and back is the same text, byte for byte.
same() {
    gpucharts ingest "$1" -o back.gch --quiet "${@:2}" && gpucharts export back.gch -o back.csv &&
        cmp "$1" back.csv && gpucharts verify --quiet back.gch && echo "same: $1"
}

cat > decimals.csv <<'CSV'
time,price,size
2024-03-01T12:30:00.000Z,101.50,3
2024-03-01T12:30:00.000Z,101.55,
2024-03-01T12:30:00.001Z,99.90,12
2024-03-02T00:00:00.000Z,-0.05,9007199254740993
CSV
same decimals.csv

cat > offset.csv <<'CSV'
time,v
2024-03-31T01:59:59+01:00,1
2024-03-31T03:00:00+02:00,2
2024-10-27T02:30:00+02:00,3
2024-10-27T02:30:00+01:00,4
CSV
same offset.csv --tz Europe/Berlin

cat > integers.csv <<'CSV'
when,a
-9223372036854775808,1
-1,2
0,
9223372036854775807,-4
CSV
same integers.csv --time when --time-unit ns

cat > quoted.csv <<'CSV'
"time, really","a ""b""",c
1,1,2
2,,4
CSV
same quoted.csv --time-unit s

cat > floats.csv <<'CSV'
time,v
1,1e+300
2,-1e-300
3,0.1
4,
5,123456789.123456789
CSV
gpucharts ingest floats.csv --quiet --time-unit s
gpucharts export floats.gch -o once.csv
gpucharts ingest once.csv --quiet --time-unit s
gpucharts export once.gch -o twice.csv
cmp once.csv twice.csv && echo "same: floats.csv, the second time"

for kind in walk sensor ticks sine ecg; do
    gpucharts gen --kind $kind --points 5000 --seed 3 --quiet -o $kind.gch
    gpucharts export $kind.gch -o $kind.csv
    unit=$(gpucharts info $kind.gch --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["time"]["unit"])')
    same $kind.csv --time-unit "$unit"
    gpucharts export $kind.gch | cmp - $kind.csv && echo "same: $kind on standard output"
done

echo "-- a range is half-open"
gpucharts export decimals.gch 2>/dev/null || gpucharts ingest decimals.csv --quiet
run gpucharts export decimals.gch --from 2024-03-01T12:30:00.001 --to 2024-03-02
run gpucharts export decimals.gch --column size --to 2024-03-01T12:30:00.001Z --no-header
run gpucharts export decimals.gch --column 2 --column 1 --from 2024-03-02 --integer-times
