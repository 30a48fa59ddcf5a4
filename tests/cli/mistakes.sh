# Wrong command lines exit with 2, name what is wrong and suggest what was meant.
run gpucharts rendr a.gch
run gpucharts frobnicate
run gpucharts --verison
run gpucharts help igest
touch ticks.csv
run gpucharts ticks.csv
touch ticks.gch
run gpucharts ticks.gch
rm ticks.gch

run gpucharts render a.gch -o a.png --colum price
run gpucharts render a.gch -o a.png --frobnicate
run gpucharts render a.gch -o
run gpucharts render a.gch -o a.png --column --bare
run gpucharts render a.gch
run gpucharts render -o a.png
run gpucharts render a.gch -o a.jpg
run gpucharts render a.gch -o a.png --size 800
run gpucharts render a.gch -o a.png --size 0x100
run gpucharts render a.gch -o a.png --size 99999x100
run gpucharts render a.gch -o a.png --scale 9
run gpucharts render a.gch -o a.png --theme drak
run gpucharts render a.gch -o a.png --backend fpga
run gpucharts render a.gch -o a.png --type histogram --bins 5000
run gpucharts render a.gch -o a.png --ymin ten
run gpucharts render a.gch -o a.png --ymin 10 --ymax 9
run gpucharts render a.gch -o a.png --log --ymin 0
run gpucharts render a.gch -o a.png --threads 0
run gpucharts render a.gch -o a.png --bare=yes
run gpucharts render a.gch -o a.png --type line --type candels
run gpucharts render a.gch -o a.png --type pie
run gpucharts render a.gch -o a.png --type density --density-scale sqrt
run gpucharts render a.gch -o a.png --type density --palette embers
run gpucharts render a.gch -o a.png --study sma
run gpucharts render a.gch -o a.png --study wma:20
run gpucharts render a.gch -o a.png --study sma:0
run gpucharts render a.gch -o a.png --study ema:1001
run gpucharts render a.gch -o a.png --study spread:
run gpucharts render a.gch -o a.png --study sma:20 --bare
run gpucharts render a.gch -o a.png --color '#12'
run gpucharts render a.gch -o a.png --color '#00000g'
run gpucharts render a.gch -o a.png --line-width 2 --line-width 0

run gpucharts ingest
run gpucharts ingest -
run gpucharts ingest - ticks.csv -o a.gch
run gpucharts ingest ticks.csv -o -
run gpucharts ingest ticks.csv --time-unit minutes
run gpucharts ingest ticks.csv --header maybe
run gpucharts ingest ticks.csv --delimiter ab
run gpucharts ingest ticks.csv --format raw
run gpucharts ingest ticks.csv --format csv --layout t:i64
run gpucharts ingest ticks.csv --skip-bytes 44
run gpucharts ingest ticks.csv --start 5
run gpucharts ingest ticks.csv --rate 10 --time 1
run gpucharts ingest ticks.csv --rate 10 --time-unit index
run gpucharts ingest ticks.csv --rate fast
run gpucharts ingest ticks.csv --skip-bad -1
run gpucharts ingest ticks.csv --preset quick
run gpucharts ingest ticks.csv --preset tolerance
run gpucharts ingest ticks.csv --preset tolerance=
run gpucharts ingest ticks.csv --preset tolerance=abc
run gpucharts ingest ticks.csv --preset tolerance=-0.5
run gpucharts ingest ticks.csv --preset tolerance=nan
run gpucharts ingest ticks.csv --preset tolerance=0
run gpucharts ingest ticks.csv --preset tolerance=0.1234567890123456789
run gpucharts ingest ticks.csv --tolerance price
run gpucharts ingest ticks.csv --tolerance =1
run gpucharts ingest ticks.csv --tolerance price=inf
run gpucharts ingest ticks.csv --tolerance price=1 --preset fast
run gpucharts ingest ticks.csv -o ticks.csv
expect 2 'Nowhere/Land' gpucharts ingest ticks.csv --tz Nowhere/Land
expect 2 '--tz' gpucharts ingest ticks.csv --tz ../../etc/passwd

run gpucharts gen -o a.gch
run gpucharts gen --points 10
run gpucharts gen --points 1.5 -o a.gch
run gpucharts gen --points 10 -o a.gch extra
run gpucharts gen --points 10 --kind sensors -o a.gch
run gpucharts gen --points 10 -o -
run gpucharts gen --points 10 -o a.gch --preset tolerance=x

run gpucharts info
run gpucharts info a.gch b.gch
run gpucharts export
run gpucharts verify
left
