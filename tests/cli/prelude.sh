# What the cases of the command use. Their output is a transcript: "$ command", its standard output,
# its standard error with "! " before each line, and "[N]" if it exits with N other than 0.

# Figures that differ from run to run or with the packing: sizes out, bytes a point, times, rates.
steady() {
    sed -E -e 's/, [0-9.]+ ([kMG]?B|bytes) out/, SIZE out/' \
        -e 's/, [0-9.]+ bytes a point/, N bytes a point/' \
        -e 's/, [0-9.]+ m?s(,|$)/, TIME\1/' -e 's/[0-9.]+ [kMG]?rows\/s/RATE/' \
        -e 's/, [0-9.]+ ([kMG]?B|bytes)\)/, SIZE)/'
}

# Runs a command and prints all that can be seen of it.
run() {
    local status out err
    out=$(mktemp) err=$(mktemp)
    echo "\$ $*"
    "$@" >"$out" 2>"$err"
    status=$?
    steady <"$out"
    steady <"$err" | sed 's/^/! /'
    [ $status -eq 0 ] || echo "[$status]"
    rm -f "$out" "$err"
}

# expect CODE PATTERN COMMAND...: for messages that belong to the library, only what matters of
# them. PATTERN (extended, any case) must be found in standard error, or be "" for none at all.
expect() {
    local code=$1 pattern=$2 status errors
    shift 2
    errors=$("$@" 2>&1 >/dev/null)
    status=$?
    if [ $status -ne "$code" ]; then
        echo "FAULT: exit code $status instead of $code: $*: $errors"
    elif [ -z "$pattern" ] && [ -n "$errors" ]; then
        echo "FAULT: not silent: $*: $errors"
    elif [ -n "$pattern" ] && ! grep -qiE -- "$pattern" <<<"$errors"; then
        echo "FAULT: no /$pattern/ in: $*: $errors"
    else
        echo "as expected: $*"
    fi
}

# Names of everything in a folder, hidden files included: nothing may be left behind.
left() {
    echo "left in ${1:-.}: $(ls -A "${1:-.}" | LC_ALL=C sort | tr '\n' ' ')"
}
