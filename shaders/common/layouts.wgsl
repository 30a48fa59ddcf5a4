// What C and WGSL share; src/render/render_gpu_layouts.h has the same structs, and a test compares
// the two field by field. Everything is u32: times and values never leave the processor as floats.
//
// A "row + 1" is a pixel row counted from 1: 0 lies above the view, height + 1 below it.

const LEVELS: u32 = 9u;
const PAGE_WORDS: u32 = 4096u;
const NO_ROW: u32 = 0xFFFFFFFFu; // of Slice.lead and tail: nothing is connected there
const ROW_BEFORE: u32 = 0xFFFFFFFEu; // of Slice.lead: the segment's row before, if it is drawn
const IS_WIDE: u32 = 1u;
const IS_ACROSS: u32 = 2u; // its edges are those of columns
const IS_F32: u32 = 4u; // its keys stand for floats
const IS_F64: u32 = 8u;
const JOIN_NONE: u32 = 2u;

struct Frame {
    width: u32,
    height: u32,
    join: u32,
    first_slice: u32, // of this dispatch
    slice_count: u32,
    groups_x: u32, // workgroups in a row of the dispatch
    first_extents: u32, // where those of the panel's series start in marks
    extents: u32, // where this series' extents start, or its bars'
    series_count: u32, // of the panel before this one, whose extents may hide columns
    lit: u32, // where the panel's bitmap starts
    lit_words: u32, // of it, a column
    left: u32, // of the part of the picture that a texture holds
    top: u32,
    target_width: u32,
    target_height: u32,
    origin: u32, // where column 0 is in marks and counts, which are rings of columns
    panel_count: u32, // of the picture
    grid_origin: u32, // as origin, of the counts
    grid_step: u32, // pixels a side of what is counted together
}

// What the kernels of shaders/count.wgsl and tone.wgsl work on.
struct Counting {
    height: u32, // cells in a column: pixels, or squares of `step` pixels a side
    first_slice: u32,
    slice_count: u32,
    groups_x: u32, // workgroups in a row of the dispatch
    parts: u32, // workgroups a slice and band
    grid: u32, // where the series' counts start, column by column
    pixels: u32, // cells of the plot; behind their counts lies a scale for each column
    step: u32,
    plot_width: u32, // pixels
    plot_height: u32,
    strata: u32, // a power of two (Slice.lead)
}

// Which rows of a picture are a panel's, and where its marks and counts lie; marks begin with them.
struct Panel {
    first_row: u32,
    height: u32,
    extents: u32,
    series_count: u32,
    lit: u32,
    lit_words: u32,
    grid: u32, // the first of its grids of counts, each behind its head (common/tone.wgsl)
    grid_count: u32,
    grid_words: u32, // of one and its head
}
const PANEL_WORDS: u32 = 9u;

// A sealed segment's column. Offsets are words from the segment's start; `pages` is where its page
// table starts.
struct Segment {
    pages: u32,
    page_count: u32,
    row_count: u32,
    flags: u32,
    level_count: u32,
    directory: u32,
    gap_supers: u32,
    gap_bitmaps: u32,
    edges: u32, // where its table of row edges starts, or what heights.wgsl says, in pairs
    unbounded: u32, // entries of it that every key is below
    offset_low: u32, // added to a key before it is compared
    offset_high: u32,
    levels: array<u32, 9>,
}

// What a command of a painted picture draws, within [left, right) x [top, bottom) of the picture's
// pixels. Letters are what a to f hold; floats are kept as their bits, in picture pixels.
const PAINT_FILL: u32 = 1u; // -
const PAINT_BOX: u32 = 2u; // x0 y0 x1 y1
const PAINT_ROUND: u32 = 3u; // x0 y0 x1 y1 radius
const PAINT_SLANTED: u32 = 4u; // x0 y0 x1 y1 width
const PAINT_GLYPH: u32 = 5u; // left and top (i32), width, height, byte of the atlas, turns + 4 * curve
// Marks of a plot: where its table of columns or tiles is in data, where its shapes are; f: the
// plot's corner, x + 65536 * y.
const PAINT_STROKE: u32 = 6u; // table, shapes
const PAINT_DISCS: u32 = 7u; // table, shapes, reach, opacity, tiles in a row
const PAINT_AREA: u32 = 8u; // table, shapes, baseline, colours of the rows
// Its counts, gch_density_scale, colours of the levels, and of the plot height and width.
const PAINT_GRID: u32 = 9u;
const PAINT_BETWEEN: u32 = 13u; // table, shapes
// As PAINT_STROKE (table NO_ROW: no shapes), and of columns that heights.wgsl has reduced: where they
// are in marks, reach, the plot's width + 65536 * what is made of them. Shapes of HULLS, whose columns
// are rows + 1 of top and bottom: the baseline.
const PAINT_REDUCED: u32 = 14u;
const PAINT_BARS: u32 = 15u; // table, shapes: bars whose high and low heights.wgsl has reduced
// The same between two lines, in columns that both have: places of the lower one and the upper one, the
// plot's width.
const PAINT_REDUCED_BETWEEN: u32 = 16u;
const REDUCED_LINE: u32 = 0u;
const REDUCED_STEP: u32 = 1u;
const REDUCED_RISING: u32 = 2u;
const REDUCED_FALLING: u32 = 3u;
const REDUCED_HULLS: u32 = 4u;

const TILE_PX: u32 = 32u; // a side: of the tiles of pictures and of discs

struct Command {
    kind: u32,
    color: u32, // 0xAABBGGRR
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
    e: u32,
    f: u32,
}

// Rows [first, last) of a segment that fall into a pixel column; or, for light_pieces, the pixel
// rows + 1 first to last of the column; or what bars.wgsl says.
struct Slice {
    column: u32,
    segment: u32,
    first: u32,
    last: u32,
    // Row + 1 that the first row is connected with. Of rows that are counted: 0 for all of them, or
    // of which strata: phase + 1024 * first + 1048576 * last (shaders/count.wgsl).
    lead: u32,
    tail: u32, // row + 1 that the last row is connected with
    gaps_first: u32, // entries of the list of super-blocks with gaps that these rows touch
    gaps_last: u32,
}

// A study of a painted picture (shaders/studies.wgsl). Bars, chunks and places lie in its words,
// values in its values, lines and parts in the picture's data.
struct Study {
    kind: u32,
    length: u32,
    bars: u32,
    first_bar: u32, // of the first point
    point_count: u32,
    values: u32,
    chunks: u32,
    chunk_count: u32,
    places: u32,
    place_count: u32,
    lines: u32, // RANGE: of the lower edge
    upper_lines: u32,
    parts: u32, // RANGE: of the band
    width: u32, // of the plot
    height: u32,
    offset_low: u32, // SPREAD: added to each difference
    offset_high: u32,
    pad_a: u32, // a uniform's entries are multiples of 16 bytes
    pad_b: u32,
    pad_c: u32,
}

const STUDY_SMA: u32 = 1u;
const STUDY_EMA: u32 = 2u;
const STUDY_RANGE: u32 = 3u;
const STUDY_SPREAD: u32 = 4u;

struct PointsFrame {
    width: u32,
    height: u32,
    first_slice: u32, // of this dispatch
    slice_count: u32,
    groups_x: u32, // workgroups in a row of a dispatch that is not indirect
    counts: u32, // 1: cells hold counts; 0: bits
    cells: u32, // where they start in marks, column by column
    stride: u32, // words a column
    capacity: u32, // blocks that there is room for
}

// Nodes of 16 blocks each of a point set.
struct PointsSlice {
    segment: u32, // of x; that of y is the next, that of values, if there are any, the one behind it
    first_node: u32,
    node_count: u32, // at most 64
    gaps_x_first: u32, // entries of the lists of super-blocks with gaps that these rows touch
    gaps_x_last: u32,
    gaps_y_first: u32,
    gaps_y_last: u32,
    gaps_value_first: u32,
    gaps_value_last: u32,
    strata: u32, // 0: all of its nodes; else those of strata [it % 65536, it / 65536)
}

// A grid of pixels, `stride` words a column, and where it goes in another.
struct Paste {
    first: u32, // its first word
    width: u32,
    height: u32,
    stride: u32,
    to: u32, // the first word
    to_width: u32,
    to_height: u32,
    to_stride: u32,
    x: u32, // its corner there, i32
    y: u32,
    pad_a: u32,
    pad_b: u32,
}
