#!/usr/bin/env bash
# The server and clients that others wrote: serve_peers_test.sh GPUCHARTS
#
# curl over HTTP/1.1, cleartext HTTP/2 and TLS; nghttp with priorities; h2load with many streams and
# connections. Every byte that comes is compared.
set -euo pipefail
program=$(realpath "${1:?usage: serve_peers_test.sh GPUCHARTS}")
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
fail() {
    echo "FAULT: $*"
    exit 1
}

mkdir data
"$program" gen --points 300k --quiet -o data/walk.gch
"$program" serve data --listen 127.0.0.1:0 >plain.txt &
"$program" serve data --listen 127.0.0.1:0 --tls-self-signed --compress always >tls.txt &
for file in plain.txt tls.txt; do
    for _ in $(seq 100); do
        [ -s $file ] && break
        sleep 0.05
    done
done
plain=$(sed 's/serving on //' plain.txt)
tls=$(sed 's/serving on //' tls.txt)
size=$(stat -c %s data/walk.gch)

for form in "--http1.1 ${plain}" "--http2-prior-knowledge ${plain}" "-k --http1.1 ${tls}" "-k --http2 ${tls}"; do
    # The options are words of their own.
    # shellcheck disable=SC2086
    set -- ${form% *}
    url=${form##* }data/walk.gch
    curl -sS "$@" -o got "$url"
    cmp got data/walk.gch || fail "$form: the file differs"
    curl -sS "$@" -r 1000-200999 -o got "$url"
    cmp got <(tail -c +1001 data/walk.gch | head -c 200000) || fail "$form: the range differs"
    head -c 70001 data/walk.gch >got
    curl -sS "$@" -C - -o got "$url"
    cmp got data/walk.gch || fail "$form: what was resumed differs"
    etag=$(curl -sS "$@" -I "$url" | tr -d '\r' | sed -n 's/^etag: //p')
    code=$(curl -sS "$@" -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$url")
    [ "$code" = 304 ] || fail "$form: If-None-Match gives $code"
    columns="${form##* }v1/data/walk/columns?width=640&height=400"
    curl -sS "$@" -o plain.bin "$columns"
    for coding in gzip br zstd; do
        curl -sS "$@" --compressed -H "Accept-Encoding: $coding" -o coded.bin "$columns"
        cmp plain.bin coded.bin || fail "$form: columns coded by $coding differ"
    done
    echo "curl $*: as it should be"
done

nghttp -n --no-verify-peer -H 'priority: u=0' "${tls}data/walk.gch" "${tls}v1/data" "${tls}none" ||
    fail "nghttp"
nghttp --no-verify-peer "${tls}data/walk.gch" >got
cmp got data/walk.gch || fail "nghttp: the file differs"
echo "nghttp: as it should be"

check_load() {
    local text=$1 count=$2
    grep -q "^status codes: $count 2xx, 0 3xx, 0 4xx, 0 5xx" <<<"$text" || fail "h2load: $text"
}
check_load "$(h2load -n 3000 -c 8 -m 32 -H 'range: bytes=0-16383' "${tls}data/walk.gch")" 3000
check_load "$(h2load -n 3000 -c 1 -m 100 -H 'range: bytes=0-16383' "${plain}data/walk.gch")" 3000
check_load "$(h2load --h1 -n 500 -c 8 "${plain}data/walk.gch")" 500
check_load "$(h2load -n 400 -c 4 -m 16 "${plain}v1/data/walk/columns?width=300&height=200")" 400
total=$(curl -sS "${plain}metrics" | sed -n 's/^gpucharts_sent_bytes_total //p')
[ "$total" -gt $((500 * size)) ] || fail "the metrics count $total bytes"
echo "h2load: as it should be"
