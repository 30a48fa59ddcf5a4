printf 'name,x,y,size\na,3,4,1\nb,-1,2,2\nc,,5,3\nd,0.5,0.25,4\ne,2.75,3.5,5\n' > a.csv
run gpucharts ingest a.csv --points x,y
run gpucharts export a.gch
run gpucharts verify a.gch
gpucharts info a.gch | sed -n 1,5p
gpucharts info a.gch --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["points"])'
run gpucharts ingest a.csv -o h.gch --points 3,2 --order hilbert --column size
gpucharts info h.gch | sed -n 3p
echo "-- more points of the same coordinates may follow, others may not"
run gpucharts ingest a.csv -o a.gch --points x,y --append
run gpucharts ingest a.csv -o a.gch --points y,x --append
run gpucharts ingest a.csv -o h.gch --points 3,2 --append --column size
run gpucharts ingest a.csv -o a.gch --time none --append
echo "-- options that contradict each other"
run gpucharts ingest a.csv --points x
run gpucharts ingest a.csv --points x,y,size
run gpucharts ingest a.csv --order morton
run gpucharts ingest a.csv --points x,y --time size
run gpucharts ingest a.csv --points x,x
run gpucharts ingest a.csv --points x,z
run gpucharts ingest a.csv -o n.gch --points x,name
left

echo "-- the picture of all executors is one"
gpucharts gen --kind points --points 30000 --seed 5 -o p.gch -q
gpucharts verify p.gch | sed -E 's/, [0-9.]+ [kM]B\)/)/'
for backend in cpu reference; do
    gpucharts render p.gch --bare --size 300x200 --backend $backend -o $backend.ppm
    gpucharts render p.gch --bare --size 300x200 --backend $backend -o $backend-near.ppm \
        --xmin -20.5 --xmax 10 --ymin 0 --ymax 30.125
done
cmp cpu.ppm reference.ppm && cmp cpu-near.ppm reference-near.ppm && echo "same pictures"
echo "-- point sets in two panels, which share x"
gpucharts gen --kind points --points 3000 --seed 6 -o q.gch -q
for backend in cpu reference; do
    gpucharts render p.gch q.gch --bare --size 300x200 --backend $backend -o $backend-both.ppm \
        --panel 1 --panel 2 --panel-height 2,1 --xmin -20.5 --xmax 10 --ymin 0 --ymax 30.125
done
cmp cpu-both.ppm reference-both.ppm && echo "same pictures"
run gpucharts render p.gch q.gch -o x.png --panel 1 --panel 2 --axis left --axis right-log
echo "-- the view it reports gives the same picture again"
gpucharts render p.gch --bare --size 300x200 --stats -o one.ppm > stats.json
eval "$(python3 -c '
import json
stats = json.load(open("stats.json"))
v = stats["view"]
print("again=(" + " ".join(f"--{k} {v[k]}" for k in ("xmin", "xmax", "ymin", "ymax")) + ")")
print("echo rows visible:", stats["rows_visible"])')"
gpucharts render p.gch --bare --size 300x200 "${again[@]}" -o two.ppm
cmp one.ppm two.ppm && echo "same: one.ppm two.ppm"
echo "-- looks"
gpucharts render p.gch -o all.png --size 400x300
gpucharts render p.gch -o value.png --size 400x300 --color-by value --theme dark
gpucharts render p.gch -o near.png --size 400x300 --size-by size --category-by 5 --xmin 0 --xmax 5
gpucharts render p.gch -o line.png --size 400x300 --type line --column x
file -b *.png | cut -d, -f1,2 | sort | uniq -c | sed 's/^ *//'
run gpucharts render p.gch -o x.png --color-by colour
run gpucharts render p.gch -o x.png --color-by value --category-by category
run gpucharts render p.gch -o x.png --xmin 5 --xmax 5
run gpucharts render p.gch -o x.png --xmin 5 --xmax 4
run gpucharts render p.gch -o x.png --from 0 --to 5
run gpucharts render p.gch -o x.png --log
run gpucharts render p.gch -o x.png --type line --xmin 0
run gpucharts bench frames p.gch --backend cpu --frames 2
run gpucharts view p.gch --backend cpu
gpucharts gen --points 100 -o w.gch -q
run gpucharts render w.gch -o x.png --type points
