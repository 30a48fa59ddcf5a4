#!/usr/bin/env bash
# Installs what is missing from Debian's packages: scripts/install.sh build|test|check...
# build: compile and run; test: the test suite; check: the linters and the sanitizer build; coverage; cross:
# AArch64 under QEMU; wasm: WebAssembly, and node; web: the browsers of the tests; gpu: what fetching and loading wgpu-native takes; lavapipe:
# a Vulkan adapter in software, for the GPU tests.
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build pkg-config libxxhash-dev libpng-dev libcjson-dev libgmp-dev
    libstb-dev fonts-roboto-unhinted tzdata libcurl4-openssl-dev zlib1g-dev libbrotli-dev libzstd-dev
    libnghttp2-dev libssl-dev libwslay-dev libsdl2-dev)
test=(libcmocka-dev python3 openssl nginx-light curl nghttp2-client xvfb xdotool)
check=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14)
gpu=(libvulkan1 python3 python3-pip)
lavapipe=(mesa-vulkan-drivers)
samples=(alsa-utils python3 python3-pip)
coverage=(gcovr)
cross=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)
wasm=(clang-19 lld-19 llvm-19 wasi-libc libclang-rt-19-dev-wasm32 python3 python3-fonttools)
# Any node will do; many machines have one that is not Debian's.
command -v node >/dev/null || wasm+=(nodejs)
command -v npm >/dev/null || wasm+=(npm)
web=(chromium firefox-esr webkit2gtk-driver xvfb xauth libgl1-mesa-dri mesa-vulkan-drivers)

wanted=()
for group in "$@"; do
    case "$group" in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    check) wanted+=("${check[@]}") ;;
    coverage) wanted+=("${coverage[@]}") ;;
    gpu) wanted+=("${gpu[@]}") ;;
    lavapipe) wanted+=("${lavapipe[@]}") ;;
    samples) wanted+=("${samples[@]}") ;;
    cross) wanted+=("${cross[@]}") ;;
    wasm) wanted+=("${wasm[@]}") ;;
    web) wanted+=("${web[@]}") ;;
    *)
        echo "install.sh: unknown group '$group'" \
            "(build, test, check, coverage, gpu, lavapipe, samples, cross, wasm, web)" >&2
        exit 2
        ;;
    esac
done

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "Installing Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { "${as_root[@]}" apt-get update -q &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "install.sh: could not install ${missing[*]}" >&2
    exit 1
fi
