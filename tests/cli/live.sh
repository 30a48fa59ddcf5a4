# Publishing and following a live series: every row arrives, whatever happens in between.
talk() {
    mkdir data live
    serve_live() {
        : > address
        gpucharts serve data --live live --listen "127.0.0.1:${port:-0}" > address 2> server.log &
        server=$!
        for _ in $(seq 200); do
            [ -s address ] && break
            sleep 0.05
        done
        port=$(sed -E 's/.*:([0-9]+)\/$/\1/' address)
    }
    serve_live
    url=http://127.0.0.1:$port/v1/live

    echo "-- rows and gaps, as they were"
    printf 'time,price,"a, ""b"""\n2024-03-01T09:00:00.125Z,101.25,-3\n2024-03-01T09:00:01.500Z,,4\n2024-03-01T09:00:01.500Z,1e-7,\n' > rows.csv
    run gpucharts publish "$url/rows" -q < rows.csv
    run gpucharts tail "$url/rows" --all -n 3
    run gpucharts tail "$url/rows" --all --count 2 --no-header --integer-times

    echo "-- many rows, with the server killed in between"
    gpucharts gen --kind ticks --points 100k --seed 5 --quiet -o ticks.gch
    gpucharts export ticks.gch --integer-times > ticks.csv
    gpucharts tail "$url/none" 2>&1 | sed 's/http.*none/URL/'
    head -n 1 ticks.csv | gpucharts publish "$url/ticks" --time-unit ms 2>&1
    (
        head -n 30000 ticks.csv
        sleep 0.3
        kill -9 $server
        sleep 0.2
        tail -n +30001 ticks.csv
    ) | gpucharts publish "$url/ticks" --time-unit ms 2> published &
    publisher=$!
    wait $server 2> /dev/null
    serve_live
    wait $publisher
    echo "publish ends with $?"
    # Whether a short loss is told depends on when it is looked for.
    grep -v again published | sed -E 's/in [0-9]+ batch.*/in N batches/'
    gpucharts tail "$url/ticks" --all -n 100000 --integer-times > back.csv
    python3 - <<'PY'
import csv
one, other = (list(csv.reader(open(name))) for name in ("ticks.csv", "back.csv"))
print(len(other), one[0] == other[0],
      all(list(map(float, a)) == list(map(float, b)) for a, b in zip(one[1:], other[1:])))
PY

    echo "-- into a pipe that is closed"
    gpucharts tail "$url/ticks" --all | head -n 2
    echo "ends with ${PIPESTATUS[0]}"

    echo "-- from one series into another, as it grows"
    gpucharts tail "$url/rows" --all -n 4 2> /dev/null | gpucharts publish "$url/copy" -q &
    printf 'time,price,"a, ""b"""\n2024-03-01T09:00:02.000Z,7,8\n' | gpucharts publish "$url/rows" -q
    wait $!
    gpucharts tail "$url/copy" --all -n 4 --no-header

    echo "-- mistakes"
    run gpucharts tail
    run gpucharts publish "$url/rows" --time-unit parsec
    expect 1 'exists with other columns' gpucharts publish "$url/rows" < ticks.csv
    expect 1 'row 2|:3:|decrease' gpucharts publish "$url/bad" <<< $'time,v\n5,1\n4,2'
    expect 1 'is empty' gpucharts publish "$url/bad" < /dev/null
    expect 1 'refused by the server' gpucharts publish "$url/rows" < rows.csv

    echo "-- a series that is lost and made anew, then with other columns"
    # follow_anew LINES NEW OPTIONS: what is there, of so many lines, and then that of a server that has lost it.
    follow_anew() {
        gpucharts tail "$url/rows" --all "${@:3}" > anew.csv 2> anew.log &
        follower=$!
        for _ in $(seq 200); do
            [ "$(wc -l < anew.csv)" = "$1" ] && break
            sleep 0.05
        done
        kill -9 $server
        wait $server 2> /dev/null
        rm -rf live/*
        serve_live
        gpucharts publish "$url/rows" -q --time-unit ms < "$2"
        wait $follower
        echo "ends with $?"
        cat anew.csv
        grep 'made anew' anew.log
    }
    head -n 3 rows.csv > new.csv
    head -n 2 ticks.csv > other.csv
    follow_anew 4 new.csv -n 6 --no-header
    follow_anew 3 other.csv -n 9
    kill $server
    wait $server 2> /dev/null
    expect 1 'refused|connect' gpucharts tail "$url/rows"
}
talk 2>&1 | sed -E 's/127.0.0.1:[0-9]+/HOST/'
