// Up to CHUNK neighbouring blocks of a narrow column (keys of 32 bits), found by a workgroup together:
// headers, widths and where the payload lies are looked up once a block, not once a value. Whoever
// reads every value of many blocks starts here; 8 threads take a block, a lane each.

const CHUNK: u32 = 64u; // and the least number of threads

var<workgroup> chunk_mins: array<u32, CHUNK>;
var<workgroup> chunk_bits: array<u32, CHUNK>;
// Word w of block i's payload is at `near[i] + w` of the slabs if w < split[i], else at `far[i] + w`:
// a payload lies on one page or two.
var<workgroup> chunk_near: array<u32, CHUNK>;
var<workgroup> chunk_far: array<u32, CHUNK>;
var<workgroup> chunk_split: array<u32, CHUNK>;

// Finds blocks first .. first + CHUNK - 1, first a multiple of 4, as far as they are below `last`. In
// uniform control flow; `thread` counts the workgroup's.
fn chunk_find(first: u32, last: u32, thread: u32) {
    let index = first + thread;
    workgroupBarrier(); // the last chunk has been read
    if (thread < CHUNK && index < last) {
        let pair = tree_pair(0u, index);
        chunk_mins[thread] = pair.min.x;
        chunk_bits[thread] = pair_bits(pair);
    }
    workgroupBarrier();
    if (thread < CHUNK && index < last) {
        var at = load(segment.directory + index / 4u) * 8u;
        for (var before = thread & ~3u; before < thread; before++) {
            at += chunk_bits[before] * 8u;
        }
        chunk_near[thread] = address_of(at);
        chunk_split[thread] = PAGE_WORDS - at % PAGE_WORDS;
        chunk_far[thread] = address_of(at + chunk_split[thread]) - chunk_split[thread];
    }
    workgroupBarrier();
}

// One lane of a block, read from its first value to its last; each word is loaded once.
struct Stream {
    near: u32,
    far: u32,
    split: u32,
    bits: u32,
    mask: u32,
    next: u32, // word of the payload
    last: u32, // of the lane
    word: u32,
    shift: u32,
}

fn stream_load(stream: ptr<function, Stream>) -> u32 {
    let w = min((*stream).next, (*stream).last);
    (*stream).next += 8u;
    return load_at(w + select((*stream).far, (*stream).near, w < (*stream).split));
}

// Of block i of the chunk, 1 to 32 bits.
fn stream_start(i: u32, lane: u32) -> Stream {
    let bits = chunk_bits[i];
    var stream = Stream(chunk_near[i], chunk_far[i], chunk_split[i], bits,
                        0xFFFFFFFFu >> (32u - bits), lane, lane + (bits - 1u) * 8u, 0u, 0u);
    stream.word = stream_load(&stream);
    return stream;
}

// The lane's next residual.
fn stream_next(stream: ptr<function, Stream>) -> u32 {
    let shift = (*stream).shift;
    let word = (*stream).word;
    var value = word >> shift;
    var end = shift + (*stream).bits;
    if (end >= 32u) {
        (*stream).word = stream_load(stream);
        end -= 32u;
        if (end > 0u) {
            value |= (*stream).word << (32u - shift);
        }
    }
    (*stream).shift = end;
    return value & (*stream).mask;
}
