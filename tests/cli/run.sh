#!/usr/bin/env bash
# Runs the cases of the command: tests/cli/NAME.sh against NAME.expected.
#
#     run.sh PROGRAM [--update] [NAME...]
#
# A case runs in an empty folder of its own, with the functions of prelude.sh, and what it prints is
# compared with what is expected. --update writes the expectation anew; read the difference. A line
# with FAULT fails the case whatever is expected.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:?usage: run.sh PROGRAM [--update] [NAME...]}")
shift
update=no
if [ "${1:-}" = --update ]; then
    update=yes
    shift
fi
if [ $# -eq 0 ]; then
    set -- "$here"/*.sh
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
ln -s "$program" "$scratch/bin/gpucharts"
failed=0
total=0
for case in "$@"; do
    name=$(basename "$case" .sh)
    case $name in run | prelude) continue ;; esac
    total=$((total + 1))
    mkdir "$scratch/$name"
    (
        cd "$scratch/$name" || exit 1
        export PATH="$scratch/bin:$PATH" LC_ALL=C TZ=UTC TERM=dumb
        export CASES=$here
        bash -c 'set -u; . "$CASES/prelude.sh"; . "$CASES/'"$name"'.sh"'
    ) >"$scratch/$name.out" 2>&1 </dev/null
    status=$?
    grep FAULT "$scratch/$name.out" && status=1
    if [ $update = yes ]; then
        [ $status -eq 0 ] || failed=$((failed + 1))
        cp "$scratch/$name.out" "$here/$name.expected"
        echo "updated  $name (exit $status)"
    elif [ $status -eq 0 ] && diff -u "$here/$name.expected" "$scratch/$name.out"; then
        echo "passed   $name"
    else
        echo "FAILED   $name (exit $status)"
        failed=$((failed + 1))
    fi
done
echo "$total cases, $failed failed"
[ "$failed" -eq 0 ] && [ "$total" -gt 0 ]
