// Reads every word once, in order across the device, and adds them up: the floor for whatever has
// to look at all of the data (bench/bench_gpu.c).

override COUNT: u32 = 0u; // of four words each
override STRIDE: u32 = 1u; // threads of the dispatch

@group(0) @binding(0) var<storage, read> words: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> sum: array<atomic<u32>>;

@compute @workgroup_size(256)
fn add_up(@builtin(global_invocation_id) id: vec3u) {
    var mine = vec4u(0u);
    for (var i = id.x; i < COUNT; i += STRIDE) {
        mine += words[i];
    }
    atomicAdd(&sum[0], mine.x + mine.y + mine.z + mine.w);
}
