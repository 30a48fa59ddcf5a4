# Every command of docs/command.md runs, in order, as it stands there.
sed -n '/^```sh$/,/^```$/p' "$CASES/../../docs/command.md" | grep -v '^```' > snippets.sh
[ "$(grep -c '^gpucharts' snippets.sh)" -gt 10 ] || echo "FAULT: the snippets were not found"
bash -eu snippets.sh > out.txt 2> errors.txt || { echo "FAULT: a snippet fails"; cat errors.txt; }
left
# Every option of the page is one that help knows.
for command in ingest export gen info verify render view bench serve tail publish; do
    gpucharts $command --help
done > help.txt
grep -oE -- '`--[a-z-]+|^gpucharts .*' "$CASES/../../docs/command.md" | grep -oE -- '--[a-z-]+' | sort -u |
    while read -r option; do
        grep -q -- "$option" help.txt || echo "FAULT: the page has $option, help does not"
    done
