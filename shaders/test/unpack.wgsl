// All values of packed blocks, by both ways of reading them, for render_gpu_shaders_test.c: entry b
// of `blocks` says where a block starts and how wide it is, and its 256 values go to
// out[512 * b ...], pairs of (low, high): first those of packed_get_wide, then those of the lanes.

@group(0) @binding(0) var<storage, read> blocks: array<vec2u>;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<vec2u>;

fn load(word: u32) -> u32 {
    return words[word];
}

//!include common/packed.wgsl

@compute @workgroup_size(8)
fn unpack(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = blocks[group.x];
    var low = lane_start(block.x, min(block.y, 32u), lane);
    var high = lane_start(block.x + 256u, max(block.y, 32u) - 32u, lane);
    for (var i = lane; i < 256u; i += 8u) {
        out[group.x * 512u + i] = packed_get_wide(block.x, block.y, i);
        out[group.x * 512u + 256u + i] = vec2u(lane_next(&low), lane_next(&high));
    }
}
