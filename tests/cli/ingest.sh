# CSV in: what is guessed, what is refused, and that nothing is half-written.
printf 'time,price\n1709283600000,1.5\n1709283600500,2.25\n' > a.csv
run gpucharts ingest a.csv
run gpucharts export a.gch
run gpucharts ingest a.csv -o s.gch --time-unit s
run gpucharts ingest a.csv -o q.gch --quiet

echo "-- a named column, no header, another delimiter"
printf '5;100;7\n6;200;8\n' > b.txt
run gpucharts ingest b.txt -o b.gch --delimiter semicolon --header no --time 2 --column 3 --time-unit s
run gpucharts export b.gch
run gpucharts ingest a.csv -o x.gch --quiet --column volume
run gpucharts ingest a.csv -o x.gch --quiet --time when

echo "-- unsorted"
printf 'time,v\n3,1\n1,2\n2,3\n' > u.csv
expect 1 'u\.csv:3\b.*--sort' gpucharts ingest u.csv --time-unit s
left
run gpucharts ingest u.csv --time-unit s --sort
run gpucharts export u.gch

echo "-- bad lines"
printf 'time,v\n1,1\n2,two\n3,3\n4,four\n' > bad.csv
expect 1 'bad\.csv:3:3\b' gpucharts ingest bad.csv --time-unit s
expect 1 'bad\.csv:5:3\b' gpucharts ingest bad.csv --time-unit s --skip-bad 1
[ -e bad.gch ] && echo "FAULT: bad.gch was written"
expect 0 'skipped 2 bad lines; the first: .*bad\.csv:3:3\b' gpucharts ingest bad.csv --time-unit s --skip-bad 2
run gpucharts export bad.gch

echo "-- a failure leaves the old output"
cp a.gch kept.gch
expect 1 'bad\.csv' gpucharts ingest bad.csv -o kept.gch --time-unit s
cmp a.gch kept.gch && echo "kept.gch is as it was"

echo "-- append"
printf 'time,price\n1709283601000,3\n' > more.csv
run gpucharts ingest more.csv -o a.gch --append
run gpucharts export a.gch
cp a.gch kept.gch
expect 1 'a\.csv|earlier|decrease|sort' gpucharts ingest a.csv -o a.gch --append
cmp a.gch kept.gch && echo "a.gch is as it was"
run gpucharts verify a.gch
gpucharts ingest a.csv -o a.gch --append 2>&1 | grep -- --sort && echo "FAULT: sorting does not help"
printf 'time,price\n1709283604000,3\n1709283603000,4\n' > late.csv
expect 1 'late\.csv:3\b.*--sort' gpucharts ingest late.csv -o a.gch --append
run gpucharts ingest late.csv -o a.gch --append --sort

echo "-- columns of text"
printf 'time,symbol,price,note\n1,AB,2.5,x\n2,CD,3.5,y\n' > text.csv
run gpucharts ingest text.csv --time-unit s

echo "-- raw binary with a rate"
printf 'HEAD\001\000\002\000\003\000\377\377' > r.bin
run gpucharts ingest r.bin --layout x:i16,y:i16 --skip-bytes 4 --rate 2 --time-unit ms --start 1000
run gpucharts export r.gch
run gpucharts ingest r.bin -o ns.gch --layout x:i16,y:i16 --skip-bytes 4 --rate 48000
run gpucharts export ns.gch
run gpucharts ingest r.bin -o iso.gch --quiet --layout x:i16,y:i16 --skip-bytes 4 --rate 1 --start 2024-03-01T12:00:00 --tz Europe/Berlin
run gpucharts export iso.gch --integer-times

echo "-- whoever encodes, the file is the same"
python3 -c '
import struct, sys
for i in range(5000):
    sys.stdout.buffer.write(struct.pack("<qdfi", 1709283600000 + 40 * i, (i * i % 977) / 100,
                                        float("nan") if i % 100 == 7 else i / 8, i % 33 - 16))
' > e.bin
for encoder in cpu auto gpu; do
    # Without a GPU the processor encodes, and a line on stderr says so.
    gpucharts ingest e.bin -o $encoder.gch --layout time:i64,a:f64,b:f32,c:i32 --encoder $encoder --quiet 2>/dev/null
    cmp cpu.gch $encoder.gch && echo "same: cpu and $encoder"
done
expect 0 'encoded on the processor: .*GPU' env VK_DRIVER_FILES=/nonexistent VK_ICD_FILENAMES=/nonexistent \
    gpucharts ingest e.bin -o none.gch --layout time:i64,a:f64,b:f32,c:i32 --encoder gpu
cmp cpu.gch none.gch && echo "same: cpu and none"
for preset in fast tolerance=0.02; do
    for encoder in cpu gpu; do
        gpucharts ingest e.bin -o $encoder.gch --layout time:i64,a:f64,b:f32,c:i32 --preset $preset \
            --encoder $encoder --quiet 2>/dev/null
    done
    cmp cpu.gch gpu.gch && echo "same with $preset: cpu and gpu"
done
rm e.bin cpu.gch auto.gch gpu.gch none.gch

echo "-- standard input"
run gpucharts ingest - -o in.gch <a.csv
run gpucharts export in.gch --no-header
left
