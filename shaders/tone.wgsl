// What the counts of a grid decide about their colours: the largest, and how many pixels lie in
// lower bins. The head in front of the grid starts as zeros.

//!include common/layouts.wgsl
//!include common/tone.wgsl

@group(0) @binding(0) var<uniform> counting: Counting;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;

const GROUP: u32 = 256u;

var<workgroup> largest: atomic<u32>;
var<workgroup> bins: array<atomic<u32>, 464>;

fn scale_of(i: u32) -> u32 {
    return atomicLoad(&counts[counting.grid + counting.pixels + i / counting.height]);
}

fn area_of(i: u32) -> u32 {
    let corner = vec2u(i / counting.height, i % counting.height) * counting.step;
    let size = min(vec2u(counting.plot_width, counting.plot_height) - corner, vec2u(counting.step));
    return size.x * size.y;
}

@compute @workgroup_size(256)
fn scan(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
    for (var i = thread; i < TONE_BINS; i += GROUP) {
        atomicStore(&bins[i], 0u);
    }
    atomicStore(&largest, 0u);
    workgroupBarrier();
    var mine = 0u;
    for (var i = id.x; i < counting.pixels; i += groups.x * GROUP) {
        let counted = atomicLoad(&counts[counting.grid + i]);
        if (counted != 0u) {
            let n = tone_count(counted, scale_of(i), area_of(i));
            mine = max(mine, n);
            atomicAdd(&bins[tone_bin(n)], 1u);
        }
    }
    atomicMax(&largest, mine);
    workgroupBarrier();
    let head = counting.grid - TONE_HEAD;
    if (thread == 0u) {
        atomicMax(&counts[head], atomicLoad(&largest));
    }
    for (var i = thread; i < TONE_BINS; i += GROUP) {
        let n = atomicLoad(&bins[i]);
        if (n != 0u) {
            atomicAdd(&counts[head + 1u + i], n);
        }
    }
}

var<workgroup> sums: array<u32, 256>;

// One workgroup: bins become sums of the bins below them; a thread has two.
@compute @workgroup_size(256)
fn sum_up(@builtin(local_invocation_index) thread: u32) {
    let at = counting.grid - TONE_HEAD + 1u + thread * 2u;
    var pair = vec2u(0u);
    if (thread * 2u < TONE_BINS) {
        pair = vec2u(atomicLoad(&counts[at]), atomicLoad(&counts[at + 1u]));
    }
    sums[thread] = pair.x + pair.y;
    for (var step = 1u; step < GROUP; step *= 2u) {
        workgroupBarrier();
        var sum = sums[thread];
        if (thread >= step) {
            sum += sums[thread - step];
        }
        workgroupBarrier();
        sums[thread] = sum;
    }
    if (thread * 2u < TONE_BINS) {
        let below = sums[thread] - pair.x - pair.y;
        atomicStore(&counts[at], below);
        atomicStore(&counts[at + 1u], below + pair.x);
    }
}
