#!/usr/bin/env bash
# The web package under test: types, the engine in node, and the browsers named (all of chromium, firefox
# and webkit without an argument). A browser that cannot be installed is reported, at the end too; it is a
# failure if it was asked for by name, and in CI (CI=true). Needs the built package (`make web`) and the
# command in build/release, as `make test` and `make test-web` leave them.
#
#     test_web.sh [chromium|firefox|webkit]...
set -euo pipefail
cd "$(dirname "$0")/../web"

in_node=(docs options loader time stream engine features threads answers)
in_browsers=(browser chart pictures pipelines webgl viewer touch package vite faults live shaders leak)

named=("$@")
[ "${CI:-}" != true ] || [ ${#named[@]} -gt 0 ] || named=(chromium firefox webkit)
../scripts/install.sh web || echo "test_web.sh: not every browser could be installed" >&2
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a + b / 100 >= 20.19 ? 0 : 1)' || {
    echo "test_web.sh: node $(node --version) is too old: the browsers' drivers and Vite need 20.19 or newer" >&2
    exit 1
}

npm run --silent check
files=("${in_node[@]/%/_test.mjs}")
node --test "${files[@]/#/test/}"

wanted=()
missing=()
for name in "${named[@]:-chromium firefox webkit}"; do
    for browser in $name; do
        if node -e "import('./test/browsers.mjs').then((b) => process.exit(b.isInstalled('$browser') ? 0 : 1))"; then
            wanted+=("$browser")
        else
            missing+=("$browser")
        fi
    done
done
if [ ${#missing[@]} -gt 0 ] && [ ${#named[@]} -gt 0 ]; then
    echo "test_web.sh: not installed: ${missing[*]}" >&2
    exit 1
fi
# One file after the other, so that browsers do not wait for each other. Where the browser itself went away,
# which is no answer to what was asked, the file is gone through once more.
gone='Page crashed|page crash or hang|Target (page, context or browser has been )?closed|browser has disconnected|invalid session id'
gone+='|WebSocket.*(closed|hang up)|ECONNRESET|ECONNREFUSED|Failed to launch'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run_file() {
    BROWSERS="${wanted[*]}" xvfb-run -a -s "-screen 0 1280x1024x24" \
        node --test --test-timeout=1500000 "test/$1_test.mjs" | tee "$log"
}
for file in "${in_browsers[@]}"; do
    [ ${#wanted[@]} -gt 0 ] || break
    echo "== $file: ${wanted[*]}"
    run_file "$file" && continue
    grep -Eq "$gone" "$log" || exit 1
    echo "== $file again: a browser has gone away"
    run_file "$file"
done
[ ${#missing[@]} -eq 0 ] || echo "test_web.sh: NOT TESTED, as it is not installed: ${missing[*]}" >&2
