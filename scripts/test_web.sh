#!/usr/bin/env bash
# The web package under test: types, the engine in node, and the browsers named (all of chromium, firefox
# and webkit without an argument). A browser that cannot be installed is reported; that is a failure only
# if it was asked for by name. `make test-web` builds what is tested.
#
#     test_web.sh [chromium|firefox|webkit]...
set -euo pipefail
cd "$(dirname "$0")/../web"

named=("$@")
../scripts/install.sh web || echo "test_web.sh: not every browser could be installed" >&2

npm run --silent check
node --test test/docs_test.mjs test/loader_test.mjs test/time_test.mjs test/engine_test.mjs

wanted=()
for name in "${named[@]:-chromium firefox webkit}"; do
    for browser in $name; do
        if node -e "import('./test/browsers.mjs').then((b) => process.exit(b.isInstalled('$browser') ? 0 : 1))"; then
            wanted+=("$browser")
        elif [ ${#named[@]} -gt 0 ]; then
            echo "test_web.sh: $browser is not installed" >&2
            exit 1
        else
            echo "test_web.sh: NOT TESTED: $browser is not installed" >&2
        fi
    done
done
[ ${#wanted[@]} -gt 0 ] || exit 0
BROWSERS="${wanted[*]}" xvfb-run -a -s "-screen 0 1280x1024x24" \
    node --test --test-concurrency=1 --test-timeout=1500000 test/browser_test.mjs test/browser_pictures_test.mjs
