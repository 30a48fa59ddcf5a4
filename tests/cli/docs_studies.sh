# Every command of docs/studies.md runs, in order, as it stands there, and its picture is the page's.
sed -n '/^```sh$/,/^```$/p' "$CASES/../../docs/studies.md" | grep -v '^```' > snippets.sh
[ "$(grep -c '^gpucharts' snippets.sh)" -ge 5 ] || echo "FAULT: the snippets were not found"
bash -eu snippets.sh > out.txt 2> errors.txt || { echo "FAULT: a snippet fails"; cat errors.txt; }
cmp studies.png "$CASES/../../docs/images/studies.png" && echo "same: studies.png"
left
