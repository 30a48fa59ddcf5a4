// The shader of docs/gpu.md: how many values of packed blocks are at least LEAST.

@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>; // one a block

override BITS: u32 = 8u;
override LEAST: u32 = 0u;

fn load(word: u32) -> u32 {
    return words[word];
}

//!include common/packed.wgsl

@compute @workgroup_size(64)
fn count_least(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let at = group.x * BITS * 8u;
    for (var i = thread; i < 256u; i += 64u) {
        if (packed_get(at, BITS, i) >= LEAST) {
            atomicAdd(&counts[group.x], 1u);
        }
    }
}
