# Every command of docs/ingest.md runs, in order, as it stands there.
sed -n '/^```sh$/,/^```$/p' "$CASES/../../docs/ingest.md" | grep -v '^```' > snippets.sh
[ "$(grep -c 'gpucharts' snippets.sh)" -ge 4 ] || echo "FAULT: the snippets were not found"
bash -eu snippets.sh > out.txt 2> errors.txt || { echo "FAULT: a snippet fails"; cat errors.txt; }
run gpucharts export ticks.gch
run gpucharts export piped.gch
run gpucharts export pairs.gch
left
