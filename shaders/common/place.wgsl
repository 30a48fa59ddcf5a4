// One workgroup gives every super-block its place, and finds the batch's smallest and largest key.

const PLACERS: u32 = 256u;

var<workgroup> all_notes: atomic<u32>;
var<workgroup> sums: array<u32, 256>;
var<workgroup> ranges: array<vec4u, 256>;

fn super_units(index: u32) -> u32 {
    var units = 0u;
    for (var block = index * 4u; block < min(index * 4u + 4u, batch.block_count); block++) {
        units += arrays[batch.blocks + block] & BLOCK_BITS;
    }
    return units;
}

@compute @workgroup_size(256)
fn place(@builtin(local_invocation_index) thread: u32) {
    if (thread == 0u) {
        atomicStore(&all_notes, 0u);
    }
    workgroupBarrier();
    let share = (batch.super_count + PLACERS - 1u) / PLACERS;
    let first = min(thread * share, batch.super_count);
    let last = min(first + share, batch.super_count);
    var sum = 0u;
    for (var i = first; i < last; i++) {
        sum += super_units(i);
    }
    var found = 0u;
    var own = EMPTY;
    for (var block = thread; block < batch.block_count; block += PLACERS) {
        found |= arrays[batch.blocks + block];
        own = include_pair(own, bounds[block]);
    }
    atomicOr(&all_notes, found & (BLOCK_HAS_GAPS | BLOCK_IS_ODD | BLOCK_IS_MISFIT));
    sums[thread] = sum;
    ranges[thread] = own;
    workgroupBarrier();
    for (var half = 1u; half < PLACERS; half *= 2u) { // an inclusive scan, and every range to 0
        var before = 0u;
        if (thread >= half) {
            before = sums[thread - half];
        }
        if (thread % (2u * half) == 0u) {
            ranges[thread] = include_pair(ranges[thread], ranges[thread + half]);
        }
        workgroupBarrier();
        sums[thread] += before;
        workgroupBarrier();
    }
    var at = sums[thread] - sum;
    for (var i = first; i < last; i++) {
        arrays[batch.directory + i] = at;
        at += super_units(i);
    }
    if (thread == 0u) {
        let all_keys = ranges[0];
        let span = subtract_wide(all_keys.zw, all_keys.xy);
        let is_wide = !is_less(all_keys.zw, all_keys.xy) && span.y != 0u;
        arrays[SUMMARY_UNITS] = sums[PLACERS - 1u];
        arrays[SUMMARY_NOTES] = atomicLoad(&all_notes);
        arrays[SUMMARY_IS_WIDE] = select(0u, 1u, is_wide);
        arrays[SUMMARY_BASE] = all_keys.x;
        arrays[SUMMARY_BASE + 1u] = all_keys.y;
    }
}
