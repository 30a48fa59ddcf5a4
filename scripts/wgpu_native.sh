#!/usr/bin/env bash
# Puts wgpu-native, the GPU driver's library, into build/wgpu-native, where CMake finds it:
# libwgpu_native.so, webgpu.h, wgpu.h. They come out of PyPI's wheel of wgpu, pinned by version and
# checksum. Without them the build goes on and draws on the processor, so no failure here is one.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.32.0 # carries wgpu-native 29.0.1
folder=build/wgpu-native
[ "$(cat "$folder/version" 2>/dev/null)" != "$version" ] || exit 0

fetch() {
    scripts/install.sh gpu || return
    printf 'wgpu==%s --hash=sha256:%s --hash=sha256:%s\n' "$version" \
        6499a31b5a29a10b4f1089fea4a0806411f42605fa86b6c0b543a07ca0de8568 \
        00454ba1bc794d38c8365f4ad29f381b88ce0a7f115133bfaa6f1dfad7eb2764 >"$work/pins.txt" || return
    python3 -m pip download -q --disable-pip-version-check --timeout 20 --retries 1 --no-deps \
        --only-binary=:all: --require-hashes -r "$work/pins.txt" -d "$work" >"$work/log" 2>&1 || return
    python3 -m zipfile -e "$work"/wgpu-*.whl "$work/wheel" || return
    mkdir "$work/library" || return
    cp "$work"/wheel/wgpu/resources/{webgpu.h,wgpu.h} "$work/library" || return
    cp "$work/wheel/wgpu/resources/libwgpu_native-release.so" "$work/library/libwgpu_native.so" || return
    echo "$version" >"$work/library/version"
}

mkdir -p build
work=$(mktemp -d build/wgpu-native.XXXXXX)
trap 'rm -rf "$work"' EXIT
if ! fetch; then
    reason=$(grep -v '^[[:space:]]*$' "$work/log" 2>/dev/null | tail -n 1 || true)
    echo "wgpu-native $version could not be fetched; the build goes on without the GPU driver. $reason"
    exit 0
fi
rm -rf "$folder"
mv "$work/library" "$folder"
