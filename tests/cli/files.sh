# Files that are missing, folders, empty, foreign or not to be replaced: exit code 1, one line.
mkdir folder
touch empty.gch empty.csv
echo 'this is no chart file, but it is long enough to look into' > foreign.gch
gpucharts gen --points 1000 --quiet -o good.gch

for command in info export verify 'render -o x.png'; do
    run gpucharts $command missing.gch
    run gpucharts $command folder
    run gpucharts $command -
    expect 1 '^gpucharts: .*empty.gch' gpucharts $command empty.gch
    expect 1 '^gpucharts: .*foreign.gch' gpucharts $command foreign.gch
done
run gpucharts ingest missing.csv
run gpucharts ingest folder
expect 1 '^gpucharts: .*empty.csv' gpucharts ingest empty.csv

# Outputs.
run gpucharts gen --points 10 -o folder
run gpucharts gen --points 10 -o /dev/null
expect 1 'nowhere' gpucharts gen --points 10 -o nowhere/a.gch
run gpucharts render good.gch -o folder --format png
expect 1 'nowhere' gpucharts render good.gch -o nowhere/a.png
run gpucharts render good.gch -o good.gch --format png
run gpucharts export good.gch -o good.gch
run gpucharts export good.gch -o folder
expect 0 "" gpucharts export good.gch -o /dev/null
expect 0 "" gpucharts render good.gch -o /dev/null --format ppm
[ -c /dev/null ] || echo "FAULT: /dev/null was replaced"

# Columns and times.
run gpucharts render good.gch -o x.png --column prize
run gpucharts export good.gch --column 2
run gpucharts export good.gch --from yesterday
run gpucharts export good.gch --from 2024-03-02 --to 2024-03-01
run gpucharts export good.gch --from 99999999999999999999
expect 1 'after the last time' gpucharts export good.gch --from 9000000000000000000
expect 1 'not after the first time' gpucharts export good.gch --to -9000000000000000000
expect 2 'bar' gpucharts render good.gch -o x.png --type candles --bar 1parsec
run gpucharts render good.gch -o x.png --color red --color blue
expect 2 'Mars' gpucharts render good.gch -o x.png --tz Mars
left
gpucharts verify --quiet good.gch && echo "good.gch is as it was"
