# What people see and what machines read.
cat > mixed.csv <<'CSV'
time,price,temp °C
2024-03-01T00:00:00.000Z,1.50,
2024-03-01T00:00:00.001Z,-12.25,20
2024-03-01T00:00:00.002Z,3.00,inf
CSV
gpucharts ingest mixed.csv --quiet
# Sizes depend on the packing; the rest does not.
gpucharts info mixed.gch | sed -E 's/\b[0-9][0-9.,]* (kB|MB|bytes)\b/SIZE/g; s/\b[0-9]+\.[0-9]{4}/N/g; s/on a GPU [0-9.]+/on a GPU N/; s/  +/  /g'
gpucharts info mixed.gch > c.txt
LC_ALL=C.UTF-8 gpucharts info mixed.gch | cmp - c.txt && echo "same in any locale"
gpucharts info mixed.gch --json | python3 -c '
import json, os, sys
info = json.load(sys.stdin)
print(sorted(info))
assert info["file_bytes"] == os.stat("mixed.gch").st_size
assert info["row_count"] == 3 and info["segment_count"] == 1
time = info["time"]
print(time["unit"], time["first"], time["last"], time["first_text"], time["last_text"], time["is_text"])
for column in info["columns"]:
    print(ascii(column["name"]), column["type"], column["min"], column["max"], column["gaps"])
    parts = column["bytes"]
    assert parts["total"] == sum(v for k, v in parts.items() if k != "total")
'
printf 'time,v\n' > none.csv
run gpucharts ingest none.csv --header yes --time-unit s
run gpucharts info none.gch | sed -E 's/\b[0-9][0-9.,]* (kB|bytes)\b/SIZE/g'
gpucharts info none.gch --json | python3 -c '
import json, sys
info = json.load(sys.stdin)
print(info["row_count"], info["bytes_per_point"], info["time"]["first"], info["columns"][0]["min"])'
