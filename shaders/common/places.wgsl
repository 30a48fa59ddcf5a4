// Where keys of a plane's columns lie among the edges of pixels, and nodes, 16 blocks each. A place is
// a column + 1 or a row + 1: 0 lies left of or above the view, width + 1 or height + 1 on the other side.

@group(0) @binding(0) var<uniform> frame: PointsFrame;
@group(0) @binding(2) var<storage, read> slices: array<PointsSlice>;
@group(0) @binding(3) var<storage, read> edges: array<vec2u>;

const NODE_BLOCKS: u32 = 16u;
const NODE_ROWS: u32 = 4096u;

// The nodes of a segment are dealt out to strata (src/render/render_gpu_reach.h).
const PLANE_STRATA: u32 = 256u;

// The first place in [low, high] whose edge a key has not passed.
fn place_among(counted: vec2u, first_edge: u32, is_across: bool, low_place: u32, high_place: u32) -> u32 {
    var low = low_place;
    var high = high_place;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (is_less(counted, edges[first_edge + middle]) != is_across) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

// The place of a key between those of others.
fn place_within(key: vec2u, low_place: u32, high_place: u32) -> u32 {
    let counted = add_wide(key, vec2u(segment.offset_low, segment.offset_high));
    return place_among(counted, segment.edges, (segment.flags & IS_ACROSS) != 0u, low_place, high_place);
}

fn place_of(key: vec2u) -> u32 {
    if ((segment.flags & IS_ACROSS) != 0u) {
        return place_within(key, 0u, frame.width + 1u - segment.unbounded);
    }
    return place_within(key, segment.unbounded, frame.height + 1u);
}

// The places that keys of a pair may have: x <= y.
fn places_of(pair: Pair) -> vec2u {
    let a = place_of(pair.min);
    let b = place_of(pair.max);
    return vec2u(min(a, b), max(a, b));
}

fn is_outside(x: vec2u, y: vec2u) -> bool {
    return x.y == 0u || x.x > frame.width || y.y == 0u || y.x > frame.height;
}

fn node_pair(node: u32) -> Pair {
    return tree_pair(min(segment.level_count - 1u, 1u), node);
}

fn has_gaps(slice: PointsSlice) -> bool {
    return slice.gaps_x_first < slice.gaps_x_last || slice.gaps_y_first < slice.gaps_y_last;
}

// Whether the slice's strata have the node.
fn is_chosen(slice: PointsSlice, node: u32) -> bool {
    let stratum = reverseBits(node % PLANE_STRATA) >> 24u;
    return slice.strata == 0u || (stratum >= slice.strata % 65536u && stratum < slice.strata / 65536u);
}
